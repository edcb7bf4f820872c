"""Change objects: one fenced JSON Patch a change, and never over what somebody else did meanwhile."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Generic, Self, TypeAlias, TypeVar
from weakref import WeakValueDictionary

from webapp.cluster.client import Client, Impersonating
from webapp.cluster.failures import NoAnswer, StaleVersion
from webapp.cluster.kinds import VIRTUAL_SERVICES, Kind, object_path
from webapp.cluster.picture import Picture
from webapp.errors import ClusterUnavailable, Conflict, NotFound
from webapp.istio.history import FIELD_MANAGER, last_writer
from webapp.istio.objects import DestinationRule, Gateway, JsonPatch, VirtualService
from webapp.istio.snapshot import Key

TURN_SECONDS = 30.0
"""How long a change waits for those before it on the same object; each takes 10 s at most."""
LOOKS = 3
"""How often the object is read again for one change."""

DRY_RUN = (("dryRun", "All"), ("fieldValidation", "Strict"))
"""https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run and #field-validation"""

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names"""

Build: TypeAlias = Callable[[VirtualService], JsonPatch]

_Found = TypeVar("_Found", VirtualService, DestinationRule, Gateway)


class Writes(Generic[_Found]):
    """Read and change objects of one kind at the API server itself, one change at a time for each object.

    :param path: gives the address of all of them, in the API version that is served.
    :param called: the kind in words.
    """

    def __init__(
        self,
        client: Client | Impersonating,
        picture: Picture,
        path: Callable[[], str],
        *,
        kind: Kind = VIRTUAL_SERVICES,
        called: str = "VirtualService",
    ) -> None:
        self._client = client
        self._picture = picture
        self._path = path
        self._kind, self._called = kind, called
        self._guard = Lock()
        self._turns: WeakValueDictionary[Key, Lock] = WeakValueDictionary()

    def through(self, client: Impersonating) -> Self:
        """Give the same, with the same turns, in the name of a person."""
        other = copy.copy(self)
        other._client = client
        return other

    def get(self, *, namespace: str, name: str) -> _Found:
        """Ask the API server for one object.

        :raises CrossfadeError: NotFound, Forbidden, ClusterUnavailable, ClusterError.
        """
        found = self._request("GET", (namespace, name))
        self._picture.put(self._kind, found)
        return found

    def write(
        self, *, namespace: str, name: str, build: Callable[[_Found], JsonPatch], dry_run: bool = False
    ) -> _Found:
        """Change one object and return it as stored; one request, unless somebody else wrote meanwhile.

        :param build: makes the patch for the object that it is given, fenced with its resourceVersion; an empty
            patch asks for nothing. Its Conflict and NotFound count only for an object fresh from the API server:
            the picture's may be behind.
        :param dry_run: have the change judged, strictly, but not stored.
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

    def _looks(self, key: Key) -> Iterator[tuple[_Found, bool]]:
        """Give the object as the picture has it (second hand), then as often as asked as the API server has it."""
        if (known := self._picture.get(self._kind, key)) is not None:
            yield known, True
        for _ in range(LOOKS):
            yield self.get(namespace=key[0], name=key[1]), False

    def _patch(self, key: Key, patch: JsonPatch, *, dry_run: bool) -> _Found:
        query = [("fieldManager", FIELD_MANAGER), *(DRY_RUN if dry_run else ())]
        try:
            stored = self._request("PATCH", key, query=query, patch=patch)
        except NoAnswer as error:
            if dry_run:
                raise
            words = f"{error.message} Whether the change was stored is not known; the page will show it."
            raise ClusterUnavailable(words) from error
        if not dry_run:
            self._picture.put(self._kind, stored)
        return stored

    def _request(
        self, method: str, key: Key, *, query: Sequence[tuple[str, str]] = (), patch: JsonPatch | None = None
    ) -> _Found:
        namespace, name = key
        nowhere = f"There is no {self._called} {namespace}/{name}."
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
        found: _Found = self._kind.parse(raw)
        return found

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
