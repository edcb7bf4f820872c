"""Why a weight would not do what it says: a few notes, each with its cure. They never stand in the way of a write."""

from __future__ import annotations

from collections.abc import Iterator

from webapp.istio.diagnostics.destinations import destination_notes, no_ready_pods
from webapp.istio.diagnostics.doors import door_notes
from webapp.istio.diagnostics.note import Note, analysed
from webapp.istio.diagnostics.order import order_notes
from webapp.istio.diagnostics.reach import reach_notes
from webapp.istio.diagnostics.writers import owner_notes, writer_notes
from webapp.istio.mesh import routes_reaching, versions_of
from webapp.istio.objects import HttpRoute, Key, VirtualService
from webapp.istio.parse_values import text
from webapp.istio.snapshot import Snapshot, remembered

__all__ = ["Note", "route_notes", "service_notes", "virtual_service_notes"]


def virtual_service_notes(snapshot: Snapshot, virtual_service: VirtualService) -> tuple[Note, ...]:
    """Note what concerns a VirtualService as a whole: other writers, its gateways and hosts, what its status says."""
    return (
        *owner_notes(virtual_service),
        *writer_notes(virtual_service),
        *door_notes(snapshot, virtual_service),
        *reach_notes(snapshot, virtual_service),
        *_conditions(virtual_service),
    )


def _conditions(virtual_service: VirtualService) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/meta/v1beta1/istio-status/"""
    for condition in virtual_service.conditions:
        if condition.get("status") == "False":
            words = text(condition.get("message")) or text(condition.get("reason")) or "no further word"
            sentence = f"{text(condition.get('type')) or 'A condition'}: {words}"
            yield analysed("IST0171", Note("warning", "condition-false", sentence))


def route_notes(snapshot: Snapshot, virtual_service: VirtualService, route: HttpRoute) -> tuple[Note, ...]:
    """Note what keeps a route's weights from doing what they say."""
    return (
        *order_notes(virtual_service, route),
        *_weights(route),
        *destination_notes(snapshot, virtual_service, route),
    )


def _weights(route: HttpRoute) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRouteDestination"""
    total = sum(route.weights)
    if len(route.route) == 1 and route.route[0].weight not in {None, 100}:
        sentence = f"A single destination takes all traffic, whatever its weight ({route.route[0].weight}) says."
        yield Note("info", "single-destination", sentence, "Add a second destination to shift between the two.")
    elif route.route and total <= 0:
        sentence = "All weights are 0, so this route has nowhere to send its requests."
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
    service = snapshot.services.get(key)
    if service and service.selector and not any(note.code == "no-ready-pods" for note in notes):
        versions = (version for version in versions_of(snapshot, key) if not version.ready)
        notes.extend(no_ready_pods("info", version.name, version.total) for version in versions)
    return tuple(dict.fromkeys(notes))
