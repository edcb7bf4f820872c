"""The patch types that the API takes.

https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-update
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jsonpatch
import jsonpointer

from webapp.demo.kube.kinds import JsonObject, Kind
from webapp.demo.kube.request import Request
from webapp.demo.kube.schemas import schema_of
from webapp.demo.kube.status import ApiError, rejected_patch, unsupported_media_type
from webapp.demo.kube.strategic import strategic_merge

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
MAX_OPERATIONS = 10_000


def patch_types(kind: Kind) -> list[str]:
    """Return the types of patches that a kind takes; strategic merge is for those that no CRD defines."""
    return [JSON_PATCH, MERGE_PATCH, *([] if kind.is_custom else [STRATEGIC_MERGE_PATCH])]


def read_patch(kind: Kind, request: Request) -> Callable[[JsonObject], JsonObject]:
    """Return what the request's patch does to an object, which itself stays as it is; 415, 400 for what is no patch."""
    accepted = patch_types(kind)
    if request.media_type not in accepted:
        raise unsupported_media_type(accepted)
    patch = request.json()
    is_json_patch = request.media_type == JSON_PATCH
    if is_json_patch:
        check_operations(patch)
    elif not isinstance(patch, dict):
        raise ApiError(400, "Invalid JSON Patch")

    def apply(current: JsonObject) -> JsonObject:
        if is_json_patch:
            result = json_patch(current, patch)
        elif request.media_type == MERGE_PATCH:
            result = merge_patch(current, patch)
        else:
            result = strategic_merge(current, patch, schema_of(kind))
        if not isinstance(result, dict) or not isinstance(result.get("metadata"), dict):
            raise rejected_patch()
        return result

    return apply


def check_operations(patch: Any) -> None:
    """Refuse what is no list of operations (400) or too long a one (413)."""
    if not isinstance(patch, list) or not all(isinstance(operation, dict) for operation in patch):
        raise ApiError(400, "json: cannot unmarshal the body into Go value of type jsonpatch.Patch")
    if len(patch) > MAX_OPERATIONS:
        raise ApiError(413, f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(patch)}")


def json_patch(current: Any, operations: Sequence[Mapping[str, Any]]) -> Any:
    """Apply RFC 6902 operations; where one does not fit: 422 without a word why."""
    if not all(isinstance(operation.get(key, ""), str) for operation in operations for key in ("op", "path", "from")):
        raise rejected_patch()
    try:
        result = copy.deepcopy(current)
        for operation in operations:
            result = _applied(result, operation)
        return result
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError, KeyError) as error:
        raise rejected_patch() from error


def _applied(current: Any, operation: Mapping[str, Any]) -> Any:
    """Apply one operation in place, with what Kubernetes' library leaves out of RFC 6902 for fields of objects.

    A `replace` of a field that is not there adds it, and a `test` takes it for null; its parent has to be there.
    https://github.com/evanphx/json-patch
    """
    if operation.get("op") in {"replace", "test"}:
        parent, name = jsonpointer.JsonPointer(operation["path"]).to_last(current)
        if isinstance(parent, dict) and name is not None and name not in parent:
            if operation["op"] == "test" and operation.get("value") is None:
                return current
            operation = {**operation, "op": operation["op"].replace("replace", "add")}
    return jsonpatch.apply_patch(current, [operation], in_place=True)


def merge_patch(current: Any, patch: Any) -> Any:
    """Apply a merge patch (RFC 7386): null removes, objects merge, anything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(current) if isinstance(current, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result
