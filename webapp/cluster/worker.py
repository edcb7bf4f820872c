"""A thread that speaks to the API server, and can be stopped while it waits for an answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread

from webapp.cluster.client import Client

STOP_SECONDS = 5.0
"""A look-up of the server's name is the one wait that can't be broken off; the thread is a daemon for its sake."""


class Worker:
    """Run a loop in a thread of its own, with a client of its own."""

    def __init__(self, name: str, client: Client, run: Callable[[Event], None]) -> None:
        self.client = client
        self._stop = Event()
        self._name = name
        self._run = run
        self._thread: Thread | None = None

    def start(self) -> None:
        """Start the thread; once only.

        It is made here and not above: a Thread that was made before a fork counts as ended in the child.
        """
        self._thread = Thread(target=self._run, args=(self._stop,), name=self._name, daemon=True)
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether the thread runs: an error that nobody foresaw ends it."""
        return self._thread is not None and self._thread.is_alive()

    def ask_to_stop(self) -> None:
        """Tell the loop to end, and end its waiting."""
        self._stop.set()
        self.client.interrupt()

    def join(self) -> None:
        """Wait for the thread's end, after `ask_to_stop`, and close its connections."""
        deadline = time.monotonic() + STOP_SECONDS
        while self._thread and self._thread.is_alive() and time.monotonic() < deadline:
            # Again and again: the thread may just have been between the look at the event and a new connection.
            self.client.interrupt()
            self._thread.join(0.05)
        self.client.close()
