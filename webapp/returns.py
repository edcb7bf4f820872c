"""Carry out what nobody kept: one thread that looks for ways back whose time has come, in any replica.

Replicas don't agree on who does it. Each sends the same fenced patch; one is stored, and the others find, on another
look, that nothing is left to do.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from threading import Event, Thread

from webapp.cluster.cluster import Cluster
from webapp.errors import CrossfadeError
from webapp.istio.objects import JsonPatch, VirtualService
from webapp.istio.timed import Due, due_returns, return_patch
from webapp.metrics import Metrics

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
RETRY_SECONDS = 10.0
"""How long one that failed is left alone."""
STOP_SECONDS = 1.0
"""A write that takes longer is broken off; another replica, or the next start, takes it up."""


class Returns:
    """The thread; it reads the clock and the picture of the cluster, and writes at most one change at a time."""

    def __init__(self, cluster: Cluster, metrics: Metrics, *, history: bool) -> None:
        self._cluster = cluster
        self._metrics = metrics
        self._history = history
        self._failed: dict[Due, float] = {}
        self._stop = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Start the thread; it is made here and not above, for one made before a fork counts as ended in the child."""
        self._thread = Thread(target=self._run, name="returns", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait for it a moment."""
        self._stop.set()
        if self._thread:
            self._thread.join(STOP_SECONDS)

    def is_alive(self) -> bool:
        """Whether the thread lives."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            due, now = due_returns(self._cluster.snapshot(), datetime.now(UTC)), time.monotonic()
            self._failed = {each: at for each, at in self._failed.items() if each in due and now < at + RETRY_SECONDS}
            for each in due:
                if each not in self._failed and not self._stop.is_set():
                    self._carry_out(each)

    def _carry_out(self, due: Due) -> None:
        namespace, name = due.key
        patch: JsonPatch = []

        def build(found: VirtualService) -> JsonPatch:
            nonlocal patch
            patch = return_patch(found, due.route_key, now=datetime.now(UTC), history=self._history)
            return patch

        try:
            self._cluster.write(namespace=namespace, name=name, build=build)
        except CrossfadeError as error:
            self._failed[due] = time.monotonic()
            self._metrics.count_written("return", error)
            log.warning("%s/%s was not returned, to be tried again: %s", namespace, name, error.message)
        else:
            # Where another replica was first there was nothing left to write.
            if patch:
                self._metrics.count_written("return")
                log.info("%s/%s: the time of a shift that nobody kept is over", namespace, name)
