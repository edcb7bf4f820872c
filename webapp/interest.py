"""Which VirtualServices somebody wants to see sampled, and which shifts are on their way. Thread-safe."""

from __future__ import annotations

import time
from collections import Counter
from threading import Lock

from webapp.istio.objects import Key

SENDING_SECONDS = 30.0
"""A shift that was sent and is not seen by then was refused."""
LINGER_SECONDS = 15.0
"""How long a route is still sampled after its last viewer left, a script asked for its answers, or shifted it."""


class Interest:
    """Who watches, who has just asked, and who has sent a shift."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._viewers: Counter[Key] = Counter()
        self._until: dict[Key, float] = {}
        self._sending: dict[Key, float] = {}

    def come(self, key: Key) -> None:
        """Count one more viewer."""
        with self._lock:
            self._viewers[key] += 1

    def go(self, key: Key) -> None:
        """Count one less; what he watched lingers, for a page that is only reloaded."""
        with self._lock:
            self._viewers[key] -= 1
            self._linger(key)

    def linger(self, key: Key) -> None:
        """Keep a VirtualService wanted for a while."""
        with self._lock:
            self._linger(key)

    def send(self, key: Key) -> None:
        """Note that a shift is about to be sent, from when on it may take effect."""
        with self._lock:
            self._sending[key] = time.time()
            self._linger(key)

    def sent_at(self, key: Key) -> float | None:
        """Return, once, the Unix time when the shift was sent that is seen now; None where it is somebody else's."""
        with self._lock:
            at = self._sending.pop(key, None)
        return at if at is not None and at > time.time() - SENDING_SECONDS else None

    def wanted(self) -> list[Key]:
        """Name the VirtualServices that are wanted now, in order."""
        now, recently = time.monotonic(), time.time() - SENDING_SECONDS
        with self._lock:
            self._viewers = +self._viewers
            self._until = {key: until for key, until in self._until.items() if until > now}
            self._sending = {key: at for key, at in self._sending.items() if at > recently}
            return sorted({*self._viewers, *self._until})

    def _linger(self, key: Key) -> None:
        self._until[key] = time.monotonic() + LINGER_SECONDS
