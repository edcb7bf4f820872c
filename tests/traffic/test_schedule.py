from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.traffic.schedule import Schedule

rates = st.integers(1, 50)
waits = st.lists(st.floats(0, 3), max_size=80)


def take_when_due(schedule: Schedule, now: float) -> bool:
    if now < schedule.due:
        return False
    schedule.take(now)
    return True


@given(rates, waits)
def test_a_slot_is_used_once_at_most_and_never_before_its_time(rate: int, waits: list[float]) -> None:
    schedule, now, taken = Schedule(rate=rate, start=100.0), 100.0, 0
    for wait in waits:
        now += wait
        while take_when_due(schedule, now):
            taken += 1
            assert schedule.due > now - 1e-6
        assert taken <= (now - 100.0) * rate + 1 + 1e-6


@given(rates, st.floats(0, 1e6))
def test_slots_do_not_drift(rate: int, start: float) -> None:
    schedule = Schedule(rate=rate, start=start)
    for slot in range(500):
        assert schedule.due == start + slot / rate
        schedule.take(schedule.due)


@given(rates, st.floats(0, 0.99))
def test_being_a_little_late_each_time_loses_no_slot(rate: int, part: float) -> None:
    schedule = Schedule(rate=rate, start=0.0)
    for _ in range(200):
        schedule.take(schedule.due + part / rate)
    assert schedule.due == pytest.approx(200 / rate)


def test_missed_slots_are_gone() -> None:
    schedule = Schedule(rate=10, start=0.0)
    schedule.take(0.0)
    schedule.take(5.05)
    assert schedule.due == pytest.approx(5.1)


@given(rates, rates, st.floats(0, 2))
def test_new_rate_holds_at_once_and_keeps_its_distance(rate: int, new_rate: int, later: float) -> None:
    schedule = Schedule(rate=rate, start=0.0)
    schedule.take(0.0)
    schedule.restart(later, rate=new_rate)
    assert schedule.due == pytest.approx(max(later, 1 / new_rate))


def test_playing_with_the_rate_asks_no_more_often() -> None:
    schedule, now, taken = Schedule(rate=10, start=0.0), 0.0, 0
    for step in range(1000):
        now = step / 1000
        schedule.restart(now, rate=10 + step % 2)
        taken += take_when_due(schedule, now)
    assert taken <= 12
