"""The cluster as one person may see it, and what is written in that person's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.cluster.conftest import Reviews
from webapp.cluster import reviews as reviews_module
from webapp.cluster.client import in_name_of
from webapp.cluster.cluster import Cluster
from webapp.demo.kube.server import KubeApi
from webapp.errors import ClusterUnavailable, Forbidden
from webapp.identity import Person
from webapp.istio.adopt.steps import creation, deletion

ANA = Person("ana@example.org", ("shop", "größe"))
AS_USER = "impersonate-user"


def named(api: KubeApi, *verbs: str) -> list[str]:
    """In whose name objects were asked for or written, in order."""
    asked = [each for each in api.requests if each.verb in verbs and "review" not in each.resource[:30]]
    return [each.headers.get(AS_USER, "") for each in asked]


def reviewed(api: KubeApi) -> list[tuple[str, str, str, str]]:
    found = [each for each in api.requests if each.resource == "selfsubjectaccessreviews"]
    asked = [(each.headers.get(AS_USER, ""), each.json()["spec"]["resourceAttributes"]) for each in found]
    return [(who, each["verb"], each["resource"], each["namespace"]) for who, each in asked]


def test_each_group_is_a_header_of_its_own() -> None:
    headers = in_name_of(ANA, {"Accept": "application/json"})
    found = [(name, value.encode("latin-1").decode()) for name, value in headers.items()]
    assert found == [
        ("Accept", "application/json"),
        ("Impersonate-User", "ana@example.org"),
        ("Impersonate-Group", "shop"),
        ("Impersonate-Group", "größe"),
    ]
    assert in_name_of(None, {"Accept": "x"}) == {"Accept": "x"}


def test_what_is_written_is_written_in_that_name(api: KubeApi, cluster: Cluster, reviews: Reviews) -> None:
    seen = cluster.seen_by(ANA)
    seen.write(namespace="default", name="reviews", build=reviews.shift_to(70, 30))
    seen.write(namespace="default", name="reviews", build=reviews.shift_to(60, 40), dry_run=True)
    rule = creation("DestinationRule", ("default", "reviews"), {"host": "reviews"}, annotations={}, why="")
    seen.judge(rule)
    assert seen.carry_out([rule]).error is None
    made = seen.snapshot().destination_rules["default", "reviews"]
    assert seen.carry_out([deletion(made, why="")]).error is None
    written = [each for each in api.requests if each.verb in {"create", "patch", "delete"}]
    names = {each.headers.get(AS_USER) for each in written}
    assert names == {ANA.name}
    cluster.write(namespace="default", name="reviews", build=reviews.shift_to(50, 50))
    assert api.requests[-1].headers.get(AS_USER) is None
    assert reviews.weights == [50, 50]


def test_it_is_read_again_in_that_name_too(api: KubeApi, behind: Cluster, reviews: Reviews) -> None:
    reviews.put(reviews.raw | {"metadata": reviews.raw["metadata"] | {"labels": {"team": "a"}}})
    behind.seen_by(ANA).write(namespace="default", name="reviews", build=reviews.shift_to(70, 30))
    assert [each.headers.get(AS_USER) for each in api.requests if each.name] == [ANA.name] * 3


def test_lists_are_those_of_the_person(
    api: KubeApi, cluster: Cluster, reviews: Reviews, virtual_service: Callable[..., dict[str, Any]]
) -> None:
    other = virtual_service()
    other["metadata"]["namespace"] = "payments"
    reviews.put(other)
    while ("payments", "reviews") not in cluster.snapshot().virtual_services:
        cluster.wait_for_change(cluster.snapshot().revision, 5.0)
    for namespace in ("", "payments"):
        api.faults.forbid("list", "virtualservices", namespace=namespace)
    seen = cluster.seen_by(ANA)
    assert list(seen.snapshot().virtual_services) == [("default", "reviews")]
    assert len(cluster.snapshot().virtual_services) == 2
    words = "Only what ana@example.org may list is shown: virtualservices in 1 of 2 namespaces."
    assert (seen.status().scope, cluster.status().scope) == (words, "")
    assert words in seen.status().problems
    with pytest.raises(Forbidden, match="ana@example.org.* may not list virtualservices in namespace payments"):
        seen.expect_may(("get", "list"), "virtualservices", namespace="payments")
    assert (seen.shows(("payments", "x")), seen.shows(("default", "x"))) == (False, True)
    assert (ANA.name, "list", "virtualservices", "payments") in reviewed(api)
    assert {who for who, *_ in reviewed(api)} == {ANA.name}


def test_what_may_not_be_seen_is_not_written_either(api: KubeApi, cluster: Cluster, reviews: Reviews) -> None:
    api.faults.forbid("get", "virtualservices")
    with pytest.raises(Forbidden, match="may not get virtualservices in namespace default"):
        cluster.seen_by(ANA).write(namespace="default", name="reviews", build=reviews.shift_to(90, 10))
    assert named(api, "patch") == []


def test_answers_are_remembered_for_each_person(api: KubeApi, cluster: Cluster) -> None:
    others = Person("bob@example.org"), Person("ana@example.org", ("admins",)), ANA
    for person in (ANA, *others):
        assert cluster.seen_by(person).can("patch", "virtualservices", namespace="default")
    assert [who for who, *_ in reviewed(api)] == ["ana@example.org", "bob@example.org", "ana@example.org"]


def test_what_was_never_told_is_not_shown(api: KubeApi, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviews_module, "VISIBLE_SECONDS", 0.1)
    monkeypatch.setattr(reviews_module, "PATIENCE_SECONDS", 0.1)
    api.faults.stall(resource="selfsubjectaccessreviews")
    with pytest.raises(ClusterUnavailable, match="What ana@example.org may see can't be told"):
        cluster.seen_by(ANA).snapshot()
    # Nor is the page of somebody who may do all held up by it.
    assert cluster.can("patch", "virtualservices", namespace="default") is None
    assert cluster.seen_by(ANA).shows(("default", "reviews"))
