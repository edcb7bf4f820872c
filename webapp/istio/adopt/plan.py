"""From a choice to the steps that carry it out: subsets first, then the routes that name them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from webapp.errors import Conflict
from webapp.istio.adopt.choice import Choice, ChosenSubset, NewGateway, NewVirtualService
from webapp.istio.adopt.proposal import Candidate, Proposal
from webapp.istio.adopt.record import (
    ADOPTED,
    MOST_BYTES,
    annotation,
    find_recorded,
    made_digest,
    record_of,
    route_record,
)
from webapp.istio.adopt.steps import KindName, Plan, Step, change, creation
from webapp.istio.gateways import MESH
from webapp.istio.objects import DestinationRule, Gateway, Key, ObjectMeta, RawObject, VirtualService
from webapp.istio.parse_values import mapping, mappings
from webapp.istio.patch import TAG_HEADER


def plan_adoption(proposal: Proposal, choice: Choice) -> Plan:
    """Say what is written, in an order in which no request fails.

    :raises Conflict: an object can't be extended: its record would grow too long, or its subsets can't be read.
    """
    by_virtual_service: dict[Key, list[Candidate]] = {}
    for each in choice.routes:
        by_virtual_service.setdefault(each.virtual_service.metadata.key, []).append(each)
    new = choice.virtual_service
    gateway = new.gateway if new else None
    steps = [
        _new_gateway(proposal, gateway, new.host) if new and isinstance(gateway, NewGateway) else None,
        _rule(proposal, choice),
        *(_split(proposal, choice, each) for _, each in sorted(by_virtual_service.items())),
        _new_virtual_service(proposal, choice, new) if new else None,
    ]
    return Plan(tuple(step for step in steps if step))


def made(kind: KindName, proposal_key: Key, key: Key, spec: RawObject, *, why: str) -> Step:
    """Give the step that makes an object for a service, with the record that lets it be taken back."""
    nothing = ObjectMeta(*key)
    record = annotation(nothing, proposal_key, {"made": made_digest(spec)})
    return creation(kind, key, spec, annotations={ADOPTED: record or ""}, why=why)


def recorded(metadata: ObjectMeta, key: Key, record: dict[str, Any]) -> Mapping[str, str | None]:
    """Give the annotation that goes with a change of somebody else's object.

    :raises Conflict: it would be too long.
    """
    text = annotation(metadata, key, record)
    if text and len(text) > MOST_BYTES:
        words = f"What was added to {metadata.full_name} is recorded on it, and that record would grow too long: "
        raise Conflict(f"{words}give back what is not needed any more, or choose fewer routes.")
    return {ADOPTED: text}


def _rule(proposal: Proposal, choice: Choice) -> Step | None:
    if proposal.rule is not None:
        return add_subsets(proposal.rule, proposal.key, [each for each in choice.subsets if not each.exists])
    spec: dict[str, Any] = {"host": proposal.host}
    taken_over = ""
    if proposal.inherited and proposal.inherited.traffic_policy:
        spec["trafficPolicy"] = copy.deepcopy(dict(proposal.inherited.traffic_policy))
        taken_over = f", with the traffic policy of {proposal.inherited.metadata.full_name}"
    spec["subsets"] = [raw_subset(each) for each in choice.subsets]
    why = f"Names the versions{taken_over}; nothing changes for callers yet."
    return made("DestinationRule", proposal.key, (proposal.key[0], choice.rule_name), spec, why=why)


def raw_subset(subset: ChosenSubset) -> dict[str, Any]:
    """Give a subset as the DestinationRule has it."""
    return {"name": subset.name, "labels": dict(subset.labels)}


def add_subsets(rule: DestinationRule, key: Key, subsets: Sequence[ChosenSubset]) -> Step | None:
    """Give the step that adds subsets to a rule for a service, None where there is none to add.

    :raises Conflict: the rule's subsets can't be read.
    """
    if not subsets:
        return None
    spec = copy.deepcopy(dict(mapping(rule.raw.get("spec"))))
    there = spec.get("subsets")
    if there is not None and not isinstance(there, list):
        raise Conflict(f"The subsets of DestinationRule {rule.metadata.full_name} can't be read, so none is added.")
    raws = [raw_subset(each) for each in subsets]
    record = record_of(rule.metadata, key)
    operations: list[dict[str, Any]]
    if there is None:
        operations = [{"op": "add", "path": "/spec/subsets", "value": raws}]
    else:
        operations = [{"op": "add", "path": "/spec/subsets/-", "value": each} for each in raws]
    spec["subsets"] = [*(there or []), *raws]
    if "made" in record:
        # It is Crossfade's own, unless somebody has changed it: then that stays to be seen.
        is_ours = record["made"] == made_digest(rule.raw.get("spec"))
        record = {"made": made_digest(spec)} if is_ours else record
    else:
        record = record | {"subsets": [*record.get("subsets", []), *raws]}
        # Remembered once: whether the list was there before anything was added to it.
        record.setdefault("absent", there is None)
    names = " and ".join(each.name for each in subsets)
    why = f"Adds the subset{'s' if len(subsets) > 1 else ''} {names}; what is there stays, and nothing changes yet."
    return change(rule, spec, operations, annotations=recorded(rule.metadata, key, record), why=why)


def _split(proposal: Proposal, choice: Choice, candidates: Sequence[Candidate]) -> Step:
    """Give the step that splits routes of one VirtualService."""
    virtual_service = candidates[0].virtual_service
    replaced: dict[tuple[str, int], list[dict[str, Any]]] = {}
    entries = []
    for each in candidates:
        route, tag = each.route, choice.tag and each.route.section == "http"
        destinations = [_destination(route.raw["route"][0], subset, tag=tag) for subset in choice.subsets]
        replaced[route.section, route.index] = destinations
        entries.append(route_record(route, route.raw["route"], destinations))
    weights = "/".join(str(each.weight) for each in choice.subsets)
    names = "/".join(each.name for each in choice.subsets)
    count = f"{len(candidates)} routes" if len(candidates) > 1 else "its route"
    why = f"Splits {count} {weights} between {names}; everything else in it stays."
    record = record_of(virtual_service.metadata, proposal.key)
    earlier = [
        entry
        for entry in mappings(record.get("routes"))
        if (found := find_recorded(virtual_service, entry)) is None or (found.section, found.index) not in replaced
    ]
    record = record | {"routes": [*earlier, *entries]}
    return replace_routes(
        virtual_service,
        replaced,
        annotations=recorded(virtual_service.metadata, proposal.key, record),
        why=why,
    )


def replace_routes(
    virtual_service: VirtualService,
    replaced: Mapping[tuple[str, int], Any],
    *,
    annotations: Mapping[str, str | None],
    why: str,
) -> Step:
    """Give the step that puts other destinations into routes, by section and place; the routes stay otherwise."""
    spec = copy.deepcopy(dict(mapping(virtual_service.raw.get("spec"))))
    operations = []
    for (section, index), destinations in sorted(replaced.items()):
        spec[section][index]["route"] = copy.deepcopy(destinations)
        operations.append({"op": "replace", "path": f"/spec/{section}/{index}/route", "value": destinations})
    return change(virtual_service, spec, operations, annotations=annotations, why=why)


def _destination(lone: RawObject, subset: ChosenSubset, *, tag: bool) -> dict[str, Any]:
    """Give the destination that takes a lone one's place for a subset: what was said of it holds for each."""
    raw = copy.deepcopy(dict(lone))
    raw["destination"] = {**mapping(raw.get("destination")), "subset": subset.name}
    raw["weight"] = subset.weight
    return tagged(raw, subset.name) if tag else raw


def tagged(raw: dict[str, Any], version: str) -> dict[str, Any]:
    """Let a raw destination name its version in a response header; what else it does to headers stays."""
    headers = dict(mapping(raw.get("headers")))
    response = dict(mapping(headers.get("response")))
    set_ = {**mapping(response.get("set")), TAG_HEADER: version}
    return raw | {"headers": headers | {"response": response | {"set": set_}}}


def _new_virtual_service(proposal: Proposal, choice: Choice, new: NewVirtualService) -> Step:
    """Give the step that makes a VirtualService; a lone `mesh` goes without saying.

    https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-gateways
    """
    namespace = proposal.key[0]
    hosts = [*([new.host] if new.gateway else []), *([proposal.host] if new.mesh else [])]
    gateways = [_gateway_name(new, namespace), *([MESH] if new.mesh else [])] if new.gateway else []
    destination: dict[str, Any] = {"host": proposal.host} | ({"port": {"number": new.port}} if new.port else {})
    route = [_destination({"destination": destination}, subset, tag=choice.tag) for subset in choice.subsets]
    spec = {"hosts": hosts, **({"gateways": gateways} if gateways else {}), "http": [{"route": route}]}
    whom = " and ".join(
        [*([f"requests for {new.host} at the gateway"] if new.gateway else []), *(["callers in the mesh"] * new.mesh)]
    )
    weights = "/".join(str(each.weight) for each in choice.subsets)
    why = f"Splits {whom} {weights} between {'/'.join(each.name for each in choice.subsets)}."
    return made("VirtualService", proposal.key, (namespace, new.name), spec, why=why)


def _gateway_name(new: NewVirtualService, namespace: str) -> str:
    gateway = new.gateway
    key = gateway.metadata.key if isinstance(gateway, Gateway) else gateway.key if gateway else ("", "")
    return key[1] if key[0] == namespace else "/".join(key)


def _new_gateway(proposal: Proposal, gateway: NewGateway, host: str) -> Step:
    server = {"port": {"number": gateway.port, "name": f"http-{gateway.port}", "protocol": "HTTP"}, "hosts": [host]}
    spec = {"selector": dict(gateway.selector), "servers": [server]}
    why = f"Lets the ingress gateway listen for {host} on port {gateway.port}."
    return made("Gateway", proposal.key, gateway.key, spec, why=why)
