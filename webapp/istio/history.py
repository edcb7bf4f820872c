"""The weights that a route had before: kept in one annotation of its VirtualService, and nowhere else.

An entry is one shift of ours. What others did in between shows as a gap between what one entry left and what the
next one found; such a state is inferred, and so is who made it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from webapp.istio.objects import ManagedField, ObjectMeta, Route, Section, VirtualService
from webapp.istio.parse_values import integer, mapping, text
from webapp.istio.routes import destinations_digest, route_key

HISTORY = "crossfade/history"
"""The annotation: a JSON list, the newest shift first, of all routes of the object."""

FIELD_MANAGER = "crossfade"
"""Our name in `metadata.managedFields`."""

MOST_ENTRIES = 20
MOST_BYTES = 16 * 1024
_MOST_NAME_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """One shift: which route, when (RFC 3339, UTC), by whom, from what to what.

    :param destinations: digest of the destinations that the weights belong to.
    :param base: the object's resourceVersion that the shift was made on.
    """

    route_key: str
    at: str
    by: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    destinations: str
    base: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One state of a route's weights, and who made it so, when. `by` and `at` are empty where nobody knows.

    :param inferred: not recorded by a shift of ours, but concluded from what is there.
    """

    weights: tuple[int, ...]
    by: str
    at: str
    current: bool
    inferred: bool


@dataclass(frozen=True, slots=True)
class NoUndo:
    """There is no way back, and why."""

    reason: str


@lru_cache(32)  # one page asks several times
def parse_history(annotation: str | None) -> tuple[Entry, ...]:
    """Read the annotation, the newest entry first; what can't be read (people can write there too) is left out."""
    try:
        raw = json.loads(annotation or "[]")
    except (ValueError, RecursionError):
        return ()
    entries = (_entry(mapping(each)) for each in (raw if isinstance(raw, list) else []))
    return tuple(entry for entry in entries if entry is not None)[:MOST_ENTRIES]


def _entry(raw: Mapping[str, Any]) -> Entry | None:
    before, after = recorded_weights(raw.get("before")), recorded_weights(raw.get("after"))
    if not text(raw.get("route")) or not before or len(before) != len(after):
        return None
    names = {name: text(raw.get(name)) for name in ("at", "by", "destinations", "base")}
    return Entry(route_key=text(raw.get("route")), before=before, after=after, **names)


def recorded_weights(raw: Any) -> tuple[int, ...]:
    """Read weights out of one of our annotations, none where they can't be read."""
    if not isinstance(raw, list):
        return ()
    found = [integer(each) for each in raw]
    weights = tuple(weight for weight in found if weight is not None and weight >= 0)
    return weights if len(weights) == len(found) else ()


def record(virtual_service: VirtualService, route: Route, weights: Sequence[int], *, by: str, now: datetime) -> str:
    """Give the annotation's text after a shift from what the route has to `weights`; the oldest entries make room."""
    newest = Entry(
        route_key=route_key(route),
        at=now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        by=by[:_MOST_NAME_CHARACTERS],
        before=route.weights,
        after=tuple(weights),
        destinations=destinations_digest(route),
        base=virtual_service.metadata.resource_version,
    )
    entries = [_raw(entry) for entry in (newest, *_entries(virtual_service))][:MOST_ENTRIES]
    while len(annotation := json.dumps(entries, separators=(",", ":"))) > MOST_BYTES:
        entries.pop()
    return annotation


def _raw(entry: Entry) -> dict[str, Any]:
    return {
        "route": entry.route_key,
        "at": entry.at,
        "by": entry.by,
        "before": entry.before,
        "after": entry.after,
        "destinations": entry.destinations,
        "base": entry.base,
    }


def _entries(virtual_service: VirtualService) -> tuple[Entry, ...]:
    return parse_history(virtual_service.metadata.annotations.get(HISTORY))


def _entries_of(virtual_service: VirtualService, route: Route) -> list[Entry]:
    key = route_key(route)
    return [entry for entry in _entries(virtual_service) if entry.route_key == key]


def changes(virtual_service: VirtualService, route: Route) -> tuple[Change, ...]:
    """List the states of a route's weights, the newest (what it has now) first."""
    entries = _entries_of(virtual_service, route)
    found: list[Change] = []
    expected = route.weights
    for entry in entries:
        if entry.after != expected:
            found.append(_inferred(virtual_service, route, expected, current=not found))
        found.append(Change(entry.after, by=entry.by, at=entry.at, current=not found, inferred=False))
        expected = entry.before
    found.append(_inferred(virtual_service, route, expected, current=not found))
    return tuple(found)


def _inferred(virtual_service: VirtualService, route: Route, weights: tuple[int, ...], *, current: bool) -> Change:
    by, at = (last_writer(virtual_service.metadata, route.section) if current else None) or ("", "")
    return Change(weights, by=by, at=at, current=current, inferred=True)


def undo_weights(virtual_service: VirtualService, route: Route) -> tuple[int, ...] | NoUndo:
    """Give the weights that a route had before those it has now.

    Going back is a shift like any other: undone again, it leads forward.
    """
    entries = _entries_of(virtual_service, route)
    if not entries:
        return NoUndo("No earlier weights of this route are known.")
    newest = entries[0]
    if newest.destinations != destinations_digest(route) or len(newest.after) != len(route.route):
        return NoUndo("The route's destinations have changed since, so the earlier weights would mean something else.")
    earlier = newest.before if newest.after == route.weights else newest.after
    if not any(earlier):
        return NoUndo("The earlier weights were all 0, which Istio refuses.")
    return earlier


def last_writer(metadata: ObjectMeta, section: Section = "http") -> tuple[str, str] | None:
    """Tell who wrote a section last, and when (RFC 3339): another than Crossfade, where there is one to name.

    A list in Istio's CRDs is owned as a whole, so who owns `spec.http` wrote its last change; where that is not
    told, it is the newest who owns a part of the spec. Writers of the status alone don't count.
    https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
    """
    writers = [each for each in metadata.managed_fields if not each.fields or "f:spec" in each.fields]
    if not writers:
        return None

    def likelihood(each: ManagedField) -> tuple[bool, bool, str]:
        owns_it = f"f:{section}" in mapping(each.fields.get("f:spec"))
        return owns_it, each.manager != FIELD_MANAGER, each.time

    latest = max(writers, key=likelihood)
    return latest.manager, latest.time
