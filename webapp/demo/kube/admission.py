"""What an object must be to be stored: names, the types of the fields that Crossfade relies on, the webhook's rules.

The words are those of Kubernetes 1.37 and of istiod's validating webhook.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from webapp.demo.kube.kinds import JsonObject, Kind
from webapp.demo.kube.schemas import known, schema_of, unknown_fields, wrong_values
from webapp.demo.kube.status import ApiError, Cause, denied, invalid, unnamed_invalid

WEBHOOK = "rev.validation.istio.io"

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


def check_fields(kind: Kind, wanted: JsonObject, *, is_patched: bool) -> None:
    """Refuse fields that the kind does not have: 400, and for the result of a patch 422.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation
    """
    unknown = ", ".join(f'unknown field "{path}"' for path in unknown_fields(wanted, schema_of(kind)))
    if not unknown:
        return
    if not is_patched:
        raise ApiError(400, f"{_cannot(kind, wanted)}: strict decoding error: {unknown}")
    shown = json.dumps(json.dumps(wanted, separators=(",", ":"), sort_keys=True))
    raise unnamed_invalid(Cause("patch", f"Invalid value: {shown}: strict decoding error: {unknown}"))


def check_content(kind: Kind, wanted: JsonObject) -> JsonObject:
    """Return the object as it may be stored: without unknown fields, and without known ones that are null.

    Refuses metadata and spec of wrong types (400, 422), then what istiod's webhook denies (400).
    """
    for part in ("labels", "annotations"):
        values = wanted["metadata"].get(part)
        if values is not None and not (isinstance(values, dict) and all(isinstance(v, str) for v in values.values())):
            raise ApiError(
                400, f"json: cannot unmarshal into Go struct field ObjectMeta.metadata.{part} of type string"
            )
    schema = schema_of(kind)
    if not schema:
        return wanted
    kept: JsonObject = known(wanted, schema)
    name = str(kept["metadata"].get("name", ""))
    if causes := wrong_values(kept.get("spec", {}), schema["spec"]):
        if kind.is_custom:
            raise invalid(kind, name, causes)
        raise ApiError(400, f"{_cannot(kind, wanted)}: json: {causes[0].message}")
    if kind.plural == "virtualservices" and (faults := list(denials(kept.get("spec", {})))):
        listed = "".join(f"\n\t* {fault}" for fault in faults)
        words = faults[0] if len(faults) == 1 else f"{len(faults)} errors occurred:{listed}\n\n"
        raise denied(WEBHOOK, f"configuration is invalid: {words}")
    return kept


def _cannot(kind: Kind, wanted: JsonObject) -> str:
    version = str(wanted["apiVersion"]).rpartition("/")[2]
    return f'{kind.kind} in version "{version}" cannot be handled as a {kind.kind}'


def denials(spec: JsonObject) -> Iterator[str]:
    """Find what istiod's webhook denies in a VirtualService, as far as it is known here."""
    for route in spec.get("http", ()):
        if "redirect" in route:
            yield from (
                f"HTTP route cannot contain both {each} and redirect" for each in ("route", "fault") if route.get(each)
            )
        changes = route.get("headers", {}).get("request", {})
        authority = route.get("rewrite", {}).get("authority")
        for name, value in (*changes.get("set", {}).items(), *changes.get("add", {}).items()):
            if name.lower() in {"host", ":authority"}:
                if authority:
                    twice = f'have "{authority}", attempting to set "{value}"'
                    yield f"authority header cannot be set multiple times: {twice}"
                authority = value
    for route in (route for protocol in ("http", "tls", "tcp") for route in spec.get(protocol, ())):
        # A single destination may have any weight from 0.
        weights = [destination.get("weight", 0) for destination in route.get("route", ())]
        yield from (f"weight {weight} < 0" for weight in weights if weight < 0)
        if len(weights) > 1 and sum(weights) == 0:
            yield "total destination weight = 0"
