"""What keeps a route's destinations from taking their share: hosts, subsets, pods."""

from __future__ import annotations

from collections.abc import Iterator

from webapp.istio.bound import proxy_namespaces
from webapp.istio.diagnostics.balance import balance_notes
from webapp.istio.diagnostics.note import Level, Note, analysed
from webapp.istio.diagnostics.ports import port_notes
from webapp.istio.mesh import destination_pods, key_of_host, subsets_for_host
from webapp.istio.names import resolve_host
from webapp.istio.objects import Destination, HttpRoute, VirtualService
from webapp.istio.snapshot import Snapshot
from webapp.istio.words import destination_versions


def destination_notes(snapshot: Snapshot, virtual_service: VirtualService, route: HttpRoute) -> Iterator[Note]:
    """Note what is wrong with each destination of a route, and how its requests are spread behind it."""
    total = sum(route.weights)
    for each, version, weight in zip(route.route, destination_versions(route), route.weights, strict=True):
        share = 100 * weight / total if total > 0 else 0
        yield from _destination(snapshot, virtual_service, each.destination, version, share)
    yield from port_notes(snapshot, virtual_service, route)
    yield from balance_notes(snapshot, virtual_service, route)


def _destination(
    snapshot: Snapshot, virtual_service: VirtualService, destination: Destination, version: str, share: float
) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination"""
    namespace = virtual_service.metadata.namespace
    fqdn = resolve_host(destination.host, namespace=namespace)
    level: Level = "warning" if share else "info"
    lost = f", so its {share:.3g} % of the requests are answered 503" if share else ""
    if key_of_host(snapshot, fqdn) is None:
        cure = "Correct the host, or create the Service or ServiceEntry."
        if destination.host.count(".") == 1:
            cure = f"Only names without a dot are completed: write {destination.host}.svc.cluster.local."
        sentence = f"The mesh has no service {destination.host}{lost}."
        yield analysed("IST0101", Note(level, "host-not-found", sentence, cure))
    elif destination.subset and destination.subset not in subsets_for_host(snapshot, fqdn, namespace=namespace):
        sentence = f"No DestinationRule for {destination.host} defines the subset {destination.subset}{lost}."
        cure = "Add the subset to the DestinationRule of this host."
        yield analysed("IST0101", Note(level, "subset-not-defined", sentence, cure))
    else:
        pods = destination_pods(snapshot, destination, namespace)
        if pods and not pods[0]:
            yield no_ready_pods(level, version, pods[1], lost)
        if destination.subset:
            yield from _not_seen(snapshot, virtual_service, fqdn, destination.subset, level)


def no_ready_pods(level: Level, version: str, total: int, lost: str = "") -> Note:
    """Note that a version has nothing to answer with.

    https://istio.io/latest/docs/ops/common-problems/network-issues/#503-errors-after-setting-destination-rule
    """
    there = {0: "it has no pods", 1: "its one pod is not ready"}.get(total, f"none of its {total} pods is ready")
    note = Note(level, "no-ready-pods", f"{version}: {there}{lost}.", "Start its pods before traffic is sent to it.")
    return note if total else analysed("IST0173", note)


def _not_seen(
    snapshot: Snapshot, virtual_service: VirtualService, fqdn: str, subset: str, level: Level
) -> Iterator[Note]:
    """Note that a gateway looks up no rule with the subset, though the VirtualService's own namespace has one.

    https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration
    """
    for namespace in sorted(proxy_namespaces(snapshot, virtual_service)):
        if subset not in subsets_for_host(snapshot, fqdn, namespace=namespace):
            sentence = (
                f"The gateway's pods in {namespace} see no DestinationRule that defines the subset {subset} of {fqdn}: "
                "they look in their own namespace, in the service's and in the root namespace."
            )
            cure = "Put the rule beside the service, and let its exportTo name the gateway's namespace."
            yield Note(level, "rule-not-seen", sentence, cure)
