"""Watches: events, bookmarks, resuming."""

import itertools

import pytest

REPLACE = "/spec/http/0/route/0/weight"
PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


@pytest.fixture
def path(cluster):
    return f"{cluster.istio}/virtualservices"


def shift(cluster, path, weight, name="reviews"):
    answer = cluster.patch(f"{path}/{name}", [{"op": "replace", "path": REPLACE, "value": weight}])
    assert answer.status == 200, answer.body
    return answer.body


def label(cluster, path, value, name="reviews"):
    answer = cluster.patch(f"{path}/{name}", [{"op": "add", "path": "/metadata/labels/team", "value": value}])
    assert answer.status == 200, answer.body
    return answer.body


def version_of(cluster, path):
    return cluster.call("GET", path).body["metadata"]["resourceVersion"]


def test_from_a_list_on(cluster, path):
    cluster.create_virtual_service()
    with cluster.watch(path, resourceVersion=version_of(cluster, path)) as events:
        shifted = shift(cluster, path, 50)
        assert next(events) == {"type": "MODIFIED", "object": shifted}
        second = cluster.create_virtual_service("ratings")
        assert next(events) == {"type": "ADDED", "object": second}
        cluster.call("DELETE", f"{path}/reviews")
        deleted = next(events)
    assert deleted["type"] == "DELETED"
    assert deleted["object"]["spec"] == shifted["spec"]
    assert int(deleted["object"]["metadata"]["resourceVersion"]) > int(second["metadata"]["resourceVersion"])


@pytest.mark.parametrize("query", [{}, {"resourceVersion": "0"}], ids=["absent", "0"])
def test_from_scratch(cluster, path, query):
    created = [cluster.create_virtual_service("a"), cluster.create_virtual_service("b")]
    with cluster.watch(path, **query) as events:
        first = list(itertools.islice(events, 2))
        assert first == [{"type": "ADDED", "object": each} for each in created]
        shifted = shift(cluster, path, 50, "a")
        assert next(events) == {"type": "MODIFIED", "object": shifted}


def test_resume_misses_nothing(cluster, path):
    cluster.create_virtual_service()
    known = version_of(cluster, path)
    written = [shift(cluster, path, weight) for weight in (1, 2, 3)]
    with cluster.watch(path, resourceVersion=known) as events:
        assert [event["object"] for event in itertools.islice(events, 3)] == written
    with cluster.watch(path, resourceVersion=written[1]["metadata"]["resourceVersion"]) as events:
        assert next(events)["object"] == written[2]


def test_version_too_old_is_an_error_event(cluster, path):
    cluster.create_virtual_service()
    with cluster.watch(path, resourceVersion="1") as events:
        event = next(events)
        assert event["type"] == "ERROR"
        assert (event["object"]["kind"], event["object"]["status"]) == ("Status", "Failure")
        assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
        assert "too old resource version: 1 (" in event["object"]["message"]
        assert list(events) == []


def test_other_namespaces_and_kinds_stay_out(cluster, path):
    known = version_of(cluster, path)
    with cluster.watch(path, resourceVersion=known) as events:
        pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        cluster.call("POST", f"{cluster.core}/pods", pod)
        created = cluster.create_virtual_service()
        assert next(events)["object"] == created


def test_selected_objects_come_and_go(cluster, path):
    cluster.create_virtual_service()
    query = {"labelSelector": "team=blue", "resourceVersion": version_of(cluster, path)}
    with cluster.watch(path, **query) as events:
        blue = label(cluster, path, "blue")
        assert next(events) == {"type": "ADDED", "object": blue}
        shifted = shift(cluster, path, 50)
        assert next(events) == {"type": "MODIFIED", "object": shifted}
        red = label(cluster, path, "red")
        gone = next(events)
        assert gone["type"] == "DELETED"
        assert gone["object"]["metadata"]["resourceVersion"] == red["metadata"]["resourceVersion"]
        label(cluster, path, "blue")
        assert next(events)["type"] == "ADDED"


def test_one_object_by_field_selector(cluster, path):
    cluster.create_virtual_service("a")
    wanted = cluster.create_virtual_service("b")
    with cluster.watch(path, fieldSelector="metadata.name=b") as events:
        assert next(events) == {"type": "ADDED", "object": wanted}


def test_metadata_alone(cluster, path):
    created = cluster.create_virtual_service()
    with cluster.watch(path, accept=PARTIAL) as events:
        first = next(events)
        assert first["object"] == {
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": created["metadata"],
        }
        shift(cluster, path, 50)
        assert next(events)["object"]["metadata"]["generation"] == 2


def test_version_of_the_watch_is_that_of_its_objects(cluster):
    cluster.create_virtual_service()
    path = f"/apis/networking.istio.io/v1beta1/namespaces/{cluster.namespace}/virtualservices"
    with cluster.watch(path) as events:
        assert next(events)["object"]["apiVersion"] == "networking.istio.io/v1beta1"


def test_bookmark_before_the_end(cluster, path):
    """It comes where something newer than the watch's beginning has happened, and says how far that was."""
    cluster.create_virtual_service()
    query = {"resourceVersion": version_of(cluster, path), "allowWatchBookmarks": "true", "timeoutSeconds": 4}
    with cluster.watch(path, **query) as events:
        shifted = shift(cluster, path, 50)
        assert next(events)["type"] == "MODIFIED"
        bookmark = next(events)
    assert bookmark["type"] == "BOOKMARK"
    assert (bookmark["object"]["kind"], bookmark["object"]["apiVersion"]) == (
        "VirtualService",
        "networking.istio.io/v1",
    )
    assert int(bookmark["object"]["metadata"]["resourceVersion"]) >= int(shifted["metadata"]["resourceVersion"])


def test_bookmark_of_metadata_alone(cluster, path):
    query = {"resourceVersion": version_of(cluster, path), "allowWatchBookmarks": "true", "timeoutSeconds": 4}
    with cluster.watch(path, accept=PARTIAL, **query) as events:
        created = cluster.create_virtual_service()
        assert next(events)["type"] == "ADDED"
        bookmark = next(events)
    assert (bookmark["type"], bookmark["object"]["kind"]) == ("BOOKMARK", "PartialObjectMetadata")
    known = int(created["metadata"]["resourceVersion"])
    assert int(bookmark["object"]["metadata"]["resourceVersion"]) >= known


def test_end_by_time(cluster, path):
    with cluster.watch(path, timeoutSeconds=1, resourceVersion=version_of(cluster, path)) as events:
        assert list(events) == []


def test_watch_true_is_a_watch_too(cluster, path):
    created = cluster.create_virtual_service()
    with cluster.watch(path, watch="true") as events:
        assert next(events)["object"] == created


def test_watch_false_is_a_list(cluster, path):
    assert cluster.call("GET", path, query={"watch": "false"}).body["kind"] == "VirtualServiceList"


def test_selector_that_is_none(cluster, path):
    answer = cluster.call("GET", path, query={"watch": "1", "labelSelector": "a in"})
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")


INITIAL = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}


def test_state_of_the_beginning_ends_with_a_bookmark(cluster):
    """What `kubectl wait` waits for."""
    cluster.create_virtual_service()
    with cluster.watch(f"{cluster.istio}/virtualservices", **INITIAL) as events:
        first, second = next(events), next(events)
    assert (first["type"], first["object"]["metadata"]["name"]) == ("ADDED", "reviews")
    assert (second["type"], second["object"]["kind"]) == ("BOOKMARK", "VirtualService")
    metadata = second["object"]["metadata"]
    assert metadata["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(metadata["resourceVersion"]) >= int(first["object"]["metadata"]["resourceVersion"])


def test_state_of_the_beginning_has_to_be_asked_for_in_full(cluster):
    query = {"watch": "1", "sendInitialEvents": "true"}
    answer = cluster.call("GET", f"{cluster.istio}/virtualservices", query=query)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert [cause["field"] for cause in answer.body["details"]["causes"]] == ["resourceVersionMatch"]
