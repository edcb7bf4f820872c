"""Weights: how they move together, and how they are read from a form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.istio import builders
from tests.istio.strategies import steady, weights_of
from webapp.errors import InvalidInput
from webapp.istio.weights import parse_weights, rebalance, rescale, shares, weight_total

CASES = json.loads((Path(__file__).parent / "rebalance_cases.json").read_text())
"""Also what the page's JavaScript is tested against: the two must agree."""


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_rebalance(case: dict[str, Any]) -> None:
    result = rebalance(case["weights"], case["index"], case["value"], locked=case["locked"], total=case["total"])
    assert list(result) == case["expect"]


@st.composite
def gestures(draw: st.DrawFn) -> dict[str, Any]:
    count = draw(st.integers(1, 6))
    total = draw(st.sampled_from([100, 1, 3, 150, 1000]))
    return {
        "weights": draw(weights_of(count, total)),
        "index": draw(st.integers(0, count - 1)),
        "value": draw(st.integers(-20, total + 20)),
        "locked": draw(st.sets(st.integers(0, count - 1))),
        "total": total,
    }


@steady
@given(gesture=gestures())
def test_rebalance_sums_exactly_and_leaves_the_locked_alone(gesture: dict[str, Any]) -> None:
    weights, index, locked = gesture["weights"], gesture["index"], gesture["locked"]
    result = rebalance(**gesture)
    assert sum(result) == gesture["total"]
    assert min(result) >= 0
    assert all(result[place] == weights[place] for place in locked - {index})


@steady
@given(gesture=gestures())
def test_rebalance_moves_as_far_as_there_is_room(gesture: dict[str, Any]) -> None:
    weights, index, total = gesture["weights"], gesture["index"], gesture["total"]
    others_locked = gesture["locked"] - {index}
    room = total - sum(weights[place] for place in others_locked)
    stuck = len(others_locked) == len(weights) - 1
    assert rebalance(**gesture)[index] == (room if stuck else min(max(gesture["value"], 0), room))


@steady
@given(gesture=gestures())
def test_rebalance_keeps_the_order_of_the_others(gesture: dict[str, Any]) -> None:
    weights, result = gesture["weights"], rebalance(**gesture)
    free = [place for place in range(len(weights)) if place != gesture["index"] and place not in gesture["locked"]]
    assert all(result[a] >= result[b] for a in free for b in free if weights[a] > weights[b])
    assert all(result[a] >= result[b] for a in free for b in free if weights[a] == weights[b] and a < b)


@steady
@given(gesture=gestures())
def test_rebalance_back_to_where_the_gesture_began_restores(gesture: dict[str, Any]) -> None:
    back = gesture | {"value": gesture["weights"][gesture["index"]]}
    assert rebalance(**back) == gesture["weights"]


def test_locked_weights_that_are_more_than_the_total_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="more than 100"):
        rebalance([0, 120], 0, 10, locked=[1], total=100)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        pytest.param((90, 10), (90, 10), id="of-100"),
        pytest.param((1, 3), (25, 75), id="relative"),
        pytest.param((0, 0), (None, None), id="no-sum-says-nothing"),
        pytest.param((), (), id="none"),
    ],
)
def test_shares(weights: tuple[int, ...], expected: tuple[float | None, ...]) -> None:
    assert shares(weights) == expected


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        pytest.param((3, 1), (75, 25), id="exact"),
        pytest.param((1, 1, 1), (34, 33, 33), id="a-tie-to-the-first"),
        pytest.param((100, 50), (67, 33), id="largest-remainder"),
        pytest.param((1000, 0), (100, 0), id="nothing-stays-nothing"),
        pytest.param((90, 10), (90, 10), id="so-already"),
    ],
)
def test_rescale(weights: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert rescale(weights) == expected


def test_rescale_takes_nobody_off_the_route() -> None:
    with pytest.raises(InvalidInput) as refused:
        rescale((999, 1))
    assert refused.value.message == "1 of 1000 is too little for a scale of 100: it would become 0"


@steady
@given(weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=6).filter(any))
def test_rescale_sums_to_100_and_moves_no_share_by_a_point(weights: list[int]) -> None:
    try:
        found = rescale(weights)
    except InvalidInput:
        assert min(filter(None, shares(weights))) < 1
    else:
        assert sum(found) == 100
        assert all(abs(after - (before or 0)) < 1 for before, after in zip(shares(weights), found, strict=True))


@pytest.mark.parametrize(
    ("raw", "total"),
    [
        pytest.param(builders.split(90, 10), 100, id="usual"),
        pytest.param(builders.split(100, 50), 150, id="its-own-sum"),
        pytest.param(builders.split(None, None), 100, id="none-yet"),
        pytest.param(builders.split(30), 100, id="a-single-one-takes-all"),
    ],
)
def test_weight_total(raw: dict[str, Any], total: int) -> None:
    assert weight_total(builders.parsed_route(raw)) == total


@pytest.mark.parametrize(
    ("raw", "texts", "expected"),
    [
        pytest.param(builders.split(90, 10), ["70", "30"], (70, 30), id="two"),
        pytest.param(builders.split(90, 10), ["0", "100"], (0, 100), id="everything-to-one"),
        pytest.param(builders.split(90, 10), ["07", "093"], (7, 93), id="leading-zeros"),
        pytest.param(builders.split(100, 50), ["70", "80"], (70, 80), id="its-own-sum"),
        pytest.param(builders.split(100, 50), ["70", "30"], (70, 30), id="to-100-from-another-sum"),
        pytest.param(builders.split(30), ["100"], (100,), id="a-single-one"),
    ],
)
def test_parse_weights(raw: dict[str, Any], texts: list[str], expected: tuple[int, ...]) -> None:
    assert parse_weights(texts, route=builders.parsed_route(raw)) == expected


NEEDED = ": a whole number from 0 to 100 is needed"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        pytest.param(["90", "ten"], f'weight 2 is "ten"{NEEDED}', id="text"),
        pytest.param(["", "10"], f"weight 1 is empty{NEEDED}", id="empty"),
        pytest.param(["-1", "101"], f'weight 1 is "-1"{NEEDED}', id="negative"),
        pytest.param(["+5", "95"], f'weight 1 is "+5"{NEEDED}', id="sign"),
        pytest.param([" 5 ", "95"], f'weight 1 is " 5 "{NEEDED}', id="spaces"),
        pytest.param(["5\n", "95"], f'weight 1 is "5\N{REPLACEMENT CHARACTER}"{NEEDED}', id="line-end"),
        pytest.param(["1e2", "0"], f'weight 1 is "1e2"{NEEDED}', id="exponent"),
        pytest.param(["5.0", "95"], f'weight 1 is "5.0"{NEEDED}', id="fraction"),
        pytest.param(["٥٠", "50"], f'weight 1 is "٥٠"{NEEDED}', id="digits-of-another-script"),
        pytest.param(["²", "98"], f'weight 1 is "²"{NEEDED}', id="superscript"),
        pytest.param(["9" * 5000, "1"], f'weight 1 is "{"9" * 24}…"{NEEDED}', id="very-long"),
        pytest.param(["70", "20"], "70 + 20 is 90; the weights have to add up to 100", id="below-the-sum"),
        pytest.param(["999999999", "1"], "999999999 + 1 is 1000000000; the weights have to add up to 100", id="above"),
        pytest.param(["0", "0"], "all weights are 0: at least one destination has to take the traffic", id="all-zero"),
        pytest.param(
            ["100"], "1 weight came for 2 destinations: one each is needed, in the route's order", id="too-few"
        ),
        pytest.param(
            ["50", "25", "25"],
            "3 weights came for 2 destinations: one each is needed, in the route's order",
            id="too-many",
        ),
        pytest.param([], "0 weights came for 2 destinations: one each is needed, in the route's order", id="none"),
    ],
)
def test_parse_weights_says_what_is_wrong(texts: list[str], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_weights(texts, route=builders.parsed_route(builders.split(90, 10)))
    assert refused.value.message == message
    assert refused.value.detail == {"field": "weight"}


@pytest.mark.parametrize(
    ("raw", "texts", "message"),
    [
        pytest.param(
            builders.split(100, 50),
            ["x", "1"],
            'weight 1 is "x": a whole number from 0 to 150 is needed',
            id="its-own-bound",
        ),
        pytest.param(
            builders.split(100, 50),
            ["70", "20"],
            "70 + 20 is 90; the weights have to add up to 100, or to 150 as they do now",
            id="its-own-sum",
        ),
        pytest.param(builders.split(100), ["30"], "30; the weights have to add up to 100", id="a-single-one"),
        pytest.param(
            {"redirect": {}}, [], "this route has no destinations, so there is nothing to weigh", id="no-destinations"
        ),
    ],
)
def test_parse_weights_knows_its_route(raw: dict[str, Any], texts: list[str], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_weights(texts, route=builders.parsed_route(raw))
    assert refused.value.message == message


@steady
@given(texts=st.lists(st.text("0123456789٥²+-. e\x00", max_size=5), max_size=4))
def test_whatever_is_sent_is_read_or_refused(texts: list[str]) -> None:
    route = builders.parsed_route(builders.split(90, 10))
    try:
        weights = parse_weights(texts, route=route)
    except InvalidInput as refused:
        assert refused.message
    else:
        assert sum(weights) == 100
        assert [int(text) for text in texts] == list(weights)
