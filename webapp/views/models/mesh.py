"""The page of the mesh."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.views.models.shared import ClusterView, DestinationView, NoteView, VersionView


@dataclass(frozen=True, slots=True)
class SplitView:
    """Traffic now: where one split says it, its destinations; else `text` in words."""

    destinations: list[DestinationView]
    text: str
    virtual_service: str
    http_route: int | None


@dataclass(frozen=True, slots=True)
class ServiceRowView:
    """One row of the mesh page.

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
class MeshView:
    """The page `/`. `empty` says in words why there are no rows and what to do next, and is empty else."""

    cluster: ClusterView
    namespaces: list[str]
    namespace: str
    search: str
    services: list[ServiceRowView]
    service_count: int
    empty: str
