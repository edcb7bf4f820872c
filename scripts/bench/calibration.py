"""Simulate what the panel's statistics promise, with fixed seeds: how often they are right, and how soon they tell."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import accumulate, count

from scripts.bench import failures
from webapp.traffic.effect import time_to_effect
from webapp.traffic.statistics import ALPHA, log_evidence

RUNS = 10_000
LOOKS = 3_000
"""Five minutes at ten answers a second, each of which is a look."""
EFFECTS = [((100, 0), (0, 100), 4.0), ((90, 10), (50, 50), 12.0), ((90, 10), (80, 20), 60.0)]
"""Weights before and after, and for how many seconds at ten answers a second the shift is watched."""
LATEST_SECONDS = 2.0
"""Shifts take effect at any moment until then."""


def main() -> None:
    """Print how often intervals hold the truth, how often a true split is called different, and what telling takes."""
    with ProcessPoolExecutor() as pool:
        for before, after, seconds in EFFECTS:
            for rate in (10, 50):
                each = [(before, after, rate, seconds * 10 / rate + LATEST_SECONDS, seeds) for seeds in _seeds()]
                found = [run for runs in pool.map(_effects, each) for run in runs]
                held = sum(holds for holds, _ in found) / len(found)
                width = statistics.median(width for _, width in found)
                split = f"{before[0]}/{before[1]} to {after[0]}/{after[1]} at {rate}/s"
                print(
                    f"time to effect, {split}: the 95 % interval holds the truth in {held:.1%} of {len(found):,} runs "
                    f"(goal: 94), median width {width:.2f} s"
                )
        told = [at for runs in pool.map(_first_alarms, [(0.9, 0.9, LOOKS, seeds) for seeds in _seeds()]) for at in runs]
        alarms = sum(at is not None for at in told) / len(told)
        print(f"a true 90/10 is called different at any of {LOOKS:,} looks in {alarms:.1%} of {RUNS:,} runs (goal: 5)")
        for truth in (0.8, 1.0, 0.5):
            work = [(0.9, truth, LOOKS, seeds) for seeds in _seeds()]
            needed = sorted(at or LOOKS for runs in pool.map(_first_alarms, work) for at in runs)
            print(
                f"telling {truth:.0%} from an asked 90 %: median {statistics.median(needed):.0f} answers, "
                f"80 % of runs within {needed[math.ceil(0.8 * len(needed)) - 1]}; "
                f"a test of fixed size with one look: {fixed_size(0.9, truth)} for 80 %"
            )
        failures.main(pool)


def fixed_size(asked: float, truth: float) -> int:
    """Return how many answers the two-sided exact binomial test at 5 % takes to tell with 80 % probability.

    Power goes up and down with the number of answers by its steps: this is from where on it stays.
    """
    last = 0
    for answers in range(1, 600):
        under_asked, under_truth = (_distribution(answers, share) for share in (asked, truth))
        unlikely = sorted(range(answers + 1), key=under_asked.__getitem__)
        sizes = accumulate(under_asked[each] for each in unlikely)
        refused = (each for each, size in zip(unlikely, sizes, strict=True) if size <= ALPHA)
        if sum(under_truth[each] for each in refused) < 0.8:
            last = answers
    return last + 1


def _distribution(answers: int, share: float) -> list[float]:
    return [math.comb(answers, each) * share**each * (1 - share) ** (answers - each) for each in range(answers + 1)]


def _seeds() -> Iterator[range]:
    size = RUNS // 20
    return (range(first, first + size) for first in range(0, RUNS, size))


def _effects(
    work: tuple[tuple[int, int], tuple[int, int], int, float, range],
) -> list[tuple[bool, float]]:
    before, after, rate, seconds, seeds = work
    old, new = ({"v1": each[0], "v2": each[1]} for each in (before, after))
    found = []
    for seed in seeds:
        draw = random.Random(seed)
        truth = draw.uniform(0, LATEST_SECONDS)
        moments = [(slot + draw.random()) / rate for slot in range(round(rate * seconds))]
        first = [(after if at >= truth else before)[0] / 100 for at in moments]
        answers = [(at, "v1" if draw.random() < p else "v2") for at, p in zip(moments, first, strict=True)]
        effect = time_to_effect(answers, before=old, after=new, elapsed_seconds=seconds)
        if effect:
            found.append((effect.low <= truth <= effect.high, effect.high - effect.low))
    return found


def _first_alarms(work: tuple[float, float, int, range]) -> list[int | None]:
    asked, truth, looks, seeds = work
    threshold = -math.log(ALPHA)
    found = []
    for seed in seeds:
        draw = random.Random(seed)
        seen, at = 0, None
        for look in count(1):
            seen += draw.random() < truth
            if log_evidence(seen, look, asked) > threshold:
                at = look
            if at or look == looks:
                break
        found.append(at)
    return found
