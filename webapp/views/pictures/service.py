"""The picture of one service."""

from __future__ import annotations

from webapp.cluster.cluster import Cluster
from webapp.errors import NotFound
from webapp.istio.diagnostics import service_page_notes
from webapp.istio.mesh import (
    host_of,
    pods_of,
    routes_reaching,
    rules_for_host,
    service_keys,
    unsplit_versions,
    versions_of,
)
from webapp.istio.routes import match_words
from webapp.settings import Settings
from webapp.views.models.service import PodView, RouteReachView, ServiceView
from webapp.views.pictures.mesh import Door, no_split, reached
from webapp.views.pictures.parts import destination_views, note_views, status_view, version_view


def service_view(cluster: Cluster, settings: Settings, *, namespace: str, name: str) -> ServiceView:
    """Show one service.

    :raises NotFound: neither a Service nor a host of a ServiceEntry has that name.
    """
    snapshot, key = cluster.snapshot(), (namespace, name)
    kind = "services" if key in snapshot.services or key not in service_keys(snapshot) else "serviceentries"
    cluster.expect_may(("get", "list"), kind, namespace=namespace)
    if key not in snapshot.services and key not in service_keys(snapshot):
        raise NotFound(f"There is no service {namespace}/{name}.")
    versions, routes = versions_of(snapshot, key), routes_reaching(snapshot, key)
    marks = {version.name: version.mark for version in versions}
    service = snapshot.services.get(key)
    reached_at, reached_as = reached(snapshot, key, routes, Door(settings.gateway_url, cluster.in_cluster))
    return ServiceView(
        cluster=status_view(cluster.status(), snapshot),
        namespace=namespace,
        name=name,
        host=host_of(snapshot, key),
        kind="Service" if service else "ServiceEntry",
        ports=[f"{port.port} {port.name or port.protocol}" for port in service.ports] if service else [],
        versions=[version_view(version) for version in versions],
        pods=[
            PodView(pod.metadata.name, version, marks.get(version or ""), ready, dict(pod.metadata.labels))
            for pod, version, ready in pods_of(snapshot, key)
        ],
        routes=[
            RouteReachView(
                namespace=owner.metadata.namespace,
                virtual_service=owner.metadata.name,
                section=route.section,
                http_route=route.index,
                match=match_words(route),
                gateways=list(owner.gateways),
                destinations=destination_views(snapshot, owner, route),
                unsplit=no_split(unsplit_versions(snapshot, owner, route)),
            )
            for owner, route in routes
        ],
        destination_rules=[
            f"{rule.metadata.namespace}/{rule.metadata.name}"
            for rule in rules_for_host(snapshot, host_of(snapshot, key))
        ],
        reached_at=reached_at,
        reached_as=reached_as,
        notes=note_views(service_page_notes(snapshot, key)),
    )
