"""When to ask: a grid of slots that neither drifts nor bunches. Time is passed in, in seconds of any steady clock."""

from __future__ import annotations

import math


class Schedule:
    """Slots at `start + n / rate`; each is used once or not at all.

    A slot that was missed is gone: to ask later what was not asked in time would be a burst that nobody ordered.
    """

    def __init__(self, *, rate: float, start: float) -> None:
        self.rate = rate
        self._start = start
        self._slot = 0
        self._last = -math.inf

    @property
    def due(self) -> float:
        """The moment of the next slot."""
        return self._start + self._slot / self.rate

    def take(self, now: float) -> None:
        """Use up the slot that is due, and those that were missed; the next one lies after `now`."""
        self._last = self.due
        self._slot = max(self._slot, math.floor((now - self._start) * self.rate)) + 1

    def restart(self, now: float, *, rate: float) -> None:
        """Lay a new grid that begins at once, but never sooner after the last slot than the rate allows."""
        self._start = max(now, self._last + 1 / rate)
        self._slot = 0
        self.rate = rate
