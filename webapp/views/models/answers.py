"""The live panel's window."""

from __future__ import annotations

from dataclasses import dataclass


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
class EffectView:
    """How the last shift stands. `state` is known, not_yet, untold, never or none; `text` is the sentence.

    :param low_seconds: from here on, after the shift, it may have taken effect, `high_seconds` until here: with 95 %.
    """

    state: str
    text: str
    low_seconds: float | None
    high_seconds: float | None


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
    in_effect: EffectView | None = None
