"""Prometheus metrics of one process; the registry is made by the composition, not a global."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Info, ProcessCollector, generate_latest

from webapp.errors import Conflict, CrossfadeError
from webapp.version import __version__


class Metrics:
    """Counters and gauges under `crossfade_…`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._writes = Counter(
            "crossfade_writes",
            "Writes by what they do and how they end.",
            ["action", "outcome"],
            registry=self.registry,
        )
        # Present from the start: a rate needs a nought to begin from.
        for action, outcome in product(("weights", "undo", "return"), ("stored", Conflict.code)):
            self._writes.labels(action, outcome)
        self._answers = Counter(
            "crossfade_answers", "Answers of the gateway by kind.", ["kind"], registry=self.registry
        )
        self.refused_identities = Counter(
            "crossfade_refused_identities",
            "Requests that said who had signed in, and did not come from the ingress gateway.",
            registry=self.registry,
        )
        self.viewers = Gauge("crossfade_viewers", "Open streams.", registry=self.registry)
        self.picture_age = Gauge(
            "crossfade_picture_age_seconds", "Time since the last word of the API server.", registry=self.registry
        )
        self.watch_age = Gauge(
            "crossfade_watch_age_seconds",
            "Time since the last list, event or bookmark of each watched kind; above 30 its watch is behind.",
            ["kind"],
            registry=self.registry,
        )
        self.samplers = Gauge("crossfade_samplers", "Routes whose gateway is asked.", registry=self.registry)
        Info("crossfade_build", "This program.", registry=self.registry).info({"version": __version__})
        ProcessCollector(registry=self.registry)

    @contextmanager
    def count_write(self, action: str) -> Iterator[None]:
        """Count one write as stored, or by the code of the error that ended it.

        :param action: the last word of the write's address, which says what it does.
        """
        try:
            yield
        except CrossfadeError as error:
            self.count_written(action, error)
            raise
        self.count_written(action)

    def count_written(self, action: str, error: CrossfadeError | None = None) -> None:
        """Count one write that has ended."""
        self._writes.labels(action, error.code if error else "stored").inc()

    def count_answers(self, kind: str, count: int) -> None:
        """Count answers of one kind."""
        self._answers.labels(kind).inc(count)

    def text(self) -> bytes:
        """Return all of them in Prometheus' text form."""
        return generate_latest(self.registry)
