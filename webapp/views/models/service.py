"""The page of one service."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.views.models.shared import ClusterView, DestinationView, NoteView, VersionView


@dataclass(frozen=True, slots=True)
class RouteReachView:
    """One route that reaches a service: which VirtualService, its match in words, its destinations.

    :param http_route: its place in the VirtualService's `spec.<section>`, as a rule `spec.http`.
    :param unsplit: what decides which version answers where the route names none; empty where it does.
    """

    namespace: str
    virtual_service: str
    http_route: int
    match: str
    gateways: list[str]
    destinations: list[DestinationView]
    section: str = "http"
    unsplit: str = ""


@dataclass(frozen=True, slots=True)
class PodView:
    """One pod of a service; `version` is None where no version claims it."""

    name: str
    version: str | None
    mark: int | None
    ready: bool
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class ServiceView:
    """The page of one service."""

    cluster: ClusterView
    namespace: str
    name: str
    host: str
    kind: str
    ports: list[str]
    versions: list[VersionView]
    pods: list[PodView]
    routes: list[RouteReachView]
    destination_rules: list[str]
    reached_at: str
    notes: list[NoteView]
    reached_as: str = ""
