"""An embedded API server over real HTTPS, a cluster that watches it, and a way to wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from webapp.cluster.cluster import Cluster, Timing
from webapp.cluster.kinds import KINDS
from webapp.demo.kube.server import KubeApi
from webapp.errors import Conflict
from webapp.istio.objects import JsonPatch, VirtualService
from webapp.istio.patch import fence
from webapp.settings import Settings

QUICK = Timing(first_pause=0.05, longest_pause=0.5, recheck=0.1, renew=0.5)


class Until(Protocol):
    """Wait for a condition on a cluster; fail when the time is over."""

    def __call__(self, cluster: Cluster, condition: Callable[[], object], *, seconds: float = 5.0) -> None: ...


class Watching(Protocol):
    """Start a cluster on the embedded API; it is stopped when the test ends."""

    def __call__(
        self, *, timing: Timing = QUICK, wait: bool = True, namespaces: tuple[str, ...] = (), **options: Any
    ) -> Cluster: ...


@pytest.fixture
def api() -> Iterator[KubeApi]:
    with KubeApi() as running:
        yield running


@pytest.fixture
def settings(api: KubeApi, tmp_path: Path) -> Settings:
    api.write_kubeconfig(tmp_path / "kubeconfig")
    return Settings(kubeconfig=str(tmp_path / "kubeconfig"))


@pytest.fixture
def until() -> Until:
    def wait(cluster: Cluster, condition: Callable[[], object], *, seconds: float = 5.0) -> None:
        deadline, revision = time.monotonic() + seconds, -1
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {cluster.status()}"
            # Not every change of a status is a change of the picture: look again after a moment.
            revision = cluster.wait_for_change(revision, 0.02)

    return wait


@pytest.fixture
def watching(api: KubeApi, settings: Settings, until: Until) -> Iterator[Watching]:
    with ExitStack() as stack:

        def start(
            *, timing: Timing = QUICK, wait: bool = True, namespaces: tuple[str, ...] = (), **options: Any
        ) -> Cluster:
            cluster = Cluster(replace(settings, namespaces=namespaces), timing=timing, **options)
            stack.callback(cluster.stop)
            cluster.start()
            if wait:
                until(cluster, lambda: cluster.status().state == "live")
                assert api.faults.wait_for_watches(len(KINDS), 5.0)
            return cluster

        yield start


@pytest.fixture
def virtual_service() -> Callable[..., dict[str, Any]]:
    def make(name: str = "reviews", weights: tuple[int, ...] = (90, 10), **metadata: Any) -> dict[str, Any]:
        route = [
            {"destination": {"host": name, "subset": f"v{place}"}, "weight": weight}
            for place, weight in enumerate(weights, start=1)
        ]
        return {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {"namespace": "default", "name": name, **metadata},
            "spec": {"hosts": ["*"], "http": [{"name": "main", "timeout": "2s", "route": route}]},
        }

    return make


class Reviews:
    """The VirtualService default/reviews of 90/10, as the embedded API server has it."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api

    @property
    def raw(self) -> Any:
        return self._api.store.get("virtualservices", namespace="default", name="reviews")

    @property
    def weights(self) -> list[int]:
        return [each["weight"] for each in self.raw["spec"]["http"][0]["route"]]

    @property
    def verbs(self) -> list[str]:
        """What was asked about single VirtualServices, in order."""
        return [each.verb for each in self._api.requests if each.resource == "virtualservices" and each.name]

    def put(self, raw: Any) -> None:
        """Store it as somebody with kubectl would."""
        self._api.store.put("virtualservices", raw, manager="kubectl-edit")

    def shift_to(self, *weights: int, expected: tuple[int, ...] | None = None) -> Callable[[VirtualService], JsonPatch]:
        """Make a builder that sets the first route's weights, if they are as expected."""

        def build(found: VirtualService) -> JsonPatch:
            if expected is not None and found.http[0].weights != expected:
                raise Conflict(f"now {found.http[0].weights}")
            path = "/spec/http/0/route/{}/weight"
            changed = [
                {"op": "replace", "path": path.format(place), "value": each} for place, each in enumerate(weights)
            ]
            return [fence(found), *changed]

        return build


@pytest.fixture
def reviews(api: KubeApi, virtual_service: Callable[..., dict[str, Any]]) -> Reviews:
    reviews = Reviews(api)
    reviews.put(virtual_service())
    return reviews


@pytest.fixture
def cluster(reviews: Reviews, watching: Watching) -> Cluster:
    """A live cluster with default/reviews."""
    return watching()


@pytest.fixture
def behind(api: KubeApi, cluster: Cluster) -> Cluster:
    """A cluster that does not hear of changes of VirtualServices any more."""
    api.faults.stall(verb="watch", resource="virtualservices")
    api.faults.cut_watches()
    assert api.faults.wait_for_watches(len(KINDS) - 1, 5.0)
    return cluster
