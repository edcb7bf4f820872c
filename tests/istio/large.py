"""A mesh of the size that the pages are meant for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.istio import builders
from webapp.istio.snapshot import Snapshot

NAMESPACES = 10
PODS_PER_SERVICE = 5


def large_snapshot(service_count: int = 1000) -> Snapshot:
    """Give so many Services, each with a DestinationRule, a VirtualService and five pods of two versions."""
    return builders.snapshot(*_objects(service_count))


def _objects(service_count: int) -> Iterator[dict[str, Any]]:
    yield builders.gateway("edge", namespace="istio-system")
    yield builders.pod("gateway-1", namespace="istio-system", istio="ingress", app="gateway")
    yield builders.service("gateway", namespace="istio-system", type="LoadBalancer", externalIPs=["192.0.2.1"])
    for number in range(service_count):
        name, namespace = f"app-{number}", f"team-{number % NAMESPACES}"
        yield builders.service(name, namespace=namespace)
        yield builders.destination_rule(name, "v1", "v2", namespace=namespace)
        versions = [builders.destination(name, "v1", 90), builders.destination(name, "v2", 10)]
        route = builders.http_route(*versions, name="main")
        yield builders.virtual_service(route, name=name, namespace=namespace, gateways=["istio-system/edge"])
        pods = {f"{name}-{place}": "v1" if place else "v2" for place in range(PODS_PER_SERVICE)}
        for pod_name, version in pods.items():
            yield builders.pod(pod_name, namespace=namespace, app=name, version=version, tier="web", zone="a")
        yield builders.endpoint_slice(name, dict.fromkeys(pods, True), namespace=namespace)
