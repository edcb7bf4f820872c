"""One kind watched namespace by namespace, for as long as it may not be watched in all of them at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Event

from webapp.cluster.access import Access
from webapp.cluster.client import Client
from webapp.cluster.kinds import Kind
from webapp.cluster.namespaces import Found, find_namespaces, may_watch_all
from webapp.cluster.picture import Picture
from webapp.cluster.reflector import Reflector, Timing
from webapp.cluster.worker import Worker
from webapp.errors import CrossfadeError


class Parts:
    """A reflector and a thread for each namespace, started and stopped by the kind's own thread.

    The kind as a whole and its parts never run at the same time: no old news of the one can undo the other's.

    :param client: the kind's own; rights are asked for on it, by the kind's own thread.
    :param namespaces: those that are configured.
    """

    def __init__(
        self, kind: Kind, access: Access, client: Client, picture: Picture, *, namespaces: Sequence[str], timing: Timing
    ) -> None:
        self.reflectors: tuple[Reflector, ...] = ()
        """One for each namespace that is watched now, none while the kind is watched as a whole."""
        self.problem = ""
        """What a bound left out."""
        self._kind = kind
        self._access = access
        self._client = client
        self._picture = picture
        self._configured = tuple(namespaces)
        self._timing = timing
        self._workers: tuple[Worker, ...] = ()
        self._nothing_until = float("-inf")

    def is_alive(self) -> bool:
        """Whether every thread lives."""
        return all(worker.is_alive() for worker in self._workers)

    def watch(self, stop: Event) -> bool:
        """Watch the namespaces until the whole may be tried again; return False if there are none to watch."""
        found = self._find()
        if not found.namespaces:
            return False
        self._start(found)
        try:
            self._keep_up(found, stop)
        finally:
            self._end()
        return True

    def _find(self) -> Found:
        if time.monotonic() < self._nothing_until:
            return Found()
        try:
            found = find_namespaces(self._client, self._kind, configured=self._configured, own=self._access.namespace)
        except CrossfadeError:
            return Found()
        if not found.namespaces:
            self._nothing_until = time.monotonic() + self._timing.renew
        return found

    def _start(self, found: Found) -> None:
        reflectors = tuple(
            Reflector(self._kind, Client(self._access), self._picture, namespace=each, timing=self._timing)
            for each in found.namespaces
        )
        workers = tuple(
            Worker(f"watch {each.kind.resource} in {each.namespace}", each.client, each.run) for each in reflectors
        )
        for worker in workers:
            worker.start()
        self.problem, self._workers, self.reflectors = found.problem, workers, reflectors

    def _keep_up(self, found: Found, stop: Event) -> None:
        renew_at = time.monotonic() + self._timing.renew
        while not stop.wait(self._timing.recheck):
            may = may_watch_all(self._client, self._kind)
            if may:
                return
            if may is False and all(each.health.synced for each in self.reflectors):
                # Not before: a refusal that passes soon, as while an API server starts, should cost nobody the picture.
                self._picture.keep(self._kind, found.namespaces)
            if time.monotonic() >= renew_at:
                renewed = self._find()
                if renewed.namespaces and renewed != found:
                    return
                renew_at = time.monotonic() + self._timing.renew

    def _end(self) -> None:
        workers, self._workers, self.reflectors, self.problem = self._workers, (), (), ""
        for worker in workers:
            worker.ask_to_stop()
        for worker in workers:
            worker.join()
