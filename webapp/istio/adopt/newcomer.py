"""A version that has appeared since: its pods are there, and a split knows nothing of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webapp.errors import Conflict
from webapp.istio.adopt.choice import ChosenSubset
from webapp.istio.adopt.labels import MOST_SUBSETS, has_labels, subset_name
from webapp.istio.adopt.plan import add_subsets, recorded, tagged
from webapp.istio.adopt.proposal import known_subsets, rule_for
from webapp.istio.adopt.record import (
    added_record,
    digest_of,
    find_recorded,
    lasting,
    made_digest,
    record_of,
    route_record,
)
from webapp.istio.adopt.steps import Plan, change
from webapp.istio.mesh import natural, routes_reaching
from webapp.istio.objects import Key, Route, VirtualService
from webapp.istio.parse_values import mapping, mappings, text
from webapp.istio.patch import TAG_HEADER, is_tagged
from webapp.istio.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A version and a route that has no destination for it.

    :param subset: with the weight 0; `exists` is whether the service's rules have it already.
    """

    virtual_service: VirtualService
    route: Route
    subset: ChosenSubset
    ready: int
    total: int

    @property
    def name(self) -> str:
        """`namespace/name/section/index/label=value`, as the form names it."""
        labels = ",".join(f"{name}={value}" for name, value in self.subset.labels.items())
        return f"{self.virtual_service.metadata.full_name}/{self.route.section}/{self.route.index}/{labels}"


def newcomers(snapshot: Snapshot, key: Key) -> tuple[Newcomer, ...]:
    """List the versions with pods that a split of a service has no destination for: of any split, whoever made it.

    Where nothing is split, routes that are pinned to one version count as splits.
    """
    reaching = [each for each in routes_reaching(snapshot, key) if all(d.destination.subset for d in each[1].route)]
    splits = [each for each in reaching if len(each[1].route) > 1] or reaching
    return tuple(found for each in splits for found in _of_route(snapshot, key, *each))


def _of_route(snapshot: Snapshot, key: Key, virtual_service: VirtualService, route: Route) -> list[Newcomer]:
    """A version is told by the one label that the subsets of the route's own destinations have."""
    if len({each.destination.host for each in route.route}) > 1 or len(route.route) >= MOST_SUBSETS:
        return []
    known = {subset.name: subset.labels for subset in known_subsets(snapshot, key)}
    named = [known.get(each.destination.subset or "", {}) for each in route.route]
    label = next(iter(named[0]), "")
    if not label or any(labels.keys() != {label} for labels in named):
        return []
    pods, ready = snapshot.pods_by_service.get(key, ()), snapshot.ready_pods(key)
    there = {pod.metadata.labels.get(label, "") for pod in pods} - {labels[label] for labels in named} - {""}
    found = []
    taken = set(known)
    for value in sorted(there, key=natural):
        labels = {label: value}
        name = next((each for each, others in known.items() if others == labels), "")
        subset = ChosenSubset(name or subset_name(value, taken), labels, 0, exists=bool(name))
        taken.add(subset.name)
        selected = [pod.metadata.name for pod in has_labels(pods, labels)]
        count = sum(each in ready for each in selected)
        found.append(Newcomer(virtual_service, route, subset, count, len(selected)))
    return found[: MOST_SUBSETS - len(route.route)]


def plan_newcomer(snapshot: Snapshot, key: Key, newcomer: Newcomer) -> Plan:
    """Say what gives a version a destination with the weight 0: a subset, then the destination.

    :raises Conflict: the service has no rule of its own to add a subset to.
    """
    rule, _ = rule_for(snapshot, key)
    if rule is None and not newcomer.subset.exists:
        raise Conflict(f"No DestinationRule beside {'/'.join(key)} is for it alone, so no subset can be added to one.")
    added = add_subsets(rule, key, [] if newcomer.subset.exists else [newcomer.subset]) if rule else None
    virtual_service, route = newcomer.virtual_service, newcomer.route
    spec = copy.deepcopy(dict(mapping(virtual_service.raw.get("spec"))))
    destinations = spec[route.section][route.index]["route"]
    operations: list[Mapping[str, Any]] = []
    path = f"/spec/{route.section}/{route.index}/route"
    if len(destinations) == 1 and destinations[0].get("weight") != 100:
        # Alone it takes all whatever its weight; beside another it has to say so.
        verb = "replace" if "weight" in destinations[0] else "add"
        operations.append({"op": verb, "path": f"{path}/0/weight", "value": 100})
        destinations[0]["weight"] = 100
    operations.append({"op": "add", "path": f"{path}/-", "value": _destination(newcomer)})
    destinations.append(_destination(newcomer))
    record = _record(newcomer, key, spec, destinations)
    annotations = recorded(virtual_service.metadata, key, record)
    why = f"Adds {newcomer.subset.name} to the split with the weight 0: it gets nothing until it is shifted to."
    step = change(virtual_service, spec, operations, annotations=annotations, why=why)
    return Plan((*([added] if added else []), step))


def _destination(newcomer: Newcomer) -> dict[str, Any]:
    """Give the new destination: the first one's host and port, tagged where all are."""
    first = mapping(newcomer.route.raw["route"][0].get("destination"))
    raw: dict[str, Any] = {"destination": {**first, "subset": newcomer.subset.name}, "weight": 0}
    is_tag_on = all(is_tagged(each, TAG_HEADER) for each in newcomer.route.route)
    return tagged(raw, newcomer.subset.name) if is_tag_on else raw


def _record(newcomer: Newcomer, key: Key, spec: Any, destinations: list[Any]) -> dict[str, Any]:
    """Say what was added: to what Crossfade made or replaced it belongs as a whole, to others' splits alone."""
    virtual_service, route = newcomer.virtual_service, newcomer.route
    record = record_of(virtual_service.metadata, key)
    if "made" in record:
        is_ours = record["made"] == made_digest(virtual_service.raw.get("spec"))
        return {"made": made_digest(spec)} if is_ours else record
    before = route.raw["route"]
    entries = list(mappings(record.get("routes")))
    for place, entry in enumerate(entries):
        if find_recorded(virtual_service, entry) == route and text(entry.get("made")) == digest_of(lasting(before)):
            entries[place] = route_record(route, entry.get("before"), destinations)
            return record | {"routes": entries}
    if len(before) == 1:
        return record | {"routes": [*entries, route_record(route, before, destinations)]}
    return record | {"added": [*record.get("added", []), added_record(route, destinations[-1])]}
