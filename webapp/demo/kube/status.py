"""Failures as a Kubernetes API server words them.

The shape: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from webapp.demo.kube.kinds import JsonObject, Kind

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"

WORDS: Mapping[int, tuple[str, str]] = {
    400: ("BadRequest", "the server rejected our request for an unknown reason"),
    401: ("Unauthorized", "Unauthorized"),
    404: ("NotFound", "the server could not find the requested resource"),
    405: ("MethodNotAllowed", "the server does not allow this method on the requested resource"),
    409: ("Conflict", "the server reported a conflict"),
    410: ("Expired", "The resourceVersion for the provided list is too old."),
    413: ("RequestEntityTooLarge", "Request entity too large: limit is 3145728"),
    422: ("Invalid", "the server rejected our request due to an error in our request"),
    429: ("TooManyRequests", "Too many requests, please try again later."),
    500: ("InternalError", "Internal error occurred: told to"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: ("Timeout", "Timeout: request did not complete within the allotted timeout"),
}


class ApiError(Exception):
    """An answer that is a failure; `body` is its Status."""

    def __init__(
        self,
        code: int,
        message: str = "",
        *,
        reason: str | None = None,
        details: JsonObject | None = None,
        metadata: JsonObject | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        usual_reason, usual_message = WORDS.get(code, ("", "unknown"))
        reason = usual_reason if reason is None else reason
        self.code = code
        self.headers = dict(headers or {})
        self.body: JsonObject = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": metadata or {},
            "status": "Failure",
            "message": message or usual_message,
            **({"reason": reason} if reason else {}),
            **({} if details is None else {"details": details}),
            "code": code,
        }
        super().__init__(self.body["message"])


class PageNotFound(Exception):
    """An address that no API group has: Kubernetes answers it with a line of text, not with a Status."""


class Dropped(Exception):
    """The connection ends here without a (complete) answer."""


class Cause(NamedTuple):
    """What is wrong with one field, for `details.causes`."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"


def object_details(kind: Kind, name: str) -> JsonObject:
    """Name an object as `details` do: by its plural."""
    named = {"name": name, "group": kind.group, "kind": kind.plural}
    return {key: value for key, value in named.items() if value}


def not_found(kind: Kind, name: str) -> ApiError:
    """404: no such object."""
    return ApiError(404, f'{kind.group_resource} "{name}" not found', details=object_details(kind, name))


def already_exists(kind: Kind, name: str) -> ApiError:
    """409 to a create."""
    message = f'{kind.group_resource} "{name}" already exists'
    return ApiError(409, message, reason="AlreadyExists", details=object_details(kind, name))


def conflict(kind: Kind, name: str, why: str = MODIFIED) -> ApiError:
    """409 to a write that was fenced with another state of the object."""
    message = f'Operation cannot be fulfilled on {kind.group_resource} "{name}": {why}'
    return ApiError(409, message, details=object_details(kind, name))


def invalid(kind: Kind, name: str, causes: Sequence[Cause], *, by_plural: bool = False) -> ApiError:
    """422 that names fields. The fence's own complaint is worded with the plural, all others with the kind."""
    words = [f"{cause.field}: {cause.message}" for cause in causes]
    message = f'{kind.group_resource if by_plural else kind.group_kind} "{name}" is invalid: '
    details = object_details(kind, name) | {
        "kind": kind.plural if by_plural else kind.kind,
        "causes": [{"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes],
    }
    return ApiError(422, message + (words[0] if len(words) == 1 else f"[{', '.join(words)}]"), details=details)


def unnamed_invalid(cause: Cause, *, group: str = "", kind: str = "") -> ApiError:
    """422 about something that has no name: options of a request, the result of a patch."""
    whose = f"{kind}.{group}" if group else kind
    causes = [{"reason": cause.reason, "message": cause.message, "field": cause.field}]
    named = {"group": group, "kind": kind} if kind else {}
    message = f'{whose} "" is invalid: {cause.field}: {cause.message}'
    return ApiError(422, message, details=named | {"causes": causes})


def rejected_patch() -> ApiError:
    """422 without a word why: a `test` failed, or a path does not exist."""
    return ApiError(422, details={})


def denied(webhook: str, why: str) -> ApiError:
    """400 from an admission webhook: without a reason."""
    return ApiError(400, f'admission webhook "{webhook}" denied the request: {why}', reason="")


def forbidden(user: str, verb: str, kind: Kind, resource: str, namespace: str, name: str) -> ApiError:
    """403 in RBAC's words; `resource` is the plural, with the subresource where there is one."""
    subject = f'{kind.group_resource} "{name}"' if name else kind.group_resource
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    cannot = f'User "{user}" cannot {verb} resource "{resource}" in API group "{kind.group}" {where}'
    message = f"{subject} is forbidden: {cannot}"
    return ApiError(403, message, reason="Forbidden", details=object_details(kind, name))


def unsupported_media_type(accepted: Sequence[str]) -> ApiError:
    """415: a body of a type that this address does not take."""
    types = ", ".join(accepted)
    message = f"the body of the request was in an unknown format - accepted media types include: {types}"
    return ApiError(415, message, reason="UnsupportedMediaType")


def not_acceptable(message: str) -> ApiError:
    """406: an answer of none of the types that the client takes."""
    return ApiError(406, message, reason="NotAcceptable")


def too_old(revision: int, oldest: int) -> ApiError:
    """410: the event log no longer reaches back that far."""
    return ApiError(410, f"too old resource version: {revision} ({oldest})")
