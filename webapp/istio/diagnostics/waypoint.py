"""Services that a waypoint stands before: their requests are routed there, and by more than VirtualServices.

HTTPRoutes are not read here. https://istio.io/latest/docs/ambient/usage/l7-features/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from webapp.istio.diagnostics.note import Note, analysed
from webapp.istio.names import resolve_host
from webapp.istio.objects import Key, VirtualService
from webapp.istio.parse_values import mapping, mappings, text
from webapp.istio.services import key_of_host
from webapp.istio.snapshot import Snapshot

_USE = "istio.io/use-waypoint"
_NAMESPACE = "istio.io/use-waypoint-namespace"
_BOUND = "istio.io/WaypointBound"
"""What istiod says in a Service's status, also where a label of the namespace binds it, which is not read here."""

_PAGE = "https://istio.io/latest/docs/ambient/usage/l7-features/"


def waypoint_notes(snapshot: Snapshot, key: Key) -> Iterator[Note]:
    """Note that a waypoint routes a service's requests, or that it should and can't.

    https://istio.io/latest/docs/ambient/usage/waypoint/#useawaypoint
    """
    labels, conditions = _told(snapshot, key)
    bound = next((each for each in conditions if each.get("type") == _BOUND), {})
    if bound.get("status") == "False":
        words = text(bound.get("message")) or text(bound.get("reason")) or "no further word"
        cure = "Start the waypoint, or take the label istio.io/use-waypoint away."
        yield analysed("IST0171", Note("warning", "waypoint-not-bound", f"{_BOUND} of {'/'.join(key)}: {words}", cure))
    elif name := _waypoint(labels, bound, key[0]):
        sentence = f"The waypoint {name} stands before {'/'.join(key)} and routes its callers' requests. An HTTPRoute "
        sentence += "there may own them: HTTPRoutes are not read here, and which of the two counts Istio leaves open."
        cure = "Route by VirtualServices or by HTTPRoutes, not by both (`kubectl get httproutes -A` lists these)."
        yield Note("info", "waypoint", sentence, cure, "", _PAGE)


def _told(snapshot: Snapshot, key: Key) -> tuple[Mapping[str, str], Sequence[Mapping[str, Any]]]:
    if service := snapshot.services.get(key):
        return service.metadata.labels, service.conditions
    entry = snapshot.service_entry_by_host[key[1]]
    return entry.metadata.labels, mappings(mapping(entry.raw.get("status")).get("conditions"))


def _waypoint(labels: Mapping[str, str], bound: Mapping[str, Any], namespace: str) -> str:
    """https://istio.io/latest/docs/reference/config/labels/#IoIstioUseWaypoint; a Service's own word goes first."""
    if name := labels.get(_USE, ""):
        return "" if name == "none" else f"{labels.get(_NAMESPACE) or namespace}/{name}"
    told = text(bound.get("message")).rpartition(" ")[2]
    return (told or "of its namespace") if bound.get("status") == "True" else ""


def waypoints_before(snapshot: Snapshot, virtual_service: VirtualService) -> Iterator[Note]:
    """Note the waypoints before the destinations of a VirtualService's routes."""
    namespace = virtual_service.metadata.namespace
    named = (each.destination.host for route in virtual_service.routes for each in route.route)
    hosts = dict.fromkeys(resolve_host(host, namespace=namespace) for host in named)
    for key in dict.fromkeys(key_of_host(snapshot, host) for host in hosts):
        if key:
            yield from waypoint_notes(snapshot, key)
