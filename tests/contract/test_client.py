"""The `kubernetes` client's own calls, as the dashboard and scripts make them."""

import json

import pytest
from kubernetes import watch
from kubernetes.client import ApiException, AuthorizationV1Api, CoreV1Api, CustomObjectsApi, VersionApi, models

GROUP = "networking.istio.io"


@pytest.fixture
def custom(client):
    return CustomObjectsApi(client)


def test_typed_core_objects(cluster, client):
    core = CoreV1Api(client)
    pod = models.V1Pod(
        metadata=models.V1ObjectMeta(name="web", labels={"app": "web"}),
        spec=models.V1PodSpec(containers=[models.V1Container(name="c", image="i")]),
    )
    created = core.create_namespaced_pod(cluster.namespace, pod, field_manager="tests")
    assert created.metadata.managed_fields[0].manager == "tests"
    assert created.metadata.creation_timestamp.tzinfo is not None
    listed = core.list_namespaced_pod(cluster.namespace, label_selector="app=web")
    assert [each.metadata.name for each in listed.items] == ["web"]
    assert listed.metadata.resource_version
    core.delete_namespaced_pod("web", cluster.namespace, grace_period_seconds=0)


def test_typed_version(client):
    assert VersionApi(client).get_code().major == "1"


def test_custom_object_calls(cluster, custom):
    cluster.create_virtual_service()
    where = (GROUP, "v1", cluster.namespace, "virtualservices")
    operations = [{"op": "replace", "path": "/spec/http/0/route/0/weight", "value": 70}]
    patch = {"_content_type": "application/json-patch+json", "field_manager": "crossfade", "field_validation": "Strict"}
    dry = custom.patch_namespaced_custom_object(*where, "reviews", operations, dry_run="All", **patch)
    assert dry["spec"]["http"][0]["route"][0]["weight"] == 70
    stored = custom.get_namespaced_custom_object(*where, "reviews")
    assert stored["spec"]["http"][0]["route"][0]["weight"] == 90
    written = custom.patch_namespaced_custom_object(*where, "reviews", operations, **patch)
    assert written["metadata"]["managedFields"][-1]["manager"] == "crossfade"
    listed = custom.list_namespaced_custom_object(*where)
    assert [each["metadata"]["name"] for each in listed["items"]] == ["reviews"]
    assert custom.delete_namespaced_custom_object(*where, "reviews")["status"] == "Success"


def test_list_body_without_a_content_type_is_no_merge_patch(cluster, custom):
    """The client sends a list as a merge patch unless it is told otherwise; that is refused."""
    cluster.create_virtual_service()
    where = (GROUP, "v1", cluster.namespace, "virtualservices", "reviews")
    with pytest.raises(ApiException) as caught:
        custom.patch_namespaced_custom_object(
            *where, [{"op": "remove", "path": "/spec"}], _content_type="application/merge-patch+json"
        )
    assert caught.value.status == 400


def test_raw_page_of_metadata(cluster, client):
    cluster.create_virtual_service()
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    response = CustomObjectsApi(client).list_namespaced_custom_object(
        GROUP, "v1", cluster.namespace, "virtualservices", limit=1, _preload_content=False, _headers={"Accept": accept}
    )
    assert json.loads(response.data)["kind"] == "PartialObjectMetadataList"


def test_client_watch(cluster, client, custom):
    created = cluster.create_virtual_service()
    stream = watch.Watch(return_type=object)
    where = (GROUP, "v1", cluster.namespace, "virtualservices")
    for event in stream.stream(
        custom.list_namespaced_custom_object, *where, timeout_seconds=5, allow_watch_bookmarks=True
    ):
        assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "reviews")
        stream.stop()
    assert stream.resource_version == created["metadata"]["resourceVersion"]


def test_error_carries_the_status(cluster, custom):
    with pytest.raises(ApiException) as caught:
        custom.get_namespaced_custom_object(GROUP, "v1", cluster.namespace, "virtualservices", "none")
    assert caught.value.status == 404
    assert json.loads(caught.value.body)["details"]["name"] == "none"


def test_typed_access_review(cluster, client):
    attributes = models.V1ResourceAttributes(group=GROUP, resource="virtualservices", verb="patch")
    spec = models.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes)
    review = models.V1SelfSubjectAccessReview(spec=spec)
    answer = AuthorizationV1Api(client).create_self_subject_access_review(review)
    assert answer.status.allowed is True
