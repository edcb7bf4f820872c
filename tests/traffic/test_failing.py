"""Which version fails more often: what is said, and how often it is wrong."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.traffic.answers import Kind
from webapp.traffic.failing import compare_failures
from webapp.traffic.statistics import ALPHA, RARE, log_evidence_of_more, share_interval

Kinds = dict[str | None, dict[Kind, int]]


@pytest.mark.parametrize(
    ("kinds", "state", "text", "hint"),
    [
        pytest.param({}, "none", "", "", id="no answers"),
        pytest.param({"v1": {Kind.OK: 900}, "v2": {Kind.OK: 100}}, "none", "", "", id="nobody fails"),
        pytest.param({"v1": {Kind.APP_ERROR: 50}, "v2": {}}, "none", "", "", id="none to compare with"),
        pytest.param(
            {"v1": {Kind.OK: 500}, "v2": {Kind.OK: 176, Kind.APP_ERROR: 24}},
            "worse",
            "v2 fails more often than v1: 12 % (6–21) against 0 % (0–1).",
            "",
            id="the canary fails",
        ),
        pytest.param(
            {"v1": {Kind.OK: 900, Kind.UPSTREAM_TIMEOUT: 100}, "v2": {Kind.OK: 1_960, Kind.APP_ERROR: 40}},
            "worse",
            "v1 fails more often than v2: 10 % (7–14) against 2 % (1–3).",
            "",
            id="the old one fails more",
        ),
        pytest.param(
            {"v1": {Kind.OK: 99_500, Kind.APP_ERROR: 500}, "v2": {Kind.OK: 9_900, Kind.APP_ERROR: 100}},
            "worse",
            "v2 fails more often than v1: 1 % (0.7–1.4) against 0.5 % (0.4–0.6).",
            "",
            id="both fail seldom",
        ),
        pytest.param(
            {"v1": {Kind.OK: 90}, "v2": {Kind.OK: 9, Kind.APP_ERROR: 1}},
            "untold",
            "Which version fails more often can't be told yet: v1 0 of 90, v2 1 of 10 failed.",
            "",
            id="one failure",
        ),
        pytest.param(
            {"v1": {Kind.OK: 1, Kind.APP_ERROR: 1}, "v2": {Kind.OK: 1, Kind.APP_ERROR: 1}},
            "untold",
            "Which version fails more often can't be told yet: v1 1 of 2, v2 1 of 2 failed.",
            "",
            id="alike",
        ),
        pytest.param(
            {"v1": {Kind.OK: 300, Kind.DENIED: 100}, "v2": {Kind.RATE_LIMITED: 400}},
            "none",
            "",
            "",
            id="refusals are no failures",
        ),
        pytest.param(
            {"v1": {Kind.OK: 500}, None: {Kind.NO_HEALTHY_UPSTREAM: 31, Kind.TIMEOUT: 7}},
            "none",
            "",
            "31 failures carry no version: with the response tag they would.",
            id="nobody's failures",
        ),
        pytest.param(
            {"v1": {Kind.OK: 500}, "v2": {Kind.OK: 176, Kind.APP_ERROR: 24}, None: {Kind.UPSTREAM_FAILURE: 100}},
            "untold",
            "Which version fails more often can't be told yet: v1 0 of 500, v2 24 of 200 failed.",
            "100 failures carry no version: with the response tag they would.",
            id="nobody's failures may be the other's",
        ),
        pytest.param(
            {"v1": {Kind.OK: 500}, "v2": {Kind.OK: 176, Kind.APP_ERROR: 24}, None: {Kind.OK: 9_000}},
            "untold",
            "Which version fails more often can't be told yet: v1 0 of 500, v2 24 of 200 failed.",
            "",
            id="nobody's good answers may be its own",
        ),
        pytest.param(
            {"v1": {Kind.OK: 500}, "v2": {Kind.OK: 176, Kind.APP_ERROR: 24}, None: {Kind.UPSTREAM_FAILURE: 1}},
            "worse",
            "v2 fails more often than v1: 12 % (6–22) against 0 % (0–2).",
            "1 failure carries no version: with the response tag it would.",
            id="one of them changes nothing",
        ),
        pytest.param(
            {"v1": {Kind.OK: 500}, "v2": {Kind.OK: 176, Kind.APP_ERROR: 24}, None: {Kind.REFUSED: 9_000}},
            "worse",
            "v2 fails more often than v1: 12 % (6–21) against 0 % (0–1).",
            "",
            id="what never reached the split is nobody's",
        ),
        pytest.param(
            {"v1": {Kind.OK: 500}, "v2": {Kind.OK: 200}, "v3": {Kind.OK: 50, Kind.APP_ERROR: 50}},
            "worse",
            "v3 fails more often than v1: 50 % (31–69) against 0 % (0–1).",
            "",
            id="the clearest of three",
        ),
    ],
)
def test_what_is_said(kinds: Kinds, state: str, text: str, hint: str) -> None:
    found = compare_failures(kinds)
    assert (found.state, found.text, found.hint) == (state, text, hint)


tally = st.integers(0, 400).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count)))


@given(tally, tally)
def test_only_one_of_two_can_be_worse(one: tuple[int, int], other: tuple[int, int]) -> None:
    evidence = (log_evidence_of_more(one, other), log_evidence_of_more(other, one))
    assert min(evidence) == float("-inf")
    assert log_evidence_of_more(one, one) == float("-inf")


@given(tally, tally, st.integers(0, 50), st.integers(0, 50), st.data())
def test_what_is_told_holds_wherever_the_unknown_belong(
    one: tuple[int, int], other: tuple[int, int], failures: int, good: int, data: st.DataObject
) -> None:
    def kinds(failed: tuple[int, int]) -> dict[Kind, int]:
        return {Kind.OK: failed[1] - failed[0], Kind.APP_ERROR: failed[0]}

    unknown = {Kind.OK: good, Kind.APP_ERROR: failures}
    told = compare_failures({"v1": kinds(one), "v2": kinds(other), None: unknown})
    if told.state != "worse":
        return
    to_one, good_to_one = data.draw(st.integers(0, failures)), data.draw(st.integers(0, good))
    really_one = (one[0] + to_one, one[1] + to_one + good_to_one)
    really_other = (other[0] + failures - to_one, other[1] + failures - to_one + good - good_to_one)
    known = compare_failures({"v1": kinds(really_one), "v2": kinds(really_other)})
    assert (known.state, known.text[:23]) == (told.state, told.text[:23])


@given(tally)
def test_the_interval_of_rare_shares_holds_what_was_seen(pair: tuple[int, int]) -> None:
    low, high = share_interval(*pair, prior=RARE)
    assert 0 <= low <= high <= 1
    if pair[1]:
        assert low <= pair[0] / pair[1] <= high


def first_told(draw: random.Random, *, old: float, new: float, share: float, looks: int) -> tuple[int, str] | None:
    """Look after each answer; return the first look at which one version is said to be worse, and which."""
    counts: Kinds = {"v1": {Kind.OK: 0, Kind.APP_ERROR: 0}, "v2": {Kind.OK: 0, Kind.APP_ERROR: 0}}
    for look in range(1, looks + 1):
        version, failing = ("v2", new) if draw.random() < share else ("v1", old)
        counts[version][Kind.APP_ERROR if draw.random() < failing else Kind.OK] += 1
        found = compare_failures(counts)
        if found.state == "worse":
            return look, found.text.split()[0]
    return None


@pytest.mark.parametrize("failing", [0.02, 0.5])
def test_versions_that_fail_alike_are_told_apart_in_one_of_twenty_runs_at_most(failing: float) -> None:
    draw, runs = random.Random(2020), 60
    alarms = [first_told(draw, old=failing, new=failing, share=0.3, looks=300) for _ in range(runs)]
    assert runs - alarms.count(None) <= runs * ALPHA


def test_a_canary_that_fails_half_of_the_time_is_told_within_some_100_answers() -> None:
    draw = random.Random(50)
    told = [first_told(draw, old=0, new=0.5, share=0.1, looks=400) for _ in range(40)]
    assert {each and each[1] for each in told} == {"v2"}
    assert sorted(each[0] for each in told if each)[32] < 120
