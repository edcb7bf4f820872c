"""What Crossfade made and added, written on the objects themselves, so that exactly that can be taken out again.

`crossfade/adopted` is JSON: `namespace/name` of the service → what was done for it. Of an object that Crossfade made
it is a digest of the spec (`made`); of a DestinationRule of somebody else's the subsets that were added; of a
VirtualService of somebody else's what each route was before, and the destinations that were added to its splits.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from webapp.istio.objects import Key, ObjectMeta, RawObject, Route, VirtualService
from webapp.istio.parse_values import integer, mapping, mappings, text
from webapp.istio.patch import TAG_HEADER
from webapp.istio.routes import route_key

ADOPTED = "crossfade/adopted"
MANAGED_BY = "app.kubernetes.io/managed-by"
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/"""
CROSSFADE = "crossfade"

MOST_BYTES = 32 * 1024
"""All annotations of an object together may have 256 KiB."""

Record = dict[str, Any]
"""What was done to one object for one service."""


def service_name(key: Key) -> str:
    """Give a service's name in records."""
    return "/".join(key)


def records(metadata: ObjectMeta) -> dict[str, Record]:
    """Read an object's records by service; what can't be read (people can write there too) is left out."""
    try:
        raw = json.loads(metadata.annotations.get(ADOPTED) or "{}")
    except (ValueError, RecursionError):
        return {}
    return {service: dict(each) for service, each in mapping(raw).items() if isinstance(each, Mapping) and each}


def record_of(metadata: ObjectMeta, key: Key) -> Record:
    """Read what was done to an object for one service, empty where nothing was."""
    return records(metadata).get(service_name(key), {})


def annotation(metadata: ObjectMeta, key: Key, record: Record) -> str | None:
    """Give the annotation with a service's record in place of its former one, None where nothing is left to say."""
    others = {service: each for service, each in records(metadata).items() if service != service_name(key)}
    whole = others | ({service_name(key): record} if record else {})
    return json.dumps(whole, separators=(",", ":"), sort_keys=True) if whole else None


def digest_of(value: Any) -> str:
    """Digest JSON."""
    written = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()[:16]


def made_digest(spec: Any) -> str:
    """Digest a spec that Crossfade made, whatever weights it has and whether it is tagged: both are moved from here."""
    spec = copy.deepcopy(spec)
    for section in ("http", "tls", "tcp"):
        for route in mappings(mapping(spec).get(section)):
            if isinstance(route, dict) and isinstance(route.get("route"), list):
                route["route"] = lasting(route["route"])
    return digest_of(spec)


def route_record(route: Route, before: Any, after: Sequence[RawObject]) -> Record:
    """Say what a route's destinations were, and what has been put in their place."""
    return place_of(route) | {"before": before, "made": digest_of(lasting(after))}


def added_record(route: Route, destination: RawObject) -> Record:
    """Say what has been put beside a route's destinations."""
    return place_of(route) | {"destination": lasting([destination])[0]}


def place_of(route: Route) -> Record:
    """Name a route so that it is found again after edits elsewhere in its object."""
    return {"route": route_key(route), "section": route.section, "index": route.index}


def find_recorded(virtual_service: VirtualService, place: Mapping[str, Any]) -> Route | None:
    """Give the route that a record is about: the one of its name or match, of several the one at its place."""
    named = [
        route
        for route in virtual_service.routes
        if route.section == text(place.get("section")) and route_key(route) == text(place.get("route"))
    ]
    if len(named) == 1:
        return named[0]
    return next((route for route in named if route.index == integer(place.get("index"))), None)


def lasting(destinations: Sequence[RawObject]) -> list[RawObject]:
    """Give raw destinations without their weights and without the response tag."""
    return [_lasting(each) for each in destinations]


def _lasting(raw: RawObject) -> RawObject:
    kept = {name: copy.deepcopy(value) for name, value in mapping(raw).items() if name != "weight"}
    levels = [kept]
    for name in ("headers", "response", "set"):
        inner = levels[-1].get(name)
        if not isinstance(inner, dict):
            return kept
        levels.append(inner)
    if levels.pop().pop(TAG_HEADER, None) is not None:
        for level, name in zip(reversed(levels), ("set", "response", "headers"), strict=True):
            if level[name] != {}:
                break
            del level[name]
    return kept
