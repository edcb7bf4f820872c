"""What keeps a route's destinations from taking their share: hosts, subsets, pods."""

from __future__ import annotations

from collections.abc import Iterator

from webapp.istio.bound import proxy_namespaces
from webapp.istio.diagnostics.balance import balance_notes
from webapp.istio.diagnostics.note import Level, Note, analysed
from webapp.istio.diagnostics.ports import port_notes
from webapp.istio.diagnostics.rules import stray_notes
from webapp.istio.mesh import destination_pods, key_of_host, subsets_for_host
from webapp.istio.names import resolve_host
from webapp.istio.objects import Destination, HttpRoute, Key, Route, VirtualService
from webapp.istio.services import exported_by
from webapp.istio.snapshot import Snapshot
from webapp.istio.visibility import exported_to
from webapp.istio.words import destination_versions


def destination_notes(snapshot: Snapshot, virtual_service: VirtualService, route: Route) -> Iterator[Note]:
    """Note what is wrong with each destination of a route, and how its requests are spread behind it."""
    total = sum(route.weights)
    fate = "requests are answered 503" if isinstance(route, HttpRoute) else "connections are closed"
    for each, version, weight in zip(route.route, destination_versions(route), route.weights, strict=True):
        lost = f", so its {100 * weight / total:.3g} % of the {fate}" if weight and total > 0 else ""
        yield from _destination(snapshot, virtual_service, route, each.destination, version, lost)
    yield from port_notes(snapshot, virtual_service, route)
    yield from balance_notes(snapshot, virtual_service, route)


def _destination(
    snapshot: Snapshot, virtual_service: VirtualService, route: Route, destination: Destination, version: str, lost: str
) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination"""
    namespace = virtual_service.metadata.namespace
    fqdn = resolve_host(destination.host, namespace=namespace)
    level: Level = "warning" if lost else "info"
    key = key_of_host(snapshot, fqdn)
    if key is None:
        cure = "Correct the host, or create the Service or ServiceEntry."
        if destination.host.count(".") == 1:
            cure = f"Only names without a dot are completed: write {destination.host}.svc.cluster.local."
        sentence = f"The mesh has no service {destination.host}{lost}."
        yield analysed("IST0101", Note(level, "host-not-found", sentence, cure))
        yield from stray_notes(snapshot, fqdn, namespace)
    elif destination.subset and destination.subset not in subsets_for_host(snapshot, fqdn, namespace=namespace):
        sentence = f"No DestinationRule for {destination.host} defines the subset {destination.subset}{lost}."
        cure = "Add the subset to the DestinationRule of this host."
        yield analysed("IST0101", Note(level, "subset-not-defined", sentence, cure))
        yield from stray_notes(snapshot, fqdn, namespace, key[0])
    else:
        pods = destination_pods(snapshot, destination, namespace)
        if pods and not pods[0]:
            yield no_ready_pods(level, version, pods[1], lost)
        yield from _not_exported(snapshot, virtual_service, key)
        if destination.subset:
            namespaces = proxy_namespaces(snapshot, virtual_service, route)
            yield from _not_seen(snapshot, namespaces, fqdn, destination.subset, level)


def no_ready_pods(level: Level, version: str, total: int, lost: str = "") -> Note:
    """Note that a version has nothing to answer with.

    https://istio.io/latest/docs/ops/common-problems/network-issues/#503-errors-after-setting-destination-rule
    """
    there = {0: "it has no pods", 1: "its one pod is not ready"}.get(total, f"none of its {total} pods is ready")
    note = Note(level, "no-ready-pods", f"{version}: {there}{lost}.", "Start its pods before traffic is sent to it.")
    return note if total else analysed("IST0173", note)


def _not_exported(snapshot: Snapshot, virtual_service: VirtualService, key: Key) -> Iterator[Note]:
    """Note a service that the VirtualService's own namespace does not see; which proxies ask for it is not known here.

    https://istio.io/latest/docs/reference/config/networking/service-entry/#ServiceEntry-export_to
    """
    export_to, namespace = exported_by(snapshot, key), virtual_service.metadata.namespace
    if not exported_to(export_to, own=key[0], namespace=namespace):
        sentence = f"{'/'.join(key)} is exported to {', '.join(export_to)} alone: proxies in {namespace} don't know it."
        cure = f"Let its exportTo name {namespace}, if callers there are meant."
        yield analysed("IST0101", Note("info", "service-not-exported", sentence, cure))


def _not_seen(snapshot: Snapshot, namespaces: frozenset[str], fqdn: str, subset: str, level: Level) -> Iterator[Note]:
    """Note that a gateway looks up no rule with the subset, though the VirtualService's own namespace has one.

    https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration
    """
    for namespace in sorted(namespaces):
        if subset not in subsets_for_host(snapshot, fqdn, namespace=namespace):
            sentence = (
                f"The gateway's pods in {namespace} see no DestinationRule that defines the subset {subset} of {fqdn}: "
                "they look in their own namespace, in the service's and in the root namespace."
            )
            cure = "Put the rule beside the service, and let its exportTo name the gateway's namespace."
            yield Note(level, "rule-not-seen", sentence, cure)
