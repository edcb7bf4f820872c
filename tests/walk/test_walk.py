"""The walk by the `kubernetes` client: as any program would do it, on the demo that starts empty."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import ApiException

from tests.running import RunningDemo, running_demo
from tests.walk.client import MERGE, apply, connected, delete
from tests.walk.steps import STEPS, Visitor, visiting, wait_until

ISTIO = "networking.istio.io/v1"


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    with running_demo("--empty") as demo:
        yield demo


@pytest.fixture(scope="module")
def visitor(demo: RunningDemo) -> Iterator[Visitor]:
    with visiting(demo.page_url, demo.gateway_url) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def cluster(demo: RunningDemo) -> Iterator[DynamicClient]:
    with connected(demo.kubeconfig) as cluster:
        yield cluster


def test_the_walk(visitor: Visitor, cluster: DynamicClient) -> None:
    """One test, since each step stands on the one before."""
    assert [each["name"] for each in visitor.page("/")["services"]] == ["istio-ingressgateway"]
    assert visitor.answers().keys() == {None}
    for step in STEPS:
        apply(cluster, step)
        wait_until(lambda step=step: visitor.says(step), f"the page after {step.file}")
        wait_until(lambda step=step: visitor.answers(step.host).keys() == step.answers, f"who answers: {step.file}")
        # It stays so: no answer of before comes late.
        assert visitor.answers(step.host).keys() == step.answers
    shares = visitor.answers(STEPS[-1].host, 400)
    assert 240 <= shares["one"] <= 360, shares  # 300, and seven standard deviations
    written = cluster.resources.get(api_version=ISTIO, kind="VirtualService").get()
    assert [each.status for each in written.items] == [None, None], "the gateway leaves something out"
    scale(visitor, cluster, 0)
    scale(visitor, cluster, 2)
    wait_until(lambda: visitor.answers().keys() == {"v2"}, "v2 is back")
    for step in reversed(STEPS):
        delete(cluster, step)
    wait_until(lambda: len(visitor.page("/")["services"]) == 1, "the end on the page")
    wait_until(lambda: visitor.answers().keys() == {None}, "the end at the gateway")


def scale(visitor: Visitor, cluster: DynamicClient, replicas: int) -> None:
    """Scale the version that answers, and wait until the page says so."""
    deployments = cluster.resources.get(api_version="apps/v1", kind="Deployment")
    wanted = {"spec": {"replicas": replicas}}
    deployments.scale.patch(name="aspnetcore-v2", namespace="default", body=wanted, content_type=MERGE)
    wait_until(lambda: pods_of_v2(visitor) == (replicas, replicas), f"{replicas} pods")


def pods_of_v2(visitor: Visitor) -> tuple[int, int]:
    versions = visitor.page("/services/default/aspnetcore-service")["versions"]
    return next(((each["ready"], each["total"]) for each in versions if each["name"] == "v2"), (0, 0))


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        pytest.param({"spec": {"hots": ["a"]}}, 'unknown field "spec.hots"', id="a typing error"),
        pytest.param(
            {"spec": {"hosts": ["a"], "http": [{"timeout": "0s", "route": [{"destination": {"host": "a"}}]}]}},
            "must be a valid duration greater than 1ms",
            id="no duration",
        ),
        pytest.param({"metadata": {"name": "A b"}, "spec": {}}, "a lowercase RFC 1123 subdomain", id="no name"),
    ],
)
def test_what_the_cluster_would_refuse_is_refused(cluster: DynamicClient, wanted: dict[str, Any], words: str) -> None:
    resource = cluster.resources.get(api_version=ISTIO, kind="VirtualService")
    body = {"apiVersion": ISTIO, "kind": "VirtualService", "metadata": {"name": "typo"}} | wanted
    with pytest.raises(ApiException) as refused:
        resource.create(body=body, namespace="default", query_params=[("fieldValidation", "Strict")])
    assert refused.value.status in {400, 422}
    assert words in json.loads(refused.value.body)["message"]
