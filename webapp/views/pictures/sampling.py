"""The picture of what one route's live panel asks."""

from __future__ import annotations

from webapp.cluster.cluster import Cluster
from webapp.istio.objects import HttpRoute, VirtualService
from webapp.istio.routes import match_words
from webapp.istio.sample import SAFE_METHODS, CannotSample, SampleRequest, sample_request
from webapp.panel import panel_of, tls_words
from webapp.settings import Settings
from webapp.views.models.sampling import AskedView
from webapp.views.pictures.parts import may_not_write, status_view
from webapp.views.sampling_form import Asked


def asked_view(
    virtual_service: VirtualService,
    route: HttpRoute,
    asked: Asked,
    cluster: Cluster,
    settings: Settings,
    *,
    saved: bool = False,
    problems: dict[str, str] | None = None,
) -> AskedView:
    """Show the form as it was sent beside what is asked now; `virtual_service` may be newer than the snapshot."""
    snapshot, namespace = cluster.snapshot(), virtual_service.metadata.namespace
    panel = panel_of(snapshot, virtual_service, route, settings=settings, in_cluster=cluster.in_cluster)
    derived = sample_request(virtual_service, route)
    return AskedView(
        cluster=status_view(cluster.status(), snapshot),
        namespace=namespace,
        name=virtual_service.metadata.name,
        http_route=route.index,
        match=match_words(route),
        state=panel.state,
        derived=_in_words(derived) if isinstance(derived, SampleRequest) else "",
        reason=panel.reason or (derived.reason if isinstance(derived, CannotSample) else ""),
        own=asked.own or isinstance(derived, CannotSample),
        method=asked.request.method,
        host=asked.request.host,
        path=asked.request.path,
        headers=asked.request.headers,
        methods=list(SAFE_METHODS),
        connection=asked.connection,
        follow_redirects=asked.redirects == "follow",
        request=panel.request,
        unchecked=panel.unchecked,
        tls=tls_words(panel.target, settings),
        read_only=settings.read_only,
        may_not=may_not_write(cluster, settings, namespace=namespace),
        saved=saved,
        problems=problems or {},
    )


def _in_words(request: SampleRequest) -> str:
    headers = [f"{name}: {value}" for name, value in request.headers.items()]
    return ", ".join([f"{request.method} {request.path}", f"Host {request.host or 'of the gateway itself'}", *headers])
