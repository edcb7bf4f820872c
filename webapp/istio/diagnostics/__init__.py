"""Why a weight would not do what it says: a few notes, each with its cure. They never stand in the way of a write."""

from __future__ import annotations

from collections.abc import Iterator

from webapp.istio.delegates import delegate_problem
from webapp.istio.diagnostics.bypass import bypass_notes
from webapp.istio.diagnostics.destinations import destination_notes, no_ready_pods
from webapp.istio.diagnostics.doors import door_notes
from webapp.istio.diagnostics.extras import extra_notes
from webapp.istio.diagnostics.note import Note, analysed
from webapp.istio.diagnostics.order import order_notes
from webapp.istio.diagnostics.ports import service_port_notes
from webapp.istio.diagnostics.reach import reach_notes
from webapp.istio.diagnostics.rules import rule_notes, stray_notes
from webapp.istio.diagnostics.waypoint import waypoint_notes, waypoints_before
from webapp.istio.diagnostics.writers import owner_notes, writer_notes
from webapp.istio.mesh import host_of, routes_reaching, rules_for_host, versions_of
from webapp.istio.objects import HttpRoute, Key, Route, ServiceEntry, VirtualService
from webapp.istio.parse_values import mapping, text
from webapp.istio.snapshot import Snapshot, remembered
from webapp.istio.words import carried_words

__all__ = ["Note", "route_notes", "service_notes", "service_page_notes", "virtual_service_notes"]


def virtual_service_notes(snapshot: Snapshot, virtual_service: VirtualService) -> tuple[Note, ...]:
    """Note what concerns a VirtualService as a whole: other writers, its gateways and hosts, what its status says."""
    return (
        *owner_notes(virtual_service),
        *writer_notes(virtual_service),
        *door_notes(snapshot, virtual_service),
        *reach_notes(snapshot, virtual_service),
        *bypass_notes(snapshot, virtual_service),
        *waypoints_before(snapshot, virtual_service),
        *_conditions(virtual_service),
    )


def _conditions(virtual_service: VirtualService) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/meta/v1beta1/istio-status/"""
    for condition in virtual_service.conditions:
        if condition.get("status") == "False":
            words = text(condition.get("message")) or text(condition.get("reason")) or "no further word"
            sentence = f"{text(condition.get('type')) or 'A condition'}: {words}"
            yield analysed("IST0171", Note("warning", "condition-false", sentence))


def route_notes(snapshot: Snapshot, virtual_service: VirtualService, route: Route) -> tuple[Note, ...]:
    """Note what keeps a route's weights from doing what they say."""
    return (
        *order_notes(virtual_service, route),
        *(_delegate(snapshot, virtual_service, route) if isinstance(route, HttpRoute) else ()),
        *_weights(route),
        *destination_notes(snapshot, virtual_service, route),
        *extra_notes(snapshot, virtual_service, route),
    )


def _delegate(snapshot: Snapshot, virtual_service: VirtualService, route: HttpRoute) -> Iterator[Note]:
    if problem := delegate_problem(snapshot, virtual_service, route):
        sentence = f"Istio leaves this route out: {problem}."
        yield Note("warning", "delegate-not-taken", sentence, "Delegate to a VirtualService without hosts.")


def _weights(route: Route) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRouteDestination"""
    total = sum(route.weights)
    if len(route.route) == 1 and route.route[0].weight not in {None, 100}:
        sentence = f"A single destination takes all traffic, whatever its weight ({route.route[0].weight}) says."
        yield Note("info", "single-destination", sentence, "Add a second destination to shift between the two.")
    elif route.route and total <= 0:
        sentence = f"All weights are 0, so this route has nowhere to send its {carried_words(route)}."
        yield Note("warning", "weights-all-zero", sentence, "Give at least one destination a weight.")
    elif route.route and total != 100:
        sentence = f"The weights add up to {total}, not to 100: each means its part of that sum."
        yield Note("info", "weights-not-100", sentence)


@remembered
def service_notes(snapshot: Snapshot, key: Key) -> tuple[Note, ...]:
    """Note what a service's row should say: owners and warnings of the routes that reach it, versions without pods."""
    routes = routes_reaching(snapshot, key)
    notes = [note for owner in {each.metadata.key: each for each, _ in routes}.values() for note in owner_notes(owner)]
    for virtual_service, route in routes:
        notes.extend(note for note in route_notes(snapshot, virtual_service, route) if note.level == "warning")
    if not any(note.code == "no-ready-pods" for note in notes):
        notes.extend(_empty_versions(snapshot, key).values())
    return tuple(dict.fromkeys(notes))


def _empty_versions(snapshot: Snapshot, key: Key) -> dict[str, Note]:
    """Note each version that has no ready pod, by its name."""
    service = snapshot.services.get(key)
    versions = versions_of(snapshot, key) if service and service.selector else ()
    return {each.name: no_ready_pods("info", each.name, each.total) for each in versions if not each.ready}


def service_page_notes(snapshot: Snapshot, key: Key) -> tuple[Note, ...]:
    """Note what a service's own page should say beside its row: its ports, its DestinationRules, its waypoint."""
    host = host_of(snapshot, key)
    namespaces = {owner.metadata.namespace for owner, _ in routes_reaching(snapshot, key)}
    service, entry = snapshot.services.get(key), snapshot.service_entry_by_host.get(key[1])
    in_row = service_notes(snapshot, key)
    told = {note.text.partition(":")[0] for note in in_row if note.code == "no-ready-pods"}
    notes = (
        *in_row,
        *(note for name, note in _empty_versions(snapshot, key).items() if name not in told),
        *(service_port_notes(service) if service else ()),
        *(_addresses(entry) if entry and not service else ()),
        *(note for rule in rules_for_host(snapshot, host) for note in rule_notes(rule)),
        *stray_notes(snapshot, host, key[0], *namespaces),
        *waypoint_notes(snapshot, key),
    )
    return tuple(dict.fromkeys(notes))


def _addresses(entry: ServiceEntry) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/analysis/ist0134/"""
    spec, status = (mapping(entry.raw.get(part)) for part in ("spec", "status"))
    numbers = [str(port.port) for port in entry.ports if port.protocol.upper() in {"", "TCP"}]
    if numbers and not (spec.get("addresses") or status.get("addresses")):
        sentence = (
            f"ServiceEntry {entry.metadata.full_name} has the TCP port {' and '.join(numbers)} and no addresses: "
        )
        sentence += "without automatic ones, proxies take every connection to that port for it."
        cure = "Give it addresses, or switch the proxies' DNS with automatic addresses on."
        yield analysed("IST0134", Note("info", "addresses-missing", sentence, cure))
