"""What a request asks for, read from its method and address.

https://kubernetes.io/docs/reference/using-api/api-concepts/#standard-api-terminology
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from webapp.demo.kube.kinds import JsonObject, Kind
from webapp.demo.kube.status import ApiError, not_acceptable

VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Request:
    """A request as received, and what it asks for: `resource` is empty where the address is not one of objects.

    `headers` have lower-case names. A Namespace's own requests carry its name in `namespace` too, as RBAC sees them.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    verb: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def full_resource(self) -> str:
        """The resource as RBAC names it: `virtualservices`, `virtualservices/status`."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource

    @property
    def media_type(self) -> str:
        """The body's type without its parameters; JSON where the client names none."""
        return self.headers.get("content-type", "application/json").partition(";")[0].strip().lower()

    @property
    def manager(self) -> str:
        """Who writes, for managedFields: `fieldManager`, else the User-Agent up to its first slash."""
        return self.query.get("fieldManager") or self.headers.get("user-agent", "unknown").partition("/")[0][:128]

    def is_true(self, parameter: str) -> bool:
        """Read a query parameter as the API server reads booleans: present and not `false` or `0`."""
        return self.query.get(parameter, "false").lower() not in {"false", "0"}

    def number(self, parameter: str) -> int | None:
        """Read a whole number of the query, None where it is absent or empty."""
        text = self.query.get(parameter, "")
        if text and not (text.isascii() and text.isdigit() and len(text) < 19):
            raise ApiError(400, f'{parameter}: Invalid value: "{text}": invalid syntax')
        return int(text) if text else None

    def json(self) -> Any:
        """Decode the body, as strictly as Kubernetes: no NaN, no Infinity."""
        try:
            return json.loads(self.body, parse_constant=_refuse, parse_float=_finite)
        except (ValueError, RecursionError) as error:
            raise ApiError(400, f"couldn't get version/kind; json parse error: {error}") from error


def parse_request(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Request:
    """Tell verb, kind and object from method and address."""
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    verb = VERBS.get(method, method.lower())
    plain = Request(method, parts.path, query, headers, body, verb=verb)
    match [unquote(segment) for segment in parts.path.split("/")[1:]]:
        case ["api", version, *rest] if rest:
            group = ""
        case ["apis", group, version, *rest] if rest:
            pass
        case _:
            return plain
    namespace = ""
    match rest:
        case ["namespaces", namespace, resource, *rest] if resource not in {"status", "finalize"}:
            pass
        case [resource, *rest]:
            namespace = rest[0] if resource == "namespaces" and rest else ""
    name, subresource = rest[0] if rest else "", "/".join(rest[1:])
    if verb == "get" and not name:
        verb = "watch" if "watch" in query and plain.is_true("watch") else "list"
    elif verb == "delete" and not name:
        verb = "deletecollection"
    return Request(
        method, parts.path, query, headers, body, verb, group, version, resource, namespace, name, subresource
    )


def form_of(request: Request, partial_kind: str) -> str:
    """Tell in which form the client takes objects: whole (empty), as a "Table", or their metadata alone.

    :param partial_kind: the name of the last form that fits the request; it is returned for it.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
    """
    for clause in request.headers.get("accept", "*/*").split(","):
        media_type, *parameters = (word.strip() for word in clause.split(";"))
        asked = dict(parameter.partition("=")[::2] for parameter in parameters)
        if media_type not in {"application/json", "application/*", "*/*"}:
            continue
        form = asked.get("as", "")
        if form.startswith("PartialObjectMetadata") and asked.get("g") == "meta.k8s.io":
            if form != partial_kind:
                raise not_acceptable(f"you requested {form}, but the requested object is not one")
            return form
        if not form or (form, asked.get("g"), asked.get("v")) == ("Table", "meta.k8s.io", "v1"):
            return form
    raise not_acceptable("only the following media types are accepted: application/json")


def partial(kind: Kind, stored: JsonObject) -> JsonObject:
    """Return an object's metadata alone."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": stored["metadata"]}


def _refuse(constant: str) -> None:
    raise ValueError(f"invalid character in {constant}")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"number {text} is out of range")
    return number
