"""Which VirtualServices a gateway, or the sidecars of the mesh, carry for a host: binding, `exportTo`, and who wins."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from webapp.istio.gateways import MESH, gateway_pods
from webapp.istio.matching import gateway_names
from webapp.istio.names import host_matches, resolve_host
from webapp.istio.objects import Gateway, Route, VirtualService
from webapp.istio.snapshot import Grouping, Snapshot
from webapp.istio.visibility import exported_to, exported_to_any


def _by_age(virtual_service: VirtualService) -> tuple[str, str, str]:
    """Sort as istiod does: the oldest first, by name and namespace where two are of one second.

    Istio's documentation leaves the order open, so nobody should lean on it.
    https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services
    """
    metadata = virtual_service.metadata
    return metadata.creation_timestamp, metadata.name, metadata.namespace


def _gateways(_: Snapshot, virtual_service: VirtualService) -> Iterable[str]:
    return dict.fromkeys(gateway_names(virtual_service, virtual_service.gateways)) if virtual_service.hosts else ()


def _places(snapshot: Snapshot, virtual_service: VirtualService) -> Iterable[tuple[str, str]]:
    return product(_gateways(snapshot, virtual_service), full_hosts(virtual_service))


bound_by_gateway = Grouping[str, VirtualService]("virtual_services", _gateways, order=_by_age)
"""The VirtualServices with hosts that name each gateway (`namespace/name`, or `mesh`), the oldest first.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-gateways
"""

bound_by_host = Grouping[tuple[str, str], VirtualService]("virtual_services", _places, order=_by_age)
"""The VirtualServices by the gateway and the full host (or wildcard) that they name, the oldest first."""


def full_hosts(virtual_service: VirtualService) -> tuple[str, ...]:
    """Give a VirtualService's hosts in full, each once: short names belong to its own namespace.

    https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-hosts
    """
    namespace = virtual_service.metadata.namespace
    return tuple(dict.fromkeys(resolve_host(host, namespace=namespace) for host in virtual_service.hosts))


def gateway_namespaces(snapshot: Snapshot, gateway: Gateway) -> frozenset[str]:
    """Give the namespaces of a Gateway's pods, its own where it has none: `exportTo` is about the proxies."""
    return frozenset(pod.metadata.namespace for pod in gateway_pods(snapshot, gateway)) or frozenset(
        [gateway.metadata.namespace]
    )


def carries(snapshot: Snapshot, virtual_service: VirtualService, gateway: str, *, source_namespace: str = "") -> bool:
    """Tell whether the proxies of a gateway, or sidecars in a namespace (empty: in any), see a VirtualService.

    https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-export_to
    """
    own, export_to = virtual_service.metadata.namespace, virtual_service.export_to
    if gateway == MESH:
        return not source_namespace or exported_to(export_to, own=own, namespace=source_namespace)
    namespace, _, name = gateway.partition("/")
    found = snapshot.gateways.get((namespace, name))
    namespaces = gateway_namespaces(snapshot, found) if found else frozenset([namespace])
    return exported_to_any(export_to, own=own, namespaces=namespaces)


def best_host(virtual_service: VirtualService, host: str) -> str:
    """Give the most specific of a VirtualService's hosts for a host, empty where none fits.

    The name itself goes before a wildcard, a longer wildcard before a shorter one.
    https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#config-route-v3-virtualhost
    """
    return max((each for each in full_hosts(virtual_service) if host_matches(each, host)), key=specificity, default="")


def specificity(host: str) -> tuple[bool, int]:
    """Give what sorts hosts by how specific they are."""
    return bool(host) and not host.startswith("*"), len(host)


def proxy_namespaces(snapshot: Snapshot, virtual_service: VirtualService, route: Route) -> frozenset[str]:
    """Give the namespaces of the gateways' pods that may take a route; sidecars may be in any and are not among them.

    https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest-gateways
    """
    own = virtual_service.gateways
    named = tuple(name for match in route.match for name in match.gateways or own) if route.match else own
    keys = (tuple(name.split("/", 1)) for name in gateway_names(virtual_service, named))
    found = (snapshot.gateways.get((key[0], key[-1])) for key in keys)
    return frozenset[str]().union(*(gateway_namespaces(snapshot, gateway) for gateway in found if gateway))
