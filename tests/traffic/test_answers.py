from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.traffic.answers import CAPACITY, Answer, Kind, Window, upstream_seconds

KINDS = st.sampled_from([Kind.OK, Kind.APP_ERROR, Kind.TIMEOUT])
VERSIONS = st.sampled_from(["v1", "v2", None])


def answer(asked_at: float, version: str | None = "v1", kind: Kind = Kind.OK) -> Answer:
    return Answer(0, asked_at, 0.01, kind, version)


def recount(answers: list[Answer], since: float) -> Counter[tuple[str | None, Kind]]:
    return Counter((each.version, each.kind) for each in answers if each.asked_at >= since)


@pytest.mark.parametrize(
    ("told", "expected"),
    [("7", 0.007), ("0", 0.0), ("", None), ("7.5", None), ("-1", None), ("1, 2", None), ("9" * 40, None), ("٣", None)],
)
def test_upstream_time_is_read_where_it_is_a_number(told: str, expected: float | None) -> None:
    assert upstream_seconds({"x-envoy-upstream-service-time": told}) == expected
    assert upstream_seconds({}) is None


steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.floats(-6, 90), VERSIONS, KINDS),
        st.tuples(st.just("restart"), st.floats(-100, 30)),
    ),
    max_size=60,
)


@given(steps)
def test_counts_equal_a_naive_recount(steps: list[tuple[object, ...]]) -> None:
    window, now, added = Window(60, started=0.0), 1000.0, []
    for step in steps:
        match step:
            case ("add", float(later), version, Kind() as kind):
                now = max(now + later, 6)
                added.append(answer(now, version, kind))  # type: ignore[arg-type]
                window.add(added[-1])
            case ("restart", float(offset)):
                before = {each.sequence for each in window.recent(-1e9)}
                window.restart(now + offset)
                # What left the window is not counted; what is still in it is, from the moment asked for.
                gone = [each.asked_at for i, each in enumerate(added, 1) if i not in before]
                assert window.counting_since == pytest.approx(max([now + offset, *gone]))
        assert window.counts == recount(added, window.counting_since)
        assert window.totals == recount(added, -1e9)
        assert window.last_sequence == len(added)


@given(st.lists(st.floats(-6, 30), min_size=1, max_size=60), st.integers(0, 70))
def test_window_holds_the_last_minute_in_order_of_arrival(steps: list[float], after: int) -> None:
    window, now = Window(60), 1000.0
    for step in steps:
        now += step
        newest = window.add(answer(now))
    recent = window.recent(now)
    assert recent[-1] == newest
    assert all(each.asked_at >= now - 60 for each in recent)
    assert [each.sequence for each in recent] == sorted({each.sequence for each in recent})
    assert window.since(after) == tuple(each for each in window.since(0) if each.sequence > after)


def test_window_is_bounded_in_number_but_counts_are_not() -> None:
    window = Window(60)
    for _ in range(CAPACITY + 100):
        window.add(answer(1000.0))
    assert len(window.recent(1000.0)) == CAPACITY
    assert window.counts == window.totals == {("v1", Kind.OK): CAPACITY + 100}
    assert [each.sequence for each in window.since(0)][:1] == [101]


def test_answers_in_flight_at_the_restart_do_not_count() -> None:
    window = Window(60)
    window.add(answer(10.0))
    window.restart(20.0)
    window.add(answer(19.9, "v2"))
    window.add(answer(20.0))
    assert window.counts == {("v1", Kind.OK): 1}
    assert window.totals == {("v1", Kind.OK): 2, ("v2", Kind.OK): 1}


def test_restart_in_the_past_counts_what_was_asked_since() -> None:
    window = Window(60)
    for second in range(10):
        window.add(answer(second))
    window.restart(7)
    assert window.counts == {("v1", Kind.OK): 3}


def test_restart_in_the_future_counts_from_then() -> None:
    window = Window(60)
    window.restart(2.0)
    for second in range(4):
        window.add(answer(second))
    assert window.counts == {("v1", Kind.OK): 2}


def test_recent_forgets_while_nothing_is_added() -> None:
    window = Window(60)
    window.add(answer(1000.0))
    assert len(window.recent(1060.0)) == 1
    assert window.recent(1060.1) == ()


def test_window_goes_on_counting_sequences() -> None:
    window = Window(60, last_sequence=7)
    assert window.add(answer(0)).sequence == 8
    assert [each.sequence for each in window.since(7)] == [8]
    assert window.since(8) == window.since(99) == ()


def test_a_clock_set_back_loses_nothing() -> None:
    window = Window(60)
    window.add(answer(5000.0))
    window.add(answer(1000.0))
    assert len(window.since(0)) == 2


@pytest.mark.parametrize("kind", Kind)
def test_what_never_reached_the_gateway_is_a_failure(kind: Kind) -> None:
    assert kind.reached_gateway or kind.is_failure
    assert kind.may_have_been_split or kind.is_failure
