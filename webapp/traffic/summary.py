"""The panel's table: what was asked and what was seen, a row a version."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from webapp.traffic.answers import Answer, Counts, Kind, Window
from webapp.traffic.failing import Failing, compare_failures
from webapp.traffic.gateways import GatewayRow, gateway_rows
from webapp.traffic.shifts import InEffect
from webapp.traffic.statistics import Verdict, compare, quantile, verdict
from webapp.traffic.targets import Target

REACHED_SECONDS = 5.0
"""The reached rate is that of the last seconds, so that it follows a change at the eye's pace."""


@dataclass(frozen=True, slots=True)
class Latency:
    """How long answers took, in milliseconds; None where too few stand behind a figure (`least_answers`).

    :param answers: how many stand behind the figures.
    :param p50_ms: the time that half of them stay within; `p95_ms` 95 %, `p99_ms` 99 %.
    """

    answers: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One version's answers since the restart; `version` None gathers those of which none is known.

    :param asked: share asked for in percent, None where the version is no destination or all weights are 0.
    :param seen: share in percent of the answers whose version is known; None where there are none.
    :param low: lower edge in percent of the interval that holds at every look; `high` the upper edge.
    :param kinds: answers by `Kind` value, those that occurred.
    :param latency: of the window's answers, from sending to the end of the body: the way there and back, and what this
        process took, are in it.
    :param upstream: the part of it that Envoy waited for the destination, of the answers that say so.
    """

    version: str | None
    asked: float | None
    seen: float | None
    low: float | None
    high: float | None
    answers: int
    failures: int
    kinds: dict[str, int]
    latency: Latency = Latency()
    upstream: Latency = Latency()


@dataclass(frozen=True, slots=True)
class Summary:
    """What the window of one route comes to.

    :param rows: one a version in the route's order, then strangers, then (if any) the answers of no known version.
    :param total: answers since the restart; `unidentified` and `failures` are parts of it.
    :param reached_rate: answers a second that arrived in the last seconds.
    :param verdict: matches, differs, undecided or no_data; `verdict_text` is the sentence.
    :param since: Unix time of asking from which rows count: the window's start, or the restart.
    :param in_effect: how the last shift stands, None where there was none.
    :param failing: which version fails more often.
    :param started: Unix time at which this window began; another one means that earlier answers were thrown away.
    :param gateways: the gateway's pods in the window, where they are asked by their own addresses.
    """

    http_route: int
    rows: tuple[Row, ...]
    total: int
    unidentified: int
    failures: int
    reached_rate: float
    asked_rate: int
    verdict: str
    verdict_text: str
    since: float | None
    window_seconds: int
    started: float | None
    in_effect: InEffect | None = None
    failing: Failing = Failing("none")
    gateways: tuple[GatewayRow, ...] = ()


def summarise(window: Window, target: Target, *, now: float, rate: int, stands: InEffect | None = None) -> Summary:
    """Draw up the table of a window; `now` is Unix time, `rate` what is asked a second.

    :param stands: how the last shift stands; until it is in effect nothing is said against the new weights.
    """
    recent = window.recent(now)
    kinds = _kinds_by_version(window.counts)
    answers = _by_version(recent, since=window.counting_since)
    splittable = _splittable(kinds)
    # Where nothing is asked of the versions, they still stand in their own order, not in that of their first answers.
    counts = {each: splittable[each] for each in (*target.versions.values(), *splittable) if each in splittable}
    judgement = verdict(counts, target.asked)
    if stands and stands.is_open and judgement.state in {"differs", "matches"}:
        judgement = Verdict("undecided", "The answers are compared once the shift is in effect.")
    identified = sum(answers for version, answers in counts.items() if version is not None)
    all_weights = sum(target.asked.values())
    rows = [
        _row(
            share.version,
            kinds.get(share.version, {}),
            answers.get(share.version, []),
            asked=share.asked * 100 if share.version in target.asked and all_weights else None,
            seen=share.answers / identified * 100 if identified else None,
            low=share.low * 100 if identified else None,
            high=share.high * 100 if identified else None,
        )
        for share in compare(counts, target.asked)
    ]
    if None in kinds:
        rows.append(_row(None, kinds[None], answers.get(None, [])))
    return Summary(
        http_route=target.http_route,
        rows=tuple(rows),
        total=sum(row.answers for row in rows),
        unidentified=rows[-1].answers if None in kinds else 0,
        failures=sum(row.failures for row in rows),
        reached_rate=_reached_rate(recent, now=now, started=window.started),
        asked_rate=rate,
        verdict=judgement.state,
        verdict_text=judgement.text,
        since=_finite(window.counting_since),
        window_seconds=round(window.seconds),
        started=_finite(window.started),
        in_effect=stands,
        gateways=gateway_rows([pod.name for pod in target.gateways], recent),
        failing=compare_failures(kinds),
    )


def totals_by_version(window: Window) -> dict[str, dict[str, int]]:
    """Return version (or empty) → kind → answers since the window began."""
    return {version or "": _named(kinds) for version, kinds in _kinds_by_version(window.totals).items()}


def least_answers(q: float) -> int:
    """Return how many answers a quantile (0..1) takes: of fewer, it would be the slowest one, whatever that is."""
    return round(1 / (1 - q)) if q > 0.5 else 1


def latency_of(seconds: Iterable[float]) -> Latency:
    """Sum up how long answers took."""
    ascending = sorted(seconds)
    quantiles = [
        _milliseconds(quantile(ascending, q)) if len(ascending) >= least_answers(q) else None for q in (0.5, 0.95, 0.99)
    ]
    return Latency(len(ascending), *quantiles)


def _row(
    version: str | None,
    kinds: Mapping[Kind, int],
    answers: Sequence[Answer],
    *,
    asked: float | None = None,
    seen: float | None = None,
    low: float | None = None,
    high: float | None = None,
) -> Row:
    return Row(
        version=version,
        asked=asked,
        seen=seen,
        low=low,
        high=high,
        answers=sum(kinds.values()),
        failures=sum(number for kind, number in kinds.items() if kind.is_failure),
        kinds=_named(kinds),
        latency=latency_of(each.latency_seconds for each in answers),
        upstream=latency_of(each.upstream_seconds for each in answers if each.upstream_seconds is not None),
    )


def _named(kinds: Mapping[Kind, int]) -> dict[str, int]:
    return {kind.value: number for kind, number in kinds.items()}


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def _finite(moment: float) -> float | None:
    return moment if math.isfinite(moment) else None


def _kinds_by_version(counts: Counts) -> dict[str | None, dict[Kind, int]]:
    found: defaultdict[str | None, dict[Kind, int]] = defaultdict(dict)
    for (version, kind), number in counts.items():
        found[version][kind] = number
    return dict(found)


def _by_version(answers: Sequence[Answer], *, since: float) -> dict[str | None, list[Answer]]:
    found: defaultdict[str | None, list[Answer]] = defaultdict(list)
    for answer in answers:
        if answer.asked_at >= since:
            found[answer.version].append(answer)
    return dict(found)


def _splittable(kinds: Mapping[str | None, Mapping[Kind, int]]) -> dict[str | None, int]:
    """Count what the split may have been asked about: a request that never reached it proves nothing of it."""
    counts = {
        version: sum(number for kind, number in by_kind.items() if version is not None or kind.may_have_been_split)
        for version, by_kind in kinds.items()
    }
    return {version: number for version, number in counts.items() if number}


def _reached_rate(recent: Sequence[Answer], *, now: float, started: float) -> float:
    arrived = sum(1 for answer in recent if now - REACHED_SECONDS < answer.asked_at + answer.latency_seconds <= now)
    return arrived / min(REACHED_SECONDS, max(now - started, 1.0))
