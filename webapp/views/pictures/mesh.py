"""The pictures of the mesh and of one service."""

from __future__ import annotations

from webapp.cluster.cluster import Cluster, ClusterStatus
from webapp.errors import NotFound
from webapp.istio.diagnostics import service_notes
from webapp.istio.gateways import GatewayAddress, gateway_address
from webapp.istio.mesh import Version, pods_of, routes_reaching, rules_for_host, service_keys, versions_of
from webapp.istio.names import resolve_host
from webapp.istio.objects import HttpRoute, VirtualService
from webapp.istio.routes import match_words
from webapp.istio.snapshot import Key, Snapshot
from webapp.settings import Settings
from webapp.views.models.mesh import MeshView, ServiceRowView, SplitView
from webapp.views.models.service import PodView, RouteReachView, ServiceView
from webapp.views.pictures.parts import destination_views, note_views, status_view, version_view


def mesh_view(cluster: Cluster, settings: Settings, *, namespace: str, search: str) -> MeshView:
    """List the services; `namespace` narrows to one, `search` to names and hosts that contain it."""
    snapshot, status = cluster.snapshot(), cluster.status()
    keys = service_keys(snapshot)
    chosen = [
        key for key in keys if (not namespace or key[0] == namespace) and search.lower() in f"{key[0]}/{key[1]}".lower()
    ]
    rows = [_row(snapshot, key, settings, in_cluster=cluster.in_cluster) for key in chosen]
    return MeshView(
        cluster=status_view(status, snapshot),
        namespaces=sorted({key[0] for key in keys}),
        namespace=namespace,
        search=search,
        services=rows,
        service_count=len(keys),
        empty=_why_empty(status, len(keys)) if not rows else "",
    )


def _why_empty(status: ClusterStatus, count: int) -> str:
    if count:
        return "No service fits this filter."
    if status.state == "loading":
        return "The first lists are being read."
    if status.state != "live" or status.problems:
        return "Nothing could be read yet."
    return "There are no services in this cluster yet. Apply a Deployment and a Service, and they appear here."


def _row(snapshot: Snapshot, key: Key, settings: Settings, *, in_cluster: bool) -> ServiceRowView:
    versions, routes = versions_of(snapshot, key), routes_reaching(snapshot, key)
    reached_at, reached_as = _reached(snapshot, routes, settings, in_cluster=in_cluster)
    return ServiceRowView(
        namespace=key[0],
        name=key[1],
        host=_host(snapshot, key),
        kind="Service" if key in snapshot.services else "ServiceEntry",
        versions=[version_view(each) for each in versions],
        split=_split(snapshot, versions, routes),
        reached_at=reached_at,
        reached_as=reached_as,
        notes=note_views(service_notes(snapshot, key)),
    )


def _host(snapshot: Snapshot, key: Key) -> str:
    return resolve_host(key[1], namespace=key[0]) if key in snapshot.services else key[1]


def _split(
    snapshot: Snapshot, versions: tuple[Version, ...], routes: tuple[tuple[VirtualService, HttpRoute], ...]
) -> SplitView:
    """Show the split that most requests take: the last route that splits or pins, for earlier ones are special cases.

    A lone destination without a subset splits nothing: what answers then is up to the balancer and the pods.
    """
    telling = [(owner, route) for owner, route in routes if len(route.route) > 1 or route.route[0].destination.subset]
    if telling:
        owner, route = telling[-1]
        return SplitView(destination_views(snapshot, owner, route), "", owner.metadata.full_name, route.index)
    ready = [each.ready for each in versions]
    if len([count for count in ready if count]) > 1:
        # The balancer (LEAST_REQUEST) spreads over pods, so shares are near their counts, no more than near.
        shares = "/".join(f"{100 * count / sum(ready):.0f}" for count in ready)
        return SplitView([], f"no split: about by pods, {shares}", "", None)
    return SplitView([], "one version" if len(versions) == 1 else "no split", "", None)


def _reached(
    snapshot: Snapshot,
    routes: tuple[tuple[VirtualService, HttpRoute], ...],
    settings: Settings,
    *,
    in_cluster: bool,
) -> tuple[str, str]:
    """Say where the service is reached (or why not) and as which Host (empty where any will do)."""
    if not routes:
        return "not exposed", ""
    owners = {owner.metadata.full_name: owner for owner, _ in routes}.values()
    for owner in owners:
        address = gateway_address(owner, snapshot, in_cluster=in_cluster)
        if isinstance(address, GatewayAddress):
            host = next((host for host in owner.hosts if host != "*"), "")
            return f"{settings.gateway_url or address.url}/", host
    outside = any(gateway != "mesh" for owner in owners for gateway in owner.gateways)
    return "gateway without an address" if outside else "mesh only", ""


def service_view(cluster: Cluster, settings: Settings, *, namespace: str, name: str) -> ServiceView:
    """Show one service.

    :raises NotFound: neither a Service nor a host of a ServiceEntry has that name.
    """
    snapshot, key = cluster.snapshot(), (namespace, name)
    if key not in snapshot.services and key not in service_keys(snapshot):
        raise NotFound(f"There is no service {namespace}/{name}.")
    versions, routes = versions_of(snapshot, key), routes_reaching(snapshot, key)
    marks = {version.name: version.mark for version in versions}
    service = snapshot.services.get(key)
    reached_at, reached_as = _reached(snapshot, routes, settings, in_cluster=cluster.in_cluster)
    return ServiceView(
        cluster=status_view(cluster.status(), snapshot),
        namespace=namespace,
        name=name,
        host=_host(snapshot, key),
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
                http_route=route.index,
                match=match_words(route),
                gateways=list(owner.gateways),
                destinations=destination_views(snapshot, owner, route),
            )
            for owner, route in routes
        ],
        destination_rules=[
            f"{rule.metadata.namespace}/{rule.metadata.name}" for rule in rules_for_host(snapshot, _host(snapshot, key))
        ],
        reached_at=reached_at,
        reached_as=reached_as,
        notes=note_views(service_notes(snapshot, key)),
    )
