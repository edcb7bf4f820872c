"""A shift that goes back by itself unless somebody keeps it: one annotation, which any replica may carry out.

An entry is one route's way back. It counts only while the route is the one that the shift made: the same destinations
with the same weights. Whoever shifts the route again, or keeps it, takes the entry out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from webapp.errors import InvalidInput
from webapp.istio.history import HISTORY, record, recorded_weights
from webapp.istio.names import host_matches, resolve_host, service_host
from webapp.istio.objects import JsonPatch, Key, Route, VirtualService
from webapp.istio.ownership import Owner, owner_of
from webapp.istio.parse_values import mapping, text
from webapp.istio.patch import annotation_patch, weight_patch
from webapp.istio.routes import destinations_digest, route_key
from webapp.istio.snapshot import Snapshot, remembered

RETURN = "crossfade/return"
"""The annotation: a JSON list, one entry a route."""

USUAL_SECONDS = 30
ANYBODY = "crossfade"
"""Who makes a shift where nobody has signed in, as the history has it."""
NOBODY = f"{ANYBODY}: nobody kept it"
"""Who made the shift back of such a shift."""

_SECONDS = range(5, 3601)
_NUMBER = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class Return:
    """One way back.

    :param after: the weights that the shift set, with the digest of the `destinations` that they belong to.
    :param before: the weights to go back to: the last that somebody kept.
    :param at: the deadline; replicas compare it with their own clocks.
    """

    route_key: str
    after: tuple[int, ...]
    before: tuple[int, ...]
    destinations: str
    at: datetime
    by: str

    def holds(self, route: Route) -> bool:
        """Whether a route is still the one that the shift made."""
        made = (self.route_key, self.after, self.destinations)
        return made == (route_key(route), route.weights, destinations_digest(route))


@dataclass(frozen=True, slots=True)
class Due:
    """A way back whose time has come: of which VirtualService, and of which of its routes."""

    key: Key
    route_key: str


def parse_return_seconds(given: str) -> int | None:
    """Read a form's `return_seconds`, None where it is empty.

    :raises InvalidInput: it is no whole number from 5 to 3600.
    """
    if not given:
        return None
    if not _NUMBER.fullmatch(given) or int(given) not in _SECONDS:
        words = f"a whole number of seconds from {_SECONDS.start} to {_SECONDS.stop - 1} is needed"
        raise InvalidInput(f'"return_seconds" can\'t be used: {words}.', field="return_seconds")
    return int(given)


def rfc3339(at: datetime) -> str:
    """Write a moment of UTC as Kubernetes does."""
    return at.isoformat().replace("+00:00", "Z")


@lru_cache(32)
def parse_returns(annotation: str) -> tuple[Return, ...]:
    """Read the annotation; what can't be read (people can write there too) is left out."""
    try:
        raw = json.loads(annotation)
    except (ValueError, RecursionError):
        return ()
    entries = (_entry(mapping(each)) for each in (raw if isinstance(raw, list) else []))
    return tuple(entry for entry in entries if entry is not None)


def _entry(raw: Mapping[str, Any]) -> Return | None:
    after, before = recorded_weights(raw.get("after")), recorded_weights(raw.get("before"))
    try:
        at = datetime.fromisoformat(text(raw.get("at")))
        in_utc = at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if at.tzinfo is None or not any(before) or len(before) != len(after):
        return None
    return Return(text(raw.get("route")), after, before, text(raw.get("destinations")), in_utc, text(raw.get("by")))


def returns_of(virtual_service: VirtualService) -> tuple[Return, ...]:
    """Give the ways back that an object carries; none where its owner takes annotations for changes."""
    annotation = virtual_service.metadata.annotations.get(RETURN)
    if annotation is None or not tolerated(owner_of(virtual_service.metadata)):
        return ()
    return parse_returns(annotation)


def tolerated(owner: Owner | None) -> bool:
    """Whether a way back may be noted on an object that this tool manages."""
    return owner is None or owner.tolerates_annotations


def waiting_return(virtual_service: VirtualService, route: Route) -> Return | None:
    """Give the way back that waits on a route."""
    return next((each for each in returns_of(virtual_service) if each.holds(route)), None)


def returns_after(
    virtual_service: VirtualService,
    route: Route,
    weights: tuple[int, ...],
    *,
    return_seconds: int | None,
    by: str,
    now: datetime,
) -> str | None:
    """Give the annotation's text after a shift: this route's entry goes, and a new one comes where seconds are given.

    A shift upon one that nobody has kept yet leads back to where that one would have gone.

    :return: None where no way back is left.
    :raises InvalidInput: the object's owner takes annotations for changes, or the weights to go back to were all 0.
    """
    waiting, key = waiting_return(virtual_service, route), route_key(route)
    before = waiting.before if waiting else route.weights
    entries = _others(virtual_service, key)
    if return_seconds is not None:
        _expect_way_back(virtual_service, before)
        if weights != before:
            # Up to a whole second: the annotation has no fractions.
            at = (now.astimezone(UTC) + timedelta(seconds=return_seconds, microseconds=999_999)).replace(microsecond=0)
            entries.append(Return(key, weights, before, destinations_digest(route), at, by))
    return _text(entries)


def keep_patch(virtual_service: VirtualService, route: Route) -> JsonPatch:
    """Take a route's way back out, fenced; no operations where it has none."""
    return annotation_patch(virtual_service, {RETURN: _text(_others(virtual_service, route_key(route)))})


def due_returns(snapshot: Snapshot, now: datetime) -> tuple[Due, ...]:
    """List the ways back whose time has come, in order of their objects' names."""
    return tuple(Due(key, each.route_key) for key, each in _waiting(snapshot) if each.at <= now)


def return_patch(virtual_service: VirtualService, key: str, *, now: datetime, history: bool) -> JsonPatch:
    """Carry the way back of the route named `key` out: its weights, our annotations, one fence.

    :return: no operations where nothing is due (any more); where the route is another one by now, only the entry goes.
    """
    entries = returns_of(virtual_service)
    due = next((each for each in entries if each.route_key == key and each.at <= now), None)
    if due is None:
        return []
    annotations: dict[str, str | None] = {RETURN: _text(each for each in entries if each is not due)}
    route = next((each for each in virtual_service.routes if due.holds(each)), None)
    if route is None or route.weights == due.before:
        return annotation_patch(virtual_service, annotations)
    if history:
        annotations[HISTORY] = record(virtual_service, route, due.before, by=returned_by(due.by), now=now)
    return weight_patch(virtual_service, route, due.before, annotations=annotations)


def returned_by(by: str) -> str:
    """Say who carries a way back out, and for whom: a dashboard in its own name, whoever made the shift."""
    return NOBODY if by in {"", ANYBODY} else f"{ANYBODY}, for {by}: nobody kept it"


def serves_itself(virtual_service: VirtualService, route: Route, *, own_service: str, host: str) -> bool:
    """Whether a route is the one by which this very request came: its host, to the dashboard's own Service.

    :param own_service: `namespace/name`, empty where it is not known.
    :param host: the request's Host, without a port.
    """
    namespace, _, name = own_service.partition("/")
    own, around = service_host((namespace, name)), virtual_service.metadata.namespace
    hosts = (resolve_host(each, namespace=around) for each in virtual_service.hosts)
    return bool(own_service) and (
        any(resolve_host(each.destination.host, namespace=around) == own for each in route.route)
        # A delegate has no hosts of its own.
        and (not virtual_service.hosts or any(host_matches(each, host) for each in hosts))
    )


@remembered
def _waiting(snapshot: Snapshot) -> tuple[tuple[Key, Return], ...]:
    return tuple((key, each) for key, found in sorted(snapshot.virtual_services.items()) for each in returns_of(found))


def _others(virtual_service: VirtualService, key: str) -> list[Return]:
    """Give the other routes' entries; those of routes that are gone by now are not among them."""
    there = {route_key(each) for each in virtual_service.routes} - {key}
    return [each for each in returns_of(virtual_service) if each.route_key in there]


def _expect_way_back(virtual_service: VirtualService, before: tuple[int, ...]) -> None:
    owner = owner_of(virtual_service.metadata)
    if owner and not tolerated(owner):
        raise InvalidInput(
            f"A way back is noted in an annotation, which {owner.tool} takes for a change of its object: "
            "nothing was written. Shift without it.",
            field="return_seconds",
        )
    if not any(before):
        raise InvalidInput(
            "The weights are all 0 now, which Istio refuses, so there is nothing to return to. Shift without it.",
            field="return_seconds",
        )


def _text(entries: Iterable[Return]) -> str | None:
    raw = [
        {
            "route": each.route_key,
            "after": each.after,
            "before": each.before,
            "destinations": each.destinations,
            "at": rfc3339(each.at),
            "by": each.by,
        }
        for each in entries
    ]
    return json.dumps(raw, separators=(",", ":")) if raw else None
