"""Plans carried out on an API server: judged first, in order, fenced, and stopped at the first refusal."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.cluster.conftest import Reviews
from webapp.cluster.cluster import Cluster
from webapp.cluster.objects_writer import Objects
from webapp.demo.kube.server import KubeApi
from webapp.errors import ClusterUnavailable, Conflict, Forbidden, NotFound, Refused
from webapp.istio.adopt.record import ADOPTED
from webapp.istio.adopt.steps import LEARN_SECONDS, Step, change, creation, deletion
from webapp.istio.objects import VirtualService

KEY = ("default", "reviews")
RULE_SPEC = {"host": "reviews", "subsets": [{"name": "v1", "labels": {"version": "v1"}}]}

Make = Callable[..., dict[str, Any]]


def new_rule(spec: Any = RULE_SPEC) -> Step:
    return creation("DestinationRule", KEY, spec, annotations={ADOPTED: "{}"}, why="")


def timed(cluster: Cluster, seconds: str = "9s") -> Step:
    """A change of the VirtualService: another timeout, and an annotation."""
    found: VirtualService = cluster.snapshot().virtual_services[KEY]
    spec = {**found.raw["spec"], "http": [{**found.raw["spec"]["http"][0], "timeout": seconds}]}
    operation = {"op": "replace", "path": "/spec/http/0/timeout", "value": seconds}
    return change(found, spec, [operation], annotations={ADOPTED: "{}"}, why="")


@pytest.fixture
def waits(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would have been waited."""
    waits: list[float] = []
    objects: Objects = cluster._objects
    monkeypatch.setattr(objects, "_wait", waits.append)
    return waits


def stored(api: KubeApi, resource: str = "destinationrules") -> Any:
    return api.store.get(resource, namespace="default", name="reviews")


def written(api: KubeApi) -> list[tuple[str, str, str]]:
    return [
        (each.verb, each.resource, each.query.get("dryRun", ""))
        for each in api.requests
        if each.verb in {"create", "patch", "delete"} and each.resource != "selfsubjectaccessreviews"
    ]


def test_a_new_object_is_labelled_and_seen_at_once(api: KubeApi, cluster: Cluster, waits: list[float]) -> None:
    outcome = cluster.carry_out([new_rule()])
    assert (outcome.failed, outcome.error, waits) == (None, None, [])
    assert stored(api)["spec"] == RULE_SPEC
    assert stored(api)["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "crossfade"}
    assert stored(api)["metadata"]["managedFields"][0]["manager"] == "crossfade"
    assert cluster.snapshot().destination_rules[KEY].host == "reviews"


def test_a_judgement_stores_nothing_and_is_strict(api: KubeApi, cluster: Cluster) -> None:
    cluster.judge(new_rule())
    cluster.judge(timed(cluster))
    assert written(api) == [("create", "destinationrules", "All"), ("patch", "virtualservices", "All")]
    assert {each.query["fieldValidation"] for each in api.requests if each.query.get("dryRun")} == {"Strict"}
    assert stored(api) is None
    assert KEY not in cluster.snapshot().destination_rules
    with pytest.raises(Refused, match='unknown field "spec.subsetz"'):
        cluster.judge(new_rule({**RULE_SPEC, "subsetz": []}))


def test_proxies_get_time_between_subsets_and_routes(api: KubeApi, cluster: Cluster, waits: list[float]) -> None:
    outcome = cluster.carry_out([new_rule(), timed(cluster)])
    assert len(outcome.done) == 2 and outcome.waited_seconds == LEARN_SECONDS
    assert waits == [LEARN_SECONDS]
    assert [each[1] for each in written(api)] == ["destinationrules", "virtualservices"]


def test_the_first_refusal_ends_it_and_says_what_stands(api: KubeApi, cluster: Cluster, waits: list[float]) -> None:
    api.faults.reject("not on Mondays", resource="virtualservices")
    steps = [new_rule(), timed(cluster), creation("Gateway", KEY, {}, annotations={}, why="")]
    outcome = cluster.carry_out(steps)
    assert [step.kind for step in outcome.done] == ["DestinationRule"]
    assert outcome.failed is steps[1]
    assert isinstance(outcome.error, Refused) and "not on Mondays" in outcome.error.message
    assert stored(api, "gateways") is None


def test_who_made_one_of_that_name_first_keeps_it(api: KubeApi, cluster: Cluster) -> None:
    theirs = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"namespace": "default", "name": "reviews"},
        "spec": {"host": "theirs"},
    }
    api.store.put("destinationrules", theirs, manager="kubectl")
    error = cluster.carry_out([new_rule()]).error
    assert isinstance(error, Conflict) and "DestinationRule default/reviews already" in error.message
    assert stored(api)["spec"] == {"host": "theirs"}


def test_a_change_elsewhere_in_the_object_troubles_nobody(
    reviews: Reviews, behind: Cluster, virtual_service: Make, waits: list[float]
) -> None:
    step = timed(behind)
    reviews.put(virtual_service(labels={"team": "a"}, annotations={"note": "b"}))
    assert behind.carry_out([step]).error is None
    assert reviews.raw["spec"]["http"][0]["timeout"] == "9s"
    assert reviews.raw["metadata"]["labels"] == {"team": "a"}
    # Annotations that came meanwhile stay beside ours.
    assert reviews.raw["metadata"]["annotations"] == {"note": "b", ADOPTED: "{}"}


def test_a_spec_that_somebody_changed_is_left_alone(reviews: Reviews, behind: Cluster, virtual_service: Make) -> None:
    step = timed(behind)
    reviews.put(virtual_service(weights=(10, 90)))
    error = behind.carry_out([step]).error
    assert isinstance(error, Conflict) and "kubectl-edit" in error.message
    assert reviews.raw["spec"]["http"][0]["timeout"] == "2s"


def test_a_deletion_is_of_what_was_seen(reviews: Reviews, api: KubeApi, behind: Cluster, virtual_service: Make) -> None:
    step = deletion(behind.snapshot().virtual_services[KEY], why="")
    reviews.put(virtual_service(weights=(10, 90)))
    error = behind.carry_out([step]).error
    assert isinstance(error, Conflict) and "kubectl-edit" in error.message
    assert reviews.weights == [10, 90]


def test_a_deletion_looks_again_where_only_labels_changed(
    reviews: Reviews, api: KubeApi, behind: Cluster, virtual_service: Make
) -> None:
    step = deletion(behind.snapshot().virtual_services[KEY], why="")
    reviews.put(virtual_service(labels={"team": "a"}))
    behind.judge(step)
    assert reviews.raw is not None
    assert behind.carry_out([step]).error is None
    assert reviews.raw is None
    assert KEY not in behind.snapshot().virtual_services


def test_what_is_gone_already_need_not_be_deleted(reviews: Reviews, api: KubeApi, behind: Cluster) -> None:
    step = deletion(behind.snapshot().virtual_services[KEY], why="")
    api.store.delete("virtualservices", namespace="default", name="reviews")
    assert behind.carry_out([step]).error is None


def test_a_missing_right_names_verb_and_resource(api: KubeApi, cluster: Cluster) -> None:
    api.faults.forbid("create", "destinationrules")
    with pytest.raises(Forbidden, match="May not create destinationrules in namespace default"):
        cluster.judge(new_rule())


def test_a_namespace_that_is_gone_is_named(api: KubeApi, cluster: Cluster) -> None:
    step = creation("DestinationRule", ("gone", "reviews"), RULE_SPEC, annotations={}, why="")
    with pytest.raises(NotFound, match="DestinationRule gone/reviews can't be made: the namespace is gone"):
        cluster.judge(step)


def test_without_an_answer_it_is_not_known(api: KubeApi, cluster: Cluster) -> None:
    api.faults.stall(verb="create", resource="destinationrules")
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(cluster.carry_out, [new_rule()])
        assert api.faults.wait_for_held(1, 5.0)
        api.faults.clear()  # breaks the connection
        error = outcome.result().error
    assert isinstance(error, ClusterUnavailable)
    assert "Whether DestinationRule default/reviews was written is not known" in error.message


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_the_api_version_is_the_one_that_is_served(
    api: KubeApi, reviews: Reviews, watching: Callable[..., Cluster], version: str
) -> None:
    if version != "v1":
        api.faults.hide("networking.istio.io", "v1")
    cluster = watching()
    assert cluster.carry_out([new_rule()]).error is None
    [request] = [each for each in api.requests if each.verb == "create" and each.resource == "destinationrules"]
    assert request.json()["apiVersion"] == f"networking.istio.io/{version}"
