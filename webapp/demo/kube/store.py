"""All objects, and the log of what happened to them: watch, resume and 410 are readings of that log."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from threading import Condition
from typing import Any, TypeAlias

from webapp.demo.kube.kinds import KINDS, JsonObject, Kind
from webapp.demo.kube.metadata import stamped
from webapp.demo.kube.status import too_old
from webapp.istio.objects import RawObject

Key: TypeAlias = tuple[str, str]
"""(namespace, name); the namespace of a cluster-wide object is empty."""

Objects: TypeAlias = list[RawObject]

Change: TypeAlias = Callable[[JsonObject | None], JsonObject]
"""What a write makes of the object as it stands (None: there is none); it may refuse by raising."""


@dataclass(frozen=True, slots=True)
class Event:
    """One write. `stored` is the object after it (of a deletion: as it was last), `previous` the one before it."""

    revision: int
    type: str
    resource: str
    key: Key
    stored: JsonObject
    previous: JsonObject | None


class Store:
    """Objects by resource (the plural) and key, with one growing revision over all of them; safe for threads.

    Stored objects are never changed, only replaced. `list`, `get`, `put` hand out copies that are the caller's own;
    `read`, `state`, `events_since` and `write` hand out the stored objects themselves, for readers that only read.

    :param max_events: how far back a watch can resume and a list be continued; older is 410.
    """

    def __init__(self, *, max_events: int = 2_000) -> None:
        self._kinds: dict[str, Kind] = {kind.plural: kind for kind in KINDS}
        self._objects: dict[str, dict[Key, JsonObject]] = {kind.plural: {} for kind in KINDS}
        self._max_events = max_events
        self._events: deque[Event] = deque()
        self._revision = 1
        self._changed = Condition()

    @property
    def revision(self) -> int:
        """The newest write's number; each write adds one."""
        return self._revision

    def list(self, resource: str, *, namespace: str | None = None) -> Objects:
        """Return copies of the objects, in the order of namespace and name."""
        _, found = self.state(resource)
        return [_copy(stored) for stored in found if namespace in {None, stored["metadata"].get("namespace")}]

    def get(self, resource: str, *, namespace: str = "", name: str) -> RawObject | None:
        """Return a copy of the object, None where there is none."""
        stored = self.read(resource, (namespace, name))
        return None if stored is None else _copy(stored)

    def read(self, resource: str, key: Key) -> JsonObject | None:
        """Return the stored object itself, None where there is none."""
        with self._changed:
            return self._objects[resource].get(key)

    def put(self, resource: str, wanted: RawObject, *, manager: str) -> RawObject:
        """Create or replace the object, whatever is stored; without a `status` of its own the stored one stays.

        An object of a namespaced kind that names no namespace goes to `default`.
        """
        content = _copy(wanted)
        metadata = content["metadata"]
        if self._kinds[resource].namespaced:
            metadata.setdefault("namespace", "default")

        def change(old: JsonObject | None) -> JsonObject:
            return {"status": old["status"]} | content if old and "status" in old else content

        namespace = metadata.get("namespace", "")
        return _copy(self.write(resource, change, namespace=namespace, name=metadata["name"], manager=manager))

    def put_status(
        self, resource: str, status: RawObject, *, namespace: str = "", name: str, manager: str = "controller"
    ) -> None:
        """Replace the object's status alone; nothing happens where it is equal or the object is gone."""
        content = _copy(status)
        with self._changed:
            if (namespace, name) in self._objects[resource]:
                self.write(
                    resource,
                    lambda old: (old or {}) | {"status": content},
                    namespace=namespace,
                    name=name,
                    manager=manager,
                    subresource="status",
                )

    def delete(self, resource: str, *, namespace: str = "", name: str) -> bool:
        """Delete the object, with a Namespace all that is in it; tell whether there was one."""
        with self._changed:
            previous = self._objects[resource].get((namespace, name))
            if previous is None:
                return False
            if resource == "namespaces":
                for kept, objects in self._objects.items():
                    for key in [key for key in objects if key[0] == name]:
                        self.delete(kept, namespace=key[0], name=key[1])
            self._record("DELETED", resource, (namespace, name), previous, previous)
            return True

    def wait_for_change(self, revision: int, timeout_seconds: float) -> int:
        """Wait until something newer than `revision` is written, or the time is over; return the newest revision."""
        self.wait_until(lambda: self._revision > revision, timeout_seconds)
        return self._revision

    def wait_until(self, condition: Callable[[], bool], timeout_seconds: float | None) -> bool:
        """Wait until `condition` holds or the time is over; it is looked at after each write and each `wake`."""
        with self._changed:
            return self._changed.wait_for(condition, timeout_seconds)

    def wake(self) -> None:
        """Let all who wait look at their conditions."""
        with self._changed:
            self._changed.notify_all()

    def write(
        self,
        resource: str,
        change: Change,
        *,
        namespace: str,
        name: str,
        manager: str,
        subresource: str = "",
        dry_run: bool = False,
    ) -> JsonObject:
        """Store what `change` makes of the object; nothing is written where nothing differs, or on a dry run."""
        key = (namespace, name)
        with self._changed:
            old = self._objects[resource].get(key)
            now = datetime.now(UTC)
            new = stamped(self._kinds[resource], old, change(old), manager=manager, subresource=subresource, now=now)
            if new is old or dry_run:
                return new
            return self._record("MODIFIED" if old else "ADDED", resource, key, new, old)

    def state(self, resource: str, *, at: int | None = None) -> tuple[int, Sequence[JsonObject]]:
        """Return a revision and the objects as they were then, in order; 410 where the log doesn't reach back to `at`.

        :param at: the revision; the newest where it is None.
        """
        with self._changed:
            objects = dict(self._objects[resource])
            for event in reversed([] if at is None else self.events_since(at)):
                if event.resource == resource and event.previous is None:
                    del objects[event.key]
                elif event.resource == resource and event.previous is not None:
                    objects[event.key] = event.previous
            return at or self._revision, [objects[key] for key in sorted(objects)]

    def events_since(self, revision: int) -> Sequence[Event]:
        """Return what was written after `revision`, in order; 410 where the log doesn't reach back so far."""
        with self._changed:
            oldest = self._revision - len(self._events)
            if revision < oldest:
                raise too_old(revision, oldest)
            return list(islice(self._events, revision - oldest, None))

    def compact(self) -> None:
        """Forget the log: every revision but the newest is too old from now on."""
        with self._changed:
            self._events.clear()

    def _record(
        self, type: str, resource: str, key: Key, stored: JsonObject, previous: JsonObject | None
    ) -> JsonObject:
        self._revision += 1
        stored = stored | {"metadata": stored["metadata"] | {"resourceVersion": str(self._revision)}}
        if type == "DELETED":
            del self._objects[resource][key]
        else:
            self._objects[resource][key] = stored
        self._events.append(Event(self._revision, type, resource, key, stored, previous))
        if len(self._events) > self._max_events:
            self._events.popleft()
        self._changed.notify_all()
        return stored


def _copy(value: RawObject) -> JsonObject:
    return {key: _copied(each) for key, each in value.items()}


def _copied(value: Any) -> Any:
    """Copy JSON, several times faster than copy.deepcopy does."""
    if isinstance(value, dict):
        return _copy(value)
    if isinstance(value, list):
        return [_copied(each) for each in value]
    return value
