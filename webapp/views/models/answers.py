"""The live panel's window."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LatencyView:
    """How long answers of the window took, in milliseconds: `answers` stand behind; None where these are too few."""

    answers: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True, slots=True)
class AnswerRowView:
    """One row of the panel's table. `version` None gathers answers that no version could be told for.

    :param asked: share asked for in percent, None where the row is not a destination.
    :param seen: share seen in percent of the identified answers, with its 95 % interval `low` to `high`.
    :param kinds: answers of this row by kind (`webapp.traffic.answers.Kind`), those that occurred.
    :param p50_ms: with `p95_ms` and `p99_ms` as this process measured them, of `timed` answers.
    :param upstream: the part of it that the gateway waited for the version's pods, by its own word.
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
    p99_ms: float | None = None
    timed: int = 0
    upstream: LatencyView = LatencyView()


@dataclass(frozen=True, slots=True)
class GatewayEffectView:
    """How the last shift stands on one of several gateway pods, each of which is asked by its own address."""

    name: str
    state: str
    low_seconds: float | None
    high_seconds: float | None


@dataclass(frozen=True, slots=True)
class EffectView:
    """How the last shift stands. `state` is known, not_yet, untold, never or none; `text` is the sentence.

    :param low_seconds: from here on, after the shift, it may have taken effect, `high_seconds` until here: with 95 %.
    :param gateways: how it stands on each gateway pod, where several are asked.
    """

    state: str
    text: str
    low_seconds: float | None
    high_seconds: float | None
    gateways: list[GatewayEffectView] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class GatewayView:
    """A gateway pod that is asked by its own address: requests of the window, and those without an answer by kind."""

    name: str
    requests: int
    unanswered: dict[str, int]


@dataclass(frozen=True, slots=True)
class FailingView:
    """Which version fails more often. `state` is none, untold or worse; `text` is the sentence.

    :param hint: how many failures carry no version for want of the response tag, in words; empty where none do.
    """

    state: str
    text: str
    hint: str


@dataclass(frozen=True, slots=True)
class AnswersView:
    """The live panel's window as numbers.

    :param state: the sampler's: running, paused, off or impossible.
    :param verdict: matches, differs, undecided or no_data; `verdict_text` is the sentence.
    :param since: Unix time in seconds from which `rows` count: the sampler's start, or the last shift.
    :param totals: `version` (or empty) → kind → count since the sampler's start, as the gateway would count them.
    :param window: each answer of the last `window_seconds`: [sequence, Unix time, version or null, kind, milliseconds,
        gateway pod or empty, milliseconds that Envoy waited or null].
    :param gateways: the gateway's pods, where each is asked by its own address.
    :param failing: which version fails more often, None where nothing was asked.
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
    in_effect: EffectView | None = None
    gateways: list[GatewayView] = field(default_factory=list)
    failing: FailingView | None = None
