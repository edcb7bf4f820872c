"""The picture of the mesh: its services, one page of them at a time."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple, TypeVar

from webapp.cluster.cluster import Cluster, ClusterStatus
from webapp.istio.diagnostics import service_notes
from webapp.istio.gateways import GatewayAddress, gateway_address, gateways_behind
from webapp.istio.mesh import Version, host_of, routes_reaching, service_keys, versions_of
from webapp.istio.objects import HttpRoute, Route, VirtualService
from webapp.istio.snapshot import Key, Snapshot, remembered
from webapp.settings import Settings
from webapp.views.models.mesh import MeshView, PagingView, ServiceRowView, Show, SplitView
from webapp.views.pictures.parts import destination_views, note_views, status_view, version_view

_V = TypeVar("_V")


class Door(NamedTuple):
    """What of the settings decides where a service is reached."""

    gateway_url: str
    in_cluster: bool


PAGE_ROWS = 100
MOST_ROWS = 500
"""On one page; a browser takes a tenth of a second or two to bring so many up to date."""


class Choice(NamedTuple):
    """Which services to list: of those that fit one page, `limit` a page; None puts all on one."""

    namespace: str = ""
    search: str = ""
    show: Show = ""
    page: int = 1
    limit: int | None = None


def mesh_view(cluster: Cluster, settings: Settings, choice: Choice) -> MeshView:
    """List the services; only the rows that are shown are drawn, each once until something of it changes."""
    snapshot, status = cluster.snapshot(), cluster.status()
    keys, door = _listed(cluster, snapshot), Door(settings.gateway_url, cluster.in_cluster)
    fitting = [key for key in keys if _fits(snapshot, key, choice)]
    shown, paging = page_of(fitting, page=choice.page, limit=choice.limit)
    return MeshView(
        cluster=status_view(status, snapshot),
        namespaces=sorted({key[0] for key in keys}),
        namespace=choice.namespace,
        search=choice.search,
        services=[_row(snapshot, key, door) for key in shown],
        service_count=len(keys),
        empty="" if shown else _why_empty(status, len(keys), len(fitting)),
        next_step=_next_step(snapshot, status, keys),
        show=choice.show,
        paging=paging,
    )


def _listed(cluster: Cluster, snapshot: Snapshot) -> Sequence[Key]:
    """Give the services that who asks may list."""
    keys = service_keys(snapshot)
    if cluster.person is None:
        return keys
    services = cluster.where("list", "services", snapshot.services)
    entries = cluster.where("list", "serviceentries", (key for key in keys if key not in snapshot.services))
    return [key for key in keys if key[0] in (services if key in snapshot.services else entries)]


def page_of(fitting: Sequence[_V], *, page: int, limit: int | None) -> tuple[Sequence[_V], PagingView]:
    """Give one page of what fits, and where that stands."""
    count = len(fitting)
    rows = limit or max(1, count)
    last_page = max(1, ceil(count / rows))
    is_last = page >= last_page
    paging = PagingView(
        fitting_count=count,
        page=page,
        limit=limit,
        next_page=None if is_last else page + 1,
        previous_page=min(page - 1, last_page) if page > 1 else None,
        next_limit=rows + PAGE_ROWS if page == 1 and not is_last and rows + PAGE_ROWS <= MOST_ROWS else None,
    )
    return fitting[(page - 1) * rows : page * rows], paging


def _fits(snapshot: Snapshot, key: Key, choice: Choice) -> bool:
    if choice.namespace not in {"", key[0]} or choice.search.lower() not in f"{key[0]}/{key[1]}".lower():
        return False
    if choice.show == "split":
        return any(len(route.route) > 1 for _, route in routes_reaching(snapshot, key))
    return choice.show != "warnings" or any(note.level != "info" for note in service_notes(snapshot, key))


def _why_empty(status: ClusterStatus, count: int, fitting: int) -> str:
    if fitting:
        return f"The list ends before this page: {fitting:,} services fit."
    if count:
        return "No service fits this filter."
    if status.state == "loading":
        return "The first lists are being read."
    if status.state != "live" or _problems(status):
        return "Nothing could be read yet."
    return "There are no services in this cluster yet. Apply a Deployment and a Service, and they appear here."


def _next_step(snapshot: Snapshot, status: ClusterStatus, keys: Sequence[Key]) -> str:
    """Say what is missing before there is anything to shift; empty where something can be, or not all is known."""
    if not keys or status.state != "live" or _problems(status):
        return ""
    if not any(len(versions_of(snapshot, key)) > 1 for key in keys):
        return (
            "No service has two versions yet, so there is nothing to shift. Deploy a second one behind the same "
            "Service, with another value of the label version: it appears here at once."
        )
    if not snapshot.gateways and not status.scope:
        return (
            "There is no Istio Gateway, so nothing in this mesh is reached from outside and no answers can be sampled. "
            "A Gateway, and a VirtualService that names it, let requests in."
        )
    return ""


def _problems(status: ClusterStatus) -> list[str]:
    """Give what keeps the cluster from being read, which a smaller scope does not."""
    return [each for each in status.problems if each != status.scope]


@remembered
def _row(snapshot: Snapshot, key: Key, door: Door) -> ServiceRowView:
    versions, routes = versions_of(snapshot, key), routes_reaching(snapshot, key)
    reached_at, reached_as = reached(snapshot, key, routes, door)
    return ServiceRowView(
        namespace=key[0],
        name=key[1],
        host=host_of(snapshot, key),
        kind="Service" if key in snapshot.services else "ServiceEntry",
        versions=[version_view(each) for each in versions],
        split=_split(snapshot, key, versions, routes),
        reached_at=reached_at,
        reached_as=reached_as,
        notes=note_views(service_notes(snapshot, key)),
    )


def _split(
    snapshot: Snapshot, key: Key, versions: tuple[Version, ...], routes: tuple[tuple[VirtualService, Route], ...]
) -> SplitView:
    """Show the split that most requests take: the last route that splits or pins, for earlier ones are special cases.

    HTTP routes go before those of whole connections.

    A lone destination without a subset splits nothing: what answers then is up to the balancer and the pods.
    """
    telling = [(owner, route) for owner, route in routes if len(route.route) > 1 or route.route[0].destination.subset]
    if telling:
        owner, route = max(enumerate(telling), key=lambda each: (each[1][1].section == "http", each[0]))[1]
        views, name = destination_views(snapshot, owner, route), owner.metadata.full_name
        return SplitView(views, "", name, route.index, route.section)
    if gateways := _gateways(snapshot, key, routes):
        return SplitView([], f"the way in, by {' and '.join(gateways)}", "", None)
    return SplitView([], no_split(versions) or "no split", "", None)


def no_split(versions: tuple[Version, ...]) -> str:
    """Say who answers where no weights decide; empty where there is no version to name."""
    ready = [each.ready for each in versions]
    if len([count for count in ready if count]) > 1:
        # The balancer (LEAST_REQUEST) spreads over pods, so shares are near their counts, no more than near.
        shares = "/".join(f"{100 * count / sum(ready):.0f}" for count in ready)
        return f"no split: about by pods, {shares}"
    return "one version" if len(versions) == 1 else ""


def _gateways(snapshot: Snapshot, key: Key, routes: tuple[tuple[VirtualService, Route], ...]) -> tuple[str, ...]:
    """Name the Gateways that a service without routes leads to: it is what others are reached by."""
    return () if routes else gateways_behind(snapshot).get(key, ())


def reached(
    snapshot: Snapshot, key: Key, routes: tuple[tuple[VirtualService, Route], ...], door: Door
) -> tuple[str, str]:
    """Say where the service is reached (or why not) and as which Host (empty where any will do)."""
    if not routes:
        return "as a gateway" if _gateways(snapshot, key, routes) else "not exposed", ""
    owners = {owner.metadata.full_name: owner for owner, _ in routes}.values()
    for owner in owners:
        address = gateway_address(owner, snapshot, in_cluster=door.in_cluster)
        if isinstance(address, GatewayAddress):
            host = next((host for host in owner.hosts if host != "*"), "")
            return f"{door.gateway_url or address.url}/", host
    outside = any(gateway != "mesh" for owner in owners for gateway in owner.gateways)
    if outside and not any(isinstance(route, HttpRoute) for _, route in routes):
        return "gateway, not over HTTP", ""
    return "gateway without an address" if outside else "mesh only", ""
