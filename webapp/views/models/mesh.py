"""The page of the mesh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from webapp.views.models.shared import ClusterView, DestinationView, NoteView, VersionView

Show: TypeAlias = Literal["", "split", "warnings"]
"""Which services are shown: all, those whose traffic a route splits, those that need somebody's attention."""


@dataclass(frozen=True, slots=True)
class SplitView:
    """Traffic now: where one split says it, its destinations; else `text` in words.

    :param http_route: the route's place in the VirtualService's `spec.<section>`, as a rule `spec.http`.
    """

    destinations: list[DestinationView]
    text: str
    virtual_service: str
    http_route: int | None
    section: str = "http"


@dataclass(frozen=True, slots=True, eq=False)
class ServiceRowView:
    """One row of the mesh page; two that look alike are two, so that what was drawn of one can be kept.

    :param reached_at: an address, or in words why there is none: `mesh only`, `not exposed`.
    :param reached_as: the Host that has to be asked for there, empty where any will do.
    """

    namespace: str
    name: str
    host: str
    kind: str
    versions: list[VersionView]
    split: SplitView
    reached_at: str
    notes: list[NoteView]
    reached_as: str = ""


@dataclass(frozen=True, slots=True)
class PagingView:
    """Which of the services that fit are shown.

    :param fitting_count: how many fit.
    :param limit: how many rows a page has, None where all are on one.
    :param next_page: None on the last page; `previous_page` on the first.
    :param next_limit: shows the next rows beside these; None where there are none, or where these are many already.
    """

    fitting_count: int = 0
    page: int = 1
    limit: int | None = None
    next_page: int | None = None
    previous_page: int | None = None
    next_limit: int | None = None


@dataclass(frozen=True, slots=True)
class MeshView:
    """The page `/`: of the services that fit, those of one page.

    :param service_count: all services, whether they fit or not.
    :param empty: says in words why there are no rows and what to do next, and is empty else.
    :param next_step: what is missing before there is anything to shift, empty where nothing is.
    """

    cluster: ClusterView
    namespaces: list[str]
    namespace: str
    search: str
    services: list[ServiceRowView]
    service_count: int
    empty: str
    next_step: str = ""
    show: Show = ""
    paging: PagingView = PagingView()

    @property
    def counted(self) -> str:
        """Say which rows these are: `7 services`, `5 of 7 services`, `101–200 of 345 that fit, 1,002 services`."""
        services = f"{self.service_count:,} service{'s' if self.service_count != 1 else ''}"
        shown, paging = len(self.services), self.paging
        if paging.next_page or paging.previous_page:
            first = (paging.page - 1) * (paging.limit or 0) + 1
            fitting = f"{paging.fitting_count:,} that fit, " if paging.fitting_count != self.service_count else ""
            return f"{first:,}–{first + shown - 1:,} of {fitting}{services}"
        return services if shown == self.service_count else f"{shown:,} of {services}"
