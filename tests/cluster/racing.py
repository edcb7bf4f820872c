"""Many people shift one route at once, through nothing but a kubeconfig: what came of it, and whether it is right."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from threading import Barrier

from webapp.cluster.access import load_access
from webapp.cluster.client import Client
from webapp.cluster.cluster import Cluster
from webapp.cluster.kinds import VIRTUAL_SERVICES, list_path
from webapp.errors import Conflict
from webapp.istio.history import HISTORY, parse_history
from webapp.istio.objects import JsonPatch, VirtualService
from webapp.istio.patch import annotation_patch
from webapp.istio.routes import route_digest
from webapp.istio.shift import shift_patch
from webapp.istio.snapshot import Key
from webapp.settings import Settings

TOTAL = 1_000
"""What the two weights of the route sum to: large enough for each shift to ask for a split of its own."""
END = "crossfade-test/end"
SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Race:
    """What the clients were told, and what somebody who watched the object saw.

    :param accepted: each write that was, as its client got it back; and by whom.
    :param versions: each version of the object in the order of the watch, the one before the race first.
    """

    accepted: tuple[tuple[str, VirtualService], ...]
    conflicts: tuple[Conflict, ...]
    versions: tuple[VirtualService, ...]

    def check(self) -> None:
        """Assert that every accepted write was stored once, in order, on what its client had seen."""
        told = sorted(self.accepted, key=lambda each: int(each[1].metadata.resource_version))
        assert [stored for _, stored in told] == list(self.versions[1:])
        for (by, _), (before, after) in zip(told, pairwise(self.versions), strict=True):
            newest, *older = parse_history(after.metadata.annotations[HISTORY])
            assert (newest.by, newest.after) == (by, after.http[0].weights)
            assert (newest.base, newest.before) == (before.metadata.resource_version, before.http[0].weights)
            assert older == list(parse_history(before.metadata.annotations.get(HISTORY)))[: len(older)]
            assert len(older) == min(19, len(parse_history(before.metadata.annotations.get(HISTORY))))
        assert all(conflict.detail["by"] for conflict in self.conflicts)


def race(kubeconfig: str, key: Key, *, dashboards: int, clients: int = 20, shifts: int = 50) -> Race:
    """Let clients shift the first route of a VirtualService at once, each of them so many times.

    :param key: an object whose first route has two destinations, and which nobody else writes meanwhile.
    :param dashboards: by how many processes' worth of adapters the clients are served, in turn.
    """
    settings = Settings(kubeconfig=kubeconfig)
    with ExitStack() as stack:
        running = [_started(stack, settings, key) for _ in range(dashboards)]
        before = running[0].get_virtual_service(namespace=key[0], name=key[1])
        pool = stack.enter_context(ThreadPoolExecutor(clients + 1))
        versions = pool.submit(lambda: (before, *_versions(settings, before)))
        together = Barrier(clients, timeout=SECONDS)
        told = [
            pool.submit(_shift_often, running[number % dashboards], key, number, shifts, together)
            for number in range(clients)
        ]
        outcomes = [(f"client-{number}", each) for number, client in enumerate(told) for each in client.result()]
        running[0].write(namespace=key[0], name=key[1], build=lambda found: annotation_patch(found, {END: "yes"}))
        return Race(
            accepted=tuple((by, each) for by, each in outcomes if isinstance(each, VirtualService)),
            conflicts=tuple(each for _, each in outcomes if isinstance(each, Conflict)),
            versions=versions.result(SECONDS),
        )


def _started(stack: ExitStack, settings: Settings, key: Key) -> Cluster:
    cluster = Cluster(settings)
    stack.callback(cluster.stop)
    cluster.start()
    deadline, revision = time.monotonic() + SECONDS, 0
    while key not in cluster.snapshot().virtual_services:
        assert time.monotonic() < deadline, cluster.status()
        revision = cluster.wait_for_change(revision, 0.1)
    return cluster


def _shift_often(
    cluster: Cluster, key: Key, number: int, shifts: int, together: Barrier
) -> list[VirtualService | Conflict]:
    """Look at the route as the picture has it and ask for a split that nobody else asks for, again and again."""
    outcomes: list[VirtualService | Conflict] = []
    together.wait()
    for turn in range(shifts):
        weight = number * shifts + turn
        seen = route_digest(cluster.snapshot().virtual_services[key].http[0])

        def build(found: VirtualService, weight: int = weight, seen: str = seen) -> JsonPatch:
            return shift_patch(
                found,
                http_route=0,
                seen=seen,
                choose=lambda route: (weight, TOTAL - weight),
                by=f"client-{number}",
                now=datetime.now(UTC),
            )

        try:
            outcomes.append(cluster.write(namespace=key[0], name=key[1], build=build))
        except Conflict as conflict:
            outcomes.append(conflict)
    return outcomes


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
