"""Write VirtualServices: one fenced JSON Patch a change, and never over what somebody else did meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TypeAlias
from weakref import WeakValueDictionary

from webapp.cluster.client import Client
from webapp.cluster.failures import NoAnswer, StaleVersion
from webapp.cluster.kinds import VIRTUAL_SERVICES, object_path
from webapp.cluster.picture import Picture
from webapp.errors import ClusterUnavailable, Conflict, NotFound
from webapp.istio.history import FIELD_MANAGER, last_writer
from webapp.istio.objects import JsonPatch, VirtualService
from webapp.istio.parse import parse_virtual_service
from webapp.istio.snapshot import Key

TURN_SECONDS = 30.0
"""How long a change waits for those before it on the same object; each takes 10 s at most."""
LOOKS = 3
"""How often the object is read again for one change."""

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names"""

Build: TypeAlias = Callable[[VirtualService], JsonPatch]


class Writes:
    """Read and change VirtualServices at the API server itself, one change at a time for each object.

    :param path: gives the address of all VirtualServices, in the API version that is served.
    """

    def __init__(self, client: Client, picture: Picture, path: Callable[[], str]) -> None:
        self._client = client
        self._picture = picture
        self._path = path
        self._guard = Lock()
        self._turns: WeakValueDictionary[Key, Lock] = WeakValueDictionary()

    def get(self, *, namespace: str, name: str) -> VirtualService:
        """Ask the API server for one VirtualService.

        :raises CrossfadeError: NotFound, Forbidden, ClusterUnavailable, ClusterError.
        """
        found = self._request("GET", (namespace, name))
        self._picture.put(VIRTUAL_SERVICES, found)
        return found

    def write(self, *, namespace: str, name: str, build: Build, dry_run: bool = False) -> VirtualService:
        """Change one VirtualService and return it as stored; one request, unless somebody else wrote meanwhile.

        :param build: makes the patch for the object that it is given, fenced with its resourceVersion; an empty
            patch asks for nothing. Its Conflict and NotFound count only for an object fresh from the API server:
            the picture's may be behind.
        :param dry_run: have the change judged but not stored.
        :raises CrossfadeError: what `build` raises; Refused, Forbidden, NotFound, ClusterUnavailable, ClusterError;
            Conflict where others wrote again after each of three looks.
        """
        key = namespace, name
        with self._turn(key):
            for found, second_hand in self._looks(key):
                try:
                    patch = build(found)
                    return self._patch(key, patch, dry_run=dry_run) if patch else found
                except StaleVersion:
                    continue
                except (Conflict, NotFound):
                    if not second_hand:
                        raise
        by, at = last_writer(found.metadata) or ("somebody", "")
        raise Conflict(
            f"{namespace}/{name} is being changed by {by} faster than this change could be written. "
            "Nothing was written; look at it again.",
            detail={"by": by, "at": at},
        )

    def _looks(self, key: Key) -> Iterator[tuple[VirtualService, bool]]:
        """Give the object as the picture has it (second hand), then as often as asked as the API server has it."""
        if (known := self._picture.get(VIRTUAL_SERVICES, key)) is not None:
            yield known, True
        for _ in range(LOOKS):
            yield self.get(namespace=key[0], name=key[1]), False

    def _patch(self, key: Key, patch: JsonPatch, *, dry_run: bool) -> VirtualService:
        query = [("fieldManager", FIELD_MANAGER), *([("dryRun", "All")] if dry_run else [])]
        try:
            stored = self._request("PATCH", key, query=query, patch=patch)
        except NoAnswer as error:
            words = f"{error.message} Whether the change was stored is not known; the page will show it."
            raise ClusterUnavailable(words) from error
        if not dry_run:
            self._picture.put(VIRTUAL_SERVICES, stored)
        return stored

    def _request(
        self, method: str, key: Key, *, query: Sequence[tuple[str, str]] = (), patch: JsonPatch | None = None
    ) -> VirtualService:
        namespace, name = key
        nowhere = f"There is no VirtualService {namespace}/{name}."
        if not (NAME.fullmatch(namespace) and NAME.fullmatch(name)):
            raise NotFound(nowhere)  # `..` would lead elsewhere
        try:
            raw = self._client.json(
                method,
                object_path(self._path()),
                names={"namespace": namespace, "name": name},
                query=query,
                headers={"Content-Type": "application/json-patch+json"} if patch else None,
                body=patch,
            )
        except NotFound as error:
            raise NotFound(nowhere) from error
        return parse_virtual_service(raw)

    @contextmanager
    def _turn(self, key: Key) -> Iterator[None]:
        with self._guard:
            turn = self._turns.setdefault(key, Lock())
        if not turn.acquire(timeout=TURN_SECONDS):
            raise ClusterUnavailable(f"Earlier changes of {key[0]}/{key[1]} still wait for the API server.")
        try:
            yield
        finally:
            turn.release()
