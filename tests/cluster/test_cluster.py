"""The picture follows an API server that behaves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from webapp.cluster.cluster import Cluster, KindProgress
from webapp.cluster.kinds import KINDS
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings

Make = Callable[..., dict[str, Any]]
ISTIO = "networking.istio.io"


def weights(cluster: Cluster, name: str = "reviews") -> tuple[int, ...]:
    found = cluster.snapshot().virtual_services.get(("default", name))
    return found.http[0].weights if found else ()


def pod(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"namespace": "default", "name": name, "labels": labels}, "spec": {"containers": []}}


def test_every_kind_is_read(api: KubeApi, watching: Any, virtual_service: Make) -> None:
    slice_labels = {"kubernetes.io/service-name": "reviews"}
    api.store.put("services", {"metadata": {"name": "reviews"}, "spec": {"ports": [{"port": 80}]}}, manager="test")
    api.store.put("pods", pod("reviews-1", version="v1"), manager="test")
    api.store.put("endpointslices", {"metadata": {"name": "reviews-x", "labels": slice_labels}}, manager="test")
    api.store.put("virtualservices", virtual_service(), manager="test")
    api.store.put("destinationrules", {"metadata": {"name": "reviews"}, "spec": {"host": "reviews"}}, manager="test")
    api.store.put("gateways", {"metadata": {"name": "outside"}, "spec": {"servers": []}}, manager="test")
    api.store.put("serviceentries", {"metadata": {"name": "far"}, "spec": {"hosts": ["a.example"]}}, manager="test")
    cluster = watching()
    snapshot = cluster.snapshot()
    assert snapshot.services["default", "reviews"].ports[0].port == 80
    assert snapshot.pods["default", "reviews-1"].metadata.labels == {"version": "v1"}
    assert snapshot.endpoint_slices["default", "reviews-x"].service == "reviews"
    assert snapshot.virtual_services["default", "reviews"].http[0].weights == (90, 10)
    assert snapshot.destination_rules["default", "reviews"].host == "reviews"
    assert snapshot.gateways["default", "outside"].servers == ()
    assert snapshot.service_entries["default", "far"].hosts == ("a.example",)


def test_a_live_cluster_says_so(watching: Any) -> None:
    cluster = watching()
    status = cluster.status()
    assert (status.state, status.problems, status.name) == ("live", (), "crossfade-demo")
    assert status.age_seconds < 5
    assert all(each.done for each in status.progress)
    assert cluster.is_alive()
    assert not cluster.in_cluster


def test_changes_and_deletions_arrive(api: KubeApi, watching: Any, until: Any, virtual_service: Make) -> None:
    cluster = watching()
    before = cluster.snapshot()
    api.store.put("virtualservices", virtual_service(), manager="kubectl-edit")
    until(cluster, lambda: weights(cluster) == (90, 10))
    api.store.put("virtualservices", virtual_service(weights=(50, 50)), manager="kubectl-edit")
    until(cluster, lambda: weights(cluster) == (50, 50))
    api.store.delete("virtualservices", namespace="default", name="reviews")
    until(cluster, lambda: not cluster.snapshot().virtual_services)
    assert cluster.snapshot().revision >= before.revision + 3
    assert before.virtual_services == {}


def test_waiting_ends_with_a_change_or_with_the_time(api: KubeApi, watching: Any, virtual_service: Make) -> None:
    cluster = watching()
    revision = cluster.snapshot().revision
    assert cluster.wait_for_change(revision, 0.01) == revision
    api.store.put("virtualservices", virtual_service(), manager="test")
    assert cluster.wait_for_change(revision, 5.0) == revision + 1
    assert cluster.wait_for_change(revision, 5.0) == revision + 1


def test_long_lists_come_in_pages_and_pods_without_their_spec(api: KubeApi, watching: Any) -> None:
    for number in range(1_201):
        api.store.put("pods", pod(f"pod-{number}"), manager="test")
    cluster = watching()
    assert len(cluster.snapshot().pods) == 1_201
    assert KindProgress("pods", 1_201, 1_201, True) in cluster.status().progress
    asked = [each for each in api.requests if each.resource == "pods"]
    assert [each.verb for each in asked] == ["list", "list", "list", "watch"]
    assert {each.query["limit"] for each in asked[:3]} == {"500"}
    assert all("as=PartialObjectMetadata" in each.headers["accept"] for each in asked)


def test_progress_is_told_while_lists_run(api: KubeApi, watching: Any, until: Any) -> None:
    for number in range(501):
        api.store.put("pods", pod(f"pod-{number}"), manager="test")
    api.faults.stall(verb="list", resource="pods")
    cluster = watching(wait=False)
    until(cluster, lambda: [each.kind for each in cluster.status().progress if not each.done] == ["pods"])
    assert cluster.status().state == "loading"
    assert KindProgress("pods", 0, None, False) in cluster.status().progress
    api.faults.clear()
    until(cluster, lambda: cluster.status().state == "live")
    assert KindProgress("pods", 501, 501, True) in cluster.status().progress


def test_a_burst_is_taken_in_whole(api: KubeApi, watching: Any, until: Any) -> None:
    cluster = watching()
    for number in range(1_000):
        api.store.put("pods", pod(f"pod-{number}", version="v1"), manager="test")
    for number in range(0, 1_000, 2):
        api.store.delete("pods", namespace="default", name=f"pod-{number}")
    expected = {("default", f"pod-{number}") for number in range(1, 1_000, 2)}
    until(cluster, lambda: set(cluster.snapshot().pods) == expected)


@pytest.mark.parametrize(
    ("hidden", "served"),
    [
        pytest.param([], "v1", id="v1"),
        pytest.param(["v1"], "v1beta1", id="v1beta1"),
        pytest.param(["v1", "v1beta1"], "v1alpha3", id="v1alpha3"),
    ],
)
def test_the_newest_version_that_is_served_is_used(
    api: KubeApi, watching: Any, virtual_service: Make, hidden: list[str], served: str
) -> None:
    for version in hidden:
        api.faults.hide(ISTIO, version)
    api.store.put("virtualservices", virtual_service(), manager="test")
    cluster = watching()
    assert weights(cluster) == (90, 10)
    cluster.get_virtual_service(namespace="default", name="reviews")
    assert api.requests[-1].path == f"/apis/{ISTIO}/{served}/namespaces/default/virtualservices/reviews"


def test_a_cluster_without_istio_says_so_and_notices_when_it_comes(
    api: KubeApi, watching: Any, until: Any, virtual_service: Make
) -> None:
    api.store.put("virtualservices", virtual_service(), manager="test")
    api.faults.hide(ISTIO)
    cluster = watching(wait=False)
    until(cluster, lambda: cluster.status().state == "live")
    assert [problem.partition(":")[0] for problem in cluster.status().problems] == [
        "Istio is not installed in this cluster"
    ]
    api.faults.clear()
    until(cluster, lambda: weights(cluster) == (90, 10))
    until(cluster, lambda: cluster.status().problems == ())


def test_istio_may_be_removed_later(api: KubeApi, watching: Any, until: Any, virtual_service: Make) -> None:
    api.store.put("virtualservices", virtual_service(), manager="test")
    cluster = watching()
    api.faults.hide(ISTIO)
    api.faults.cut_watches()
    until(cluster, lambda: not cluster.snapshot().virtual_services)
    until(cluster, lambda: any("Istio is not installed" in problem for problem in cluster.status().problems))
    assert cluster.status().state == "live"


def test_stopping_leaves_no_thread(api: KubeApi, settings: Settings) -> None:
    unstarted = Cluster(settings)
    unstarted.stop()
    cluster = Cluster(settings)
    assert not cluster.is_alive()
    cluster.start()
    assert cluster.is_alive()
    cluster.stop()
    cluster.stop()
    assert not cluster.is_alive()
    assert not [each for each in threading.enumerate() if each.name.startswith(("watch ", "probe"))]


@pytest.mark.parametrize("verb", ["list", "watch", "*"])
def test_stopping_does_not_wait_for_the_server(api: KubeApi, settings: Settings, until: Any, verb: str) -> None:
    cluster = Cluster(settings)
    cluster.start()
    assert api.faults.wait_for_watches(len(KINDS), 5.0)
    asked = len(api.requests)
    api.faults.stall(verb=verb)
    api.faults.expire_watches()
    until(cluster, lambda: len(api.requests) >= asked + len(KINDS))
    began = time.monotonic()
    cluster.stop()
    assert time.monotonic() - began < 2
    assert not cluster.is_alive()
