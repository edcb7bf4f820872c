"""The page of one VirtualService."""

from __future__ import annotations

from dataclasses import dataclass, field

from webapp.views.models.shared import ClusterView, DestinationView, NoteView, VersionView


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One state in a route's history, newest first; `by` is who made it so. `weights` in the route's order."""

    weights: list[int]
    by: str
    at: str
    ago: str
    current: bool
    inferred: bool


@dataclass(frozen=True, slots=True)
class UndoView:
    """What Undo would do: `available` with the `weights` it returns to, or the `reason` why not."""

    available: bool
    weights: list[int]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReturnView:
    """A shift that goes back to `weights` in `seconds`, `at` (RFC 3339, UTC), unless somebody keeps it.

    :param by: who made it.
    """

    at: str
    weights: list[int]
    seconds: float
    by: str


@dataclass(frozen=True, slots=True)
class SamplingView:
    """How the live panel asks. `state` is running, paused, off (nobody has pressed Start yet) or impossible.

    :param request: the exact request, as `GET http://address/path` and `Host: …` lines.
    :param reason: why it is impossible, in words, with the cure.
    :param asks_example: an example of a request would mend what is impossible.
    :param unchecked: why it can't be known whether the route takes the example, empty where it does.
    :param tls: how the gateway's certificate is checked, in a sentence; empty where there is none.
    :param gateways: how the gateway's pods are asked, in a sentence; empty where it has one or none is known.
    """

    state: str
    rate: int
    gateway_url: str
    request: str
    reason: str = ""
    tag: bool = False
    identified_by: str = ""
    gateways: str = ""
    asks_example: bool = False
    connection: str = "keep-alive"
    follow_redirects: bool = False
    unchecked: str = ""
    tls: str = ""


@dataclass(frozen=True, slots=True)
class DelegateView:
    """The VirtualService that a route hands on to; `there` is whether the mesh has one of that name."""

    namespace: str
    name: str
    there: bool


@dataclass(frozen=True, slots=True)
class RouteView:
    """One route: its match in words, its destinations, and what can be done with it.

    :param index: its place in `spec.<section>`; section is http, tls or tcp.
    :param sampling: None for TLS and TCP routes, about which the gateway can't be asked over HTTP.
    :param total: the sum that weights have to keep (100, or what the object has now).
    :param weighted: two destinations or more: there is something to slide.
    :param action: what a route without destinations does, in words (redirects, answers itself, delegates).
    :param return_: what waits to be kept, None where nothing does; JSON has it as `return`.
    :param return_seconds: what the form proposes: 0 for no return, None where none can be noted.
    :param serves_itself: it is the route by which this page came.
    :param unsplit: the versions that share what goes to a lone destination without a subset.
    :param extras: timeouts, retries, mirrors, faults … in words, so that nothing is hidden.
    """

    section: str
    index: int
    name: str
    match: str
    route_digest: str
    total: int
    weighted: bool
    destinations: list[DestinationView]
    action: str
    extras: list[str]
    history: list[ChangeView]
    undo: UndoView
    sampling: SamplingView | None
    notes: list[NoteView]
    delegate: DelegateView | None = None
    return_: ReturnView | None = None
    return_seconds: int | None = None
    serves_itself: bool = False
    unsplit: list[VersionView] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OwnerView:
    """Who else manages the object, and what that tool will do about a change; writes need its name as `consent`."""

    tool: str
    name: str
    consequence: str


@dataclass(frozen=True, slots=True)
class VirtualServiceView:
    """The page of one VirtualService.

    :param may_not: the right that is lacking to change it, in a sentence; empty where none is known to.
    """

    cluster: ClusterView
    namespace: str
    name: str
    hosts: list[str]
    gateways: list[str]
    gateway_url: str
    http_routes: list[RouteView]
    tls_routes: list[RouteView]
    tcp_routes: list[RouteView]
    notes: list[NoteView]
    read_only: bool
    owner: OwnerView | None = None
    may_not: str = ""
