"""What the API says of objects' fields, and what it does with a field that there is not."""

import json
from importlib.resources import files

import pytest
import yaml

from tests.contract.objects import service

FIELDS = yaml.safe_load((files("webapp.demo.kube") / "schemas.yaml").read_text())
"""What the embedded API takes for the fields of objects."""

PATHS = {
    "Service": ("api/v1", "services"),
    "Pod": ("api/v1", "pods"),
    "Deployment": ("apis/apps/v1", "deployments"),
    "Gateway": ("apis/networking.istio.io/v1", "gateways"),
    "ServiceEntry": ("apis/networking.istio.io/v1", "serviceentries"),
    "DestinationRule": ("apis/networking.istio.io/v1", "destinationrules"),
    "VirtualService": ("apis/networking.istio.io/v1", "virtualservices"),
}
STRICT = {"query": {"fieldValidation": "Strict"}}


def document(cluster, root):
    index = cluster.call("GET", "/openapi/v3").body
    # A real API server calls this one text.
    paths = (json.loads(index) if isinstance(index, str) else index)["paths"]
    return cluster.call("GET", paths[root]["serverRelativeURL"].partition("?")[0]).body


def schema_of(described, kind):
    """The schema of one kind, and the place of all schemas."""
    schemas = described["components"]["schemas"]
    (found,) = (
        each
        for each in schemas.values()
        if any(one["kind"] == kind for one in each.get("x-kubernetes-group-version-kind", ()))
    )
    return found, schemas


def whole(schema, schemas):
    """A schema without references."""
    while "$ref" in schema or "allOf" in schema:
        inner = schema["allOf"][0] if "allOf" in schema else schemas[schema["$ref"].rpartition("/")[2]]
        schema = {**inner, **{key: value for key, value in schema.items() if key not in {"$ref", "allOf"}}}
    return schema


def differences(ours, schema, schemas, path):
    """Where the embedded API's fields are not those of a schema; what is open or any in ours is not looked into."""
    schema = whole(schema, schemas)
    if isinstance(ours, dict):
        fields = schema.get("properties", {})
        if ours and ours.keys() != fields.keys():
            yield path, sorted(ours.keys() ^ fields.keys())
        for name in ours.keys() & fields.keys():
            yield from differences(ours[name], fields[name], schemas, f"{path}.{name}")
        if schema.get("type") != "object":
            yield path, schema.get("type")
    elif isinstance(ours, list):
        *keys, item = ours
        merges = "merge" in schema.get("x-kubernetes-patch-strategy", "")
        if keys != ([schema.get("x-kubernetes-patch-merge-key", "")] if merges else []):
            yield path, keys
        yield from differences(item, schema["items"], schemas, f"{path}[]")
    elif ours != "any":
        wanted = {"int32": ("integer", "int32"), "duration": ("string", None)}.get(ours, (ours, None))
        found = schema.get("type"), schema.get("format")
        if found[0] != wanted[0] or (wanted[1] and found != wanted):
            yield path, found


@pytest.mark.parametrize("kind", PATHS)
def test_fields(cluster, kind):
    root, _ = PATHS[kind]
    found, schemas = schema_of(document(cluster, root), kind)
    properties = found["properties"]
    assert list(differences(FIELDS[kind], properties["spec"], schemas, "spec")) == []
    assert list(differences(FIELDS["metadata"], properties["metadata"], schemas, "metadata")) in (
        [],
        # A CRD's schema does not say what metadata is made of: that is the API server's own.
        [("metadata", sorted(FIELDS["metadata"]))],
    )


@pytest.mark.parametrize("kind", PATHS)
def test_patches_are_validated_by_the_server(cluster, kind):
    """kubectl reads this before it leaves validation to the server."""
    root, plural = PATHS[kind]
    patch = document(cluster, root)["paths"][f"/{root}/namespaces/{{namespace}}/{plural}/{{name}}"]["patch"]
    assert "fieldValidation" in {each["name"] for each in patch["parameters"]}
    assert patch["x-kubernetes-group-version-kind"]["kind"] == kind
    takes = "application/strategic-merge-patch+json" in patch["requestBody"]["content"]
    assert takes == (not root.startswith("apis/networking.istio.io"))


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha3"])
def test_every_version_is_described(cluster, version):
    assert schema_of(document(cluster, f"apis/networking.istio.io/{version}"), "VirtualService")


def virtual_service(**fields):
    route = {"destination": {"host": "reviews"}, **fields}
    spec = {"hosts": ["reviews"], "http": [{"route": [route]}]}
    metadata = {"name": "reviews"}
    return {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": metadata, "spec": spec}


def test_unknown_fields_in_a_strict_create(cluster):
    wanted = virtual_service(wieght=5)
    wanted["spec"]["hots"] = []
    answer = cluster.call("POST", f"{cluster.istio}/virtualservices", wanted, **STRICT)
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
    start, _, listed = answer.body["message"].partition("strict decoding error: ")
    assert start == 'VirtualService in version "v1" cannot be handled as a VirtualService: '
    assert sorted(listed.split(", ")) == [
        'unknown field "spec.hots"',
        'unknown field "spec.http[0].route[0].wieght"',
    ]
    assert cluster.call("GET", f"{cluster.istio}/virtualservices/reviews").status == 404


def test_unknown_field_of_a_built_in_kind(cluster):
    answer = cluster.call("POST", f"{cluster.core}/services", service(portz=[]), **STRICT)
    assert answer.status == 400
    words = 'Service in version "v1" cannot be handled as a Service: strict decoding error: unknown field "spec.portz"'
    assert answer.body["message"] == words


def test_unknown_field_in_a_strict_patch(cluster):
    cluster.call("POST", f"{cluster.istio}/virtualservices", virtual_service())
    path = f"{cluster.istio}/virtualservices/reviews"
    answer = cluster.patch(path, [{"op": "add", "path": "/spec/http/0/timeuot", "value": "1s"}], **STRICT)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert answer.body["message"].startswith(' "" is invalid: patch: Invalid value: "{')
    assert answer.body["message"].endswith('strict decoding error: unknown field "spec.http[0].timeuot"')
    (cause,) = answer.body["details"]["causes"]
    assert (cause["field"], cause["reason"]) == ("patch", "FieldValueInvalid")
    assert cluster.call("GET", path).body["metadata"]["generation"] == 1


def test_without_strictness_unknown_fields_are_dropped(cluster):
    answer = cluster.call("POST", f"{cluster.istio}/virtualservices", virtual_service(wieght=5))
    assert answer.status == 201
    assert answer.body["spec"] == virtual_service()["spec"]
    path = f"{cluster.istio}/virtualservices/reviews"
    patched = cluster.patch(path, [{"op": "add", "path": "/spec/http/0/timeuot", "value": "1s"}])
    assert (patched.status, patched.body["spec"]) == (200, virtual_service()["spec"])
    created = cluster.call("POST", f"{cluster.core}/services", service(portz=[]))
    assert created.status == 201
    assert "portz" not in created.body["spec"]
