"""List one kind, then watch it, for ever: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes

A watch is asked for 20 to 25 s and then taken up again where it ended. A bookmark comes shortly before each end, so
that the place stays fresh; and a connection that says nothing for 28 s is dead, however alive its socket looks. For
seven kinds that makes one request in three seconds.
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

from urllib3 import HTTPResponse

from webapp.cluster.client import Client
from webapp.cluster.failures import Expired, Unreachable, lacks_right, not_json, refusal
from webapp.cluster.kinds import Kind, list_path
from webapp.cluster.picture import Picture, key_of
from webapp.cluster.status import Health
from webapp.errors import ClusterError, CrossfadeError, NotFound
from webapp.istio.snapshot import Key

log = logging.getLogger(__name__)

PAGE_SIZE = 500
MOST_PAGES = 400
"""200,000 objects of one kind: more than a cluster is supported to have pods."""
MOST_EVENT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a reflector waits, in seconds.

    :param watch: the span that a watch is asked for, drawn anew for each so that kinds don't move in step.
    :param silence: the longest silence of a watch; must be longer than `watch`.
    :param first_pause: before the second try; doubled for each further one, up to `longest_pause`.
    :param steady: what held for so long counts as a success: the next failure is a first one again.
    :param recheck: between two looks whether a right that is lacking was granted.
    :param renew: how long it holds which namespaces may be read.
    """

    watch: tuple[int, int] = (20, 25)
    silence: float = 28.0
    first_pause: float = 0.1
    longest_pause: float = 3.0
    steady: float = 1.0
    recheck: float = 3.0
    renew: float = 30.0

    def pause(self, failures: int) -> float:
        """Draw the pause after so many failures in a row; half of it is chance, so that clients don't gather."""
        longest = min(self.longest_pause, self.first_pause * 2.0 ** min(failures, 16))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - chance, not secrecy


class Reflector:
    """Keep one kind of a picture up to date.

    Old objects stay in the picture until a new list is complete.

    :param namespace: watch this one alone; empty watches all.
    :param when_forbidden: called when a right is lacking; it may keep the picture up in another way until it is
        worth trying again, and tells whether it did.
    """

    def __init__(
        self,
        kind: Kind,
        client: Client,
        picture: Picture,
        *,
        timing: Timing,
        namespace: str = "",
        when_forbidden: Callable[[Event], bool] = lambda stop: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.kind = kind
        self.namespace = namespace
        self.health = Health(kind, namespace)
        self.path = ""
        """Where the API server serves this kind, in all namespaces; empty while that is not known."""
        self.client = client
        self._picture = picture
        self._timing = timing
        self._when_forbidden = when_forbidden
        self._clock = clock
        self._version = ""

    def run(self, stop: Event) -> None:
        """List and watch until `stop` is set; who sets it also interrupts the client."""
        failures = 0
        while not stop.is_set():
            began = self._clock()
            trouble = self._round(stop)
            if stop.is_set():
                break
            if lacks_right(trouble) and self._when_forbidden(stop):
                self._version, failures = "", 0
                continue
            if trouble:
                self._trouble(trouble)
            if self._clock() - began >= self._timing.steady:
                failures = 0
                if not trouble:
                    continue
            stop.wait(self._timing.pause(failures))
            failures += 1

    def _round(self, stop: Event) -> CrossfadeError | None:
        """List if need be, then watch once; return what went wrong."""
        try:
            if not self._version:
                self._list()
            self._watch(stop)
        except CrossfadeError as error:
            if isinstance(error, Expired | Unreachable):
                # A server that was away may come back as another: restored, or started anew.
                self._version = ""
            # Without its traceback, which would keep alive what was being read.
            return type(error)(error.message, detail=error.detail)
        return None

    def _list(self) -> None:
        page = self._first_page()
        objects: dict[Key, Any] = {}
        for _ in range(MOST_PAGES):
            for raw in page.get("items") or ():
                found = self.kind.parse(raw)
                objects[key_of(found)] = found
            metadata = page["metadata"]
            left = metadata.get("remainingItemCount")
            proceed = metadata.get("continue")
            expected = len(objects) + left if isinstance(left, int) else None if proceed else len(objects)
            # The first list shows itself as progress; a later one helps nobody before it is complete.
            relieved = {} if self.health.synced else {"troubled_since": None, "error": None}
            self._well(listed=len(objects), expected=expected, **relieved)
            if not proceed:
                break
            page = self._page(self.path, ("continue", proceed))
        else:
            raise ClusterError(f"There are more than {MOST_PAGES * PAGE_SIZE:,} {self.kind.resource}.")
        self._version = str(metadata.get("resourceVersion") or "")
        self._picture.replace(self.kind, objects, version=self._version, namespace=self.namespace)
        self._well(synced=True, troubled_since=None, error=None)

    def _first_page(self) -> dict[str, Any]:
        """Ask for the list under each API version; the first that is served is the kind's address from now on."""
        for path in self.kind.paths():
            try:
                page = self._page(path)
            except NotFound:
                continue
            self.path = path
            return page
        self.path = ""
        self._picture.replace(self.kind, {}, version="", namespace=self.namespace)
        raise NotFound(f"The API server does not serve {self.kind.resource}.")

    def _page(self, path: str, *proceed: tuple[str, str]) -> dict[str, Any]:
        accept = {"Accept": self.kind.accept(watch=False)}
        path, query = list_path(path, self.namespace), [("limit", str(PAGE_SIZE)), *proceed]
        page = self.client.json("GET", path, query=query, headers=accept)
        if not isinstance(page, dict) or not isinstance(page.get("metadata"), dict):
            raise not_json(self.client.host)
        return page

    def _watch(self, stop: Event) -> None:
        query = [
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", self._version),
            ("timeoutSeconds", str(random.randint(*self._timing.watch))),  # noqa: S311 - chance, not secrecy
        ]
        accept = {"Accept": self.kind.accept(watch=True)}
        silence = self._timing.silence
        try:
            path = list_path(self.path, self.namespace)
            response = self.client.open("GET", path, query=query, headers=accept, read_seconds=silence)
        except NotFound as error:
            raise Expired("The kind is no longer served there.") from error
        with closing(response):
            self._well(troubled_since=None, error=None)
            for line in self._lines(response):
                self._take(line)
                if stop.is_set():
                    break

    def _lines(self, response: HTTPResponse) -> Iterator[bytes]:
        rest = b""
        while data := self.client.read_some(response, read_seconds=self._timing.silence):
            self._well()
            *lines, rest = (rest + data).split(b"\n")
            yield from filter(None, lines)
            if len(rest) > MOST_EVENT_BYTES:
                raise ClusterError(f"An event of the watch is larger than {MOST_EVENT_BYTES // 2**20} MiB.")

    def _take(self, line: bytes) -> None:
        try:
            event = json.loads(line)
            what, found = event["type"], event["object"]
            failure = refusal(int(found["code"]), found) if what == "ERROR" else None
            version = "" if failure else str(found["metadata"]["resourceVersion"])
        except (ValueError, TypeError, KeyError) as error:
            raise not_json(self.client.host) from error
        if failure:
            raise failure
        if what != "BOOKMARK":
            self._picture.apply(self.kind, self.kind.parse(found), gone=what == "DELETED")
        self._version = version

    def _well(self, **facts: Any) -> None:
        self.health = replace(self.health, heard_at=self._clock(), **facts)

    def _trouble(self, error: CrossfadeError) -> None:
        known, since = self.health.error, self.health.troubled_since
        if known is None or known.message != error.message:
            log.info("%s: %s", self.kind.resource, error.message)
        self.health = replace(
            self.health,
            error=error,
            troubled_since=self._clock() if since is None else since,
        )
