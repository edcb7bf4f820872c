"""Shifts that a sampler was told of, and what its answers say of each: in effect since when, not yet, can't be told."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from webapp.traffic.answers import Answer
from webapp.traffic.effect import HORIZON_SECONDS, LEVEL, Effect, likelihood_ratio, time_to_effect
from webapp.traffic.statistics import rounded_up


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
    gateways: tuple[str, ...] = ()
    """The gateway pods that were asked by their own addresses when it was made."""


@dataclass(frozen=True, slots=True)
class InEffect:
    """How a shift stands.

    :param state: neither means that the answers fit no change from the old weights to the new, whenever it came; none
        means that the split is the same as before, so that there is nothing to see.
    :param low: seconds after `Shift.at` from which on it may have taken effect; until `high`. None while not known.
    :param gateways: how it stands on each gateway pod, where several are asked by their own addresses.
    :param more: answers that it takes about until it can be told; 0 where that is not open.
    """

    state: Literal["known", "not_yet", "untold", "neither", "never", "none"]
    text: str
    low: float | None = None
    high: float | None = None
    more: int = 0
    gateways: tuple[tuple[str, InEffect], ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether answers of the old weights may still come, so that a comparison with the new ones is no use."""
        return self.state in {"not_yet", "untold"}

    @property
    def settled(self) -> float | None:
        """Seconds after `Shift.at` from which on those gateways that have the new weights are sure to have them."""
        return max((each.high for _, each in self.gateways if each.high is not None), default=self.high)


def in_effect(shift: Shift, answers: Iterable[Answer], *, now: float, level: float = LEVEL) -> InEffect:
    """Say how a shift stands by the answers asked since; `now` is Unix time.

    An answer counts from its asking: that is when the gateway chose its destination, give or take the way there.

    :param level: the probability, in 0..1, of what is said.
    """
    answers = [each for each in answers if each.asked_at >= shift.earliest]
    seen = [(each.asked_at - shift.earliest, each.version) for each in answers if each.version is not None]
    known = sorted((at, version) for at, version in seen)
    elapsed = now - shift.earliest
    effect = time_to_effect(known, before=shift.before, after=shift.after, elapsed_seconds=elapsed, level=level)
    if effect is None:
        return InEffect("none", "The shares are the same as before.")
    clearly = -math.log(1 - level)
    # Answers of no known version may be what is missing, so then nothing is said of a misfit.
    if effect.misfit > clearly and not any(each.version is None and each.kind.may_have_been_split for each in answers):
        return InEffect("neither", f"The answers fit neither {_words(shift.before)} nor {_words(shift.after)}.")
    if effect.is_known:
        low, high = (max(0.0, shift.earliest + each - shift.at) for each in (effect.low, effect.high))
        words = f"In effect after {span_words(low, high)}." if high else "It was in effect before it was seen here."
        return InEffect("known", words, low, high)
    ratio = likelihood_ratio((version for _, version in known), before=shift.before, after=shift.after)
    if elapsed > HORIZON_SECONDS:
        return InEffect("never", f"No effect was seen within {HORIZON_SECONDS:.0f} s.")
    since = f"{now - shift.at:.0f} s after the shift"
    if ratio > clearly:
        return InEffect("not_yet", f"Not in effect yet, {since}.")
    more = _more(effect, shift)
    words = f"Whether it is in effect can't be told yet, {since}: about {more:,} more answers needed."
    return InEffect("untold", words, more=more)


def _more(effect: Effect, shift: Shift) -> int:
    """Estimate how many answers of the new weights it takes until the change is known.

    Each adds the Kullback-Leibler divergence of the new from the old on average.
    """
    total = sum(shift.after.values())
    gain = sum(
        weight / total * -likelihood_ratio([version], before=shift.before, after=shift.after)
        for version, weight in shift.after.items()
    )
    level = effect.level
    odds = math.log(max(effect.pending, 1e-12) / (1 - level)) - math.log(max(1 - effect.pending, 1e-12) / level)
    return rounded_up(odds / gain)


def _words(weights: Mapping[str, int]) -> str:
    return "/".join(map(str, weights.values()))


def span_words(low: float, high: float) -> str:
    """Say from when to when, rounded outwards to as many digits as the width deserves: `0.12 – 0.14 s`, `3 – 5 s`."""
    width = high - low
    digits = 0 if width >= 5 else 1 if width >= 0.2 else 2
    unit = 10**digits
    # Nine digits away from the edge it is arithmetic, not time.
    down, up = math.floor(round(low * unit, 9)) / unit, math.ceil(round(high * unit, 9)) / unit
    return f"{down:.{digits}f} – {up:.{digits}f} s"
