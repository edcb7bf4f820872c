"""Splits that are there for callers in the mesh, and that requests through a gateway never come to.

https://istio.io/latest/docs/ops/common-problems/network-issues/#route-rules-have-no-effect-on-ingress-gateway-requests
"""

from __future__ import annotations

from collections.abc import Iterator

from webapp.istio.bound import bound_by_host
from webapp.istio.diagnostics.note import Note, analysed
from webapp.istio.gateways import MESH
from webapp.istio.names import resolve_host
from webapp.istio.objects import VirtualService
from webapp.istio.snapshot import Snapshot


def bypass_notes(snapshot: Snapshot, virtual_service: VirtualService) -> Iterator[Note]:
    """Note that a gateway sends to a whole service, while another VirtualService divides it by subsets in the mesh.

    https://istio.io/latest/docs/reference/config/analysis/ist0140/
    """
    if all(name == MESH for name in virtual_service.gateways):
        return
    namespace = virtual_service.metadata.namespace
    destinations = (each.destination for route in virtual_service.http for each in route.route)
    whole = (resolve_host(each.host, namespace=namespace) for each in destinations if not each.subset)
    for host in dict.fromkeys(whole):
        for other in bound_by_host(snapshot).get((MESH, host), ()):
            if other.metadata.key != virtual_service.metadata.key and _divides(other, host):
                sentence = f"VirtualService {other.metadata.full_name} divides {host} by subsets for callers inside of "
                sentence += "the mesh. Requests that come here through a gateway are not divided by it."
                cure = "Name the subsets here too."
                yield analysed("IST0140", Note("info", "split-passed-by", sentence, cure))


def _divides(virtual_service: VirtualService, host: str) -> bool:
    namespace = virtual_service.metadata.namespace
    return any(
        each.destination.subset and resolve_host(each.destination.host, namespace=namespace) == host
        for route in virtual_service.http
        for each in route.route
    )
