"""VirtualServices that hand a route on to another: the root has hosts and a match, the delegate has the routes.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#Delegate
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from webapp.istio.objects import HttpRoute, Key, VirtualService
from webapp.istio.parse_values import text
from webapp.istio.snapshot import Snapshot, remembered
from webapp.istio.visibility import exported_to


@dataclass(frozen=True, slots=True)
class Carried:
    """A route as a proxy has it: its own, or one of a delegate that is reached through `root`'s route `root_route`."""

    virtual_service: VirtualService
    route: HttpRoute
    root: VirtualService
    root_route: HttpRoute

    @property
    def delegated(self) -> bool:
        """Whether the route belongs to another VirtualService than the one that has the host."""
        return self.virtual_service is not self.root

    @property
    def words(self) -> str:
        """`by delegation from shop/root route 0`, empty where the route is the VirtualService's own."""
        return f"by delegation from {self.root.metadata.full_name} route {self.root_route.index}" * self.delegated


def delegate_key(virtual_service: VirtualService, route: HttpRoute) -> Key | None:
    """Name the VirtualService that a route delegates to; without a namespace it is the root's own.

    https://istio.io/latest/docs/reference/config/networking/virtual-service/#Delegate-namespace
    """
    if route.delegate is None or not text(route.delegate.get("name")):
        return None
    return text(route.delegate.get("namespace")) or virtual_service.metadata.namespace, text(route.delegate["name"])


def delegate_of(snapshot: Snapshot, virtual_service: VirtualService, route: HttpRoute) -> VirtualService | None:
    """Find what a route delegates to; None where it doesn't, or where Istio would not take what is there.

    A delegate has no hosts of its own, and it must be exported to the root's namespace.
    """
    key = delegate_key(virtual_service, route)
    found = snapshot.virtual_services.get(key) if key and virtual_service.hosts else None
    if found is None or found.hosts:
        return None
    seen = exported_to(found.export_to, own=found.metadata.namespace, namespace=virtual_service.metadata.namespace)
    return found if seen else None


def delegate_problem(snapshot: Snapshot, virtual_service: VirtualService, route: HttpRoute) -> str:
    """Say why Istio leaves a route that delegates out; empty where it doesn't delegate, or where all is well.

    https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRoute-delegate
    """
    key = delegate_key(virtual_service, route)
    if key is None or delegate_of(snapshot, virtual_service, route):
        return ""
    found = snapshot.virtual_services.get(key)
    if found is None:
        return f"there is no VirtualService {'/'.join(key)}"
    if not virtual_service.hosts:
        return "a VirtualService without hosts may not delegate on"
    return f"{'/'.join(key)} has hosts of its own" if found.hosts else f"{'/'.join(key)} is not exported to here"


def carried_routes(snapshot: Snapshot, virtual_service: VirtualService) -> Iterator[Carried]:
    """List the routes that a VirtualService brings to its proxies, delegates' routes in the place of their root's.

    A delegate's own delegates are not followed: Istio refuses them.
    https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRoute-delegate
    """
    for route in virtual_service.http:
        if route.delegate is None:
            yield Carried(virtual_service, route, virtual_service, route)
        elif delegate := delegate_of(snapshot, virtual_service, route):
            for each in delegate.http:
                if each.delegate is None:
                    yield Carried(delegate, each, virtual_service, route)


@remembered
def roots_by_delegate(snapshot: Snapshot) -> dict[Key, tuple[tuple[VirtualService, HttpRoute], ...]]:
    """Give the routes that delegate to each VirtualService, in order of their names."""
    found: dict[Key, tuple[tuple[VirtualService, HttpRoute], ...]] = {}
    for _, virtual_service in sorted(snapshot.virtual_services.items()):
        for route in virtual_service.http:
            if delegate := delegate_of(snapshot, virtual_service, route):
                found[delegate.metadata.key] = (*found.get(delegate.metadata.key, ()), (virtual_service, route))
    return found
