"""A thread that acts on what is written into the store: what the controller and the gateway have in common."""

from __future__ import annotations

from collections.abc import Callable, Collection
from threading import Event, Thread

from webapp.demo.errors import DemoError
from webapp.demo.kube.status import ApiError
from webapp.demo.kube.store import Store

LOOK_SECONDS = 60.0


class Follower:
    """Calls `act` at first, and again whenever one of some resources was written.

    :param act: returns after how many seconds it wants to be called again in any case, None: in none.
    :param gather_seconds: how long a change waits for others that come with it.
    """

    def __init__(
        self,
        store: Store,
        act: Callable[[], float | None],
        *,
        name: str,
        resources: Collection[str],
        gather_seconds: float = 0.0,
    ) -> None:
        self.failure: DemoError | None = None
        self._store = store
        self._act = act
        self._resources = resources
        self._gather_seconds = gather_seconds
        self._revision = 0
        self._stopping = Event()
        self._thread = Thread(target=self._follow, name=name)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end_soon(self) -> None:
        """Tell the thread to end once `act` returns."""
        self._stopping.set()
        self._store.wake()

    def stop(self) -> None:
        """End the thread; nothing happens where it has not started or has ended."""
        self.end_soon()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs; where it has ended unasked, `failure` says why."""
        return self._thread.is_alive()

    def wait_for(self, revision: int, timeout_seconds: float) -> bool:
        """Wait until `act` has seen the store as it was at a revision, or later; tell whether it has."""
        self._store.wait_until(
            lambda: self._revision >= revision or self.failure is not None or self._stopping.is_set(), timeout_seconds
        )
        return self._revision >= revision

    def _follow(self) -> None:
        due: float | None = 0.0
        try:
            while not self._stopping.is_set():
                self._store.wait_until(
                    lambda: self._stopping.is_set() or self._store.revision > self._revision,
                    LOOK_SECONDS if due is None else due,
                )
                if self._stopping.wait(self._gather_seconds):
                    return
                revision = self._store.revision
                if due is not None or self._is_touched():
                    due = self._act()
                self._revision = revision
                self._store.wake()
        except DemoError as error:
            self.failure = error
            self._store.wake()

    def _is_touched(self) -> bool:
        """Say whether one of the resources was written since; yes too where that is too long ago to know."""
        try:
            return any(event.resource in self._resources for event in self._store.events_since(self._revision))
        except ApiError:
            return True
