"""The newest picture of the mesh, which reflectors paint and pages read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from threading import Condition
from typing import Any

from webapp.cluster.kinds import Kind
from webapp.istio.snapshot import Key, Snapshot


class Picture:
    """Objects by kind, thread-safe; readers get them as a Snapshot that never changes.

    A Snapshot is made when somebody asks and something has changed, out of the one before and the news: a burst of
    5,000 events costs one copy for each look at it, not one for each event.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._revision = 0
        self._snapshot = Snapshot()
        self._objects: dict[str, dict[Key, Any]] = {}
        self._news: dict[str, dict[Key, Any]] = {}
        """What has changed since the Snapshot, by field; None for what is gone."""
        self._ahead: dict[tuple[str, Key], Any] = {}
        """What our own writes returned and no watch has shown yet: older news of these objects is not news."""

    def snapshot(self) -> Snapshot:
        """Return everything as it is now."""
        with self._changed:
            if self._news:
                self._snapshot = self._snapshot.successor(self._revision, self._news)
                self._news = {}
            return self._snapshot

    def wait_for_change(self, revision: int, timeout_seconds: float) -> int:
        """Wait until the picture is newer than `revision`, or the time is over; return its revision."""
        with self._changed:
            if self._revision <= revision:
                self._changed.wait(timeout_seconds)
            return self._revision

    def replace(self, kind: Kind, objects: dict[Key, Any], *, version: str, namespace: str = "") -> None:
        """Take a complete list of one kind, as it was at `version`, in one step.

        :param namespace: the list is of this one's objects alone; the others' stay.
        """
        with self._changed:
            for field, key in list(self._ahead):
                if field != kind.field or (namespace and key[0] != namespace):
                    continue
                written = self._ahead.pop((field, key))
                if _is_newer(written, version):
                    objects[key] = written
            if namespace:
                others = self._objects.get(kind.field, {}).items()
                objects = {key: each for key, each in others if key[0] != namespace} | objects
            self._set(kind.field, objects)

    def keep(self, kind: Kind, namespaces: Collection[str]) -> None:
        """Forget the kind's objects in all other namespaces: nobody watches them any more."""
        with self._changed:
            known = self._objects.get(kind.field, {}).items()
            self._set(kind.field, {key: each for key, each in known if key[0] in namespaces})

    def put(self, kind: Kind, found: Any) -> None:
        """Take an object as the API server just returned it, unless what is here is newer."""
        with self._changed:
            key = key_of(found)
            known = self._objects.get(kind.field, {}).get(key)
            if known is None or not (known == found or _is_newer(known, found.metadata.resource_version)):
                self._ahead[kind.field, key] = found
                self._objects.setdefault(kind.field, {})[key] = found
                self._mark(kind.field, {key: found})

    def apply(self, kind: Kind, found: Any, *, gone: bool) -> None:
        """Take one event of a watch: the object as it is now, or as it was when it was deleted."""
        with self._changed:
            key = key_of(found)
            objects = self._objects.setdefault(kind.field, {})
            written = self._ahead.get((kind.field, key))
            if written is not None and _is_newer(written, found.metadata.resource_version):
                return
            self._ahead.pop((kind.field, key), None)
            known = objects.get(key)
            if gone:
                if objects.pop(key, None) is None:
                    return
            elif known is not None and (known == found or (kind.noisy and _says_the_same(known, found))):
                return
            else:
                objects[key] = found
            self._mark(kind.field, {key: None if gone else found})

    def get(self, kind: Kind, key: Key) -> Any:
        """Return one object as it is now, None where there is none."""
        with self._changed:
            return self._objects.get(kind.field, {}).get(key)

    def _set(self, field: str, objects: dict[Key, Any]) -> None:
        before = self._objects.get(field, {})
        news = {key: each for key, each in objects.items() if before.get(key) != each}
        news |= dict.fromkeys(before.keys() - objects.keys())
        # An empty first list is a change too: now it is known that there are none.
        if news or field not in self._objects:
            self._objects[field] = objects
            self._mark(field, news)

    def _mark(self, field: str, news: dict[Key, Any]) -> None:
        self._revision += 1
        self._news.setdefault(field, {}).update(news)
        self._changed.notify_all()


def key_of(found: Any) -> Key:
    """Return what an object is known by, within its kind."""
    return found.metadata.namespace, found.metadata.name


def _is_newer(known: Any, version: str) -> bool:
    """Compare resourceVersions as numbers; where they are none, what is known is not newer than what comes in.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
    """
    mine = known.metadata.resource_version
    return mine.isdecimal() and version.isdecimal() and int(mine) > int(version)


def _says_the_same(known: Any, found: Any) -> bool:
    version = known.metadata.resource_version
    return bool(replace(found, metadata=replace(found.metadata, resource_version=version)) == known)
