"""What objects are made of: `schemas.yaml`, and where an object departs from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, TypeAlias

import yaml

from webapp.demo.kube.kinds import JsonObject, Kind
from webapp.demo.kube.status import Cause

Schema: TypeAlias = Any
"""A type's name, [item's schema], [merge key, item's schema], or {field: schema}; {} is any object."""

_FIELDS: dict[str, Schema] = yaml.load(
    (files("webapp.demo.kube") / "schemas.yaml").read_text(encoding="utf-8"),
    Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader),  # noqa: S506  # the one in C takes a tenth of the time
)

INT32 = range(-(2**31), 2**31)
_BASIC = "FieldValueTypeInvalid"
_UNCHECKED = Cause(
    "<nil>",
    "Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation",
)
_INT32_WORDS = {
    **{name: (name, "integer") for name in ("string", "array", "null")},
    **{name: ("", "int32") for name in ("boolean", "object")},
    "number": ("float64", "int32"),
}
"""What is found where an int32 is wanted → how the API server calls the one and the other."""

_OPEN_API = {"int32": {"type": "integer", "format": "int32"}, "duration": {"type": "string"}, "any": {}}
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_DURATION = re.compile(rf"[+-]?(?:0|(?:{_PART.pattern})+)")
_SHORTEST_SECONDS = 0.001
_TOO_SHORT = "must be a valid duration greater than 1ms"


def schema_of(kind: Kind) -> Schema:
    """Return what a kind's objects are made of; {} where only their kind is known."""
    if kind.kind not in _FIELDS:
        return {}
    return {
        "apiVersion": "string",
        "kind": "string",
        "metadata": _FIELDS["metadata"],
        "spec": _FIELDS[kind.kind],
        "status": {},
    }


def known(value: Any, schema: Schema) -> Any:
    """Return a copy without unknown fields, and without known ones that are null: the API server drops both."""
    if isinstance(value, list):
        return [known(item, schema[-1] if isinstance(schema, list) else "any") for item in value]
    if not isinstance(value, dict) or not isinstance(schema, dict) or not schema:
        return value
    return {key: known(each, schema[key]) for key, each in value.items() if key in schema and each is not None}


def unknown_fields(value: Any, schema: Schema) -> Iterator[str]:
    """Name what an object has beside its schema: `spec.hots`, `spec.http[0].rout`."""
    for path, found, fields in _nodes(value, schema, ""):
        if fields and isinstance(fields, dict) and isinstance(found, dict):
            yield from (f"{path}.{key}".lstrip(".") for key in found if key not in fields)


def wrong_values(spec: Any, schema: Schema) -> list[Cause]:
    """Say which values of a spec are of a wrong type; where all types are right, which durations are too short."""
    nodes = list(_nodes(spec, schema, "spec"))
    causes = [cause for path, value, expected in nodes for cause in _wrong_type(path, value, expected)]
    if any(cause.reason == _BASIC for cause in causes):
        return [*causes, _UNCHECKED]
    return causes or [
        cause for path, value, expected in nodes if expected == "duration" for cause in _bad_duration(path, value)
    ]


def open_api(schema: Schema) -> JsonObject:
    """Return a schema as OpenAPI v3 has it, with Kubernetes' extensions for merges.

    https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
    """
    if isinstance(schema, dict):
        fields = {name: open_api(each) for name, each in schema.items()}
        return {"type": "object"} | (
            {"properties": fields} if fields else {"x-kubernetes-preserve-unknown-fields": True}
        )
    if isinstance(schema, list):
        *keys, item = schema
        strategy = {"x-kubernetes-patch-strategy": "merge"} if keys else {}
        key = {"x-kubernetes-patch-merge-key": keys[0]} if any(keys) else {}
        return {"type": "array", "items": open_api(item), **strategy, **key}
    return dict(_OPEN_API.get(schema, {"type": schema}))


def _nodes(value: Any, schema: Schema, path: str) -> Iterator[tuple[str, Any, Schema]]:
    """Walk a value and its schema together, as far as both go."""
    yield path, value, schema
    if isinstance(value, dict) and isinstance(schema, dict):
        for key in (key for key in value if key in schema):
            yield from _nodes(value[key], schema[key], f"{path}.{key}")
    elif isinstance(value, list) and isinstance(schema, list):
        for index, item in enumerate(value):
            yield from _nodes(item, schema[-1], f"{path}[{index}]")


def _wrong_type(path: str, value: Any, schema: Schema) -> Iterator[Cause]:
    """Compare with a type as the API server does with a CRD's."""
    expected = {"duration": "string"}.get(schema, schema) if isinstance(schema, str) else _type_name(schema)
    found = _type_name(value)
    if expected == "any" or found == expected or (found, expected) == ("integer", "number"):
        return
    if (found, expected) == ("integer", "int32"):
        if int(value) not in INT32:
            yield _not_int32(path)
        return
    shown, wanted = _INT32_WORDS[found] if expected == "int32" else (found, expected)
    yield Cause(path, f'Invalid value: "{shown}": {path} in body must be of type {wanted}: "{shown}"', _BASIC)
    if (found, expected) == ("number", "int32"):
        yield _not_int32(path)


def _not_int32(path: str) -> Cause:
    # The API server names no field here: its number check knows none.
    return Cause("<nil>", f'Invalid value: "": Checked value must be of type integer with format int32 in {path}')


def _bad_duration(path: str, written: str) -> Iterator[Cause]:
    """Judge a duration as the rule in Istio's CRDs does."""
    if not _DURATION.fullmatch(written):
        why = f"type conversion error from 'string' to 'google.protobuf.Duration' evaluating rule: {_TOO_SHORT}"
        yield Cause(path, f'Invalid value: "string": {why}')
    elif written[0] == "-" or sum(float(n) * _UNITS[unit] for n, unit in _PART.findall(written)) < _SHORTEST_SECONDS:
        yield Cause(path, f'Invalid value: "{written}": {_TOO_SHORT}')


def _type_name(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return "integer"
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
    return names.get(type(value), "null")
