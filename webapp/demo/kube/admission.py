"""What an object must be to be stored: names, the types of the fields that Crossfade relies on, the webhook's rules.

The words are those of Kubernetes 1.37 and of istiod's validating webhook.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from webapp.demo.kube.kinds import JsonObject, Kind
from webapp.demo.kube.status import ApiError, Cause, denied, invalid

WEBHOOK = "rev.validation.istio.io"
INT32 = range(-(2**31), 2**31)

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)

_ROUTE: JsonObject = {"destination": {"host": "string", "subset": "string"}, "weight": "int32", "headers": {}}
_SPECS: Mapping[str, JsonObject] = {
    "destinationrules": {"host": "string", "subsets": [{"name": "string", "labels": {}}]},
    "gateways": {"selector": {}, "servers": [{"hosts": ["string"], "port": {"number": "integer"}}]},
    "serviceentries": {"hosts": ["string"], "ports": [{"number": "integer"}], "endpoints": [{}]},
    "virtualservices": {
        "hosts": ["string"],
        "gateways": ["string"],
        "http": [{"name": "string", "timeout": "string", "match": [{}], "route": [_ROUTE]}],
        "tls": [{"match": [{}], "route": [_ROUTE]}],
        "tcp": [{"match": [{}], "route": [_ROUTE]}],
    },
}
"""The part of each CRD's schema that is checked: {} any object, [x] a list of x, else a type's name."""

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


def check_name(kind: Kind, name: str) -> None:
    """Refuse a name that Kubernetes would refuse.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
    """
    if not name:
        words, reason = "Required value: name or generateName is required", "FieldValueRequired"
        raise invalid(kind, name, [Cause("metadata.name", words, reason)])
    is_label = kind.plural in {"namespaces", "services"}
    pattern, longest, rule = (_LABEL, 63, _LABEL_RULE) if is_label else (_SUBDOMAIN, 253, _SUBDOMAIN_RULE)
    if len(name) > longest:
        rule = f"must be no more than {longest} bytes"
    elif re.fullmatch(pattern, name):
        return
    raise invalid(kind, name, [Cause("metadata.name", f'Invalid value: "{name}": {rule}')])


def check_content(kind: Kind, wanted: JsonObject) -> None:
    """Refuse metadata and spec of wrong types (400, 422), then what istiod's webhook denies (400)."""
    for part in ("labels", "annotations"):
        values = wanted["metadata"].get(part)
        if values is not None and not (isinstance(values, dict) and all(isinstance(v, str) for v in values.values())):
            raise ApiError(
                400, f"json: cannot unmarshal into Go struct field ObjectMeta.metadata.{part} of type string"
            )
    if not kind.is_custom:
        return
    name = str(wanted["metadata"].get("name", ""))
    _drop_nulls(wanted.get("spec"), _SPECS[kind.plural])
    if causes := list(_wrong_types(wanted.get("spec", {}), _SPECS[kind.plural], "spec")):
        raise invalid(kind, name, [*causes, *([_UNCHECKED] if any(map(_is_basic, causes)) else [])])
    if faults := list(_weight_faults(wanted)):
        listed = "".join(f"\n\t* {fault}" for fault in faults)
        words = faults[0] if len(faults) == 1 else f"{len(faults)} errors occurred:{listed}\n\n"
        raise denied(WEBHOOK, f"configuration is invalid: {words}")


def _drop_nulls(value: Any, schema: Any) -> None:
    """Take known fields that are null away, as the API server does before it looks at them."""
    if isinstance(value, dict) and isinstance(schema, dict):
        for key in schema.keys() & value.keys():
            if value[key] is None:
                del value[key]
            else:
                _drop_nulls(value[key], schema[key])
    elif isinstance(value, list) and isinstance(schema, list):
        for item in value:
            _drop_nulls(item, schema[0])


def _wrong_types(value: Any, schema: Any, path: str) -> Iterator[Cause]:
    """Compare with a schema as the API server does with a CRD's."""
    expected = schema if isinstance(schema, str) else _type_name(schema)
    found = _type_name(value)
    if found == "integer" and expected == "int32":
        if int(value) not in INT32:
            yield _not_int32(path)
    elif found != expected:
        shown, wanted = _INT32_WORDS[found] if expected == "int32" else (found, expected)
        words = f'Invalid value: "{shown}": {path} in body must be of type {wanted}: "{shown}"'
        yield Cause(path, words, _BASIC)
        if (found, expected) == ("number", "int32"):
            yield _not_int32(path)
    elif isinstance(schema, list):
        for index, item in enumerate(value):
            yield from _wrong_types(item, schema[0], f"{path}[{index}]")
    elif isinstance(schema, dict):
        for key in (key for key in schema if key in value):
            yield from _wrong_types(value[key], schema[key], f"{path}.{key}")


def _not_int32(path: str) -> Cause:
    # The API server names no field here: its number check knows none.
    return Cause("<nil>", f'Invalid value: "": Checked value must be of type integer with format int32 in {path}')


def _is_basic(cause: Cause) -> bool:
    return cause.reason == _BASIC


def _type_name(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return "integer"
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
    return names.get(type(value), "null")


def _weight_faults(wanted: JsonObject) -> Iterator[str]:
    """Find weights that istiod's webhook denies; a single destination may have any weight from 0."""
    spec = wanted.get("spec", {})
    for route in (route for protocol in ("http", "tls", "tcp") for route in spec.get(protocol, ())):
        weights = [destination.get("weight", 0) for destination in route.get("route", ())]
        yield from (f"weight {weight} < 0" for weight in weights if weight < 0)
        if len(weights) > 1 and sum(weights) == 0:
            yield "total destination weight = 0"
