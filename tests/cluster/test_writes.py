"""A change is one fenced patch; what others do meanwhile is never lost, and never overwritten unseen."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from webapp.cluster.cluster import Cluster
from webapp.demo.kube.server import KubeApi
from webapp.errors import Conflict, NotFound
from webapp.istio.objects import JsonPatch, VirtualService
from webapp.istio.patch import annotation_patch

Make = Callable[..., dict[str, Any]]


def write(cluster: Cluster, build: Callable[[VirtualService], JsonPatch], **options: Any) -> VirtualService:
    return cluster.write(namespace="default", name="reviews", build=build, **options)


def test_an_uncontended_shift_is_one_request(reviews: Any, api: KubeApi, cluster: Cluster) -> None:
    result = write(cluster, reviews.shift_to(50, 50, expected=(90, 10)))
    assert result.http[0].weights == (50, 50)
    assert reviews.verbs == ["patch"]
    [request] = [each for each in api.requests if each.verb == "patch"]
    assert request.query == {"fieldManager": "crossfade"}
    assert request.headers["content-type"] == "application/json-patch+json"
    assert [operation["path"] for operation in json.loads(request.body)] == [
        "/metadata/resourceVersion",
        "/spec/http/0/route/0/weight",
        "/spec/http/0/route/1/weight",
    ]
    assert reviews.raw["spec"]["http"][0]["timeout"] == "2s"


def test_the_next_page_is_not_behind_a_write(reviews: Any, behind: Cluster) -> None:
    result = write(behind, reviews.shift_to(50, 50))
    assert behind.snapshot().virtual_services["default", "reviews"] == result


def test_an_unrelated_change_costs_a_second_look(reviews: Any, behind: Cluster, virtual_service: Make) -> None:
    reviews.put(virtual_service(labels={"team": "a"}))
    write(behind, reviews.shift_to(50, 50, expected=(90, 10)))
    assert reviews.verbs == ["patch", "get", "patch"]
    assert reviews.raw["metadata"]["labels"] == {"team": "a"}
    assert reviews.weights == [50, 50]


def test_a_changed_route_is_a_conflict_and_stays(reviews: Any, behind: Cluster, virtual_service: Make) -> None:
    reviews.put(virtual_service(weights=(70, 30)))
    with pytest.raises(Conflict, match="now \\(70, 30\\)"):
        write(behind, reviews.shift_to(50, 50, expected=(90, 10)))
    assert reviews.verbs == ["patch", "get"]
    assert reviews.weights == [70, 30]


def test_who_saw_more_than_the_picture_is_right(reviews: Any, behind: Cluster, virtual_service: Make) -> None:
    reviews.put(virtual_service(weights=(70, 30)))
    write(behind, reviews.shift_to(50, 50, expected=(70, 30)))
    assert reviews.verbs == ["get", "patch"]
    assert reviews.weights == [50, 50]


def test_what_the_picture_does_not_have_is_asked_for(reviews: Any, behind: Cluster, virtual_service: Make) -> None:
    reviews.put(virtual_service("ratings"))
    result = behind.write(namespace="default", name="ratings", build=reviews.shift_to(50, 50))
    assert result.http[0].weights == (50, 50)
    assert reviews.verbs == ["get", "patch"]


def test_a_race_that_can_not_be_won_is_a_conflict_that_names_the_winner(reviews: Any, cluster: Cluster) -> None:
    labels = iter(range(100))

    def build(found: VirtualService) -> JsonPatch:
        raw = reviews.raw
        raw["metadata"]["labels"] = {"turn": str(next(labels))}
        raw["spec"]["http"][0]["timeout"] = f"{next(labels)}s"
        reviews.put(raw)
        return reviews.shift_to(50, 50)(found)

    with pytest.raises(Conflict, match="being changed by kubectl-edit") as raised:
        write(cluster, build)
    assert reviews.verbs.count("patch") <= 4
    assert raised.value.detail["by"] == "kubectl-edit"
    assert raised.value.detail["at"]
    assert reviews.weights == [90, 10]


def test_nothing_to_change_is_no_request(reviews: Any, cluster: Cluster) -> None:
    assert write(cluster, lambda found: []).http[0].weights == (90, 10)
    assert reviews.verbs == []


def test_a_dry_run_is_judged_but_not_stored(reviews: Any, api: KubeApi, cluster: Cluster) -> None:
    assert write(cluster, reviews.shift_to(50, 50), dry_run=True).http[0].weights == (50, 50)
    assert [each.query.get("dryRun") for each in api.requests if each.verb == "patch"] == ["All"]
    assert reviews.weights == [90, 10]
    assert cluster.snapshot().virtual_services["default", "reviews"].http[0].weights == (90, 10)


def test_a_route_that_only_the_api_server_has_is_found(reviews: Any, behind: Cluster, virtual_service: Make) -> None:
    raw = virtual_service()
    raw["spec"]["http"].append({"name": "second", "route": [{"destination": {"host": "b"}}]})
    reviews.put(raw)

    def build(found: VirtualService) -> JsonPatch:
        if len(found.http) < 2:
            raise NotFound("no such route")
        return annotation_patch(found, {"crossfade/seen": "yes"})

    assert write(behind, build).metadata.annotations == {"crossfade/seen": "yes"}
    assert reviews.verbs == ["get", "patch"]


def test_many_at_once_lose_nothing(reviews: Any, cluster: Cluster) -> None:
    def annotate(number: int) -> VirtualService:
        return write(cluster, lambda found: annotation_patch(found, {f"crossfade/{number}": "here"}))

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(annotate, range(20)))
    assert len(reviews.raw["metadata"]["annotations"]) == 20
    assert reviews.verbs == ["patch"] * 20
