"""Prometheus metrics of one process; the registry is made by the composition, not a global."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from webapp.errors import Conflict, CrossfadeError


class Metrics:
    """Counters and gauges under `crossfade_…`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._writes = Counter(
            "crossfade_writes", "Writes to VirtualServices by outcome.", ["outcome"], registry=self.registry
        )
        self._answers = Counter(
            "crossfade_answers", "Answers of the gateway by kind.", ["kind"], registry=self.registry
        )
        self.viewers = Gauge("crossfade_viewers", "Open streams.", registry=self.registry)
        self.picture_age = Gauge(
            "crossfade_picture_age_seconds", "Time since the last word of the API server.", registry=self.registry
        )

    @contextmanager
    def count_shift(self) -> Iterator[None]:
        """Count one write as stored, conflict, or refused by whatever error ended it."""
        try:
            yield
        except Conflict:
            self._writes.labels("conflict").inc()
            raise
        except CrossfadeError as error:
            self._writes.labels(error.code).inc()
            raise
        self._writes.labels("stored").inc()

    def count_answers(self, kind: str, count: int) -> None:
        """Count answers of one kind."""
        self._answers.labels(kind).inc(count)

    def text(self) -> bytes:
        """Return all of them in Prometheus' text form."""
        return generate_latest(self.registry)
