"""Objects one at a time: create, read, update, delete."""

import copy
import re

import pytest

PODS = {"metadata": {"name": "web-1", "labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}


def status(code, reason, message, details=None):
    """The whole body of a failure."""
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "code": code,
    }
    return body | ({"reason": reason} if reason else {}) | ({} if details is None else {"details": details})


def named(cluster, name):
    return {"name": name, "group": "networking.istio.io", "kind": "virtualservices"}


def test_created_object_gets_the_servers_metadata(cluster):
    created = cluster.create_virtual_service()
    metadata = created["metadata"]
    assert (created["apiVersion"], created["kind"]) == ("networking.istio.io/v1", "VirtualService")
    assert (metadata["name"], metadata["namespace"]) == ("reviews", cluster.namespace)
    assert metadata["generation"] == 1
    assert re.fullmatch(r"[0-9a-f-]{36}", metadata["uid"])
    assert re.fullmatch(r"[1-9][0-9]*", metadata["resourceVersion"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", metadata["creationTimestamp"])
    assert cluster.call("GET", f"{cluster.istio}/virtualservices/reviews").body == created


def test_name_can_be_generated(cluster):
    answer = cluster.call("POST", f"{cluster.core}/pods", PODS | {"metadata": {"generateName": "web-"}})
    assert re.fullmatch(r"web-[a-z0-9]{5}", answer.body["metadata"]["name"])


def test_create_of_what_exists(cluster):
    created = cluster.create_virtual_service()
    del created["metadata"]["resourceVersion"]
    answer = cluster.call("POST", f"{cluster.istio}/virtualservices", created)
    message = 'virtualservices.networking.istio.io "reviews" already exists'
    assert answer.body == status(409, "AlreadyExists", message, named(cluster, "reviews"))


def test_missing_object(cluster):
    answer = cluster.call("GET", f"{cluster.istio}/virtualservices/none")
    assert answer.status == 404
    message = 'virtualservices.networking.istio.io "none" not found'
    assert answer.body == status(404, "NotFound", message, named(cluster, "none"))


def test_missing_core_object(cluster):
    answer = cluster.call("GET", f"{cluster.core}/pods/none")
    assert answer.body == status(404, "NotFound", 'pods "none" not found', {"name": "none", "kind": "pods"})


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_write_to_a_missing_object(cluster, method):
    body = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "none"}, "spec": {}}
    options = {"content_type": "application/merge-patch+json"} if method == "PATCH" else {}
    sent = None if method == "DELETE" else body
    answer = cluster.call(method, f"{cluster.istio}/virtualservices/none", sent, **options)
    assert (answer.status, answer.body["reason"]) == (404, "NotFound")


def test_delete_with_an_object_as_its_body(cluster):
    created = cluster.create_virtual_service()
    path = f"{cluster.istio}/virtualservices/reviews"
    answer = cluster.call("DELETE", path, created)
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
    words = 'no kind "VirtualService" is registered for version "networking.istio.io/v1" in scheme'
    assert answer.body["message"].startswith(words)
    assert cluster.call("GET", path).body == created


def test_create_in_a_missing_namespace(cluster):
    answer = cluster.call("POST", "/api/v1/namespaces/none-such/pods", PODS)
    message = 'namespaces "none-such" not found'
    assert answer.body == status(404, "NotFound", message, {"name": "none-such", "kind": "namespaces"})


@pytest.mark.parametrize("version", ["v1beta1", "v1alpha3"])
def test_one_object_under_all_versions(cluster, version):
    created = cluster.create_virtual_service()
    path = f"/apis/networking.istio.io/{version}/namespaces/{cluster.namespace}/virtualservices/reviews"
    seen = cluster.call("GET", path).body
    assert seen["apiVersion"] == f"networking.istio.io/{version}"
    assert (seen["metadata"]["uid"], seen["spec"]) == (created["metadata"]["uid"], created["spec"])
    replace = [{"op": "replace", "path": "/spec/http/0/route/0/weight", "value": 60}]
    assert cluster.patch(path, replace).status == 200
    stored = cluster.call("GET", f"{cluster.istio}/virtualservices/reviews").body
    assert [each["weight"] for each in stored["spec"]["http"][0]["route"]] == [60, 10]


@pytest.mark.parametrize(
    ("plural", "kind", "name"),
    [
        ("virtualservices", "VirtualService.networking.istio.io", "Reviews"),
        ("virtualservices", "VirtualService.networking.istio.io", "a_b"),
        ("virtualservices", "VirtualService.networking.istio.io", "x" * 254),
    ],
    ids=["capital", "underscore", "too long"],
)
def test_bad_name(cluster, plural, kind, name):
    wanted = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": name}, "spec": {}}
    answer = cluster.call("POST", f"{cluster.istio}/{plural}", wanted)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert answer.body["message"].startswith(f'{kind} "{name}" is invalid: metadata.name: Invalid value: "{name}": ')
    assert [cause["field"] for cause in answer.body["details"]["causes"]] == ["metadata.name"]
    assert answer.body["details"]["kind"] == "VirtualService"


def test_missing_name(cluster):
    answer = cluster.call("POST", f"{cluster.core}/pods", PODS | {"metadata": {}})
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert "name or generateName is required" in answer.body["message"]


def test_update_replaces_and_counts_generations(cluster):
    created = cluster.create_virtual_service()
    wanted = copy.deepcopy(created)
    wanted["spec"]["hosts"] = ["ratings"]
    answer = cluster.call("PUT", f"{cluster.istio}/virtualservices/reviews", wanted)
    updated = answer.body
    assert (answer.status, updated["spec"]["hosts"], updated["metadata"]["generation"]) == (200, ["ratings"], 2)
    assert int(updated["metadata"]["resourceVersion"]) > int(created["metadata"]["resourceVersion"])
    for kept in ("uid", "creationTimestamp", "name", "namespace"):
        assert updated["metadata"][kept] == created["metadata"][kept]


def test_update_with_a_stale_resource_version(cluster):
    created = cluster.create_virtual_service()
    wanted = copy.deepcopy(created)
    wanted["spec"]["hosts"] = ["ratings"]
    path = f"{cluster.istio}/virtualservices/reviews"
    assert cluster.call("PUT", path, wanted).status == 200
    answer = cluster.call("PUT", path, wanted)
    assert answer.body == status(
        409,
        "Conflict",
        'Operation cannot be fulfilled on virtualservices.networking.istio.io "reviews": '
        "the object has been modified; please apply your changes to the latest version and try again",
        named(cluster, "reviews"),
    )


def test_update_of_istios_kinds_needs_a_resource_version(cluster):
    created = cluster.create_virtual_service()
    del created["metadata"]["resourceVersion"]
    answer = cluster.call("PUT", f"{cluster.istio}/virtualservices/reviews", created)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert [cause["field"] for cause in answer.body["details"]["causes"]] == ["metadata.resourceVersion"]
    assert "must be specified for an update" in answer.body["message"]


def test_update_of_built_in_kinds_may_be_unconditional(cluster):
    created = cluster.call("POST", f"{cluster.core}/pods", PODS).body
    del created["metadata"]["resourceVersion"]
    created["metadata"]["labels"] = {"app": "other"}
    answer = cluster.call("PUT", f"{cluster.core}/pods/web-1", created)
    assert (answer.status, answer.body["metadata"]["labels"]) == (200, {"app": "other"})


def test_update_under_another_name(cluster):
    created = cluster.create_virtual_service()
    created["metadata"]["name"] = "other"
    answer = cluster.call("PUT", f"{cluster.istio}/virtualservices/reviews", created)
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
    assert "the name of the object (other) does not match the name on the URL (reviews)" in answer.body["message"]


def test_write_that_changes_nothing(cluster):
    created = cluster.create_virtual_service()
    path = f"{cluster.istio}/virtualservices/reviews"
    same = cluster.patch(path, [{"op": "replace", "path": "/spec/http/0/route/0/weight", "value": 90}])
    assert same.body == created
    assert cluster.call("PUT", path, created).body == created


def test_metadata_is_no_new_generation(cluster):
    created = cluster.create_virtual_service()
    path = f"{cluster.istio}/virtualservices/reviews"
    answer = cluster.patch(path, [{"op": "add", "path": "/metadata/annotations", "value": {"note": "x"}}])
    assert answer.body["metadata"]["annotations"] == {"note": "x"}
    assert answer.body["metadata"]["generation"] == 1
    assert answer.body["metadata"]["resourceVersion"] != created["metadata"]["resourceVersion"]


def test_status_is_written_by_its_subresource_alone(cluster):
    cluster.create_virtual_service()
    path = f"{cluster.istio}/virtualservices/reviews"
    conditions = {"conditions": [{"type": "Reconciled", "status": "True"}]}
    merge = {"content_type": "application/merge-patch+json"}
    ignored = cluster.call("PATCH", path, {"status": conditions}, **merge)
    assert (ignored.status, ignored.body.get("status")) == (200, None)
    answer = cluster.call("PATCH", f"{path}/status", {"status": conditions, "spec": {"hosts": ["other"]}}, **merge)
    assert (answer.status, answer.body["status"]) == (200, conditions)
    assert (answer.body["spec"]["hosts"], answer.body["metadata"]["generation"]) == (["reviews"], 1)
    replaced = cluster.call("PUT", f"{path}/status", answer.body | {"status": {"conditions": []}})
    assert replaced.body["status"] == {"conditions": []}
    assert cluster.call("GET", f"{path}/status").body == replaced.body


def test_delete(cluster):
    created = cluster.create_virtual_service()
    path = f"{cluster.istio}/virtualservices/reviews"
    answer = cluster.call("DELETE", path)
    assert answer.status == 200
    assert answer.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": named(cluster, "reviews") | {"uid": created["metadata"]["uid"]},
    }
    assert cluster.call("GET", path).status == 404


@pytest.mark.parametrize("operation", ["create", "update", "patch", "delete"])
def test_dry_run_stores_nothing(cluster, operation):
    created = cluster.create_virtual_service()
    path = f"{cluster.istio}/virtualservices/reviews"
    dry = {"query": {"dryRun": "All"}}
    changed = copy.deepcopy(created)
    changed["spec"]["http"][0]["route"][0]["weight"] = 50
    if operation == "create":
        fresh = changed | {"metadata": {"name": "other"}}
        answer = cluster.call("POST", f"{cluster.istio}/virtualservices", fresh, **dry)
        assert (answer.status, answer.body["metadata"]["name"]) == (201, "other")
        assert cluster.call("GET", f"{cluster.istio}/virtualservices/other").status == 404
    elif operation == "update":
        answer = cluster.call("PUT", path, changed, **dry)
        assert answer.body["spec"] == changed["spec"]
    elif operation == "patch":
        replace = [{"op": "replace", "path": "/spec/http/0/route/0/weight", "value": 50}]
        answer = cluster.patch(path, replace, **dry)
        assert answer.body["spec"] == changed["spec"]
    else:
        assert cluster.call("DELETE", path, **dry).status == 200
    assert cluster.call("GET", path).body == created


def test_dry_run_of_an_unknown_kind(cluster):
    created = cluster.create_virtual_service()
    path = f"{cluster.istio}/virtualservices/reviews"
    replace = [{"op": "replace", "path": "/spec/http/0/route/0/weight", "value": 50}]
    answer = cluster.patch(path, replace, query={"dryRun": "all"})
    words = 'Unsupported value: ["all"]: supported values: "All"'
    assert answer.status == 422
    assert answer.body["message"] == f'PatchOptions.meta.k8s.io "" is invalid: dryRun: {words}'
    assert answer.body["details"]["causes"] == [
        {"reason": "FieldValueNotSupported", "message": words, "field": "dryRun"}
    ]
    assert cluster.call("GET", path).body == created


def test_dry_run_is_judged_as_strictly(cluster):
    cluster.create_virtual_service()
    path = f"{cluster.istio}/virtualservices/reviews"
    replace = [{"op": "replace", "path": "/spec/http/0/route/0/weight", "value": -5}]
    assert cluster.patch(path, replace, query={"dryRun": "All"}).status == 400


def test_method_that_an_address_does_not_take(cluster):
    answer = cluster.call("PUT", f"{cluster.core}/pods", PODS)
    message = "the server does not allow this method on the requested resource"
    assert answer.body == status(405, "MethodNotAllowed", message, {})


@pytest.mark.parametrize(
    ("body", "code"),
    [("{not json", 400), ("[]", 400), ("", 400), ('{"apiVersion": "v2", "kind": "Pod", "metadata": {}}', 400)],
    ids=["no json", "no object", "nothing", "another version"],
)
def test_body_that_is_no_pod(cluster, body, code):
    answer = cluster.call("POST", f"{cluster.core}/pods", body)
    assert (answer.status, answer.body["reason"]) == (code, "BadRequest")


def test_body_of_an_unknown_type(cluster):
    answer = cluster.call("POST", f"{cluster.core}/pods", "name: x", content_type="text/plain")
    assert (answer.status, answer.body["reason"]) == (415, "UnsupportedMediaType")


def test_manager_is_named_with_what_it_changed(cluster):
    cluster.create_virtual_service()
    path = f"{cluster.istio}/virtualservices/reviews"
    replace = [{"op": "replace", "path": "/spec/http/0/route/0/weight", "value": 50}]
    answer = cluster.patch(path, replace, query={"fieldManager": "crossfade", "fieldValidation": "Strict"})
    entries = {entry["manager"]: entry for entry in answer.body["metadata"]["managedFields"]}
    ours = entries["crossfade"]
    assert (ours["operation"], ours["fieldsType"]) == ("Update", "FieldsV1")
    assert ours["apiVersion"] == "networking.istio.io/v1"
    assert "f:http" in ours["fieldsV1"]["f:spec"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", ours["time"])


def test_list_goes_over_to_whoever_wrote_it_last(cluster):
    cluster.create_virtual_service()
    path = f"{cluster.istio}/virtualservices/reviews"
    replace = [{"op": "replace", "path": "/spec/http/0/route/0/weight", "value": 50}]
    answer = cluster.patch(path, replace, query={"fieldManager": "crossfade"})
    entries = {entry["manager"]: entry["fieldsV1"] for entry in answer.body["metadata"]["managedFields"]}
    creator = next(fields for manager, fields in entries.items() if manager != "crossfade")
    assert "f:hosts" in creator["f:spec"]
    assert "f:http" not in creator["f:spec"]


def test_without_a_manager_the_user_agent_counts(cluster):
    created = cluster.create_virtual_service()
    assert [entry["manager"] for entry in created["metadata"]["managedFields"]] == ["OpenAPI-Generator"]
