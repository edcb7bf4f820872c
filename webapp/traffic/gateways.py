"""A gateway's pods, each asked by its own address: how a shift stands on every one of them, and who does not answer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from webapp.traffic.answers import Answer
from webapp.traffic.effect import HORIZON_SECONDS, LEVEL
from webapp.traffic.shifts import InEffect, Shift, in_effect, span_words


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """One gateway pod in the window.

    :param unanswered: requests that never reached it, or that it left without a whole answer, by `Kind` value.
    """

    name: str
    requests: int
    unanswered: dict[str, int]


def gateway_rows(gateways: Sequence[str], answers: Iterable[Answer]) -> tuple[GatewayRow, ...]:
    """Count by gateway what was asked: those in the rotation first, then those that have left it."""
    requests: Counter[str] = Counter()
    unanswered: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for answer in answers:
        if answer.gateway:
            requests[answer.gateway] += 1
            if not answer.kind.reached_gateway:
                unanswered[answer.gateway][answer.kind.value] += 1
    names = dict.fromkeys([*gateways, *sorted(requests)])
    return tuple(GatewayRow(name, requests[name], dict(unanswered[name])) for name in names)


def in_effect_on(gateways: Sequence[str], shift: Shift, answers: Iterable[Answer], *, now: float) -> InEffect:
    """Say how a shift stands on the gateways that are asked now; `now` is Unix time.

    It is in effect once it is on all of them. Each is judged by its own answers alone, with the part of the error that
    falls to it (Bonferroni), so that all intervals hold together at `LEVEL`, and with them the one from the greatest
    lower to the greatest upper end, which is that of the last gateway. A product of the posteriors would be narrower,
    but it takes the moments for independent: istiod sends to all at once, and of equal moments it names too late a one.

    One that came after the shift began with what istiod had then: it counts where it says something, and not for when.
    """
    if len(gateways) < 2:
        told = [each for each in answers if not gateways or each.gateway in {"", *gateways}]
        return in_effect(shift, told, now=now)
    by_name: defaultdict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_name[answer.gateway].append(answer)
    level = 1 - (1 - LEVEL) / len(gateways)
    each = {name: in_effect(shift, by_name[name], now=now, level=level) for name in gateways}
    was_there = [name for name in gateways if name in shift.gateways] or gateways
    counted = {
        name: stands if name in was_there else replace(stands, text="It began with them.", low=None, high=None)
        for name, stands in each.items()
        if name in was_there or stands.state in {"known", "not_yet"}
    }
    silent = {name for name in counted if _is_silent(by_name[name], shift)}
    return replace(_together(counted, silent, shift, now=now), gateways=tuple(counted.items()))


def _together(counted: Mapping[str, InEffect], silent: Collection[str], shift: Shift, *, now: float) -> InEffect:
    by_state: defaultdict[str, list[str]] = defaultdict(list)
    for name, stands in counted.items():
        by_state[stands.state].append(name)
    if by_state["none"]:
        return counted[by_state["none"][0]]
    if misfits := by_state["neither"]:
        words = counted[misfits[0]].text
        return InEffect("neither", f"On {', '.join(misfits)} {words[0].lower()}{words[1:]}")
    on = f"on {len(by_state['known'])} of {len(counted)} gateways"
    if len(by_state["known"]) == len(counted):
        low = max(stands.low for stands in counted.values() if stands.low is not None)
        high = max(stands.high for stands in counted.values() if stands.high is not None)
        when = f"after {span_words(low, high)}" if high else "before it was seen here"
        return InEffect("known", f"In effect {on} {when}.", low, high)
    late, untold, never = (
        [name for name in by_state[state] if name not in silent] for state in ("not_yet", "untold", "never")
    )
    more = len(counted) * max(stands.more for stands in counted.values())
    parts = [
        f"In effect {on}",
        *([f"not yet on {', '.join(late)}"] if late else []),
        *([f"no effect seen on {', '.join(never)} within {HORIZON_SECONDS:.0f} s"] if never else []),
        *([f"not told yet on {', '.join(untold)} (about {more:,} more answers needed)"] if untold else []),
        *([f"no answer from {', '.join(silent)}"] if silent else []),
    ]
    states: tuple[Literal["not_yet", "untold", "never"], ...] = ("not_yet", "untold", "never")
    state = next(state for state in states if by_state[state])
    return InEffect(state, f"{', '.join(parts)}, {now - shift.at:.0f} s after the shift.", more=more)


def _is_silent(answers: Iterable[Answer], shift: Shift) -> bool:
    since = [each.kind.reached_gateway for each in answers if each.asked_at >= shift.earliest]
    return bool(since) and not any(since)
