"""Many people shift one route at once: what they were told, what was stored, and whether the two agree."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from threading import Barrier
from typing import Any, Protocol

from webapp.cluster.access import load_access
from webapp.cluster.client import Client
from webapp.cluster.cluster import Cluster
from webapp.cluster.kinds import VIRTUAL_SERVICES, list_path, object_path
from webapp.errors import Conflict
from webapp.istio.history import HISTORY, MOST_ENTRIES, parse_history
from webapp.istio.objects import JsonPatch, VirtualService
from webapp.istio.patch import annotation_patch
from webapp.istio.routes import route_digest
from webapp.istio.shift import shift_patch
from webapp.istio.snapshot import Key
from webapp.settings import Settings

CLIENTS, SHIFTS = 20, 50
TOTAL = CLIENTS * SHIFTS
"""What the two weights of the route sum to: each shift asks for a split of its own."""
END = "crossfade-test/end"
SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class Shift:
    """One that was accepted: who asked, what he had seen, and the weights that he was told are stored."""

    by: str
    seen: str
    weights: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One that was not, and the conflict as it was told."""

    seen: str
    detail: Mapping[str, Any]


class Racer(Protocol):
    """Somebody who shifts a route of two destinations."""

    by: str

    def look(self) -> str:
        """Return the digest of the route as it is shown now."""

    def shift(self, weights: tuple[int, int], seen: str) -> tuple[int, ...] | Mapping[str, Any]:
        """Ask for weights; return those that are stored, or the conflict's detail."""


@dataclass(frozen=True, slots=True)
class Race:
    """What the clients were told, and what somebody who watched the object saw.

    :param versions: each version of the object in the order of the watch, the one before the race first.
    """

    accepted: tuple[Shift, ...]
    refused: tuple[Refusal, ...]
    versions: tuple[VirtualService, ...]

    def check(self) -> None:
        """Assert that every accepted write was stored once, on what its client had seen, and every other refused."""
        asked = {each.weights: each for each in self.accepted}
        stored = [each.http[0].weights for each in self.versions]
        assert len(self.accepted) + len(self.refused) == CLIENTS * SHIFTS
        assert len(self.accepted) == len(stored) - 1
        assert asked.keys() == set(stored[1:])
        for before, after in pairwise(self.versions):
            shift = asked[after.http[0].weights]
            assert shift.seen == route_digest(before.http[0])
            assert int(before.metadata.resource_version) < int(after.metadata.resource_version)
            newest, *older = parse_history(after.metadata.annotations[HISTORY])
            assert (newest.by, newest.after) == (shift.by, shift.weights)
            assert (newest.base, newest.before) == (before.metadata.resource_version, before.http[0].weights)
            assert older == list(parse_history(before.metadata.annotations.get(HISTORY)))[: MOST_ENTRIES - 1]
        # Nobody is refused twice for one change: who is told of it has seen it.
        assert len(self.refused) <= CLIENTS * len(self.accepted)
        for refusal in self.refused:
            assert refusal.detail["by"]
            assert refusal.detail["route_digest"] != refusal.seen
            assert tuple(refusal.detail["weights"]) in stored


class AdapterClient:
    """One who is served by an adapter of this process."""

    def __init__(self, cluster: Cluster, key: Key, by: str) -> None:
        self.by, self._cluster, self._key = by, cluster, key

    def look(self) -> str:
        """Look at the picture."""
        return route_digest(self._cluster.snapshot().virtual_services[self._key].http[0])

    def shift(self, weights: tuple[int, int], seen: str) -> tuple[int, ...] | Mapping[str, Any]:
        """Write as a view does."""

        def build(found: VirtualService) -> JsonPatch:
            now = datetime.now(UTC)
            return shift_patch(found, found.http[0], seen=seen, choose=lambda: weights, by=self.by, now=now)

        namespace, name = self._key
        try:
            return self._cluster.write(namespace=namespace, name=name, build=build).http[0].weights
        except Conflict as conflict:
            return conflict.detail


def race(kubeconfig: str, key: Key, clients: Sequence[Racer]) -> Race:
    """Let the clients shift the first route of a VirtualService at once, each of them so many times.

    :param kubeconfig: of somebody who may read and write the object, and who watches it meanwhile.
    :param key: an object whose first route has two destinations, and which nobody else writes.
    """
    settings = Settings(kubeconfig=kubeconfig)
    with closing(Client(load_access(settings))) as observer, ThreadPoolExecutor(len(clients) + 1) as pool:
        before = _read(observer, key)
        versions = pool.submit(lambda: (before, *_versions(settings, before)))
        together = Barrier(len(clients), timeout=SECONDS)
        told = [pool.submit(_shift_often, each, number, together) for number, each in enumerate(clients)]
        outcomes = [outcome for each in told for outcome in each.result()]
        end = annotation_patch(_read(observer, key), {END: "yes"})
        observer.json("PATCH", _path(key), headers={"Content-Type": "application/json-patch+json"}, body=end)
        return Race(
            accepted=tuple(each for each in outcomes if isinstance(each, Shift)),
            refused=tuple(each for each in outcomes if isinstance(each, Refusal)),
            versions=versions.result(SECONDS),
        )


def _shift_often(client: Racer, number: int, together: Barrier) -> list[Shift | Refusal]:
    """Look at the route and ask for a split that nobody else asks for, again and again."""
    outcomes: list[Shift | Refusal] = []
    together.wait()
    for turn in range(SHIFTS):
        seen, weight = client.look(), number * SHIFTS + turn
        told = client.shift((weight, TOTAL - weight), seen)
        outcomes.append(Shift(client.by, seen, told) if isinstance(told, tuple) else Refusal(seen, told))
    return outcomes


def _path(key: Key) -> str:
    return object_path(VIRTUAL_SERVICES.paths()[0]).format(namespace=key[0], name=key[1])


def _read(client: Client, key: Key) -> VirtualService:
    found: VirtualService = VIRTUAL_SERVICES.parse(client.json("GET", _path(key)))
    return found


def _versions(settings: Settings, before: VirtualService) -> Iterator[VirtualService]:
    """Watch one object from this version on, until the race's end is written to it."""
    namespace, name = before.metadata.namespace, before.metadata.name
    client = Client(load_access(settings))
    query = [
        ("watch", "true"),
        ("fieldSelector", f"metadata.name={name}"),
        ("resourceVersion", before.metadata.resource_version),
    ]
    path = list_path(VIRTUAL_SERVICES.paths()[0], namespace)
    rest = b""
    with closing(client), closing(client.open("GET", path, query=query, read_seconds=SECONDS)) as response:
        while data := client.read_some(response, read_seconds=SECONDS):
            *lines, rest = (rest + data).split(b"\n")
            for line in filter(None, lines):
                found: VirtualService = VIRTUAL_SERVICES.parse(json.loads(line)["object"])
                if END in found.metadata.annotations:
                    return
                yield found
    raise AssertionError("the watch ended before the race")
