"""Strategic merge patches: what `kubectl apply` and `kubectl edit` send for built-in kinds."""

import pytest

from tests.contract.objects import deployment

STRATEGIC = {"content_type": "application/strategic-merge-patch+json"}
ENV = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": "3"}]


def container(name, **fields):
    return {"name": name, "image": f"{name}:1", "env": ENV, **fields}


@pytest.fixture
def path(cluster):
    wanted = deployment()
    wanted["metadata"]["finalizers"] = ["a.example/1", "b.example/2"]
    wanted["spec"]["template"]["spec"] = {"containers": [container("web"), container("side"), container("log")]}
    wanted["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    root = f"/apis/apps/v1/namespaces/{cluster.namespace}/deployments"
    answer = cluster.call("POST", root, wanted)
    assert answer.status == 201, answer.body
    yield f"{root}/web"
    cluster.call(
        "PATCH", f"{root}/web", {"metadata": {"finalizers": None}}, content_type="application/merge-patch+json"
    )


def patched(cluster, path, patch):
    """Patch the pods' template; return its containers as (name, image, variables)."""
    answer = cluster.call("PATCH", path, {"spec": {"template": {"spec": patch}}}, **STRATEGIC)
    assert answer.status == 200, answer.body
    return [
        (each["name"], each["image"], " ".join(f"{one['name']}={one.get('value', '')}" for one in each.get("env", ())))
        for each in answer.body["spec"]["template"]["spec"]["containers"]
    ]


OLD = "A=1 B=2 C=3"


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        pytest.param(
            {"containers": [{"name": "side", "image": "side:2"}]},
            [("web", "web:1", OLD), ("side", "side:2", OLD), ("log", "log:1", OLD)],
            id="an item is merged by its key",
        ),
        pytest.param(
            {"containers": [{"name": "web", "env": [{"name": "B", "value": "9"}]}]},
            [("web", "web:1", "A=1 B=9 C=3"), ("side", "side:1", OLD), ("log", "log:1", OLD)],
            id="a list in a list",
        ),
        pytest.param(
            {"containers": [{"name": "web", "env": [{"name": "B", "$patch": "delete"}]}]},
            [("web", "web:1", "A=1 C=3"), ("side", "side:1", OLD), ("log", "log:1", OLD)],
            id="an item is deleted",
        ),
        pytest.param(
            {"containers": [{"name": "web", "env": None}]},
            [("web", "web:1", ""), ("side", "side:1", OLD), ("log", "log:1", OLD)],
            id="null removes a list",
        ),
        pytest.param(
            {"containers": [{"name": "web", "env": [{"name": "Z", "value": "9"}, {"$patch": "replace"}]}]},
            [("web", "web:1", "Z=9"), ("side", "side:1", OLD), ("log", "log:1", OLD)],
            id="a list is replaced",
        ),
        pytest.param(
            {"containers": [{"name": "new", "image": "new:1", "env": None}]},
            [("new", "new:1", ""), ("web", "web:1", OLD), ("side", "side:1", OLD), ("log", "log:1", OLD)],
            id="a new item comes first",
        ),
        pytest.param(
            {"$setElementOrder/containers": [{"name": "log"}, {"name": "web"}, {"name": "side"}]},
            [("log", "log:1", OLD), ("web", "web:1", OLD), ("side", "side:1", OLD)],
            id="another order",
        ),
        pytest.param(
            {
                "$setElementOrder/containers": [{"name": "web"}, {"name": "new"}, {"name": "log"}],
                "containers": [{"name": "new", "image": "new:1"}],
            },
            [("web", "web:1", OLD), ("new", "new:1", ""), ("side", "side:1", OLD), ("log", "log:1", OLD)],
            id="an order that does not name all",
        ),
        pytest.param(
            {
                "containers": [
                    {
                        "name": "web",
                        "$setElementOrder/env": [{"name": "C"}, {"name": "A"}],
                        "env": [{"name": "B", "$patch": "delete"}],
                    }
                ]
            },
            [("web", "web:1", "C=3 A=1"), ("side", "side:1", OLD), ("log", "log:1", OLD)],
            id="deleted and ordered, as kubectl apply sends it",
        ),
    ],
)
def test_lists_are_merged_by_their_keys(cluster, path, patch, expected):
    assert patched(cluster, path, patch) == expected


def test_lists_of_plain_values(cluster, path):
    def finalizers(patch):
        return cluster.call("PATCH", path, {"metadata": patch}, **STRATEGIC).body["metadata"]["finalizers"]

    assert finalizers({"finalizers": ["c.example/3"]}) == ["c.example/3", "a.example/1", "b.example/2"]
    assert finalizers({"$deleteFromPrimitiveList/finalizers": ["b.example/2"]}) == ["c.example/3", "a.example/1"]


def test_only_retained_keys_stay(cluster, path):
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    answer = cluster.call("PATCH", path, patch, **STRATEGIC)
    assert (answer.status, answer.body["spec"]["strategy"]) == (200, {"type": "Recreate"})


def test_object_is_replaced(cluster, path):
    patch = {"metadata": {"labels": {"a": "1"}, "annotations": {"b": "2"}}}
    assert cluster.call("PATCH", path, patch, **STRATEGIC).status == 200
    replaced = {"metadata": {"labels": {"$patch": "replace", "c": "3"}, "annotations": {"d": "4"}}}
    metadata = cluster.call("PATCH", path, replaced, **STRATEGIC).body["metadata"]
    assert (metadata["labels"], metadata["annotations"]) == ({"c": "3"}, {"b": "2", "d": "4"})


def test_item_without_its_key(cluster, path):
    answer = cluster.call(
        "PATCH", path, {"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}, **STRATEGIC
    )
    assert answer.status >= 400
    assert cluster.call("GET", path).body["metadata"]["generation"] == 1
