"""What several pages show."""

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
    """A sentence about something that a person should know. `level` is info, warning or owner.

    :param ist: the code that `istioctl analyze` has for it (`IST0101`), empty where it has none.
    :param link: Istio's page about it, empty where there is none.
    """

    level: str
    code: str
    text: str
    cure: str = ""
    ist: str = ""
    link: str = ""


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
class ProgressView:
    """The first list of one kind: `listed` of `expected` (None while unknown)."""

    kind: str
    listed: int
    expected: int | None
    done: bool


@dataclass(frozen=True, slots=True)
class ClusterView:
    """How old the picture is. `state` is live, loading, stale or down; `problems` are sentences.

    :param revision: grows with every change; the stream's `mesh` events name it, so that a page knows when it is old.
    :param scope: which namespaces alone are watched, in a sentence; empty where all are.
    :param as_of: when the API server was last heard, RFC 3339.
    """

    name: str
    revision: int
    state: str
    age_seconds: float
    text: str
    progress: list[ProgressView]
    problems: list[str]
    scope: str = ""
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class ErrorView:
    """An error as people see it; JSON wraps `code`, `message` and `detail` in `error`."""

    status: int
    title: str
    code: str
    message: str
    detail: dict[str, object]
