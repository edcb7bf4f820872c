"""When a shift took effect: the moment at which the answers change from the old weights to the new ones.

Each answer was drawn from the weights before the change or from those after it, so the answers themselves say where
the change lies, though no single one of them need prove anything. A flat prior over the time of the change turns their
likelihood into a posterior; the interval is the span of its most probable moments.

A. F. M. Smith, A Bayesian approach to inference about a change-point in a sequence of random variables (1975),
https://doi.org/10.1093/biomet/62.2.407, with the number of answers replaced by the time between them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

LEVEL = 0.95
HORIZON_SECONDS = 60.0
"""The prior is flat from the shift until so long from now; a shift without effect by then is given up."""
STRAY = 1e-4
"""The part of answers that may come from anywhere (a request under way, an old connection) without proving a thing."""

ROUNDING = 1e-9
"""Shares are said to differ from here on: 90/10 and 9/1 are one split."""


@dataclass(frozen=True, slots=True)
class Effect:
    """When the answers changed, in seconds after the earliest moment at which they can have.

    :param low: from here on the change may lie; `high` until here, both with probability `level` together.
    :param pending: probability, in 0..1, that the change has not come yet.
    :param misfit: evidence, as a logarithm of odds, against a change from the old weights to the new at any time.
    """

    low: float
    high: float
    pending: float
    misfit: float = 0.0
    level: float = LEVEL

    @property
    def is_known(self) -> bool:
        """Whether it is as good as sure that the new weights are in effect."""
        return self.pending <= 1 - self.level


def time_to_effect(
    answers: Sequence[tuple[float, str]],
    *,
    before: Mapping[str, int],
    after: Mapping[str, int],
    elapsed_seconds: float,
    level: float = LEVEL,
) -> Effect | None:
    """Return when the answers changed from the weights `before` to those `after`, None where these are no different.

    :param answers: (seconds after the shift, version) in the order of asking. Answers of no known version are left
        out by the caller: they could be anybody's, before and after alike.
    :param elapsed_seconds: from the shift until now; answers may come until then.
    """
    evidence, new = _evidence(before, after), _shares(after, [*dict.fromkeys([*before, *after])])
    if evidence is None or new is None:
        return None
    counted = [(at, evidence[version]) for at, version in answers if at >= 0 and version in evidence]
    end = elapsed_seconds + HORIZON_SECONDS
    moments = [0.0, *(min(at, end) for at, _ in counted), end]
    # What speaks for a change between two answers: all that came before it are old, all that came after it are new.
    logs = list(accumulate((each for _, each in counted), initial=0.0))
    top = max(logs)
    spans = [
        _Span(low, high, density := math.exp(each - top), density * (high - low))
        for each, (low, high) in zip(logs, pairwise(moments), strict=True)
    ]
    mass = sum(span.mass for span in spans)
    low, high = _most_probable(spans, level * mass)
    counts = Counter(version for at, version in answers if at >= 0 and version in evidence)
    best = sum(number * math.log(new[version]) for version, number in counts.items()) + top
    pending = _after(spans[-1], elapsed_seconds) / mass
    return Effect(low, high, pending, _log_mixture(counts, len(new)) - best, level)


def _log_mixture(counts: Mapping[str, int], versions: int) -> float:
    """Return the likelihood of the answers under a uniform mixture of all splits, as a logarithm.

    Against each time of change alone the ratio to it is evidence that Ville's inequality bounds, so the least of them
    is, against all: see `statistics`, of which this is the form for more than two versions (Dirichlet's distribution).
    """
    number = sum(counts.values())
    return (
        math.lgamma(versions) + sum(math.lgamma(each + 1) for each in counts.values()) - math.lgamma(number + versions)
    )


def likelihood_ratio(answers: Iterable[str], *, before: Mapping[str, int], after: Mapping[str, int]) -> float:
    """Return how much more likely the answers' versions are under the weights before, as a logarithm; 0 if no more."""
    evidence = _evidence(before, after) or {}
    return sum(evidence.get(version, 0.0) for version in answers)


@dataclass(frozen=True, slots=True)
class _Span:
    low: float
    high: float
    density: float
    mass: float


def _evidence(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, float] | None:
    """Return for each version by how much its answer speaks for the weights before, as a logarithm of odds."""
    versions = [*dict.fromkeys([*before, *after])]
    old, new = (_shares(weights, versions) for weights in (before, after))
    if old is None or new is None:
        return None
    evidence = {version: math.log(old[version] / new[version]) for version in versions}
    return evidence if max(map(abs, evidence.values())) > ROUNDING else None


def _shares(weights: Mapping[str, int], versions: Sequence[str]) -> dict[str, float] | None:
    total = sum(weights.values())
    if total <= 0:
        return None
    return {each: (1 - STRAY) * weights.get(each, 0) / total + STRAY / len(versions) for each in versions}


def _most_probable(spans: Sequence[_Span], wanted: float) -> tuple[float, float]:
    """Return from where to where the densest spans reach that hold as much as is wanted."""
    low, high, held = math.inf, -math.inf, 0.0
    for span in sorted(spans, key=lambda each: -each.density):
        low, high, held = min(low, span.low), max(high, span.high), held + span.mass
        if held >= wanted:
            break
    return low, high


def _after(last: _Span, moment: float) -> float:
    """Return how much of the last span lies after a moment."""
    return last.density * (last.high - max(last.low, min(moment, last.high)))
