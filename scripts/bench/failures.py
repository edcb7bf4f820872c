"""Simulate how failures are compared: how often a version is called worse by mistake, and how soon rightly."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Iterator
from concurrent.futures import Executor

from webapp.traffic.statistics import ALPHA, log_evidence_of_more

RUNS = 10_000
LOOKS = 3_000
"""Five minutes at ten answers a second, each of which is a look."""
ALIKE = 0.05
POWER_RUNS = 1_000
POWER_LOOKS = 10_000
TOLD = [(0.01, 0.05), (0.0, 0.1), (0.0, 0.5)]
"""How often the old version fails, and the new one."""


def main(pool: Executor) -> None:
    """Print how often versions that fail alike are told apart, and how many answers it takes where they don't."""
    alarms = [at for runs in pool.map(_first, _work(ALIKE, ALIKE, 0.1, RUNS, LOOKS)) for at in runs]
    false = sum(at is not None for at in alarms) / len(alarms)
    print(
        f"of two versions at 90/10 that both fail {ALIKE:.0%} of the time one is called worse "
        f"at any of {LOOKS:,} looks in {false:.2%} of {RUNS:,} windows (goal: 5)"
    )
    for old, new in TOLD:
        for share in (0.5, 0.1):
            work = _work(old, new, share, POWER_RUNS, POWER_LOOKS)
            needed = sorted(at or POWER_LOOKS for runs in pool.map(_first, work) for at in runs)
            print(
                f"telling failures of {new:.0%} from {old:.0%} at {1 - share:.0%}/{share:.0%}: "
                f"median {statistics.median(needed):,.0f} answers, 80 % of runs within "
                f"{needed[math.ceil(0.8 * len(needed)) - 1]:,}; a test of fixed size with one look: "
                f"{fixed_size(old, new, share):,} for 80 %"
            )


def fixed_size(old: float, new: float, share: float) -> int:
    """Return how many answers the two-sided z test at 5 % takes to tell with 80 % probability.

    :param share: the new one's part of the answers.

    J. L. Fleiss, Statistical methods for rates and proportions, chapter 4 (without the correction for continuity).
    """
    normal = statistics.NormalDist()
    mean = (1 - share) * old + share * new
    alike = mean * (1 - mean) / (share * (1 - share))
    apart = old * (1 - old) / (1 - share) + new * (1 - new) / share
    distance = normal.inv_cdf(1 - ALPHA / 2) * math.sqrt(alike) + normal.inv_cdf(0.8) * math.sqrt(apart)
    return math.ceil((distance / (new - old)) ** 2)


def _work(
    old: float, new: float, share: float, runs: int, looks: int
) -> Iterator[tuple[float, float, float, range, int]]:
    size = runs // 20
    return ((old, new, share, range(first, first + size), looks) for first in range(0, runs, size))


def _first(work: tuple[float, float, float, range, int]) -> list[int | None]:
    """Return for each seed the first look at which a version is called worse."""
    old, new, share, seeds, looks = work
    threshold = -math.log(ALPHA)
    found = []
    for seed in seeds:
        draw, at = random.Random(seed), None
        olds = news = failed_olds = failed_news = 0
        for look in range(1, looks + 1):
            if draw.random() < share:
                news += 1
                failed_news += draw.random() < new
            else:
                olds += 1
                failed_olds += draw.random() < old
            one, other = (failed_news, news), (failed_olds, olds)
            if max(log_evidence_of_more(one, other), log_evidence_of_more(other, one)) > threshold:
                at = look
                break
        found.append(at)
    return found
