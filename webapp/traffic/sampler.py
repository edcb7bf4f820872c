"""Ask the gateway at an even pace, pod by pod where its pods are known, and keep what it answered."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Condition, Lock, Thread
from typing import Literal, Protocol

from webapp.traffic.answers import Answer, Window
from webapp.traffic.marks import Marks
from webapp.traffic.rotation import Rotation, Turn
from webapp.traffic.schedule import Schedule
from webapp.traffic.shifts import InEffect, Shift
from webapp.traffic.summary import Summary, summarise, totals_by_version
from webapp.traffic.targets import Target

WORKERS = 8
"""Requests in flight at once, at most: with all of them waiting, slots pass unused and the reached rate says so."""
CAP = 50
"""Requests a second at most."""
BOOST_SECONDS = 5.0
"""For so long after a shift the cap is asked: more answers are what narrows the time to its effect."""
SETTLE_SECONDS = 1.0
"""After a change of destinations counting begins anew this much later, or old answers look like error."""

log = logging.getLogger(__name__)


class Asker(Protocol):
    """What can be asked: `prober.Prober`, or anything that turns each question into exactly one answer."""

    def ask(self, target: Target, *, asked_at: float) -> Answer: ...


class Sampler:
    """Asks one target `rate` times a second, on one thread that keeps time and a few that wait for answers.

    Where the target names the gateway's pods, they are asked in turn: together as often as one would be.

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
        self._boost_seconds = boost_seconds
        self._lock = Lock()
        self._controlled = Condition(self._lock)
        self._answered = Condition(self._lock)
        self._target = target
        self._window = Window(started=clock())
        self._schedule = Schedule(rate=rate, start=time.monotonic())
        self._rate = rate
        self._boost_until = -math.inf
        self._marks = Marks()
        self._rotation = Rotation(workers)
        self._paused = paused
        self._halted = False
        self._broken = False
        name = "sampler " + "/".join(map(str, target.key))
        self._executor = ThreadPoolExecutor(self._rotation.most, thread_name_prefix=name)
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
        return self._rotation.in_flight

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in flight and nothing more will be asked."""
        return self._halted and not self.in_flight

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
        still in flight belongs to the old one. Other weights keep the window. Where other versions are asked for,
        counting begins anew once these are sure to be in effect; where versions are told otherwise, at once.
        """
        with self._lock:
            if not target.asks_the_same(self._target):
                self._window = Window(started=self._clock(), last_sequence=self._window.last_sequence)
                self._marks.clear()
            elif target.asked.keys() != self._target.asked.keys():
                self._window.restart(self._clock() + SETTLE_SECONDS)
                self._marks.clear()
            elif target.identification != self._target.identification:
                self._window.restart(max(self._window.counting_since, self._clock()))
            self._target = target

    def shift(self, shift: Shift) -> None:
        """Take note of a shift: count anew once it is in effect, and ask more often for a few seconds."""
        with self._lock:
            self._marks.add(shift, gateways=self._gateways())
            self._window.restart(shift.at)
            self._boost_until = time.monotonic() + self._boost_seconds
            self._lay_grid()

    def shifts(self) -> list[tuple[Shift, InEffect | None]]:
        """Return the shifts of the window's time, the newest last, each with how it stands if that was looked at."""
        with self._lock:
            return self._marks.since(self._clock() - self._window.seconds)

    def drain(self, timeout_seconds: float) -> bool:
        """Pause, and wait until nothing is in flight; say whether that is so."""
        self.pause()
        with self._lock:
            return self._answered.wait_for(lambda: not self.in_flight, timeout_seconds)

    def wait_for_answer(self, after_sequence: int, timeout_seconds: float) -> bool:
        """Wait until an answer later than that sequence has arrived; say whether it has."""
        with self._lock:
            return self._answered.wait_for(lambda: self._window.last_sequence > after_sequence, timeout_seconds)

    def snapshot(self, after_sequence: int | None = None) -> tuple[tuple[Answer, ...], Summary]:
        """Return the window's answers later than a sequence, in the order of arrival, and what the window comes to."""
        with self._lock:
            now = self._clock()
            recent = self._window.recent(now)
            stands, settled_at = self._marks.look(self._gateways(), recent, now=now)
            if settled_at is not None:
                # Counted from where it is sure to be in effect: old answers are no error.
                self._window.restart(settled_at)
            answers = tuple(each for each in recent if each.sequence > (after_sequence or 0))
            return answers, summarise(self._window, self._target, now=now, rate=self.rate, stands=stands)

    def totals(self) -> dict[str, dict[str, int]]:
        """Return version (or empty) → kind → answers since the window began, as the gateway would count them."""
        with self._lock:
            return totals_by_version(self._window)

    def _gateways(self) -> list[str]:
        return [pod.name for pod in self._target.gateways]

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
                if turn := self._rotation.begin(self._target):
                    self._executor.submit(self._ask, turn, self._window)

    def _ask(self, turn: Turn, window: Window) -> None:
        try:
            answer = self._prober.ask(turn.target, asked_at=self._clock())
            with self._lock:
                window.add(replace(answer, gateway=turn.gateway))
        except Exception:
            log.exception("The sampler of %s/%s stops: a fault of its own", turn.target.namespace, turn.target.name)
            self._broken = True
            self.halt()
        finally:
            with self._lock:
                self._rotation.end(turn)
                self._answered.notify_all()
