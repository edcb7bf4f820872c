from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.traffic.conftest import Serve
from tests.traffic.servers import DEADLINE_SECONDS, Handler, always, reply, target
from webapp.traffic.answers import Answer, Kind
from webapp.traffic.prober import Prober
from webapp.traffic.sampler import CAP, WORKERS, Sampler
from webapp.traffic.samplers import Samplers
from webapp.traffic.shifts import Shift
from webapp.traffic.targets import Identification, Target

A_WHILE_SECONDS = 0.15
"""Long enough for several slots at 50 a second, to see that nothing happens."""


class Gate:
    """An asker whose questions wait at a gate that is open at first."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.asked: list[Target] = []
        self.waiting = 0
        self.open = True
        self.fault: Exception | None = None

    def ask(self, target: Target, *, asked_at: float) -> Answer:
        with self.changed:
            self.asked.append(target)
            self.waiting += 1
            self.changed.notify_all()
            opened = self.changed.wait_for(lambda: self.open, DEADLINE_SECONDS)
            self.waiting -= 1
        if self.fault:
            raise self.fault
        return Answer(0, asked_at, 0.001, Kind.OK if opened else Kind.TIMEOUT, "v1", 200)

    def set(self, *, open: bool) -> None:
        with self.changed:
            self.open = open
            self.changed.notify_all()

    def until(self, condition: Callable[[], bool], seconds: float = DEADLINE_SECONDS) -> bool:
        with self.changed:
            return self.changed.wait_for(condition, seconds)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.set(open=True)


@pytest.fixture
def start(gate: Gate) -> Iterator[Callable[..., Sampler]]:
    samplers: list[Sampler] = []

    def start(asked: Target | None = None, *, rate: float = 50, prober: Prober | None = None) -> Sampler:
        samplers.append(Sampler(asked or target(), prober or gate, rate=rate))  # type: ignore[arg-type]
        samplers[-1].start()
        return samplers[-1]

    yield start
    gate.set(open=True)
    for sampler in samplers:
        sampler.stop()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("sampler ")]


Start = Callable[..., Sampler]


def join_scheduler(sampler: Sampler) -> None:
    name = "sampler " + "/".join(map(str, sampler.target.key))
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(DEADLINE_SECONDS)


def count(sampler: Sampler) -> int:
    return sampler.snapshot()[1].total


def test_asks_at_once_and_never_more_often_than_the_rate(start: Start, gate: Gate) -> None:
    begun = time.monotonic()
    sampler = start(rate=50)
    assert sampler.wait_for_answer(19, DEADLINE_SECONDS)
    assert sampler.drain(DEADLINE_SECONDS)
    assert 20 <= count(sampler) == len(gate.asked) <= (time.monotonic() - begun) * 50 + 1


def test_first_question_does_not_wait_for_a_period(start: Start) -> None:
    assert start(rate=0.01).wait_for_answer(0, DEADLINE_SECONDS)


def test_slow_answers_do_not_slow_the_asking(start: Start, gate: Gate) -> None:
    gate.set(open=False)
    begun = time.monotonic()
    start(rate=50)
    assert gate.until(lambda: gate.waiting == WORKERS)
    assert time.monotonic() - begun < DEADLINE_SECONDS / 2


def test_with_all_workers_waiting_slots_pass_unused_for_ever(start: Start, gate: Gate) -> None:
    gate.set(open=False)
    begun = time.monotonic()
    sampler = start(rate=50)
    assert gate.until(lambda: gate.waiting == WORKERS)
    assert not gate.until(lambda: len(gate.asked) > WORKERS, A_WHILE_SECONDS)
    stalled_seconds = time.monotonic() - begun

    gate.set(open=True)
    reopened = time.monotonic()
    assert sampler.wait_for_answer(WORKERS + 9, DEADLINE_SECONDS)
    asked_since = len(gate.asked) - WORKERS
    # What was missed while stalled is not made up for.
    assert asked_since <= (time.monotonic() - reopened) * 50 + 2
    assert len(gate.asked) < (stalled_seconds + time.monotonic() - reopened) * 50 + 1


def test_new_rate_holds_at_once(start: Start) -> None:
    sampler = start(rate=0.01)
    assert sampler.wait_for_answer(0, DEADLINE_SECONDS)
    sampler.set_rate(50)
    assert sampler.wait_for_answer(5, DEADLINE_SECONDS)
    assert sampler.rate == sampler.snapshot()[1].asked_rate == 50


def test_pause_and_resume(start: Start, gate: Gate) -> None:
    sampler = start()
    assert sampler.wait_for_answer(2, DEADLINE_SECONDS)
    assert sampler.drain(DEADLINE_SECONDS)
    asked = len(gate.asked)
    assert sampler.state == "paused"
    assert not gate.until(lambda: len(gate.asked) > asked, A_WHILE_SECONDS)
    assert sampler.is_alive()

    sampler.resume()
    assert sampler.state == "running"
    assert gate.until(lambda: len(gate.asked) > asked)


def test_drain_waits_for_what_is_in_flight(start: Start, gate: Gate) -> None:
    gate.set(open=False)
    sampler = start()
    assert gate.until(lambda: gate.waiting > 0)
    assert not sampler.drain(0.01)
    gate.set(open=True)
    assert sampler.drain(DEADLINE_SECONDS)
    assert count(sampler) == len(gate.asked)


def test_stop_waits_for_what_is_in_flight_and_ends_all_threads(start: Start, gate: Gate) -> None:
    gate.set(open=False)
    sampler = start()
    assert gate.until(lambda: gate.waiting > 0)
    stopping = threading.Thread(target=sampler.stop)
    stopping.start()
    stopping.join(A_WHILE_SECONDS)
    assert stopping.is_alive()
    gate.set(open=True)
    stopping.join(DEADLINE_SECONDS)
    assert not stopping.is_alive()
    assert not sampler.is_alive()
    assert count(sampler) == len(gate.asked)


def test_stop_without_start(gate: Gate) -> None:
    sampler = Sampler(target(), gate, rate=1)
    assert not sampler.is_alive()
    sampler.stop()


def test_fault_of_ours_stops_the_sampler_for_all_to_see(
    start: Start, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    sampler = start()
    assert sampler.wait_for_answer(0, DEADLINE_SECONDS)
    assert sampler.is_alive()
    gate.fault = ZeroDivisionError("in a classification")
    join_scheduler(sampler)
    assert not sampler.is_alive()
    assert "in a classification" in caplog.text


def test_snapshot_gives_what_is_new_and_the_table(start: Start) -> None:
    sampler = start()
    assert sampler.wait_for_answer(4, DEADLINE_SECONDS)
    assert sampler.drain(DEADLINE_SECONDS)
    answers, summary = sampler.snapshot()
    assert [answer.sequence for answer in answers] == list(range(1, summary.total + 1))
    assert [answer.sequence for answer in sampler.snapshot(3)[0]] == list(range(4, summary.total + 1))
    assert sampler.snapshot(summary.total)[0] == ()
    assert sampler.totals() == {"v1": {"ok": summary.total}}


def shift_now(*, before: dict[str, int], after: dict[str, int]) -> Shift:
    now = time.time()
    return Shift(now, now, before=before, after=after, label="a shift")


def test_after_a_shift_counting_begins_where_it_is_in_effect(start: Start) -> None:
    sampler = start()
    assert sampler.wait_for_answer(2, DEADLINE_SECONDS)
    shift = shift_now(before={"v1": 0, "v2": 100}, after={"v1": 100, "v2": 0})
    old = len(sampler.snapshot()[0])
    sampler.shift(shift)
    assert count(sampler) == 0

    # The gate answers v1, which the shift asks for.
    assert sampler.wait_for_answer(old + 5, DEADLINE_SECONDS)
    assert sampler.drain(DEADLINE_SECONDS)
    answers, summary = sampler.snapshot()
    assert summary.in_effect and summary.in_effect.state == "known" and summary.in_effect.high is not None
    assert summary.since == pytest.approx(shift.at + summary.in_effect.high)
    assert summary.total == len([each for each in answers if each.asked_at >= summary.since])
    assert sampler.totals() == {"v1": {"ok": len(answers)}}
    assert sampler.shifts() == [(shift, summary.in_effect)]


def test_until_a_shift_is_in_effect_its_answers_are_not_held_against_it(start: Start) -> None:
    sampler = start()
    sampler.shift(shift_now(before={"v1": 100, "v2": 0}, after={"v1": 0, "v2": 100}))
    sampler.retarget(target(asked={"v1": 0, "v2": 100}))
    assert sampler.wait_for_answer(20, DEADLINE_SECONDS)
    summary = sampler.snapshot()[1]
    assert summary.in_effect and summary.in_effect.state == "not_yet"
    assert summary.verdict == "undecided"


def test_for_a_while_after_a_shift_the_cap_is_asked(gate: Gate) -> None:
    sampler = Sampler(target(), gate, rate=1, boost_seconds=0.5)
    sampler.start()
    try:
        begun = time.monotonic()
        sampler.shift(shift_now(before={"v1": 100}, after={"v1": 100}))
        assert sampler.rate == CAP
        assert sampler.wait_for_answer(8, DEADLINE_SECONDS)
        assert gate.until(lambda: sampler.rate == 1)
        assert time.monotonic() - begun >= 0.5
        assert len(gate.asked) <= 0.5 * CAP + 2 + (time.monotonic() - begun)
    finally:
        sampler.stop()


def test_another_request_begins_another_window(start: Start, gate: Gate) -> None:
    gate.set(open=False)
    sampler = start()
    assert gate.until(lambda: gate.waiting == WORKERS)
    first = sampler.snapshot()[1].started
    other = target(path="/other")
    sampler.retarget(other)
    gate.set(open=True)
    assert gate.until(lambda: other in gate.asked)
    assert sampler.drain(DEADLINE_SECONDS)

    # The eight that were in flight belong to the old window, and sequences go on.
    assert count(sampler) == len([each for each in gate.asked if each == other])
    assert sampler.snapshot()[1].started != first
    assert sampler.target == other


def test_other_weights_or_identification_keep_the_window(start: Start) -> None:
    sampler = start()
    assert sampler.wait_for_answer(2, DEADLINE_SECONDS)
    assert sampler.drain(DEADLINE_SECONDS)
    before = sampler.snapshot()
    sampler.retarget(target(asked={"v1": 50, "v2": 50}, identification=Identification(), versions={"v1": "v1"}))
    after = sampler.snapshot()
    assert after[0] == before[0]
    assert [row.asked for row in after[1].rows] == [50, 50]
    assert after[1].started == before[1].started


def test_where_versions_are_told_otherwise_counting_begins_anew(start: Start) -> None:
    sampler = start()
    assert sampler.wait_for_answer(2, DEADLINE_SECONDS)
    assert sampler.drain(DEADLINE_SECONDS)
    sampler.retarget(target(identification=Identification("x-app-version", names=(("v1", "v2"),))))
    answers, summary = sampler.snapshot()
    assert (len(answers) > 2, summary.total) == (True, 0)


def test_where_other_versions_are_asked_for_counting_begins_anew(start: Start) -> None:
    sampler = start()
    assert sampler.wait_for_answer(2, DEADLINE_SECONDS)
    assert sampler.drain(DEADLINE_SECONDS)
    sampler.retarget(target(asked={"v2": 100}))
    answers, summary = sampler.snapshot()
    assert len(answers) > 2
    assert (summary.total, summary.verdict) == (0, "no_data")


@pytest.mark.parametrize(
    ("handler", "kinds"),
    [
        pytest.param(always(reply(headers={"x-app-version": "v1"})), {"v1": {"ok"}}, id="good"),
        pytest.param(lambda connection, server: None, {"": {"reset"}}, id="closes each connection"),
    ],
)
def test_every_question_is_one_answer(
    handler: Handler, kinds: dict[str, set[str]], start: Start, serve: Serve, prober: Prober
) -> None:
    server = serve(handler)
    sampler = start(target(server.url), prober=prober)
    assert sampler.wait_for_answer(9, DEADLINE_SECONDS)
    assert sampler.drain(DEADLINE_SECONDS)
    totals = sampler.totals()
    assert {version: set(by_kind) for version, by_kind in totals.items()} == kinds
    assert sum(sum(by_kind.values()) for by_kind in totals.values()) == count(sampler)
    assert count(sampler) == (len(server.requests) or server.connections)


@pytest.fixture
def samplers(gate: Gate) -> Iterator[Samplers]:
    samplers = Samplers(gate, limit=3)
    yield samplers
    gate.set(open=True)
    samplers.stop_all()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("sampler ")]


def test_keep_starts_changes_and_stops_to_fit(samplers: Samplers, gate: Gate) -> None:
    first, second = target(), target(http_route=1)
    assert samplers.keep({first: (50, True), second: (10, False)}) == {}
    assert set(samplers.running) == {first.key, second.key}
    one, two = samplers.running[first.key], samplers.running[second.key]
    assert (one.state, one.rate, two.state, two.rate) == ("running", 50, "paused", 10)
    assert one.wait_for_answer(0, DEADLINE_SECONDS)
    assert second not in gate.asked

    changed = replace(second, path="/other")
    assert samplers.keep({first: (20, False), changed: (30, True)}) == {}
    assert samplers.running == {first.key: one, second.key: two}
    assert (one.state, one.rate, two.state, two.rate) == ("paused", 20, "running", 30)
    assert gate.until(lambda: changed in gate.asked)
    assert samplers.is_alive()

    samplers.keep({first: (20, True)})
    assert set(samplers.running) == {first.key}
    join_scheduler(two)
    assert not two.is_alive()
    assert samplers.is_alive()


def test_keep_waits_for_nobody(samplers: Samplers, gate: Gate) -> None:
    gate.set(open=False)
    samplers.keep({target(): (50, True)})
    assert gate.until(lambda: gate.waiting > 0)
    leaving = samplers.running[target().key]
    samplers.keep({})
    assert samplers.running == {}
    assert not leaving.is_idle
    gate.set(open=True)
    assert leaving.drain(DEADLINE_SECONDS)
    samplers.keep({})
    assert not leaving.is_alive()


def test_what_cannot_be_asked_is_refused_in_words(samplers: Samplers) -> None:
    bad = target(path="no slash")
    assert samplers.keep({bad: (10, True)}) == {bad.key: "The path 'no slash' does not start with a slash."}
    assert samplers.running == {}


def test_no_more_than_the_limit(samplers: Samplers) -> None:
    refused = samplers.keep({target(http_route=index): (1, False) for index in range(5)})
    assert set(samplers.running) == {target(http_route=index).key for index in range(3)}
    assert set(refused) == {target(http_route=index).key for index in (3, 4)}
    assert "3 routes" in refused[target(http_route=4).key]


def test_a_broken_sampler_stays_and_tells(samplers: Samplers, gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    samplers.keep({target(): (50, True)})
    assert samplers.is_alive()
    gate.fault = RuntimeError("broken")
    broken = samplers.running[target().key]
    join_scheduler(broken)
    samplers.keep({target(): (50, True)})
    assert samplers.running[target().key] is broken
    assert not samplers.is_alive()
    assert "broken" in caplog.text


def test_after_stop_all_nothing_starts(samplers: Samplers) -> None:
    samplers.keep({target(): (50, True)})
    samplers.stop_all()
    samplers.keep({target(): (50, True)})
    assert samplers.running == {}
    assert samplers.is_alive()
