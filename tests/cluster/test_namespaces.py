"""Where not all namespaces may be read at once, those that may be are watched one by one."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from webapp.cluster.cluster import Cluster
from webapp.cluster.kinds import KINDS
from webapp.cluster.namespaces import MOST_ASKED, MOST_NAMESPACES
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings

EVERYWHERE = ""
ONLY_SHOP = "Only the namespace shop is watched: {} may not be listed cluster-wide."
ALL_KINDS = "virtualservices, destinationrules, gateways, serviceentries, services, pods and endpointslices"


def put_pod(api: KubeApi, namespace: str, name: str = "cart-1") -> None:
    api.store.put("pods", {"metadata": {"namespace": namespace, "name": name}}, manager="test")


def put_namespaces(api: KubeApi, *names: str) -> None:
    for name in names:
        api.store.put("namespaces", {"metadata": {"name": name}}, manager="test")


def namespaces_of(cluster: Cluster) -> set[str]:
    return {namespace for namespace, _ in cluster.snapshot().pods}


def watched(api: KubeApi, resource: str = "pods") -> set[str]:
    return {each.namespace for each in list(api.requests) if (each.verb, each.resource) == ("watch", resource)}


def threads(resource: str) -> int:
    """Count those that watch one namespace each."""
    return sum(each.name.startswith(f"watch {resource} in ") for each in threading.enumerate())


@pytest.fixture
def parted(api: KubeApi) -> KubeApi:
    """An API server with a pod in each of three namespaces, which forbids to list pods everywhere at once."""
    put_namespaces(api, "default", "shop", "secret")
    for namespace in ("default", "shop", "secret"):
        put_pod(api, namespace)
    api.faults.forbid("list", "pods", namespace=EVERYWHERE)
    return api


def test_configured_namespaces_are_watched_one_by_one(parted: KubeApi, watching: Any, until: Any) -> None:
    cluster = watching(namespaces=("shop", "default"))
    words = "Only the namespaces shop and default are watched: pods may not be listed cluster-wide."
    assert (cluster.status().scope, cluster.status().problems) == (words, (words,))
    assert namespaces_of(cluster) == {"shop", "default"}
    assert cluster.is_alive()
    assert watched(parted, "services") == {EVERYWHERE}
    put_pod(parted, "shop", "cart-2")
    parted.store.delete("pods", namespace="default", name="cart-1")
    until(cluster, lambda: set(cluster.snapshot().pods) == {("shop", "cart-1"), ("shop", "cart-2")})


def test_configured_namespaces_do_not_narrow_what_may_be_read(api: KubeApi, watching: Any) -> None:
    put_pod(api, "default")
    put_pod(api, "shop")
    cluster = watching(namespaces=("shop",))
    assert (namespaces_of(cluster), cluster.status().scope) == ({"default", "shop"}, "")


def test_one_namespaces_new_list_leaves_the_others_alone(parted: KubeApi, watching: Any, until: Any) -> None:
    cluster = watching(namespaces=("shop", "default"))
    assert parted.faults.wait_for_watches(len(KINDS) + 1, 5.0)
    parted.faults.forbid("list", "pods", namespace="shop")
    parted.faults.expire_watches()
    put_pod(parted, "default", "cart-2")
    until(cluster, lambda: ("default", "cart-2") in cluster.snapshot().pods)
    assert ("shop", "cart-1") in cluster.snapshot().pods
    until(cluster, lambda: any("May not list pods in namespace shop: " in each for each in cluster.status().problems))


def test_the_access_review_finds_the_namespaces(parted: KubeApi, watching: Any, until: Any) -> None:
    for verb, namespace in (("list", "default"), ("watch", "secret")):
        parted.faults.forbid(verb, "pods", namespace=namespace)
    cluster = watching()
    assert cluster.status().problems == (ONLY_SHOP.format("pods"),)
    assert namespaces_of(cluster) == {"shop"}
    put_namespaces(parted, "another")
    put_pod(parted, "another")
    until(cluster, lambda: namespaces_of(cluster) == {"another", "shop"})
    assert cluster.status().scope.startswith("Only the namespaces another and shop are watched")


def test_without_namespaces_to_choose_from_it_is_the_own_one(parted: KubeApi, watching: Any) -> None:
    parted.faults.forbid("list", "namespaces")
    cluster = watching()
    assert namespaces_of(cluster) == {"default"}
    assert cluster.status().scope.startswith("Only the namespace default is watched")


def test_every_kind_can_be_watched_in_one_namespace(
    api: KubeApi, watching: Any, virtual_service: Any, until: Any
) -> None:
    api.store.put("virtualservices", virtual_service(namespace="shop"), manager="test")
    api.faults.forbid("*", "*", namespace=EVERYWHERE)
    cluster = watching(namespaces=("shop",))
    assert cluster.status().scope == ONLY_SHOP.format(ALL_KINDS)
    assert list(cluster.snapshot().virtual_services) == [("shop", "reviews")]
    patch = {"op": "replace", "path": "/spec/http/0/timeout", "value": "3s"}
    stored = cluster.write(namespace="shop", name="reviews", build=lambda found: [patch])
    assert cluster.get_virtual_service(namespace="shop", name="reviews") == stored


def test_a_right_that_is_granted_is_noticed_and_leaves_no_thread(parted: KubeApi, watching: Any, until: Any) -> None:
    cluster = watching(namespaces=("shop",))
    parted.faults.clear()
    until(cluster, lambda: namespaces_of(cluster) == {"default", "shop", "secret"} and not cluster.status().problems)
    until(cluster, lambda: not threads("pods"))
    put_pod(parted, "secret", "cart-2")
    until(cluster, lambda: ("secret", "cart-2") in cluster.snapshot().pods)


def test_a_right_that_is_taken_away_narrows_the_picture(api: KubeApi, watching: Any, until: Any) -> None:
    put_pod(api, "default")
    put_pod(api, "shop")
    cluster = watching(namespaces=("shop",))
    api.faults.forbid("*", "pods", namespace=EVERYWHERE)
    api.faults.cut_watches()
    until(cluster, lambda: namespaces_of(cluster) == {"shop"})
    assert cluster.status().problems == (ONLY_SHOP.format("pods"),)


@pytest.mark.parametrize("untold", [pytest.param(0, id="well-again"), pytest.param(3, id="untold-for-a-while")])
def test_a_refusal_that_passes_soon_costs_nobody_the_picture(
    api: KubeApi, watching: Any, until: Any, untold: int
) -> None:
    """An API server that starts refuses everything until it knows the rights; and it may be lost once more."""
    put_pod(api, "default")
    put_pod(api, "shop")
    cluster = watching(namespaces=("shop",))
    if untold:
        api.faults.answer(500, times=untold, verb="create", resource="selfsubjectaccessreviews")
    api.faults.answer(403, verb="watch", resource="pods")
    api.faults.cut_watches()
    until(cluster, lambda: cluster.status().scope)

    def is_whole() -> bool:
        assert namespaces_of(cluster) == {"default", "shop"}
        return not cluster.status().problems

    until(cluster, is_whole)


@pytest.mark.parametrize(
    ("configured", "words"),
    [
        pytest.param(
            tuple(f"team-{number}" for number in range(20)),
            "Only 10 namespaces are watched one by one: CROSSFADE_NAMESPACES names 20.",
            id="configured",
        ),
        pytest.param(
            (),
            "Only 10 namespaces are watched one by one: 21 may be read; "
            "name those that matter in CROSSFADE_NAMESPACES.",
            id="found",
        ),
    ],
)
def test_threads_are_bounded_and_the_bound_is_said(
    api: KubeApi, watching: Any, configured: tuple[str, ...], words: str
) -> None:
    put_namespaces(api, *(f"team-{number}" for number in range(20)))
    for resource in ("pods", "services"):
        api.faults.forbid("list", resource, namespace=EVERYWHERE)
    cluster = watching(namespaces=configured)
    assert words in cluster.status().problems
    assert [threads(resource) for resource in ("pods", "services")] == [MOST_NAMESPACES] * 2


def test_not_every_namespace_of_a_large_cluster_is_asked_about(api: KubeApi, watching: Any) -> None:
    put_namespaces(api, *(f"team-{number}" for number in range(MOST_ASKED)))
    api.faults.forbid("list", "gateways", namespace=EVERYWHERE)
    cluster = watching()
    [said] = [each for each in cluster.status().problems if "Rights were" in each]
    assert said == (
        "Rights were asked for in 100 of 101 namespaces only: name those that matter in CROSSFADE_NAMESPACES."
    )
    assert threads("gateways") == MOST_NAMESPACES


def test_stopping_ends_what_watches_namespaces(parted: KubeApi, settings: Settings, until: Any) -> None:
    cluster = Cluster(settings)
    cluster.start()
    assert parted.faults.wait_for_watches(len(KINDS) + 2, 5.0)
    cluster.stop()
    assert not cluster.is_alive()
    assert not [each for each in threading.enumerate() if each.name.startswith("watch ")]
