"""The picture as those see it who may not see all of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import fields
from threading import Lock
from typing import Any

from webapp.istio.snapshot import Key, Snapshot

FIELD = "virtual_services"
MOST_AUDIENCES = 16
"""People with the same rights are one audience; each has indexes and answers of its own, as long as it comes back."""


class Visible:
    """Snapshots without some namespaces' VirtualServices, each kept up from the one before it as the whole is.

    Everything else stays: which gateway leads to a route, or how many pods are behind it, is said of what may be seen.
    """

    def __init__(self) -> None:
        self._guard = Lock()
        self._audiences: OrderedDict[frozenset[str], tuple[Snapshot, Snapshot]] = OrderedDict()

    def of(self, whole: Snapshot, namespaces: frozenset[str]) -> Snapshot:
        """Give the Snapshot with the VirtualServices of these namespaces alone."""
        hidden = {key: None for key in whole.virtual_services if key[0] not in namespaces}
        if not hidden:
            return whole
        with self._guard:
            last, seen = self._audiences.pop(namespaces, (None, None))
            if last is None or seen is None or last.revision > whole.revision:
                seen = whole.successor(whole.revision, {FIELD: hidden})
            elif last is not whole:
                seen = seen.successor(whole.revision, _news(seen, last, whole, namespaces))
            self._audiences[namespaces] = whole, seen
            if len(self._audiences) > MOST_AUDIENCES:
                self._audiences.popitem(last=False)
            return seen


def _news(seen: Snapshot, last: Snapshot, whole: Snapshot, namespaces: frozenset[str]) -> dict[str, Mapping[Key, Any]]:
    """Tell what has changed from one whole picture to another, as far as it may be seen."""
    news: dict[str, Mapping[Key, Any]] = {}
    for kind in (each.name for each in fields(Snapshot) if each.init and each.name != "revision"):
        before, after = getattr(seen, kind), getattr(whole, kind)
        if getattr(last, kind) is after:
            continue
        keys = {key for key in before.keys() | after.keys() if kind != FIELD or key[0] in namespaces}
        news[kind] = {key: after.get(key) for key in keys if before.get(key) is not after.get(key)}
    return news
