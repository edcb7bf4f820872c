"""A sampler for each route that is wanted, and for no others."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import Lock

from webapp.traffic.sampler import Asker, Sampler
from webapp.traffic.targets import Key, Target, unaskable

LIMIT = 32
"""Routes that are sampled at once, at most: each takes a few threads and its share of a core."""


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
