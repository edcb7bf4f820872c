"""What the API says of its writes and of its objects' fields, as OpenAPI v3.

kubectl looks here for `fieldValidation` before it applies, and for the fields that it explains.
https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3
"""

from __future__ import annotations

from webapp.demo.kube.kinds import JsonObject, Kind
from webapp.demo.kube.patches import patch_types
from webapp.demo.kube.schemas import open_api, schema_of

WRITE_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation")


def index(group_versions: list[str]) -> JsonObject:
    """Say where each group's version is described: `apis/apps/v1`, `api/v1`."""
    return {"paths": {each: {"serverRelativeURL": f"/openapi/v3/{each}"} for each in group_versions}}


def document(version: str, kinds: list[Kind]) -> JsonObject:
    """Describe the kinds of one version of an API group."""
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.37.2"},
        "paths": {path: operations for kind in kinds for path, operations in _paths(kind, version)},
        "components": {"schemas": {_schema_name(kind, version): _schema(kind, version) for kind in kinds}},
    }


def _paths(kind: Kind, version: str) -> list[tuple[str, JsonObject]]:
    where = "namespaces/{namespace}/" if kind.namespaced else ""
    root = f"/{kind.root(version)}/{where}{kind.plural}"
    one = {verb: _operation(kind, version, verb) for verb in ("get", "patch", "put", "delete")}
    many = {verb: _operation(kind, version, verb) for verb in ("get", "post")}
    return [(root, many), (f"{root}/{{name}}", one)]


def _operation(kind: Kind, version: str, verb: str) -> JsonObject:
    body = {"schema": {"$ref": f"#/components/schemas/{_schema_name(kind, version)}"}}
    described: JsonObject = {
        "responses": {"200": {"description": "OK", "content": {"application/json": body}}},
        "x-kubernetes-group-version-kind": _type(kind, version),
    }
    if verb in {"patch", "post", "put"}:
        types = patch_types(kind) if verb == "patch" else ["application/json"]
        described["requestBody"] = {"content": {each: body if verb != "patch" else {} for each in types}}
        described["parameters"] = [
            {"name": name, "in": "query", "schema": {"type": "string"}} for name in WRITE_PARAMETERS
        ]
    return described


def _type(kind: Kind, version: str) -> JsonObject:
    return {"group": kind.group, "version": version, "kind": kind.kind}


def _schema_name(kind: Kind, version: str) -> str:
    return ".".join([*reversed((kind.group or "core").split(".")), version, kind.kind])


def _schema(kind: Kind, version: str) -> JsonObject:
    return open_api(schema_of(kind)) | {"x-kubernetes-group-version-kind": [_type(kind, version)]}
