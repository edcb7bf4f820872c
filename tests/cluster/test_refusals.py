"""Writes that are not carried out are told in words, asked for once, and leave the object alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from webapp.cluster.cluster import Cluster
from webapp.demo.kube.server import KubeApi
from webapp.errors import ClusterError, ClusterUnavailable, CrossfadeError, Forbidden, NotFound, Refused
from webapp.istio.objects import JsonPatch, VirtualService
from webapp.istio.patch import fence


def write(cluster: Cluster, build: Callable[[VirtualService], JsonPatch]) -> VirtualService:
    return cluster.write(namespace="default", name="reviews", build=build)


@pytest.mark.parametrize(
    ("prepare", "weights", "error", "words"),
    [
        pytest.param(lambda faults: None, (-5, 105), Refused, "weight -5 < 0", id="webhook"),
        pytest.param(lambda faults: faults.reject("on Fridays"), (50, 50), Refused, "on Fridays", id="policy"),
        pytest.param(
            lambda faults: None,
            (50, 40, 10),
            Refused,
            "does not fit the object as it is stored",
            id="empty 422",
        ),
        pytest.param(
            lambda faults: faults.forbid("patch", "virtualservices"),
            (50, 50),
            Forbidden,
            "May not patch virtualservices in namespace default: ",
            id="403",
        ),
        pytest.param(lambda faults: faults.answer(429), (50, 50), ClusterUnavailable, "busy", id="429"),
        pytest.param(lambda faults: faults.answer(503), (50, 50), ClusterUnavailable, "not ready", id="503"),
        pytest.param(lambda faults: faults.answer(500), (50, 50), ClusterError, "status 500", id="500"),
        pytest.param(
            lambda faults: faults.answer(500, message='Internal error occurred: failed calling webhook "a"'),
            (50, 50),
            ClusterError,
            "webhook of the cluster does not answer",
            id="webhook away",
        ),
    ],
)
def test_a_refusal_is_told_and_not_repeated(
    reviews: Any,
    api: KubeApi,
    cluster: Cluster,
    prepare: Callable[[Any], None],
    weights: tuple[int, ...],
    error: type[CrossfadeError],
    words: str,
) -> None:
    prepare(api.faults)
    with pytest.raises(error, match=words):
        write(cluster, reviews.shift_to(*weights))
    assert reviews.verbs == ["patch"]
    assert reviews.weights == [90, 10]


def test_a_wrong_type_names_the_field(cluster: Cluster) -> None:
    many = {"op": "replace", "path": "/spec/http/0/route/0/weight", "value": "many"}
    with pytest.raises(Refused, match="spec.http.*weight") as raised:
        write(cluster, lambda found: [fence(found), many])
    assert raised.value.detail["causes"]


@pytest.mark.parametrize(
    ("namespace", "name", "requests"),
    [
        pytest.param("default", "nothing", 1, id="unknown"),
        pytest.param("..", "reviews", 0, id="namespace that leads elsewhere"),
        pytest.param("default", "..", 0, id="name that leads elsewhere"),
        pytest.param("default", "a/b", 0, id="slash"),
        pytest.param("Default", "reviews", 0, id="capitals"),
    ],
)
def test_what_does_not_exist_is_not_found(
    reviews: Any, cluster: Cluster, namespace: str, name: str, requests: int
) -> None:
    words = f"^There is no VirtualService {namespace}/{name}.$"
    with pytest.raises(NotFound, match=words):
        cluster.get_virtual_service(namespace=namespace, name=name)
    with pytest.raises(NotFound, match=words):
        cluster.write(namespace=namespace, name=name, build=reviews.shift_to(50, 50))
    assert reviews.verbs == ["get"] * 2 * requests


def test_what_was_deleted_meanwhile_is_not_found(reviews: Any, api: KubeApi, behind: Cluster) -> None:
    api.store.delete("virtualservices", namespace="default", name="reviews")
    with pytest.raises(NotFound):
        write(behind, reviews.shift_to(50, 50))


def test_a_server_that_is_away_is_said(reviews: Any, api: KubeApi, cluster: Cluster) -> None:
    api.stop()
    with pytest.raises(ClusterUnavailable, match=f"^The API server at {api.url} does not answer: "):
        write(cluster, reviews.shift_to(50, 50))


def test_without_a_first_list_there_is_nothing_to_write_to(
    reviews: Any, api: KubeApi, watching: Any, until: Any
) -> None:
    api.faults.hide("networking.istio.io")
    cluster = watching(wait=False)
    until(cluster, lambda: cluster.status().state == "live")
    with pytest.raises(ClusterUnavailable, match="VirtualServices can't be reached: .* does not serve virtualservices"):
        write(cluster, reviews.shift_to(50, 50))


def test_no_answer_to_a_write_leaves_open_whether_it_was_stored(
    reviews: Any, api: KubeApi, cluster: Cluster, until: Any
) -> None:
    api.faults.stall(verb="patch")
    raised: list[CrossfadeError] = []

    def shift() -> None:
        try:
            write(cluster, reviews.shift_to(50, 50))
        except ClusterUnavailable as error:
            raised.append(error)

    thread = threading.Thread(target=shift)
    thread.start()
    until(cluster, lambda: reviews.verbs == ["patch"])
    api.faults.clear()
    thread.join(5.0)
    assert "Whether the change was stored is not known" in raised[0].message


def test_stopping_ends_a_write_that_waits(reviews: Any, api: KubeApi, cluster: Cluster, until: Any) -> None:
    api.faults.stall(verb="patch")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(write, cluster, reviews.shift_to(50, 50))
        until(cluster, lambda: reviews.verbs == ["patch"])
        cluster.stop()
        with pytest.raises(ClusterUnavailable):
            waiting.result(5.0)
