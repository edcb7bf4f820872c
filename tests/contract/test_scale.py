"""The subresource `scale`, which is what `kubectl scale` writes."""

import pytest

from tests.contract.objects import deployment

MERGE = {"content_type": "application/merge-patch+json"}


@pytest.fixture
def path(cluster):
    root = f"/apis/apps/v1/namespaces/{cluster.namespace}/deployments"
    assert cluster.call("POST", root, deployment()).status == 201
    return f"{root}/web"


def test_scale_is_a_view(cluster, path):
    stored = cluster.call("GET", path).body["metadata"]
    answer = cluster.call("GET", f"{path}/scale")
    assert answer.status == 200
    shared = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    assert answer.body == {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: stored[name] for name in shared},
        "spec": {"replicas": 1},
        "status": {"replicas": 0, "selector": "app=web,version=v1"},
    }


def test_patch_of_the_scale(cluster, path):
    before = cluster.call("GET", path).body
    answer = cluster.call("PATCH", f"{path}/scale", {"spec": {"replicas": 3}}, **MERGE)
    assert (answer.status, answer.body["kind"], answer.body["spec"]) == (200, "Scale", {"replicas": 3})
    after = cluster.call("GET", path).body
    assert after["spec"] == before["spec"] | {"replicas": 3}
    assert after["metadata"]["generation"] == 2


def test_update_of_the_scale(cluster, path):
    scale = cluster.call("GET", f"{path}/scale").body
    answer = cluster.call("PUT", f"{path}/scale", scale | {"spec": {"replicas": 0}})
    assert (answer.status, answer.body["spec"].get("replicas", 0)) == (200, 0)
    stale = cluster.call("PUT", f"{path}/scale", scale | {"spec": {"replicas": 2}})
    assert (stale.status, stale.body["reason"]) == (409, "Conflict")
    assert cluster.call("GET", path).body["spec"]["replicas"] == 0


def test_fewer_pods_than_none(cluster, path):
    answer = cluster.call("PATCH", f"{path}/scale", {"spec": {"replicas": -2}}, **MERGE)
    words = "Invalid value: -2: must be greater than or equal to 0"
    assert answer.status == 422
    assert answer.body["message"] == f'Scale.autoscaling "web" is invalid: spec.replicas: {words}'
    assert answer.body["details"] == {
        "name": "web",
        "group": "autoscaling",
        "kind": "Scale",
        "causes": [{"reason": "FieldValueInvalid", "message": words, "field": "spec.replicas"}],
    }


def test_a_word_is_no_number_of_pods(cluster, path):
    answer = cluster.call("PATCH", f"{path}/scale", {"spec": {"replicas": "many"}}, **MERGE)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert "Go struct field ScaleSpec.spec.replicas of type int32" in answer.body["message"]


def test_scale_is_found_by_discovery(cluster):
    resources = {each["name"]: each for each in cluster.call("GET", "/apis/apps/v1").body["resources"]}
    scale = resources["deployments/scale"]
    assert (scale["group"], scale["version"], scale["kind"]) == ("autoscaling", "v1", "Scale")
    assert set(scale["verbs"]) == {"get", "patch", "update"}


def test_other_kinds_have_none(cluster):
    cluster.create_virtual_service()
    assert cluster.call("GET", f"{cluster.istio}/virtualservices/reviews/scale").status == 404
