"""The way back: take out exactly what Crossfade made and added, routes first, then the subsets that they named."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from webapp.istio.adopt.plan import recorded, replace_routes
from webapp.istio.adopt.record import digest_of, find_recorded, lasting, made_digest, record_of
from webapp.istio.adopt.steps import IstioObject, KindName, Plan, Step, after, change, deletion
from webapp.istio.diagnostics.extras import mirror_destinations
from webapp.istio.gateways import MESH
from webapp.istio.history import last_writer
from webapp.istio.mesh import host_of
from webapp.istio.names import gateway_key, resolve_host
from webapp.istio.objects import Destination, DestinationRule, Gateway, Key, Route, VirtualService
from webapp.istio.parse_values import integer, mapping, mappings, text
from webapp.istio.snapshot import Snapshot

_CASE: Mapping[type, KindName] = {
    DestinationRule: "DestinationRule",
    VirtualService: "VirtualService",
    Gateway: "Gateway",
}


def plan_return(snapshot: Snapshot, key: Key) -> Plan:
    """Say what is taken back for a service, and what is left because somebody has changed it since.

    Its routes come first, as they were or not at all; then subsets that nobody names any more; then Gateways.
    """
    left: list[str] = []
    routes = [_virtual_service(each, key, left) for each in _touched(snapshot.virtual_services, key)]
    steps = [step for step in routes if step]
    unrouted = after(snapshot, steps)
    rules = [_rule(unrouted, each, key, left) for each in _touched(snapshot.destination_rules, key)]
    gateways = [_gateway(unrouted, each, key, left) for each in _touched(snapshot.gateways, key)]
    return Plan((*steps, *(step for step in (*rules, *gateways) if step)), tuple(left))


def adopted_objects(snapshot: Snapshot, key: Key) -> tuple[tuple[str, bool], ...]:
    """List the objects that carry a record for a service, by full name, and whether Crossfade made each."""
    objects = [
        *_touched(snapshot.destination_rules, key),
        *_touched(snapshot.virtual_services, key),
        *_touched(snapshot.gateways, key),
    ]
    return tuple(
        (f"{_CASE[type(each)]} {each.metadata.full_name}", "made" in record_of(each.metadata, key)) for each in objects
    )


def _touched(objects: Mapping[Key, Any], key: Key) -> list[Any]:
    return [each for _, each in sorted(objects.items()) if record_of(each.metadata, key)]


def _virtual_service(virtual_service: VirtualService, key: Key, left: list[str]) -> Step | None:
    record = record_of(virtual_service.metadata, key)
    if "made" in record:
        return _made(virtual_service, key, left, why="Takes its routes away: what it split goes by pods again.")
    replaced: dict[tuple[str, int], Any] = {}
    kept: dict[str, list[Any]] = {"routes": [], "added": []}
    for entry in mappings(record.get("routes")):
        route = find_recorded(virtual_service, entry)
        if route is None or digest_of(lasting(mappings(route.raw.get("route")))) != text(entry.get("made")):
            left.append(_changed(virtual_service, f"route {integer(entry.get('index'))}", "It stays split."))
            kept["routes"].append(entry)
        else:
            replaced[route.section, route.index] = copy.deepcopy(entry.get("before"))
    for entry in mappings(record.get("added")):
        route = find_recorded(virtual_service, entry)
        place = (route.section, route.index) if route else ("", -1)
        rest = _without(route, replaced.get(place), entry, virtual_service, left) if route else None
        if rest is None:
            kept["added"].append(entry)
        else:
            replaced[place] = rest
    if not replaced:
        return None
    again = {name: entries for name, entries in kept.items() if entries}
    return replace_routes(
        virtual_service,
        replaced,
        annotations=recorded(virtual_service.metadata, key, again),
        why="Puts its routes back to what they were.",
    )


def _without(
    route: Route, replaced: Any, entry: Mapping[str, Any], virtual_service: VirtualService, left: list[str]
) -> list[Any] | None:
    """Give a route's destinations without one that was added beside them, None where that can't be."""
    destinations = list(replaced if replaced is not None else route.raw["route"])
    added = entry.get("destination")
    place = next((place for place, each in enumerate(lasting(destinations)) if each == added), None)
    name = text(mapping(mapping(added).get("destination")).get("subset"))
    if place is None:
        left.append(_changed(virtual_service, f"the destination {name}", "It stays, if it is still there."))
        return None
    if integer(destinations[place].get("weight")) or len(destinations) == 1:
        weight = destinations[place].get("weight")
        left.append(
            f"VirtualService {virtual_service.metadata.full_name}: {name} was added to a split and has the weight "
            f"{weight} now. Shift it to 0 first, and it can be taken out."
        )
        return None
    del destinations[place]
    return destinations


def _rule(unrouted: Snapshot, rule: DestinationRule, key: Key, left: list[str]) -> Step | None:
    """Take a rule back where no route names its subsets any more."""
    record = record_of(rule.metadata, key)
    named = _named_subsets(unrouted, key)
    if "made" in record:
        users = [each.name for each in rule.subsets if each.name in named]
        if users:
            left.append(_still_named(rule, users, named))
            return None
        return _made(rule, key, left, why="Takes the subsets' names away; no route uses them any more.")
    spec = copy.deepcopy(dict(mapping(rule.raw.get("spec"))))
    subsets = list(spec.get("subsets") or []) if isinstance(spec.get("subsets"), list) else []
    operations = []
    kept = []
    for entry in mappings(record.get("subsets")):
        name = text(entry.get("name"))
        if entry not in subsets:
            left.append(_changed(rule, f"the subset {name}", "It stays, if it is still there."))
        elif name in named:
            left.append(_still_named(rule, [name], named))
            kept.append(entry)
        else:
            place = len(subsets) - 1 - subsets[::-1].index(entry)
            del subsets[place]
            operations.append({"op": "remove", "path": f"/spec/subsets/{place}"})
    if not operations:
        return None
    spec["subsets"] = subsets
    if not subsets and record.get("absent") is True:
        operations.append({"op": "remove", "path": "/spec/subsets"})
        del spec["subsets"]
    again = {"subsets": kept, "absent": record.get("absent") is True} if kept else {}
    why = "Takes the added subsets out; no route uses them any more."
    return change(rule, spec, operations, annotations=recorded(rule.metadata, key, again), why=why)


def _gateway(unrouted: Snapshot, gateway: Gateway, key: Key, left: list[str]) -> Step | None:
    users = [
        each.metadata.full_name
        for _, each in sorted(unrouted.virtual_services.items())
        for name in each.gateways
        if name != MESH and gateway_key(name, namespace=each.metadata.namespace) == gateway.metadata.key
    ]
    if users:
        left.append(f"Gateway {gateway.metadata.full_name} stays: {' and '.join(users)} uses it.")
        return None
    return _made(gateway, key, left, why="Closes the door that was opened for it.")


def _made(found: IstioObject, key: Key, left: list[str], *, why: str) -> Step | None:
    """Delete an object that Crossfade made, unless somebody has put something of their own into it."""
    if record_of(found.metadata, key).get("made") == made_digest(found.raw.get("spec")):
        return deletion(found, why=why)
    left.append(_changed(found, "", "It stays whole: delete it by hand, if it is not needed."))
    return None


def _changed(found: IstioObject, what: str, then: str) -> str:
    by, _ = last_writer(found.metadata) or ("somebody", "")
    whose = f"{_CASE[type(found)]} {found.metadata.full_name}{f', {what},' if what else ''}"
    return f"{whose} was changed since, last by {by}. {then}"


def _still_named(rule: DestinationRule, names: Iterable[str], named: Mapping[str, str]) -> str:
    words = " and ".join(f"{name} (by {named[name]})" for name in names)
    return f"DestinationRule {rule.metadata.full_name} keeps the subset {words}: a route still names it."


def _named_subsets(snapshot: Snapshot, key: Key) -> Mapping[str, str]:
    """Give the subsets that routes to a service name, mirrors among them, each with a VirtualService that does."""
    host = host_of(snapshot, key)
    return {
        destination.subset: virtual_service.metadata.full_name
        for virtual_service in snapshot.virtual_services.values()
        for destination in _destinations(virtual_service)
        if destination.subset and resolve_host(destination.host, namespace=virtual_service.metadata.namespace) == host
    }


def _destinations(virtual_service: VirtualService) -> Iterator[Destination]:
    for route in virtual_service.routes:
        yield from (each.destination for each in route.route)
    for http_route in virtual_service.http:
        yield from mirror_destinations(http_route)
