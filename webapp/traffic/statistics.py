"""What answers say about the split: shares with intervals that hold at every look, and the verdict from them.

A share is watched while answers come in, so an interval made for one look at the end would be wrong sooner or later.
A confidence sequence is right at all looks together with probability 1 - alpha. This one is the set of shares against
which the answers hold less than 1/alpha of evidence; evidence is the likelihood under a uniform mixture of shares over
the likelihood under the one in question, and Ville's inequality bounds it for the true share.

H. Robbins, Statistical methods related to the law of the iterated logarithm (1970), https://doi.org/10.1214/aoms/1177696786
S. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, Time-uniform, nonparametric, nonasymptotic confidence sequences (2021),
https://arxiv.org/abs/1810.08240; I. Waudby-Smith, A. Ramdas, Confidence sequences for sampling without replacement
(2020), section 2 (the prior-posterior ratio, which this is), https://arxiv.org/abs/2006.04347
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

ALPHA = 0.05
TOLERANCE = 0.05
"""How far from the asked share, in 0..1, an interval may reach and still be said to match."""

PRECISION = 1e-9
"""How exactly, in 0..1, the ends of an interval are found."""

UNIFORM = (1.0, 1.0)
RARE = (0.5, 5.0)
"""Beta distribution of shares that are small where all is well, as failures are: with it one from none is told sooner.

Every mixture is right at every look; where the truth is what a mixture foresees, it only takes fewer answers.
"""


def log_evidence(successes: int, count: int, share: float) -> float:
    """Return the logarithm of the evidence against a share (0..1) that `successes` of `count` answers hold."""
    return _log_mixture(successes, count) - _log_likelihood(successes, count, share)


def log_evidence_of_more(one: tuple[int, int], other: tuple[int, int]) -> float:
    """Return the logarithm of the evidence that the first of two, each (successes, count), has the larger share.

    It is the least evidence that the answers hold against any two shares of which the first is not the larger, and so
    bounded by Ville's inequality whichever these are: over all looks it exceeds 1/alpha by mistake with probability
    alpha at most, for this question and its opposite together. Not positive where the first has not succeeded more.
    L. Wasserman, A. Ramdas, S. Balakrishnan, Universal inference (2020), https://doi.org/10.1073/pnas.1922664117,
    whose running likelihood ratio this is, with a mixture as the numerator.
    """
    (successes, count), (others, other_count) = one, other
    if successes * other_count <= others * count:
        return -math.inf
    same = (successes + others) / (count + other_count)
    return (
        _log_mixture(successes, count, RARE)
        - _log_likelihood(successes, count, same)
        + _log_mixture(others, other_count, RARE)
        - _log_likelihood(others, other_count, same)
    )


def _log_mixture(successes: int, count: int, prior: tuple[float, float] = UNIFORM) -> float:
    first, second = prior
    return _log_beta(successes + first, count - successes + second) - _log_beta(first, second)


def _log_beta(first: float, second: float) -> float:
    return math.lgamma(first) + math.lgamma(second) - math.lgamma(first + second)


def _log_likelihood(successes: int, count: int, share: float) -> float:
    return _times_log(successes, share) + _times_log(count - successes, 1 - share)


def _times_log(times: int, value: float) -> float:
    if not times:
        return 0.0
    return times * math.log(value) if value > 0 else -math.inf


def share_interval(
    successes: int, count: int, *, alpha: float = ALPHA, prior: tuple[float, float] = UNIFORM
) -> tuple[float, float]:
    """Return the interval, in 0..1, that holds the true share at every look with probability 1 - alpha.

    :param prior: the mixture's Beta distribution.
    """
    if not count:
        return 0.0, 1.0
    least = _log_mixture(successes, count, prior) + math.log(alpha)

    def edge(inside: float, outside: float) -> float:
        while abs(inside - outside) > PRECISION:
            middle = (inside + outside) / 2
            if _log_likelihood(successes, count, middle) > least:
                inside = middle
            else:
                outside = middle
        return inside

    seen = successes / count
    return (edge(seen, 0.0) if successes else 0.0), (edge(seen, 1.0) if successes < count else 1.0)


@dataclass(frozen=True, slots=True)
class Share:
    """One version's part of the answers; `asked`, `low` and `high` in 0..1, of which `asked` is 0 for a stranger."""

    version: str
    asked: float
    low: float
    high: float
    answers: int

    @property
    def outside(self) -> float:
        """How far the asked share lies outside of the interval; negative inside."""
        return max(self.low - self.asked, self.asked - self.high)

    @property
    def reach(self) -> float:
        """How far the interval reaches from the asked share."""
        return max(self.high - self.asked, self.asked - self.low)


def compare(counts: Mapping[str | None, int], asked: Mapping[str, int], *, alpha: float = ALPHA) -> tuple[Share, ...]:
    """Return each version's share, asked or seen; their intervals hold all together with probability 1 - alpha.

    Answers of which no version is known (`None`) could be anybody's, so each interval leaves room for none and for
    all of them. With two versions one interval is the other's mirror; more of them share alpha (Bonferroni).
    """
    count = sum(counts.values())
    unknown = counts.get(None, 0)
    total = sum(asked.values())
    versions = dict.fromkeys([*asked, *(version for version in counts if version is not None)])
    alpha_each = alpha if len(versions) <= 2 else alpha / len(versions)
    shares = []
    for version in versions:
        answers = counts.get(version, 0)
        low, high = share_interval(answers, count, alpha=alpha_each)
        if unknown:
            high = share_interval(answers + unknown, count, alpha=alpha_each)[1]
        shares.append(Share(version, asked.get(version, 0) / total if total else 0.0, low, high, answers))
    return tuple(shares)


def quantile(ascending: Sequence[float], q: float) -> float | None:
    """Return the smallest value that at least the part `q` (0..1) of the values do not exceed; None of no values."""
    if not ascending:
        return None
    return ascending[max(math.ceil(q * len(ascending)), 1) - 1]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the answers fit the weights, as a sentence for people.

    :param more: about how many more answers it takes to tell, None where that is no question of number.
    """

    state: Literal["matches", "differs", "undecided", "no_data"]
    text: str
    more: int | None = None


def verdict(
    counts: Mapping[str | None, int],
    asked: Mapping[str, int],
    *,
    alpha: float = ALPHA,
    tolerance: float = TOLERANCE,
) -> Verdict:
    """Judge answers by version (None: not known) against the asked weights.

    They differ as soon as an asked share lies outside its interval, and match once all intervals lie within
    `tolerance` of the asked shares; a true split is called different with probability alpha at most, over all looks.
    """
    count = sum(counts.values())
    unknown = counts.get(None, 0)
    if not count:
        return Verdict("no_data", "No answers yet.")
    if not asked:
        return Verdict("undecided", "Nothing splits this route: each version answers about by its ready pods.")
    if not sum(asked.values()):
        return Verdict("undecided", "All weights are 0: there is no split to compare the answers with.")
    if unknown == count:
        return Verdict("undecided", "No answer says which version it comes from, so the split can't be checked.")
    shares = compare(counts, asked, alpha=alpha)
    split = "/".join(str(weight) for weight in asked.values()) if len(asked) > 1 else f"100 % {next(iter(asked))}"
    furthest = max(shares, key=lambda share: (share.answers > 0 and not share.asked, share.outside))
    if furthest.outside > 0:
        return Verdict("differs", f"The answers differ from {split}: {_difference(furthest, count)}.")
    if max(share.reach for share in shares) <= tolerance:
        return Verdict("matches", f"The answers match {split}.")
    if unknown >= tolerance * count:
        return Verdict("undecided", f"{unknown:,} of {count:,} answers don't say their version: too many to judge.")
    more = rounded_up(_answers_needed(shares, count, tolerance) - count)
    return Verdict("undecided", f"Not enough answers yet to tell: about {more:,} more.", more)


def _difference(share: Share, count: int) -> str:
    if not share.asked:
        return f"{share.version} answered {share.answers:,} of {count:,}, none asked"
    # The edge next to the asked share must not be rounded on to it.
    digits = min(max(-math.floor(math.log10(share.outside * 100)), 0), 6)
    low, high, asked = (f"{value * 100:.{digits}f} %" for value in (share.low, share.high, share.asked))
    return f"{share.version} {low} to {high} seen, {asked} asked"


def _answers_needed(shares: Sequence[Share], count: int, tolerance: float) -> float:
    """Estimate how many answers in all it takes: intervals shrink with the square root of the number."""
    ways = [(max(share.reach for share in shares) / tolerance) ** 2]
    for share in shares:
        apart = share.answers / count - share.asked
        width = share.answers / count - share.low if apart > 0 else share.high - share.answers / count
        if apart:
            ways.append((width / apart) ** 2)
    return count * min(ways)


def rounded_up(number: float) -> int:
    """Round up to two digits: more of them would pretend to knowledge."""
    number = max(number, 1)
    unit = max(10.0 ** (math.floor(math.log10(number)) - 1), 1)
    return round(math.ceil(number / unit) * unit)
