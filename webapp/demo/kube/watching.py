"""Watches: a reading of the event log that goes on.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from functools import partial

from webapp.demo.kube.faults import Faults
from webapp.demo.kube.kinds import JsonObject, Kind, encoded
from webapp.demo.kube.listing import in_scope, presenter
from webapp.demo.kube.request import Request
from webapp.demo.kube.selecting import Selector
from webapp.demo.kube.status import ApiError, Cause, Dropped, too_old, unnamed_invalid
from webapp.demo.kube.store import Event, Store

LONGEST_SECONDS = 1_800
"""How long a watch without `timeoutSeconds` lives: the API server's own `--min-request-timeout`."""

LAST_BOOKMARK_SECONDS = 2
"""The last bookmark comes this long before the end, as the API server's does."""


INITIAL_END = "k8s.io/initial-events-end"
"""What the bookmark says that ends the state of the beginning.

https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists
"""


class Watch:
    """One watch: iterate it for pieces of its answer, each some whole lines of JSON.

    An empty piece says that nothing is to be sent: the moment to see whether the client is still there.
    A bad request raises at construction; a resourceVersion too old is an ERROR event, as from the API server's cache.
    """

    def __init__(
        self,
        store: Store,
        faults: Faults,
        request: Request,
        kind: Kind,
        *,
        is_stopping: Callable[[], bool],
        bookmark_seconds: float,
    ) -> None:
        self._store, self._faults, self._kind = store, faults, kind
        self._is_stopping = is_stopping
        self._cuts, self._expiries = faults.cuts, faults.expiries
        self._show = presenter(request, kind, "PartialObjectMetadata")
        self._selected: Selector = in_scope(request, kind)
        self._from = request.number("resourceVersion") or None
        self._seconds = min(request.number("timeoutSeconds") or LONGEST_SECONDS, LONGEST_SECONDS)
        self._says_initial_end = request.is_true("sendInitialEvents")
        if self._says_initial_end:
            _check_initial(request)
            # The whole state comes first, whatever the client has seen.
            self._from = None
        self._bookmark_seconds = bookmark_seconds if request.is_true("allowWatchBookmarks") else float("inf")

    def __iter__(self) -> Generator[bytes]:
        with self._faults.open_watch():
            try:
                yield from self._pieces()
            except ApiError as error:
                yield _line("ERROR", error.body)

    def _pieces(self) -> Iterator[bytes]:
        end = time.monotonic() + self._seconds
        revision, bookmark_at = self._from, self._next_bookmark(end)
        if revision is None:
            revision, found = self._store.state(self._kind.plural)
            yield b"".join(_line("ADDED", self._show(stored)) for stored in found if self._selected(stored))
            if self._says_initial_end:
                yield self._bookmark(revision, {"annotations": {INITIAL_END: "true"}})
        while (now := time.monotonic()) < end:
            self._store.wait_until(partial(self._is_due, revision), min(end, bookmark_at) - now)
            if self._is_cut():
                raise Dropped
            if self._faults.expiries != self._expiries:
                raise too_old(revision, self._store.revision)
            events = self._store.events_since(revision)
            revision = events[-1].revision if events else revision
            yield b"".join(map(self._told, events))
            if time.monotonic() >= bookmark_at:
                yield self._bookmark(revision)
                bookmark_at = self._next_bookmark(end)

    def _is_due(self, seen: int) -> bool:
        return self._store.revision > seen or self._is_cut() or self._faults.expiries != self._expiries

    def _is_cut(self) -> bool:
        return self._is_stopping() or self._faults.cuts != self._cuts

    def _told(self, event: Event) -> bytes:
        """Word an event for this watch: an object that comes to fit its selectors is ADDED, one that ceases DELETED."""
        if event.resource != self._kind.plural:
            return b""
        fits = event.type != "DELETED" and self._selected(event.stored)
        did_fit = event.previous is not None and self._selected(event.previous)
        if not fits and not did_fit:
            return b""
        type = ("MODIFIED" if did_fit else "ADDED") if fits else "DELETED"
        return _line(type, self._show(event.stored))

    def _bookmark(self, revision: int, more: JsonObject | None = None) -> bytes:
        metadata = {"resourceVersion": str(revision), "creationTimestamp": None} | (more or {})
        shown = self._show({"metadata": metadata})
        return _line("BOOKMARK", shown)

    def _next_bookmark(self, end: float) -> float:
        now = time.monotonic()
        last = end - LAST_BOOKMARK_SECONDS
        usual = now + self._bookmark_seconds
        return min(usual, last) if last > now and self._bookmark_seconds < float("inf") else usual


def _check_initial(request: Request) -> None:
    if request.query.get("resourceVersionMatch") != "NotOlderThan":
        words = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        cause = Cause("resourceVersionMatch", words, "FieldValueForbidden")
        raise unnamed_invalid(cause, group="meta.k8s.io", kind="ListOptions")


def _line(type: str, content: JsonObject) -> bytes:
    return encoded({"type": type, "object": content}).encode() + b"\n"
