from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from webapp.traffic.statistics import compare, log_evidence, quantile, share_interval, verdict

seen = st.integers(0, 3000).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count)))
some_seen = seen.filter(lambda pair: pair[1] > 0)


@given(seen)
def test_interval_contains_what_was_seen(pair: tuple[int, int]) -> None:
    low, high = share_interval(*pair)
    assert 0 <= low <= high <= 1
    if pair[1]:
        assert low <= pair[0] / pair[1] <= high


@given(seen)
def test_interval_of_the_others_is_its_mirror(pair: tuple[int, int]) -> None:
    successes, count = pair
    low, high = share_interval(successes, count)
    assert share_interval(count - successes, count) == pytest.approx((1 - high, 1 - low), abs=1e-8)


@given(some_seen, st.integers(2, 5))
def test_interval_narrows_with_more_of_the_same(pair: tuple[int, int], times: int) -> None:
    low, high = share_interval(*pair)
    low_later, high_later = share_interval(pair[0] * times, pair[1] * times)
    assert high_later - low_later < high - low


@given(some_seen)
def test_interval_moves_with_what_was_seen(pair: tuple[int, int]) -> None:
    successes, count = pair
    assume(successes < count)
    low, high = share_interval(successes, count)
    low_more, high_more = share_interval(successes + 1, count)
    assert low < low_more
    assert high <= high_more


@given(seen, st.floats(0.001, 0.5), st.floats(0.001, 0.5))
def test_interval_widens_with_certainty(pair: tuple[int, int], one: float, other: float) -> None:
    low, high = share_interval(*pair, alpha=min(one, other))
    low_less, high_less = share_interval(*pair, alpha=max(one, other))
    assert low <= low_less and high_less <= high


@given(some_seen, st.floats(0, 1))
def test_interval_is_the_shares_with_little_evidence_against(pair: tuple[int, int], share: float) -> None:
    low, high = share_interval(*pair)
    assume(min(abs(share - low), abs(share - high)) > 1e-8)
    assert (low <= share <= high) == (log_evidence(*pair, share) < math.log(20))


@pytest.mark.parametrize(
    ("successes", "count", "expected"),
    [
        pytest.param(0, 0, (0, 1), id="nothing seen"),
        # One answer: the mixture's likelihood of it is 1/2, so 1/40 is the share against which the evidence is 20.
        pytest.param(1, 1, (1 / 40, 1), id="one of one"),
        pytest.param(0, 1, (0, 39 / 40), id="none of one"),
    ],
)
def test_interval_by_hand(successes: int, count: int, expected: tuple[float, float]) -> None:
    low, high = share_interval(successes, count)
    assert low == pytest.approx(expected[0], abs=1e-8)
    assert high == pytest.approx(expected[1], abs=1e-8)


def looks_until_different(chance: random.Random, *, true: float, asked: float, looks: int = 1000) -> int | None:
    """Look after each answer; return the first look at which the evidence against the asked share exceeds 20.

    The evidence is followed answer by answer: each one multiplies it by how much better the mixture foresaw it.
    """
    evidence, limit = 0.0, math.log(20)
    asked_weights = {"v1": round(asked * 100), "v2": 100 - round(asked * 100)}
    successes = 0
    for count in range(looks):
        success = chance.random() < true
        foreseen = (successes + 1 if success else count - successes + 1) / (count + 2)
        evidence += math.log(foreseen / (asked if success else 1 - asked))
        successes += success
        if evidence > limit:
            assert verdict({"v1": successes, "v2": count + 1 - successes}, asked_weights).state == "differs"
            return count + 1
    assert evidence == pytest.approx(log_evidence(successes, looks, asked), abs=1e-6)
    return None


def test_true_split_is_called_different_in_one_of_twenty_runs_at_most() -> None:
    chance, runs = random.Random(90_10), 300
    alarms = [looks_until_different(chance, true=0.9, asked=0.9) for _ in range(runs)]
    assert 0 < runs - alarms.count(None) <= runs * 0.05


def test_wrong_split_is_called_different_within_some_200_answers() -> None:
    chance = random.Random(80_20)
    needed = sorted(looks_until_different(chance, true=0.8, asked=0.9) or 1000 for _ in range(100))
    assert needed[50] < 120
    assert needed[80] < 220


def test_three_versions_share_the_risk() -> None:
    chance, alarms = random.Random(3), 0
    weights = {"v1": 70, "v2": 20, "v3": 10}
    for _ in range(60):
        counts: Counter[str | None] = Counter()
        for _ in range(16):
            counts.update(chance.choices(list(weights), list(weights.values()), k=25))
            if verdict(counts, weights).state == "differs":
                alarms += 1
                break
    assert alarms <= 3


def test_one_answer_of_very_many_excludes_no_share_at_all() -> None:
    low, high = share_interval(1, 10_000_000)
    assert 0 < low < 1e-7 < high < 1e-5


@pytest.mark.parametrize(
    ("counts", "asked", "state", "text"),
    [
        pytest.param({}, {"v1": 90, "v2": 10}, "no_data", "No answers yet.", id="no answers"),
        pytest.param({None: 0}, {"v1": 1}, "no_data", "No answers yet.", id="a zero is no answer"),
        pytest.param({"v1": 900, "v2": 100}, {"v1": 90, "v2": 10}, "matches", "The answers match 90/10.", id="90/10"),
        pytest.param({"v1": 900, "v2": 100}, {"v1": 9, "v2": 1}, "matches", "The answers match 9/1.", id="relative"),
        pytest.param({"v1": 300}, {"v1": 100, "v2": 0}, "matches", "The answers match 100/0.", id="100/0"),
        pytest.param({"v1": 300}, {"v1": 100}, "matches", "The answers match 100 % v1.", id="one destination"),
        pytest.param(
            {"v1": 88, "v2": 12},
            {"v1": 50, "v2": 50},
            "differs",
            "The answers differ from 50/50: v1 75 % to 96 % seen, 50 % asked.",
            id="90 for 50",
        ),
        pytest.param(
            {"v1": 4_595, "v2": 405},
            {"v1": 90, "v2": 10},
            "differs",
            "The answers differ from 90/10: v1 90.3 % to 93.3 % seen, 90.0 % asked.",
            id="close to the edge",
        ),
        pytest.param(
            {"v1": 4_999, "v2": 1},
            {"v1": 100, "v2": 0},
            "differs",
            "The answers differ from 100/0: v2 answered 1 of 5,000, none asked.",
            id="one answer of who has no share",
        ),
        pytest.param(
            {"v1": 9, "v9": 1},
            {"v1": 90, "v2": 10},
            "differs",
            "The answers differ from 90/10: v9 answered 1 of 10, none asked.",
            id="stranger",
        ),
        pytest.param(
            {"v1": 10, "v2": 1},
            {"v1": 0, "v2": 0},
            "undecided",
            "All weights are 0: there is no split to compare the answers with.",
            id="all weights 0",
        ),
        pytest.param({"v1": 5}, {}, "undecided", "Nothing splits this route", id="no destinations"),
        pytest.param({None: 50}, {"v1": 90, "v2": 10}, "undecided", "No answer says which version", id="none known"),
        pytest.param(
            {"v1": 900, None: 100},
            {"v1": 90, "v2": 10},
            "undecided",
            "100 of 1,000 answers don't say their version: too many to judge.",
            id="the unknown could be the missing ones",
        ),
        pytest.param(
            {"v1": 500, "v2": 500, None: 100},
            {"v1": 90, "v2": 10},
            "differs",
            "v1",
            id="the unknown can't explain it",
        ),
    ],
)
def test_verdict(counts: dict[str | None, int], asked: dict[str, int], state: str, text: str) -> None:
    judged = verdict(counts, asked)
    assert (judged.state, judged.more) == (state, None)
    assert text in judged.text


@pytest.mark.parametrize(
    ("counts", "least", "most"),
    [
        pytest.param({"v1": 1}, 5, 1_000, id="one answer"),
        pytest.param({"v1": 9, "v2": 1}, 100, 1_000, id="ten"),
        pytest.param({"v1": 360, "v2": 40}, 10, 300, id="nearly enough"),
    ],
)
def test_undecided_says_how_many_more(counts: dict[str | None, int], least: int, most: int) -> None:
    judged = verdict(counts, {"v1": 90, "v2": 10})
    assert judged.state == "undecided"
    assert judged.more and least <= judged.more <= most
    assert judged.text == f"Not enough answers yet to tell: about {judged.more:,} more."


@given(
    st.dictionaries(st.sampled_from(["v1", "v2", "v3", "v9", None]), st.integers(0, 2_000)),
    st.dictionaries(st.sampled_from(["v1", "v2", "v3"]), st.integers(0, 100), min_size=1),
)
def test_verdict_agrees_with_the_intervals_shown(counts: dict[str | None, int], asked: dict[str, int]) -> None:
    judged, shares = verdict(counts, asked), compare(counts, asked)
    assert judged.text.endswith(".")
    assert (judged.more or 1) >= 1
    if judged.state == "differs":
        assert any(not share.low <= share.asked <= share.high for share in shares)
    if judged.state == "matches":
        assert all(share.asked - 0.05 <= share.low and share.high <= share.asked + 0.05 for share in shares)


@given(some_seen, st.integers(0, 50))
def test_unknown_answers_leave_room_for_whatever_they_are(pair: tuple[int, int], unknown: int) -> None:
    v1, v2 = pair[0], pair[1] - pair[0]
    wide = {share.version: share for share in compare({"v1": v1, "v2": v2, None: unknown}, {"v1": 1, "v2": 1})}
    for theirs in (0, unknown):
        for share in compare({"v1": v1 + theirs, "v2": v2 + unknown - theirs}, {"v1": 1, "v2": 1}):
            assert wide[share.version].low <= share.low + 1e-8
            assert share.high <= wide[share.version].high + 1e-8


@pytest.mark.parametrize(
    ("values", "q", "expected"),
    [
        ([], 0.5, None),
        ([3.0], 0.5, 3.0),
        ([1.0, 2.0], 0.5, 1.0),
        ([1.0, 2.0, 3.0], 0.5, 2.0),
        (list(range(1, 101)), 0.95, 95),
        (list(range(1, 21)), 0.95, 19),
        ([1.0, 2.0], 0, 1.0),
        ([1.0, 2.0], 1, 2.0),
    ],
)
def test_quantile(values: list[float], q: float, expected: float | None) -> None:
    assert quantile(values, q) == expected
