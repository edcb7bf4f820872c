"""Ask the gateway at an even pace, for exactly the routes that are wanted, and keep what it answered."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Condition, Lock, Thread
from typing import Literal, Protocol

from webapp.traffic.answers import Answer, Window
from webapp.traffic.effect import HORIZON_SECONDS
from webapp.traffic.schedule import Schedule
from webapp.traffic.shifts import InEffect, Shift, in_effect
from webapp.traffic.summary import Summary, summarise, totals_by_version
from webapp.traffic.targets import Key, Target, unaskable

WORKERS = 8
"""Requests in flight at once, at most: with all of them waiting, slots pass unused and the reached rate says so."""

CAP = 50
"""Requests a second at most."""
BOOST_SECONDS = 5.0
"""For so long after a shift the cap is asked: more answers are what narrows the time to its effect."""
SETTLE_SECONDS = 1.0
"""After a change of destinations counting begins anew this much later, or old answers look like error."""
MARKS = 20
"""Shifts that are remembered at most."""

LIMIT = 32
"""Routes that are sampled at once, at most: each takes a few threads and its share of a core."""

log = logging.getLogger(__name__)


class Asker(Protocol):
    """What can be asked: `prober.Prober`, or anything that turns each question into exactly one answer."""

    def ask(self, target: Target, *, asked_at: float) -> Answer: ...


class Sampler:
    """Asks one target `rate` times a second, on one thread that keeps time and up to eight that wait for answers.

    An exception in `prober.ask` is a fault of ours, since every failure of the network is an answer: it is logged, the
    sampler stops, and `is_alive` says so. All methods may be called from any thread.

    :param clock: Unix time in seconds, for what people read; slots are kept by `time.monotonic`.
    """

    def __init__(
        self,
        target: Target,
        prober: Asker,
        *,
        rate: int,
        clock: Callable[[], float] = time.time,
        workers: int = WORKERS,
        boost_seconds: float = BOOST_SECONDS,
        paused: bool = False,
    ) -> None:
        self._prober = prober
        self._clock = clock
        self._workers = workers
        self._boost_seconds = boost_seconds
        self._lock = Lock()
        self._controlled = Condition(self._lock)
        self._answered = Condition(self._lock)
        self._target = target
        self._window = Window(started=clock())
        self._schedule = Schedule(rate=rate, start=time.monotonic())
        self._rate = rate
        self._boost_until = -math.inf
        self._shifts: deque[tuple[Shift, InEffect | None]] = deque(maxlen=MARKS)
        self._in_flight = 0
        self._paused = paused
        self._halted = False
        self._broken = False
        name = "sampler " + "/".join(map(str, target.key))
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._thread = Thread(target=self._keep_asking, name=name, daemon=True)

    @property
    def target(self) -> Target:
        """What is asked now."""
        return self._target

    @property
    def rate(self) -> int:
        """How often it is asked now, a second."""
        return max(self._rate, CAP) if time.monotonic() < self._boost_until else self._rate

    @property
    def state(self) -> Literal["running", "paused"]:
        """Whether slots are used."""
        return "paused" if self._paused else "running"

    def is_alive(self) -> bool:
        """Say whether it was started, is not stopped, and no fault of ours ended it."""
        return self._thread.is_alive() and not self._broken

    @property
    def in_flight(self) -> int:
        """How many requests wait for their answer."""
        return self._in_flight

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in flight and nothing more will be asked."""
        return self._halted and not self._in_flight

    def start(self) -> None:
        """Begin to ask, at once."""
        with self._lock:
            self._schedule.restart(time.monotonic(), rate=self.rate)
        self._thread.start()

    def halt(self) -> None:
        """Ask no more, for good; without waiting for anything."""
        with self._lock:
            self._halted = True
            self._controlled.notify_all()
        self._executor.shutdown(wait=False)

    def stop(self) -> None:
        """Halt, and wait for the threads to end: as long as the prober gives an answer at most."""
        self.halt()
        if self._thread.ident:
            self._thread.join()
        self._executor.shutdown()

    def pause(self) -> None:
        """Leave slots unused from now on."""
        with self._lock:
            self._paused = True
            self._controlled.notify_all()

    def resume(self) -> None:
        """Use slots again, from now on."""
        with self._lock:
            if self._paused:
                self._paused = False
                self._lay_grid()

    def set_rate(self, rate: int) -> None:
        """Ask `rate` times a second from now on."""
        with self._lock:
            if rate != self._rate:
                self._rate = rate
                self._lay_grid()

    def retarget(self, target: Target) -> None:
        """Ask something else of the same route from now on.

        Where the request is another one, its answers don't mix with the earlier ones: a new window begins, and what is
        still in flight belongs to the old one. Other weights or another identification keep the window. Where other
        versions are asked for, counting begins anew once these are sure to be in effect.
        """
        with self._lock:
            if not target.asks_the_same(self._target):
                self._window = Window(started=self._clock(), last_sequence=self._window.last_sequence)
                self._shifts.clear()
            elif target.asked.keys() != self._target.asked.keys():
                self._window.restart(self._clock() + SETTLE_SECONDS)
                self._shifts.clear()
            self._target = target

    def shift(self, shift: Shift) -> None:
        """Take note of a shift: count anew once it is in effect, and ask more often for a few seconds."""
        with self._lock:
            self._shifts.append((shift, None))
            self._window.restart(shift.at)
            self._boost_until = time.monotonic() + self._boost_seconds
            self._lay_grid()

    def shifts(self) -> list[tuple[Shift, InEffect | None]]:
        """Return the shifts of the window's time, the newest last, each with how it stands if that was looked at."""
        with self._lock:
            since = self._clock() - self._window.seconds
            return [(shift, found) for shift, found in self._shifts if shift.at >= since]

    def drain(self, timeout_seconds: float) -> bool:
        """Pause, and wait until nothing is in flight; say whether that is so."""
        self.pause()
        with self._lock:
            return self._answered.wait_for(lambda: not self._in_flight, timeout_seconds)

    def wait_for_answer(self, after_sequence: int, timeout_seconds: float) -> bool:
        """Wait until an answer later than that sequence has arrived; say whether it has."""
        with self._lock:
            return self._answered.wait_for(lambda: self._window.last_sequence > after_sequence, timeout_seconds)

    def snapshot(self, after_sequence: int | None = None) -> tuple[tuple[Answer, ...], Summary]:
        """Return the window's answers later than a sequence, in the order of arrival, and what the window comes to."""
        with self._lock:
            now = self._clock()
            recent = self._window.recent(now)
            stands = self._look_for_effect(recent, now)
            answers = tuple(each for each in recent if each.sequence > (after_sequence or 0))
            return answers, summarise(self._window, self._target, now=now, rate=self.rate, stands=stands)

    def totals(self) -> dict[str, dict[str, int]]:
        """Return version (or empty) → kind → answers since the window began, as the gateway would count them."""
        with self._lock:
            return totals_by_version(self._window)

    def _look_for_effect(self, recent: Sequence[Answer], now: float) -> InEffect | None:
        """Say how the last shift stands, and count from where it is sure to be in effect: old answers are no error."""
        if not self._shifts:
            return None
        shift, stands = self._shifts[-1]
        if stands is None or now - shift.earliest <= HORIZON_SECONDS or stands.is_open:
            found = in_effect(shift, recent, now=now)
            if found.high is not None and (stands is None or found.high != stands.high):
                self._window.restart(shift.at + found.high)
            self._shifts[-1] = shift, (stands := found)
        return stands

    def _lay_grid(self) -> None:
        self._schedule.restart(time.monotonic(), rate=self.rate)
        self._controlled.notify_all()

    def _keep_asking(self) -> None:
        with self._lock:
            while not self._halted:
                if self._paused:
                    self._controlled.wait()
                    continue
                now = time.monotonic()
                if self._schedule.rate != self.rate:
                    self._schedule.restart(now, rate=self.rate)
                if now < self._schedule.due:
                    self._controlled.wait(self._schedule.due - now)
                    continue
                self._schedule.take(now)
                if self._in_flight < self._workers:
                    self._in_flight += 1
                    self._executor.submit(self._ask, self._target, self._window)

    def _ask(self, target: Target, window: Window) -> None:
        try:
            answer = self._prober.ask(target, asked_at=self._clock())
            with self._lock:
                window.add(answer)
        except Exception:
            log.exception("The sampler of %s/%s stops: a fault of its own", target.namespace, target.name)
            self._broken = True
            self.halt()
        finally:
            with self._lock:
                self._in_flight -= 1
                self._answered.notify_all()


class Samplers:
    """One sampler a route, started, retargeted and stopped to fit what is wanted. Thread-safe."""

    def __init__(self, prober: Asker, *, clock: Callable[[], float] = time.time, limit: int = LIMIT) -> None:
        self._prober = prober
        self._clock = clock
        self._limit = limit
        self._lock = Lock()
        self._running: dict[Key, Sampler] = {}
        self._leaving: list[Sampler] = []
        self._closed = False

    @property
    def running(self) -> Mapping[Key, Sampler]:
        """The samplers by route, paused ones among them; a copy."""
        with self._lock:
            return dict(self._running)

    def keep(self, wanted: Mapping[Target, tuple[int, bool]]) -> dict[Key, str]:
        """Have a sampler for exactly these targets: (requests a second, whether it asks or is paused).

        One that runs already is retargeted and keeps its window where it can; one that is not wanted any more stops
        without being waited for. A broken one stays as it is, so that `is_alive` tells.

        :returns: those that can't be sampled, each with the reason as a sentence.
        """
        refused: dict[Key, str] = {}
        accepted: dict[Key, Target] = {}
        for target in wanted:
            if reason := unaskable(target):
                refused[target.key] = reason
            elif len(accepted) >= self._limit:
                refused[target.key] = (
                    f"{self._limit} routes are being sampled already, which is as many as there may be."
                )
            else:
                accepted[target.key] = target
        with self._lock:
            for key in self._running.keys() - accepted.keys():
                sampler = self._running.pop(key)
                sampler.halt()
                self._leaving.append(sampler)
            for sampler in [each for each in self._leaving if each.is_idle]:
                sampler.stop()
                self._leaving.remove(sampler)
            if not self._closed:
                for target in accepted.values():
                    self._fit(target, *wanted[target])
        return refused

    def is_alive(self) -> bool:
        """Say whether every sampler that should run does."""
        return all(sampler.is_alive() for sampler in self.running.values())

    def stop_all(self) -> None:
        """Stop all samplers, wait for their threads to end, and start no more."""
        with self._lock:
            self._closed = True
            ending = [*self._running.values(), *self._leaving]
            self._running.clear()
            self._leaving.clear()
        for sampler in ending:
            sampler.halt()
        for sampler in ending:
            sampler.stop()

    def _fit(self, target: Target, rate: int, running: bool) -> None:
        sampler = self._running.get(target.key)
        if sampler is None:
            sampler = Sampler(target, self._prober, rate=rate, clock=self._clock, paused=not running)
            self._running[target.key] = sampler
            sampler.start()
            return
        sampler.retarget(target)
        sampler.set_rate(rate)
        if running:
            sampler.resume()
        else:
            sampler.pause()
