"""The picture of one VirtualService."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

from webapp.cluster.cluster import Cluster
from webapp.errors import NotFound
from webapp.istio.delegates import delegate_key
from webapp.istio.diagnostics import route_notes, virtual_service_notes
from webapp.istio.gateways import GatewayAddress, gateway_address
from webapp.istio.history import NoUndo, changes, undo_weights
from webapp.istio.mesh import unsplit_versions
from webapp.istio.objects import HttpRoute, Route, VirtualService
from webapp.istio.ownership import owner_of
from webapp.istio.routes import action_words, extra_words, match_words, route_digest
from webapp.istio.snapshot import Snapshot
from webapp.istio.timed import USUAL_SECONDS, rfc3339, serves_itself, tolerated, waiting_return
from webapp.istio.weights import weight_total
from webapp.panel import Panel, panel_of, tls_words
from webapp.settings import Settings
from webapp.traffic.targets import Identification
from webapp.views.models.virtual_service import (
    ChangeView,
    DelegateView,
    OwnerView,
    ReturnView,
    RouteView,
    SamplingView,
    UndoView,
    VirtualServiceView,
)
from webapp.views.pictures.parts import ago, destination_views, may_not_write, note_views, status_view, version_view


def cached_virtual_service(cluster: Cluster, *, namespace: str, name: str) -> VirtualService:
    """Return the object as the watch knows it.

    :raises Forbidden: who asks may not see it.
    :raises NotFound: there is none; the words say whether the picture is complete.
    """
    cluster.expect_may(("get", "list"), "virtualservices", namespace=namespace)
    found = cluster.snapshot().virtual_services.get((namespace, name))
    if found is None:
        whole = cluster.status().state == "live"
        words = "" if whole else " The picture of the cluster is not complete right now; it may be there all the same."
        raise NotFound(f"There is no VirtualService {namespace}/{name}.{words}")
    return found


def virtual_service_view(
    virtual_service: VirtualService, cluster: Cluster, settings: Settings, *, host: str = ""
) -> VirtualServiceView:
    """Show the object with every route; `virtual_service` may be newer than the cluster's snapshot.

    :param host: the Host by which the page was asked for, to know the route by which it came.
    """
    snapshot, namespace = cluster.snapshot(), virtual_service.metadata.namespace
    owner = owner_of(virtual_service.metadata)
    address = gateway_address(virtual_service, snapshot, in_cluster=cluster.in_cluster)
    found = address.url if isinstance(address, GatewayAddress) else ""
    http_routes = [
        _route_view(
            snapshot,
            virtual_service,
            route,
            _sampling_view(
                panel_of(snapshot, virtual_service, route, settings=settings, in_cluster=cluster.in_cluster), settings
            ),
            _delegate_view(snapshot, virtual_service, route),
            own=serves_itself(
                virtual_service, route, own_service=settings.own_service, host=urlsplit(f"//{host}").hostname or ""
            ),
        )
        for route in virtual_service.http
    ]
    return VirtualServiceView(
        cluster=status_view(cluster.status(), snapshot),
        namespace=namespace,
        name=virtual_service.metadata.name,
        hosts=list(virtual_service.hosts),
        gateways=list(virtual_service.gateways),
        gateway_url=settings.gateway_url or found,
        http_routes=http_routes,
        tls_routes=[_route_view(snapshot, virtual_service, route) for route in virtual_service.tls],
        tcp_routes=[_route_view(snapshot, virtual_service, route) for route in virtual_service.tcp],
        notes=note_views(virtual_service_notes(snapshot, virtual_service)),
        read_only=settings.read_only,
        owner=OwnerView(owner.tool, owner.name, owner.consequence) if owner else None,
        may_not=may_not_write(cluster, settings, namespace=namespace),
    )


def _route_view(
    snapshot: Snapshot,
    virtual_service: VirtualService,
    route: Route,
    sampling: SamplingView | None = None,
    delegate: DelegateView | None = None,
    *,
    own: bool = False,
) -> RouteView:
    now, back = datetime.now(UTC), undo_weights(virtual_service, route)
    return RouteView(
        section=route.section,
        index=route.index,
        name=route.name,
        match=match_words(route),
        route_digest=route_digest(route),
        total=weight_total(route),
        weighted=len(route.route) > 1,
        destinations=destination_views(snapshot, virtual_service, route),
        action=action_words(route),
        extras=extra_words(route),
        history=[
            ChangeView(list(each.weights), each.by, each.at, ago(each.at, now), each.current, each.inferred)
            for each in changes(virtual_service, route)
        ],
        undo=UndoView(False, [], back.reason) if isinstance(back, NoUndo) else UndoView(True, list(back)),
        sampling=sampling,
        notes=note_views(route_notes(snapshot, virtual_service, route)),
        delegate=delegate,
        return_=_return_view(virtual_service, route, now),
        return_seconds=USUAL_SECONDS * own if tolerated(owner_of(virtual_service.metadata)) else None,
        serves_itself=own,
        unsplit=[version_view(each) for each in unsplit_versions(snapshot, virtual_service, route)],
    )


def _return_view(virtual_service: VirtualService, route: Route, now: datetime) -> ReturnView | None:
    waiting = waiting_return(virtual_service, route)
    if waiting is None:
        return None
    seconds = max(0.0, round((waiting.at - now).total_seconds(), 1))
    return ReturnView(rfc3339(waiting.at), list(waiting.before), seconds, waiting.by)


def _sampling_view(panel: Panel, settings: Settings) -> SamplingView:
    return SamplingView(
        state=panel.state,
        rate=panel.rate,
        gateway_url=panel.target.gateway_url if panel.target else "",
        request=panel.request,
        reason=panel.reason,
        tag=panel.tagged,
        identified_by=identified_by(panel, settings),
        gateways=panel.gateways,
        asks_example=panel.asks_example,
        connection=panel.target.connection if panel.target else "keep-alive",
        follow_redirects=panel.target is not None and panel.target.follow_redirects,
        unchecked=panel.unchecked,
        tls=tls_words(panel.target, settings),
    )


def _delegate_view(snapshot: Snapshot, virtual_service: VirtualService, route: HttpRoute) -> DelegateView | None:
    key = delegate_key(virtual_service, route)
    return DelegateView(*key, there=key in snapshot.virtual_services) if key else None


def identified_by(panel: Panel, settings: Settings) -> str:
    """Say by what versions are told: the tag, or what the route or the settings name; empty where nothing does."""
    if panel.tagged:
        return "the response tag"
    usual = Identification(settings.version_header, settings.version_json_field, settings.version_pattern)
    by = panel.target.identification if panel.target else usual
    ways = [
        f"the header {by.header}" if by.header else "",
        f"the JSON field {by.json_field}" if by.json_field else "",
        "a pattern" if by.pattern else "",
    ]
    return ", ".join(filter(None, ways))
