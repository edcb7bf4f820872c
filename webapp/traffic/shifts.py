"""Shifts that a sampler was told of, and what its answers say of each: in effect since when, not yet, can't be told."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from webapp.traffic.answers import Answer
from webapp.traffic.effect import HORIZON_SECONDS, LEVEL, Effect, likelihood_ratio, time_to_effect
from webapp.traffic.statistics import rounded_up

CLEARLY = math.log(20)
"""Evidence, as a logarithm of odds, from which on the old weights are said to be still in effect."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A change of a route's weights.

    :param at: Unix time from which people count: when the write was sent, or when a foreign one was seen.
    :param earliest: Unix time before which it can't have taken effect.
    :param before: version → weight; `after` likewise.
    """

    at: float
    earliest: float
    before: Mapping[str, int] = field(hash=False)
    after: Mapping[str, int] = field(hash=False)
    label: str = ""
    """What people read beside its mark: `90/10 → 50/50`."""


@dataclass(frozen=True, slots=True)
class InEffect:
    """How a shift stands.

    :param state: neither means that the answers fit no change from the old weights to the new, whenever it came; none
        means that the split is the same as before, so that there is nothing to see.
    :param low: seconds after `Shift.at` from which on it may have taken effect; until `high`. None while not known.
    """

    state: Literal["known", "not_yet", "untold", "neither", "never", "none"]
    text: str
    low: float | None = None
    high: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether answers of the old weights may still come, so that a comparison with the new ones is no use."""
        return self.state in {"not_yet", "untold"}


def in_effect(shift: Shift, answers: Iterable[Answer], *, now: float) -> InEffect:
    """Say how a shift stands by the answers asked since; `now` is Unix time.

    An answer counts from its asking: that is when the gateway chose its destination, give or take the way there.
    """
    answers = [each for each in answers if each.asked_at >= shift.earliest]
    seen = [(each.asked_at - shift.earliest, each.version) for each in answers if each.version is not None]
    known = sorted((at, version) for at, version in seen)
    elapsed = now - shift.earliest
    effect = time_to_effect(known, before=shift.before, after=shift.after, elapsed_seconds=elapsed)
    if effect is None:
        return InEffect("none", "The shares are the same as before.")
    # Answers of no known version may be what is missing, so then nothing is said of a misfit.
    if effect.misfit > CLEARLY and not any(each.version is None and each.kind.may_have_been_split for each in answers):
        return InEffect("neither", f"The answers fit neither {_words(shift.before)} nor {_words(shift.after)}.")
    if effect.is_known:
        low, high = (max(0.0, shift.earliest + each - shift.at) for each in (effect.low, effect.high))
        words = f"In effect after {_span(low, high)}." if high else "It was in effect before it was seen here."
        return InEffect("known", words, low, high)
    ratio = likelihood_ratio((version for _, version in known), before=shift.before, after=shift.after)
    if elapsed > HORIZON_SECONDS:
        return InEffect("never", f"No effect was seen within {HORIZON_SECONDS:.0f} s.")
    since = f"{now - shift.at:.0f} s after the shift"
    if ratio > CLEARLY:
        return InEffect("not_yet", f"Not in effect yet, {since}.")
    more = _more(effect, shift)
    return InEffect(
        "untold", f"Whether it is in effect can't be told yet, {since}: about {more:,} more answers needed."
    )


def _more(effect: Effect, shift: Shift) -> int:
    """Estimate how many answers of the new weights it takes until the change is known.

    Each adds the Kullback-Leibler divergence of the new from the old on average.
    """
    total = sum(shift.after.values())
    gain = sum(
        weight / total * -likelihood_ratio([version], before=shift.before, after=shift.after)
        for version, weight in shift.after.items()
    )
    odds = math.log(max(effect.pending, 1e-12) / (1 - LEVEL)) - math.log(max(1 - effect.pending, 1e-12) / LEVEL)
    return rounded_up(odds / gain)


def _words(weights: Mapping[str, int]) -> str:
    return "/".join(map(str, weights.values()))


def _span(low: float, high: float) -> str:
    """Say from when to when, rounded outwards to as many digits as the width deserves: `0.12 – 0.14 s`, `3 – 5 s`."""
    width = high - low
    digits = 0 if width >= 5 else 1 if width >= 0.2 else 2
    unit = 10**digits
    # Nine digits away from the edge it is arithmetic, not time.
    down, up = math.floor(round(low * unit, 9)) / unit, math.ceil(round(high * unit, 9)) / unit
    return f"{down:.{digits}f} – {up:.{digits}f} s"
