"""When a shift took effect, from the answers alone."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.traffic.effect import HORIZON_SECONDS, Effect, time_to_effect

OLD, NEW = {"v1": 100, "v2": 0}, {"v1": 0, "v2": 100}


def answers(
    *, before: dict[str, int], after: dict[str, int], rate: float, delay: float, seconds: float, seed: int
) -> list[tuple[float, str]]:
    """Draw answers of a mesh that changes its weights after `delay` seconds."""
    draw = random.Random(seed)
    moments = [(slot + draw.random()) / rate for slot in range(round(rate * seconds))]
    return [(at, draw.choices([*before], [*(after if at >= delay else before).values()])[0]) for at in sorted(moments)]


@pytest.mark.parametrize(
    ("seen", "low", "high"),
    [
        pytest.param([(0.1, "v1"), (0.2, "v1"), (0.3, "v2"), (0.4, "v2"), (0.5, "v2")], 0.2, 0.3, id="between-two"),
        pytest.param([(0.1, "v2"), (0.2, "v2"), (0.3, "v2")], 0.0, 0.1, id="before-the-first"),
    ],
)
def test_where_single_answers_prove_it_the_change_lies_between_two(
    seen: list[tuple[float, str]], low: float, high: float
) -> None:
    found = time_to_effect(seen, before=OLD, after=NEW, elapsed_seconds=0.6)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.is_known


def test_it_is_pending_while_the_old_version_answers() -> None:
    found = time_to_effect([(at / 10, "v1") for at in range(50)], before=OLD, after=NEW, elapsed_seconds=5)
    assert found is not None
    assert not found.is_known
    assert found.pending == pytest.approx(HORIZON_SECONDS / (HORIZON_SECONDS + 0.1), abs=1e-3)
    assert found.low >= 4.9


def test_without_answers_nothing_is_known() -> None:
    assert time_to_effect([], before=OLD, after=NEW, elapsed_seconds=0) == Effect(0, HORIZON_SECONDS, 1, 0)


def test_one_stray_answer_of_the_old_version_does_not_move_the_change() -> None:
    seen = [(0.1, "v1"), *((0.2 + at / 10, "v2") for at in range(20)), (2.25, "v1"), (2.3, "v2"), (2.4, "v2")]
    found = time_to_effect(seen, before=OLD, after=NEW, elapsed_seconds=3)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.1, 0.2))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({"v1": 90, "v2": 10}, {"v1": 90, "v2": 10}, id="the-same"),
        pytest.param({"v1": 90, "v2": 10}, {"v1": 9, "v2": 1}, id="another-scale"),
        pytest.param({"v1": 0, "v2": 0}, {"v1": 9, "v2": 1}, id="all-zero-before"),
        pytest.param({"v1": 9, "v2": 1}, {"v1": 0, "v2": 0}, id="all-zero-after"),
    ],
)
def test_shares_that_do_not_differ_have_no_effect(before: dict[str, int], after: dict[str, int]) -> None:
    assert time_to_effect([(0.1, "v1")], before=before, after=after, elapsed_seconds=1) is None


def test_strangers_and_answers_from_before_the_shift_tell_nothing() -> None:
    seen = [(0.1, "v1"), (0.2, "v2"), (0.3, "v2")]
    more = [(-3.0, "v2"), *seen, (0.35, "somebody")]
    assert time_to_effect(more, before=OLD, after=NEW, elapsed_seconds=1) == time_to_effect(
        seen, before=OLD, after=NEW, elapsed_seconds=1
    )


weights = st.fixed_dictionaries({"v1": st.integers(0, 100), "v2": st.integers(0, 100), "v3": st.integers(0, 100)})


@given(
    before=weights,
    after=weights,
    seen=st.lists(st.tuples(st.floats(0, 80), st.sampled_from(["v1", "v2", "v3", "else"])), max_size=60),
    elapsed=st.floats(0, 100),
)
def test_the_interval_lies_in_the_prior_and_pending_is_a_probability(
    before: dict[str, int], after: dict[str, int], seen: list[tuple[float, str]], elapsed: float
) -> None:
    found = time_to_effect(sorted(seen), before=before, after=after, elapsed_seconds=elapsed)
    if found is not None:
        assert 0 <= found.low <= found.high <= elapsed + HORIZON_SECONDS
        assert 0 <= found.pending <= 1 + 1e-9


@pytest.mark.parametrize(
    ("before", "after", "seconds"),
    [
        pytest.param((100, 0), (0, 100), 5, id="100/0 to 0/100"),
        pytest.param((90, 10), (50, 50), 20, id="90/10 to 50/50"),
        pytest.param((90, 10), (80, 20), 60, id="90/10 to 80/20"),
    ],
)
def test_the_interval_holds_the_truth_as_often_as_it_says(
    before: tuple[int, int], after: tuple[int, int], seconds: float
) -> None:
    """With 300 runs at 95 % a fair interval holds it in fewer than 90 % once in ten thousand times."""
    old, new = dict(zip(("v1", "v2"), before, strict=True)), dict(zip(("v1", "v2"), after, strict=True))
    held = 0
    for seed in range(300):
        delay = random.Random(seed).uniform(0, 2)
        seen = answers(before=old, after=new, rate=10, delay=delay, seconds=seconds, seed=seed)
        found = time_to_effect(seen, before=old, after=new, elapsed_seconds=seconds)
        assert found is not None
        held += found.low <= delay <= found.high
    assert held >= 270
