"""Deployments become Pods and EndpointSlices; pods run in a runner that only remembers, or in the real fleet."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from threading import Event
from typing import Any

import pytest

from tests.demo.objects import Raw, put, raw
from webapp.demo.controller import MOST_REPLICAS, Controller
from webapp.demo.errors import FleetFailed
from webapp.demo.fleet import Fleet
from webapp.demo.kube.store import Store
from webapp.demo.node import switches_of
from webapp.demo.snapshot import snapshot_of

DEADLINE_SECONDS = 10.0


class Runner:
    """Remembers which pods run and how their switches are."""

    def __init__(self) -> None:
        self.pods: dict[str, dict[str, Any]] = {}
        self.fails = False
        self.stopped = Event()

    def start_pod(self, name: str, *, version: str, service: str) -> tuple[str, int]:
        if self.fails:
            raise FleetFailed("gone")
        self.pods[name] = {"version": version, "service": service}
        return "127.0.0.1", 4000 + len(self.pods)

    def stop_pod(self, name: str) -> None:
        del self.pods[name]
        self.stopped.set()

    def switch(self, name: str, switches: Mapping[str, Any]) -> bool:
        self.pods[name] |= switches
        return not switches["crash"]


def deployment(name: str = "web-v1", *, replicas: int | None = 1, version: str = "v1", **annotations: str) -> Raw:
    template = {
        "metadata": {"labels": {"app": "web", "version": version}},
        "spec": {"containers": [{"name": "web", "image": "web", "ports": [{"name": "http", "containerPort": 8080}]}]},
    }
    spec = {"template": template, "selector": {"matchLabels": {"app": "web"}}} | (
        {} if replicas is None else {"replicas": replicas}
    )
    found = raw("Deployment", name, spec=spec)
    found["metadata"]["annotations"] = {
        f"crossfade.demo/{key.replace('_', '-')}": annotations[key] for key in annotations
    }
    return found


WEB = raw(
    "Service", "web", spec={"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
)


class Cluster:
    """A store and a controller that reconciles when it is told to."""

    def __init__(self) -> None:
        self.store = Store()
        self.runner = Runner()
        self.controller = Controller(self.store, self.runner)

    def put(self, *objects: Raw) -> None:
        put(self.store, *objects)
        self.controller.reconcile()

    def pods(self) -> list[Any]:
        return self.store.list("pods", namespace="shop")

    def endpoints(self) -> dict[str, bool]:
        (found,) = self.store.list("endpointslices", namespace="shop")
        return {each["targetRef"]["name"]: each["conditions"]["ready"] for each in found["endpoints"]}

    def status(self, name: str = "web-v1") -> Any:
        found = self.store.get("deployments", namespace="shop", name=name)
        assert found is not None
        return found["status"]


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def test_a_deployment_becomes_a_ready_pod_with_an_address(cluster: Cluster) -> None:
    cluster.put(WEB, deployment())
    (pod,) = cluster.pods()
    name, hashed, suffix = pod["metadata"]["name"].rsplit("-", 2)
    assert (name, len(hashed), len(suffix)) == ("web-v1", 10, 5)
    assert pod["metadata"]["labels"] == {"app": "web", "version": "v1", "pod-template-hash": hashed}
    assert pod["metadata"]["ownerReferences"][0]["name"] == "web-v1"
    assert pod["status"]["phase"] == "Running"
    assert cluster.controller.addresses == {pod["status"]["podIP"]: ("127.0.0.1", 4001)}
    assert pod["status"]["podIP"].startswith("10.244.")
    assert cluster.runner.pods[f"shop/{pod['metadata']['name']}"] == {"version": "v1", "service": "web"}


@pytest.mark.parametrize(
    ("labels", "has_sidecar"), [({"istio-injection": "enabled"}, True), ({}, False)], ids=["injected", "not injected"]
)
def test_pods_of_an_injected_namespace_count_as_having_sidecars(
    cluster: Cluster, labels: Raw, has_sidecar: bool
) -> None:
    cluster.store.put("namespaces", {"metadata": {"name": "shop", "labels": labels}}, manager="tests")
    cluster.put(deployment())
    cluster.controller.reconcile()
    (pod,) = snapshot_of(cluster.store).pods.values()
    assert pod.has_proxy is has_sidecar


def test_a_service_with_a_selector_has_one_slice(cluster: Cluster) -> None:
    cluster.put(WEB, deployment(replicas=2), raw("Service", "bare", spec={"ports": [{"port": 80}]}))
    (found,) = cluster.store.list("endpointslices", namespace="shop")
    assert found["metadata"]["labels"]["kubernetes.io/service-name"] == "web"
    assert found["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
    assert cluster.endpoints() == {pod["metadata"]["name"]: True for pod in cluster.pods()}
    assert [each["addresses"] for each in found["endpoints"]] == [[pod["status"]["podIP"]] for pod in cluster.pods()]


def test_status_of_a_deployment(cluster: Cluster) -> None:
    cluster.put(deployment(replicas=2))
    assert (
        cluster.status().items()
        >= {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}.items()
    )
    assert cluster.status()["conditions"] == [{"type": "Available", "status": "True"}]


def test_reconciling_again_writes_nothing(cluster: Cluster) -> None:
    cluster.put(WEB, deployment(replicas=3))
    revision = cluster.store.revision
    cluster.controller.reconcile()
    assert cluster.store.revision == revision


@pytest.mark.parametrize(
    ("replicas", "count"), [(0, 0), (1, 1), (4, 4), (None, 1), (-1, 0), (MOST_REPLICAS + 1, MOST_REPLICAS)]
)
def test_scale(cluster: Cluster, replicas: int | None, count: int) -> None:
    cluster.put(WEB, deployment(replicas=2))
    before = {pod["metadata"]["name"] for pod in cluster.pods()}
    cluster.put(deployment(replicas=replicas))
    after = {pod["metadata"]["name"] for pod in cluster.pods()}
    assert len(after) == len(cluster.endpoints()) == count
    assert len(before & after) == min(2, count)
    assert cluster.status().get("readyReplicas", 0) == count


def test_a_deleted_pod_is_replaced_by_one_with_another_address(cluster: Cluster) -> None:
    cluster.put(WEB, deployment())
    (old,) = cluster.pods()
    cluster.store.delete("pods", namespace="shop", name=old["metadata"]["name"])
    cluster.controller.reconcile()
    (new,) = cluster.pods()
    assert new["metadata"]["name"] != old["metadata"]["name"]
    assert new["status"]["podIP"] != old["status"]["podIP"]
    assert cluster.endpoints() == {new["metadata"]["name"]: True}


def test_a_deleted_deployment_takes_its_pods_along(cluster: Cluster) -> None:
    cluster.put(WEB, deployment(), deployment("web-v2", version="v2"))
    cluster.store.delete("deployments", namespace="shop", name="web-v1")
    cluster.controller.reconcile()
    assert [pod["metadata"]["labels"]["version"] for pod in cluster.pods()] == ["v2"]


def test_a_deleted_service_takes_its_slice_along_and_no_other(cluster: Cluster) -> None:
    own = raw("EndpointSlice", "by-hand", labels={"kubernetes.io/service-name": "web"}, endpoints=[])
    cluster.put(WEB, deployment(), own)
    cluster.store.delete("services", namespace="shop", name="web")
    cluster.controller.reconcile()
    assert [each["metadata"]["name"] for each in cluster.store.list("endpointslices")] == ["by-hand"]


def test_a_changed_template_replaces_the_pods(cluster: Cluster) -> None:
    cluster.put(WEB, deployment(replicas=2))
    cluster.put(deployment(replicas=2, version="v9"))
    assert [pod["metadata"]["labels"]["version"] for pod in cluster.pods()] == ["v9", "v9"]
    assert cluster.endpoints() == {pod["metadata"]["name"]: True for pod in cluster.pods()}


def test_a_crashed_pod_is_an_endpoint_that_is_not_ready(cluster: Cluster) -> None:
    cluster.put(WEB, deployment(crash="true"))
    assert list(cluster.endpoints().values()) == [False]
    assert cluster.status()["conditions"] == [{"type": "Available", "status": "False"}]
    assert "readyReplicas" not in cluster.status()
    cluster.put(deployment())
    assert list(cluster.endpoints().values()) == [True]


def test_switches_of_a_deployment_hold_for_its_pods_and_a_pods_own_win(cluster: Cluster) -> None:
    cluster.put(deployment(replicas=2, error_share="0.3", latency_ms="20"))
    first, second = cluster.pods()
    first["metadata"]["annotations"] = {"crossfade.demo/error-share": "0.5"}
    cluster.put(first)
    shares = [cluster.runner.pods[f"shop/{pod['metadata']['name']}"]["error_share"] for pod in (first, second)]
    assert shares == [0.5, 0.3]


def test_an_annotation_that_is_no_switch_is_logged_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    odd = {"crossfade.demo/speed": "1", "crossfade.demo/crash": "maybe", "crossfade.demo/error-share": "0.2"}
    assert switches_of(odd) == {"latency_ms": 0, "jitter_ms": 0, "error_share": 0.2, "crash": False}
    assert caplog.text.count("throws no switch") == 2


def test_a_pod_that_has_an_address_runs_elsewhere(cluster: Cluster) -> None:
    cluster.put(raw("Pod", "gateway", labels={"app": "web"}, status={"podIP": "10.244.0.10"}))
    assert cluster.runner.pods == {}


def test_a_pod_of_its_own_runs_too(cluster: Cluster) -> None:
    container = {"name": "a", "env": [{"name": "VERSION", "value": "v7"}]}
    cluster.put(raw("Pod", "single", spec={"containers": [container]}))
    assert cluster.runner.pods == {"shop/single": {"version": "v7", "service": "single"}}


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(raw("Deployment", "odd"), id="deployment without spec"),
        pytest.param(
            raw("Deployment", "odd", spec={"replicas": "two", "template": []}), id="deployment of wrong types"
        ),
        pytest.param(raw("Service", "odd"), id="service without spec"),
        pytest.param(
            raw("Service", "odd", spec={"selector": {"app": "web"}, "ports": "80"}), id="service of wrong types"
        ),
        pytest.param(raw("Pod", "odd", spec={"containers": {}}, status=[]), id="pod of wrong types"),
    ],
)
def test_odd_objects_stop_nothing(cluster: Cluster, odd: Raw) -> None:
    cluster.put(odd, WEB, deployment())
    assert True in cluster.endpoints().values() if odd["kind"] != "Service" else cluster.pods()


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    fleet = Fleet()
    fleet.start()
    yield fleet
    fleet.stop()


@pytest.fixture
def following(fleet: Fleet) -> Iterator[tuple[Store, Controller]]:
    store = Store()
    controller = Controller(store, fleet)
    controller.follower.start()
    yield store, controller
    controller.follower.stop()


def until(store: Store, condition: Callable[[], bool]) -> None:
    assert store.wait_until(condition, DEADLINE_SECONDS)


def test_it_follows_the_store_with_real_pods(following: tuple[Store, Controller]) -> None:
    store, controller = following
    put(store, WEB, deployment())
    until(store, lambda: bool(store.list("endpointslices") and store.list("endpointslices")[0]["endpoints"]))
    ((address, (host, port)),) = controller.addresses.items()
    with closing(http.client.HTTPConnection(host, port, timeout=DEADLINE_SECONDS)) as connection:
        connection.request("GET", "/")
        assert connection.getresponse().headers["x-app-version"] == "v1"
        put(store, deployment(replicas=0))
        until(store, lambda: not store.list("endpointslices")[0]["endpoints"])
        # The pod still answers: the gateway may not know yet that it leaves.
        assert controller.addresses == {address: (host, port)}


def test_it_ends_when_pods_cannot_be_run() -> None:
    store, runner = Store(), Runner()
    runner.fails = True
    controller = Controller(store, runner)
    controller.follower.start()
    put(store, deployment())
    controller.follower._thread.join(DEADLINE_SECONDS)
    assert not controller.follower.is_alive
    assert str(controller.follower.failure) == "gone"
    controller.follower.stop()


def test_a_pod_that_is_gone_stops_after_its_grace() -> None:
    store, runner = Store(), Runner()
    controller = Controller(store, runner)
    put(store, deployment())
    controller.follower.start()
    until(store, lambda: bool(store.list("pods")) and "status" in store.list("pods")[0])
    put(store, deployment(replicas=0))
    until(store, lambda: not store.list("pods"))
    assert runner.pods
    assert runner.stopped.wait(DEADLINE_SECONDS)
    controller.follower.stop()
    assert (runner.pods, controller.addresses) == ({}, {})
