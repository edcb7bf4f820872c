"""The shifts of a window's time, and how the last of them stands by the answers since."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace

from webapp.traffic.answers import Answer
from webapp.traffic.effect import HORIZON_SECONDS
from webapp.traffic.gateways import in_effect_on
from webapp.traffic.shifts import InEffect, Shift

MARKS = 20
"""Shifts that are remembered at most."""


class Marks:
    """Shifts as they came, each with how it stood when that was last looked at. Not thread-safe."""

    def __init__(self) -> None:
        self._shifts: deque[tuple[Shift, InEffect | None]] = deque(maxlen=MARKS)

    def add(self, shift: Shift, *, gateways: Sequence[str]) -> None:
        """Take note of a shift, and of the gateway pods that were asked when it was made."""
        self._shifts.append((replace(shift, gateways=tuple(gateways)), None))

    def clear(self) -> None:
        """Forget them: what is asked is another thing now."""
        self._shifts.clear()

    def since(self, moment: float) -> list[tuple[Shift, InEffect | None]]:
        """Return those made since a Unix time, the newest last."""
        return [(shift, stands) for shift, stands in self._shifts if shift.at >= moment]

    def look(
        self, gateways: Sequence[str], answers: Iterable[Answer], *, now: float
    ) -> tuple[InEffect | None, float | None]:
        """Say how the last shift stands by the window's answers.

        :returns: how it stands, None where there is no shift; and the Unix time from which on answers are those of the
            new weights wherever these are in effect, None where that is what it was.
        """
        if not self._shifts:
            return None, None
        shift, before = self._shifts[-1]
        if before and not before.is_open and now - shift.earliest > HORIZON_SECONDS:
            return before, None
        stands = in_effect_on(gateways, shift, answers, now=now)
        self._shifts[-1] = shift, stands
        is_news = stands.settled is not None and (before is None or stands.settled != before.settled)
        return stands, shift.at + stands.settled if is_news and stands.settled is not None else None
