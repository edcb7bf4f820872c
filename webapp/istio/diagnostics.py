"""Why a weight would not do what it says: a few notes, each with its cure. They never stand in the way of a write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from webapp.istio.gateways import MESH
from webapp.istio.mesh import (
    destination_pods,
    key_of_host,
    routes_reaching,
    subsets_for_host,
    versions_of,
)
from webapp.istio.names import gateway_key, resolve_host
from webapp.istio.objects import Destination, HttpMatch, HttpRoute, Key, StringMatch, VirtualService
from webapp.istio.ownership import owner_of
from webapp.istio.parse_values import text
from webapp.istio.snapshot import Snapshot, remembered
from webapp.istio.words import destination_versions, match_words


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence that a person should know; `owner` is the level of who else manages the object."""

    level: Literal["info", "warning", "owner"]
    code: str
    text: str
    cure: str = ""


def virtual_service_notes(snapshot: Snapshot, virtual_service: VirtualService) -> tuple[Note, ...]:
    """Note what concerns a VirtualService as a whole: its owner, its gateways, what its status complains of."""
    return (*_owner(virtual_service), *_gateways(snapshot, virtual_service), *_conditions(virtual_service))


def _owner(virtual_service: VirtualService) -> Iterator[Note]:
    owner = owner_of(virtual_service.metadata)
    if owner:
        named = f" ({owner.name})" if owner.name else ""
        yield Note("owner", "owner", f"{owner.tool}{named} manages this object. {owner.consequence}")


def _gateways(snapshot: Snapshot, virtual_service: VirtualService) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/analysis/ist0101/"""
    for name in virtual_service.gateways:
        key = gateway_key(name, namespace=virtual_service.metadata.namespace)
        if name != MESH and key not in snapshot.gateways:
            sentence = f"Gateway {'/'.join(key)} does not exist, so nothing reaches these routes through it."
            yield Note("warning", "gateway-not-found", sentence, "Create it, or name another one in spec.gateways.")


def _conditions(virtual_service: VirtualService) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/meta/v1beta1/istio-status/"""
    for condition in virtual_service.conditions:
        if condition.get("status") == "False":
            words = text(condition.get("message")) or text(condition.get("reason")) or "no further word"
            yield Note("warning", "condition-false", f"{text(condition.get('type')) or 'A condition'}: {words}")


def route_notes(snapshot: Snapshot, virtual_service: VirtualService, route: HttpRoute) -> tuple[Note, ...]:
    """Note what keeps a route's weights from doing what they say."""
    notes = [*_unreached(virtual_service, route), *_weights(route)]
    total = sum(route.weights)
    for each, version, weight in zip(route.route, destination_versions(route), route.weights, strict=True):
        share = 100 * weight / total if total > 0 else 0
        notes.extend(_destination(snapshot, virtual_service, each.destination, version, share))
    return tuple(notes)


def _unreached(virtual_service: VirtualService, route: HttpRoute) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/analysis/ist0130/"""
    for earlier in virtual_service.http[: route.index]:
        if not earlier.match or any(map(_takes_everything, earlier.match)):
            sentence = f"Route {earlier.index} ({match_words(earlier)}) stands before it and takes every request."
            yield Note("warning", "route-not-reached", sentence, "Put this route first, or narrow the other's match.")
            return


def _takes_everything(match: HttpMatch) -> bool:
    """Whether a match asks for nothing but a path under `/`."""
    any_path = match.uri in {None, StringMatch("prefix", "/"), StringMatch("prefix", "")}
    return any_path and match == HttpMatch(name=match.name, uri=match.uri, ignore_uri_case=match.ignore_uri_case)


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


def _destination(
    snapshot: Snapshot, virtual_service: VirtualService, destination: Destination, version: str, share: float
) -> Iterator[Note]:
    namespace = virtual_service.metadata.namespace
    fqdn = resolve_host(destination.host, namespace=namespace)
    level: Literal["info", "warning"] = "warning" if share else "info"
    lost = f", so its {share:.3g} % of the requests are answered 503" if share else ""
    if key_of_host(snapshot, fqdn) is None:
        cure = "Correct the host, or create the Service or ServiceEntry."
        if destination.host.count(".") == 1:
            cure = f"Only names without a dot are completed: write {destination.host}.svc.cluster.local."
        yield Note(level, "host-not-found", f"The mesh has no service {destination.host}{lost}.", cure)
    elif destination.subset and destination.subset not in subsets_for_host(snapshot, fqdn, namespace=namespace):
        sentence = f"No DestinationRule for {destination.host} defines the subset {destination.subset}{lost}."
        yield Note(level, "subset-not-defined", sentence, "Add the subset to the DestinationRule of this host.")
    else:
        pods = destination_pods(snapshot, destination, namespace)
        if pods and not pods[0]:
            yield _no_ready_pods(level, version, pods[1], lost)


def _no_ready_pods(level: Literal["info", "warning"], version: str, total: int, lost: str = "") -> Note:
    there = {0: "it has no pods", 1: "its one pod is not ready"}.get(total, f"none of its {total} pods is ready")
    return Note(level, "no-ready-pods", f"{version}: {there}{lost}.", "Start its pods before traffic is sent to it.")


@remembered
def service_notes(snapshot: Snapshot, key: Key) -> tuple[Note, ...]:
    """Note what a service's row should say: owners and warnings of the routes that reach it, versions without pods."""
    routes = routes_reaching(snapshot, key)
    notes = [note for owner in {each.metadata.key: each for each, _ in routes}.values() for note in _owner(owner)]
    for virtual_service, route in routes:
        notes.extend(note for note in route_notes(snapshot, virtual_service, route) if note.level == "warning")
    service = snapshot.services.get(key)
    if service and service.selector and not any(note.code == "no-ready-pods" for note in notes):
        versions = (version for version in versions_of(snapshot, key) if not version.ready)
        notes.extend(_no_ready_pods("info", version.name, version.total) for version in versions)
    return tuple(dict.fromkeys(notes))
