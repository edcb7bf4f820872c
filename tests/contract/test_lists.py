"""Lists: pages, selectors, metadata alone."""

import pytest

PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@pytest.fixture
def pods(cluster):
    """Five pods, in the order of their names."""
    labels = {
        "a": {"app": "web", "version": "v1"},
        "b": {"app": "web", "version": "v2"},
        "c": {"app": "web", "version": "v3", "canary": "true"},
        "d": {"app": "db", "version": "v1"},
        "e": {},
    }
    for name, own in labels.items():
        spec = {"containers": [{"name": "c", "image": "i"}]}
        wanted = {"metadata": {"name": name, "labels": own}, "spec": spec}
        assert cluster.call("POST", f"{cluster.core}/pods", wanted).status == 201
    return f"{cluster.core}/pods"


def names(answer):
    assert answer.status == 200, answer.body
    return "".join(item["metadata"]["name"] for item in answer.body["items"])


def test_list_of_built_in_objects(cluster, pods):
    answer = cluster.call("GET", pods)
    assert (answer.body["kind"], answer.body["apiVersion"]) == ("PodList", "v1")
    assert names(answer) == "abcde"
    assert not any({"kind", "apiVersion"} & item.keys() for item in answer.body["items"])
    assert not answer.body["metadata"].get("continue")


def test_list_of_istio_objects(cluster):
    created = cluster.create_virtual_service()
    for version in ("v1", "v1beta1"):
        path = f"/apis/networking.istio.io/{version}/namespaces/{cluster.namespace}/virtualservices"
        answer = cluster.call("GET", path)
        expected = ("VirtualServiceList", f"networking.istio.io/{version}")
        assert (answer.body["kind"], answer.body["apiVersion"]) == expected
        (item,) = answer.body["items"]
        assert item == created | {"apiVersion": f"networking.istio.io/{version}"}


def test_list_over_all_namespaces(cluster):
    created = cluster.create_virtual_service()
    answer = cluster.call("GET", "/apis/networking.istio.io/v1/virtualservices")
    assert created["metadata"]["uid"] in [item["metadata"]["uid"] for item in answer.body["items"]]


def test_one_resource_version_for_all_kinds(cluster):
    first = int(cluster.create_virtual_service()["metadata"]["resourceVersion"])
    listed = int(cluster.call("GET", f"{cluster.istio}/virtualservices").body["metadata"]["resourceVersion"])
    wanted = {"metadata": {"name": "later"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    second = int(cluster.call("POST", f"{cluster.core}/pods", wanted).body["metadata"]["resourceVersion"])
    assert first <= listed < second


def test_pages(cluster, pods):
    first = cluster.call("GET", pods, query={"limit": 2})
    assert names(first) == "ab"
    assert first.body["metadata"]["remainingItemCount"] == 3
    second = cluster.call("GET", pods, query={"limit": 2, "continue": first.body["metadata"]["continue"]})
    assert names(second) == "cd"
    third = cluster.call("GET", pods, query={"limit": 2, "continue": second.body["metadata"]["continue"]})
    assert names(third) == "e"
    assert not third.body["metadata"].get("continue")
    versions = {answer.body["metadata"]["resourceVersion"] for answer in (first, second, third)}
    assert len(versions) == 1


def test_pages_are_all_of_one_moment(cluster, pods):
    first = cluster.call("GET", pods, query={"limit": 2})
    cluster.call("DELETE", f"{pods}/d?gracePeriodSeconds=0")
    wanted = {"metadata": {"name": "dd"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    cluster.call("POST", pods, wanted)
    cluster.patch(f"{pods}/e", [{"op": "add", "path": "/metadata/labels", "value": {"late": "yes"}}])
    rest = cluster.call("GET", pods, query={"continue": first.body["metadata"]["continue"]})
    assert names(rest) == "cde"
    assert not rest.body["items"][-1]["metadata"].get("labels")
    assert names(cluster.call("GET", pods)) == "abcdde"


def test_continue_that_is_no_token(cluster, pods):
    answer = cluster.call("GET", pods, query={"limit": 2, "continue": "?"})
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("app=web", "abc"),
        ("app==web", "abc"),
        ("app!=web", "de"),
        ("app=web,version=v2", "b"),
        ("version in (v1,v3)", "acd"),
        ("version in (v1, v3),app=web", "ac"),
        ("version notin (v1,v3)", "be"),
        ("version", "abcd"),
        ("!version", "e"),
        ("app,!canary", "abd"),
        ("app=none", ""),
    ],
)
def test_label_selector(cluster, pods, selector, expected):
    assert names(cluster.call("GET", pods, query={"labelSelector": selector})) == expected


@pytest.mark.parametrize("selector", ["app in web", "=x", "app=web,,", "a b"])
def test_label_selector_that_is_none(cluster, pods, selector):
    answer = cluster.call("GET", pods, query={"labelSelector": selector})
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("selector", "expected"), [("metadata.name=b", "b"), ("metadata.name!=b", "acde"), ("metadata.namespace=none", "")]
)
def test_field_selector(cluster, pods, selector, expected):
    assert names(cluster.call("GET", pods, query={"fieldSelector": selector})) == expected


def test_field_selector_that_is_not_known(cluster, pods):
    answer = cluster.call("GET", pods, query={"fieldSelector": "spec.colour=red"})
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
    assert "field label not supported: spec.colour" in answer.body["message"]


def test_selected_pages(cluster, pods):
    first = cluster.call("GET", pods, query={"limit": 2, "labelSelector": "app"})
    assert names(first) == "ab"
    token = first.body["metadata"]["continue"]
    rest = cluster.call("GET", pods, query={"labelSelector": "app", "continue": token})
    assert names(rest) == "cd"


@pytest.mark.parametrize("version", ["0", "exact"])
def test_list_that_is_not_older(cluster, pods, version):
    known = cluster.call("GET", pods).body["metadata"]["resourceVersion"]
    answer = cluster.call("GET", pods, query={"resourceVersion": "0" if version == "0" else known})
    assert names(answer) == "abcde"
    assert int(answer.body["metadata"]["resourceVersion"]) >= int(known)


def test_list_from_the_future(cluster, pods):
    known = int(cluster.call("GET", pods).body["metadata"]["resourceVersion"])
    answer = cluster.call("GET", pods, query={"resourceVersion": known + 10_000})
    assert (answer.status, answer.body["reason"]) == (504, "Timeout")
    assert answer.body["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


def test_metadata_alone(cluster, pods):
    answer = cluster.call("GET", pods, accept=PARTIAL, query={"limit": 3})
    assert (answer.body["kind"], answer.body["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    assert names(answer) == "abc"
    assert answer.body["metadata"]["continue"]
    for item in answer.body["items"]:
        assert item.keys() == {"kind", "apiVersion", "metadata"}
        assert (item["kind"], item["apiVersion"]) == ("PartialObjectMetadata", "meta.k8s.io/v1")
    assert answer.body["items"][0]["metadata"]["labels"] == {"app": "web", "version": "v1"}


def test_metadata_of_one_object_alone(cluster, pods):
    accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    answer = cluster.call("GET", f"{pods}/a", accept=accept)
    assert answer.body.keys() == {"kind", "apiVersion", "metadata"}
    assert answer.body["metadata"]["name"] == "a"


def test_list_kind_does_not_fit_one_object(cluster, pods):
    assert cluster.call("GET", f"{pods}/a", accept=PARTIAL).status == 406


def test_second_choice_of_accept(cluster, pods):
    accept = "application/x-unknown,application/json"
    assert names(cluster.call("GET", pods, accept=accept)) == "abcde"
