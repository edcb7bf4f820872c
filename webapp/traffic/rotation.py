"""Whose turn it is among a gateway's pods, and how many questions wait for an answer of each."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from webapp.traffic.targets import Target

LEAST_SHARE = 2
"""Questions that may wait for each pod at least."""


class Turn(NamedTuple):
    """A question to be asked; `gateway` names the pod that it is asked of, empty where there is no choice."""

    gateway: str
    target: Target


class Rotation:
    """Pods in turn, with an equal share of the workers each: one that hangs keeps nobody from the others.

    Not thread-safe; `in_flight` may be read by anybody.

    :ivar in_flight: questions that wait for their answer.
    """

    def __init__(self, workers: int) -> None:
        self.in_flight = 0
        self._workers = workers
        self._waiting: Counter[str] = Counter()
        self._next = 0

    @property
    def most(self) -> int:
        """Questions that may wait at once, however many pods there are."""
        return 2 * self._workers

    def begin(self, target: Target) -> Turn | None:
        """Give what is to be asked now; None where as much as is its share waits already, so that the slot passes."""
        turn, share = Turn("", target), self._workers
        if target.gateways:
            pod = target.gateways[self._next % len(target.gateways)]
            turn = Turn(pod.name, target.through(pod))
            share = max(LEAST_SHARE, self._workers // len(target.gateways))
        self._next += 1
        if self._waiting[turn.gateway] >= share or self.in_flight >= self.most:
            return None
        self._waiting[turn.gateway] += 1
        self.in_flight += 1
        return turn

    def end(self, turn: Turn) -> None:
        """Take note that a question has its answer."""
        self.in_flight -= 1
        self._waiting[turn.gateway] -= 1
        self._waiting += Counter()  # forgets those that nobody waits for
