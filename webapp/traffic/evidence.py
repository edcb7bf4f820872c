"""The last answers of each route that is asked, as far as the guide may see them: bounded, and in memory alone."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from threading import Lock

from webapp.traffic.guide import Observation, observe
from webapp.traffic.identify import is_envoys_own
from webapp.traffic.targets import Key, Target

MOST_ROUTES = 32
MOST_ANSWERS = 50


class Evidence:
    """What applications answered last. Thread-safe; a route that is asked something else begins anew."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[Key, tuple[object, deque[Observation]]] = OrderedDict()

    def take(self, target: Target, *, headers: Mapping[str, str], body: bytes, version: str | None) -> None:
        """Keep an answer for a while, unless Envoy gave it by itself; `headers` by lower-case name."""
        if is_envoys_own(headers):
            return
        request = target.method, target.host, target.path, dict(target.headers)
        seen = observe(headers=headers, body=body, version=version)
        with self._lock:
            before, kept = self._kept.pop(target.key, (None, deque(maxlen=MOST_ANSWERS)))
            if request != before:
                kept.clear()
            kept.append(seen)
            self._kept[target.key] = request, kept
            if len(self._kept) > MOST_ROUTES:
                self._kept.popitem(last=False)

    def of(self, key: Key) -> tuple[Observation, ...]:
        """Return the last answers of a route, the oldest first."""
        with self._lock:
            return tuple(self._kept[key][1]) if key in self._kept else ()
