"""How a patch is answered: the table that a shift relies on."""

import pytest

EMPTY_422 = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": "the server rejected our request due to an error in our request",
    "reason": "Invalid",
    "details": {},
    "code": 422,
}
FIRST = "/spec/http/0/route/0/weight"
SECOND = "/spec/http/0/route/1/weight"


@pytest.fixture
def path(cluster):
    cluster.create_virtual_service()
    return f"{cluster.istio}/virtualservices/reviews"


def weights(answer):
    assert answer.status == 200, answer.body
    return [each["weight"] for each in answer.body["spec"]["http"][0]["route"]]


def replace(pointer, value):
    return {"op": "replace", "path": pointer, "value": value}


def test_fenced_shift(cluster, path):
    current = cluster.call("GET", path).body["metadata"]["resourceVersion"]
    fence = replace("/metadata/resourceVersion", current)
    answer = cluster.patch(path, [fence, replace(FIRST, 70), replace(SECOND, 30)])
    assert weights(answer) == [70, 30]
    assert answer.body["metadata"]["generation"] == 2


def test_stale_fence(cluster, path):
    stale = cluster.call("GET", path).body["metadata"]["resourceVersion"]
    cluster.patch(path, [{"op": "add", "path": "/metadata/labels/touched", "value": "yes"}])
    answer = cluster.patch(path, [replace("/metadata/resourceVersion", stale), replace(FIRST, 70)])
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert answer.body["message"] == (
        'Operation cannot be fulfilled on virtualservices.networking.istio.io "reviews": '
        "the object has been modified; please apply your changes to the latest version and try again"
    )
    assert answer.body["details"] == {"name": "reviews", "group": "networking.istio.io", "kind": "virtualservices"}
    assert cluster.call("GET", path).body["spec"]["http"][0]["route"][0]["weight"] == 90


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": FIRST, "value": 89},
        {"op": "replace", "path": "/spec/http/0/route/7/weight", "value": 1},
        {"op": "replace", "path": "/spec/http/3/route/0/weight", "value": 1},
        {"op": "add", "path": "/metadata/annotations/crossfade~1history", "value": "x"},
        {"op": "remove", "path": "/spec/http/0/timeout"},
        {"op": "replace", "path": "/metadata/annotations/crossfade~1history", "value": "x"},
        {"op": "explode", "path": "/spec"},
    ],
    ids=[
        "test fails",
        "no such destination",
        "no such route",
        "no annotations",
        "remove nothing",
        "replace below nothing",
        "?",
    ],
)
def test_operation_that_does_not_fit(cluster, path, operation):
    answer = cluster.patch(path, [replace(SECOND, 11), operation])
    assert (answer.status, answer.body) == (422, EMPTY_422)
    assert weights(cluster.call("GET", path)) == [90, 10]


@pytest.mark.parametrize(
    ("pointer", "value"), [("/spec/http/0/timeout", "1s"), ("/metadata/labels/team", "blue")], ids=["field", "label"]
)
def test_replace_adds_what_is_not_there(cluster, path, pointer, value):
    """Kubernetes leaves this rule of RFC 6902 out, for fields of objects."""
    answer = cluster.patch(path, [replace(pointer, value)])
    assert answer.status == 200
    found = answer.body
    for part in pointer.split("/")[1:]:
        found = found[int(part) if part.isdigit() else part]
    assert found == value


def test_null_is_what_is_not_there(cluster, path):
    answer = cluster.patch(path, [{"op": "test", "path": "/spec/http/0/timeout", "value": None}, replace(FIRST, None)])
    assert answer.status == 200
    assert "weight" not in answer.body["spec"]["http"][0]["route"][0]


def test_annotations_are_added_with_their_parent(cluster, path):
    parent = {"op": "add", "path": "/metadata/annotations", "value": {}}
    answer = cluster.patch(
        path, [parent, {"op": "add", "path": "/metadata/annotations/crossfade~1history", "value": "[]"}]
    )
    assert answer.body["metadata"]["annotations"] == {"crossfade/history": "[]"}


@pytest.mark.parametrize(
    ("weight", "found", "expected"),
    [
        pytest.param("70", "string", "integer", id="string"),
        pytest.param(33.3, "float64", "int32", id="number"),
        pytest.param(True, "", "int32", id="boolean"),
        pytest.param([1], "array", "integer", id="array"),
        pytest.param({"a": 1}, "", "int32", id="object"),
    ],
)
def test_weight_of_a_wrong_type(cluster, path, weight, found, expected):
    answer = cluster.patch(path, [replace(FIRST, weight)])
    field = "spec.http[0].route[0].weight"
    words = f'Invalid value: "{found}": {field} in body must be of type {expected}: "{found}"'
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    first, *others = answer.body["details"].pop("causes")
    assert first == {"reason": "FieldValueTypeInvalid", "message": words, "field": field}
    # What is said beside names no field.
    assert {(each["reason"], each["field"]) for each in others} == {("FieldValueInvalid", "<nil>")}
    listed = ", ".join(f"{each['field']}: {each['message']}" for each in (first, *others))
    assert answer.body["message"] == f'VirtualService.networking.istio.io "reviews" is invalid: [{listed}]'
    assert others[-1]["message"].startswith("Invalid value: null: some validation rules were not checked because")
    assert answer.body["details"] == {"name": "reviews", "group": "networking.istio.io", "kind": "VirtualService"}


@pytest.mark.parametrize("weight", [2**31, -(2**31) - 1, 10**15])
def test_weight_beyond_int32(cluster, path, weight):
    answer = cluster.patch(path, [replace(FIRST, weight)])
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert answer.body["details"]["causes"][0]["field"]
    assert "must be of type integer with format int32 in spec.http[0].route[0].weight" in answer.body["message"]


def test_all_wrong_types_are_named(cluster, path):
    answer = cluster.patch(path, [replace(FIRST, "a"), replace(SECOND, "b")])
    fields = [cause["field"] for cause in answer.body["details"]["causes"]]
    assert fields == ["spec.http[0].route[0].weight", "spec.http[0].route[1].weight", "<nil>"]


@pytest.mark.parametrize(
    ("values", "why"),
    [((-5, 10), "weight -5 < 0"), ((0, 0), "total destination weight = 0")],
    ids=["negative", "all zero"],
)
def test_weights_that_the_webhook_denies(cluster, path, values, why):
    answer = cluster.patch(path, [replace(FIRST, values[0]), replace(SECOND, values[1])])
    assert answer.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f'admission webhook "rev.validation.istio.io" denied the request: configuration is invalid: {why}',
        "code": 400,
    }
    assert weights(cluster.call("GET", path)) == [90, 10]


@pytest.mark.parametrize("pointer", ["/spec/http/0/timeout", "/spec/http/0/retries"], ids=["of a route", "deeper"])
@pytest.mark.parametrize(
    ("written", "why"),
    [
        *(
            (each, f'"{each}": must be a valid duration greater than 1ms')
            for each in ("0s", "0.5ms", "1us", "-1s", "0")
        ),
        *(
            (each, "\"string\": type conversion error from 'string' to 'google.protobuf.Duration'")
            for each in ("", "5", "1 s")
        ),
    ],
)
def test_duration_that_is_none(cluster, path, pointer, written, why):
    deeper = pointer.endswith("retries")
    value = {"attempts": 1, "perTryTimeout": written} if deeper else written
    answer = cluster.patch(path, [{"op": "add", "path": pointer, "value": value}])
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    (cause,) = answer.body["details"]["causes"]
    assert cause["field"] == ("spec.http[0].retries.perTryTimeout" if deeper else "spec.http[0].timeout")
    assert cause["message"].startswith(f"Invalid value: {why}")


@pytest.mark.parametrize("written", ["1ms", "1h30m", "1.5s"])
def test_duration(cluster, path, written):
    assert cluster.patch(path, [{"op": "add", "path": "/spec/http/0/timeout", "value": written}]).status == 200


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"redirect": {"uri": "/x"}}, "HTTP route cannot contain both route and redirect"),
        (
            {"redirect": {"uri": "/x"}, "route": None, "fault": {"abort": {"httpStatus": 500}}},
            "HTTP route cannot contain both fault and redirect",
        ),
        (
            {"rewrite": {"authority": "a"}, "headers": {"request": {"set": {"Host": "b"}}}},
            'authority header cannot be set multiple times: have "a", attempting to set "b"',
        ),
        (
            {"headers": {"request": {"set": {":authority": "a"}, "add": {"host": "b"}}}},
            'authority header cannot be set multiple times: have "a", attempting to set "b"',
        ),
    ],
    ids=["route and redirect", "fault and redirect", "two authorities", "two headers"],
)
def test_route_that_the_webhook_denies(cluster, path, fields, why):
    route = cluster.call("GET", path).body["spec"]["http"][0] | fields
    answer = cluster.patch(path, [replace("/spec/http/0", route)])
    assert (answer.status, answer.body.get("reason")) == (400, None)
    denial = 'admission webhook "rev.validation.istio.io" denied the request: configuration is invalid'
    assert answer.body["message"] == f"{denial}: {why}"


def test_authority_of_a_destination_is_its_own(cluster, path):
    headers = {"op": "add", "path": "/spec/http/0/route/0/headers", "value": {"request": {"set": {"Host": "b"}}}}
    rewrite = {"op": "add", "path": "/spec/http/0/rewrite", "value": {"authority": "a"}}
    assert cluster.patch(path, [headers, rewrite]).status == 200


@pytest.mark.parametrize("values", [(100, 50), (0, 100), (1, 0)], ids=str)
def test_weights_need_no_sum(cluster, path, values):
    answer = cluster.patch(path, [replace(FIRST, values[0]), replace(SECOND, values[1])])
    assert weights(answer) == list(values)


def test_subset_that_no_rule_has_is_accepted(cluster, path):
    answer = cluster.patch(path, [replace("/spec/http/0/route/0/destination/subset", "none")])
    assert answer.status == 200


def test_merge_patch(cluster, path):
    patch = {"metadata": {"annotations": {"a": "1"}, "labels": None}, "spec": {"hosts": ["ratings"]}}
    answer = cluster.call("PATCH", path, patch, content_type="application/merge-patch+json")
    assert (answer.status, answer.body["spec"]["hosts"]) == (200, ["ratings"])
    assert answer.body["metadata"]["annotations"] == {"a": "1"}
    assert "labels" not in answer.body["metadata"]
    assert weights(answer) == [90, 10]


def test_stale_merge_patch(cluster, path):
    patch = {"metadata": {"resourceVersion": "1"}, "spec": {"hosts": ["ratings"]}}
    answer = cluster.call("PATCH", path, patch, content_type="application/merge-patch+json")
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")


def test_strategic_merge_is_for_built_in_kinds(cluster, path):
    strategic = {"content_type": "application/strategic-merge-patch+json"}
    answer = cluster.call("PATCH", path, {"metadata": {"labels": {"a": "b"}}}, **strategic)
    assert (answer.status, answer.body["reason"]) == (415, "UnsupportedMediaType")
    assert answer.body["message"].startswith(
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json"
    )
    namespace = f"/api/v1/namespaces/{cluster.namespace}"
    answer = cluster.call("PATCH", namespace, {"metadata": {"labels": {"a": "b"}}}, **strategic)
    assert (answer.status, answer.body["metadata"]["labels"]["a"]) == (200, "b")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_patch_of_an_unknown_type(cluster, path, content_type):
    answer = cluster.call("PATCH", path, "{}", content_type=content_type)
    assert (answer.status, answer.body["reason"]) == (415, "UnsupportedMediaType")


@pytest.mark.parametrize("body", ["{not json", "[1]", "{}"])
def test_json_patch_that_is_none(cluster, path, body):
    answer = cluster.call("PATCH", path, body, content_type="application/json-patch+json")
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")


def test_merge_patch_that_is_none(cluster, path):
    answer = cluster.call("PATCH", path, "{not json", content_type="application/merge-patch+json")
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
