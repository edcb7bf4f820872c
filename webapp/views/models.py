"""What templates draw and JSON says: one frozen dataclass a picture, the same for both.

Field names here are the JSON's names: scripts hold on to them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version of a service. `mark` is its place in the palette: the same colour and shape on every page."""

    name: str
    mark: int
    subset: str | None
    labels: dict[str, str]
    ready: int
    total: int


@dataclass(frozen=True, slots=True)
class NoteView:
    """A sentence about something that a person should know. `level` is info, warning or owner."""

    level: str
    code: str
    text: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class DestinationView:
    """One destination of a route.

    :param share: what its weight means, in percent of the sum; None where the sum is 0.
    :param ready: pods behind it that are ready, of `total`; both None where the host is no Service with pods.
    """

    host: str
    subset: str | None
    port: int | None
    version: str
    mark: int
    weight: int
    share: float | None
    ready: int | None
    total: int | None
    tagged: bool


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
class SamplingView:
    """How the live panel asks. `state` is running, paused, off (nobody has pressed Start yet) or impossible.

    :param request: the exact request, as `GET http://address/path` and `Host: …` lines.
    :param reason: why it is impossible, in words, with the cure.
    """

    state: str
    rate: int
    gateway_url: str
    request: str
    reason: str = ""
    tag: bool = False
    identified_by: str = ""


@dataclass(frozen=True, slots=True)
class HttpRouteView:
    """One HTTP route: its match in words, its destinations, and what can be done with it.

    :param total: the sum that weights have to keep (100, or what the object has now).
    :param weighted: two destinations or more: there is something to slide.
    :param action: what a route without destinations does, in words (redirects, answers itself, delegates).
    :param extras: timeouts, retries, mirrors, faults … in words, so that nothing is hidden.
    """

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
    sampling: SamplingView
    notes: list[NoteView]


@dataclass(frozen=True, slots=True)
class ClusterView:
    """How old the picture is. `state` is live, loading, stale or down; `problems` are sentences.

    :param revision: grows with every change; the stream's `mesh` events name it, so that a page knows when it is old.
    """

    name: str
    revision: int
    state: str
    age_seconds: float
    text: str
    progress: list[ProgressView]
    problems: list[str]


@dataclass(frozen=True, slots=True)
class ProgressView:
    """The first list of one kind: `listed` of `expected` (None while unknown)."""

    kind: str
    listed: int
    expected: int | None
    done: bool


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


@dataclass(frozen=True, slots=True)
class RouteReachView:
    """One route that reaches a service: which VirtualService, its match in words, its destinations."""

    namespace: str
    virtual_service: str
    http_route: int
    match: str
    gateways: list[str]
    destinations: list[DestinationView]


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


@dataclass(frozen=True, slots=True)
class OwnerView:
    """Who else manages the object, and what that tool will do about a change; writes need its name as `consent`."""

    tool: str
    name: str
    consequence: str


@dataclass(frozen=True, slots=True)
class VirtualServiceView:
    """The page of one VirtualService."""

    cluster: ClusterView
    namespace: str
    name: str
    hosts: list[str]
    gateways: list[str]
    gateway_url: str
    http_routes: list[HttpRouteView]
    other_routes: str
    notes: list[NoteView]
    read_only: bool
    owner: OwnerView | None = None


@dataclass(frozen=True, slots=True)
class AnswerRowView:
    """One row of the panel's table. `version` None gathers answers that no version could be told for.

    :param asked: share asked for in percent, None where the row is not a destination.
    :param seen: share seen in percent of the identified answers, with its 95 % interval `low` to `high`.
    :param kinds: answers of this row by kind (`webapp.traffic.answers.Kind`), those that occurred.
    """

    version: str | None
    mark: int | None
    asked: float | None
    seen: float | None
    low: float | None
    high: float | None
    answers: int
    failures: int
    kinds: dict[str, int]
    p50_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class AnswersView:
    """The live panel's window as numbers.

    :param state: the sampler's: running, paused, off or impossible.
    :param verdict: matches, differs, undecided or no_data; `verdict_text` is the sentence.
    :param since: Unix time in seconds from which `rows` count: the sampler's start, or the last shift.
    :param totals: `version` (or empty) → kind → count since the sampler's start, as the gateway would count them.
    :param window: each answer of the last `window_seconds`: [sequence, Unix time, version or null, kind, milliseconds].
    """

    namespace: str
    name: str
    http_route: int
    state: str
    asked_rate: int
    reached_rate: float
    rows: list[AnswerRowView]
    total: int
    unidentified: int
    failures: int
    verdict: str
    verdict_text: str
    since: float | None
    window_seconds: int
    totals: dict[str, dict[str, int]]
    window: list[list[object]]


@dataclass(frozen=True, slots=True)
class ErrorView:
    """An error as people see it; JSON wraps `code`, `message` and `detail` in `error`."""

    status: int
    title: str
    code: str
    message: str
    detail: dict[str, object]
