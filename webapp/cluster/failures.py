"""What the API server's refusals and broken connections mean, as errors that people can act on.

::

    ClusterError
    ├── StaleVersion     409  the object is no longer at the resourceVersion that the patch was fenced with
    └── Expired          410  the API server no longer has what happened since that resourceVersion
    ClusterUnavailable
    ├── Unreachable           no connection: the request was not sent
    └── NoAnswer              the connection broke or stayed silent: the request may have been carried out
    Forbidden
    └── BadCredentials   401  the API server does not know who this is

These are private to this package, which decides by them; whoever else meets one sees its base.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Mapping
from typing import Any

from urllib3.exceptions import (
    ClosedPoolError,
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from webapp.errors import ClusterError, ClusterUnavailable, CrossfadeError, Forbidden, NotFound, Refused


class StaleVersion(ClusterError):
    """The fence of a patch did not hold: somebody wrote the object since it was read."""


class Expired(ClusterError):
    """A watch or the next page of a list can't go on from where it was: list again."""


class Unreachable(ClusterUnavailable):
    """There was no connection to send a request on."""


class NoAnswer(ClusterUnavailable):
    """The request was sent, and no whole answer came back."""


class BadCredentials(Forbidden):
    """The API server does not accept who we say we are."""


NOBODY = 'User "system:anonymous"'
"""https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests"""

FAILED_CHECK = re.compile(r"^\[-\](\S+) failed", re.MULTILINE)
"""A line of `/livez`. https://kubernetes.io/docs/reference/using-api/health-checks/"""

TOO_LARGE = "Too large resource version"
"""What an API server says that has gone back in time, restored from a backup."""

LACKS = re.compile(
    r'cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)"'
    r'(?: in API group "(?P<group>[^"]*)")?(?: in the namespace "(?P<namespace>[^"]+)")?'
)
"""How Kubernetes' RBAC says what is missing.

https://github.com/kubernetes/apiserver/blob/master/pkg/endpoints/handlers/responsewriters/errors.go
"""


def refusal(code: int, status: Mapping[str, Any]) -> CrossfadeError:
    """Translate an answer that is no success.

    :param code: the HTTP status, or `code` of a Status that a watch carried.
    :param status: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
    """
    message = str(status.get("message") or "").strip() or f"HTTP status {code}"
    raw_details = status.get("details")
    details: Mapping[str, Any] = raw_details if isinstance(raw_details, dict) else {}
    # A webhook may deny with any status, and Istio's does so with 400 and without a reason.
    if code < 500 and "admission webhook" in message and "denied the request" in message:
        return Refused(f"The cluster refused the change: {message}")
    if code == 400 and "strict decoding error" in message:
        return Refused(f"The cluster refused the change: {message}")
    if code == 401:
        return BadCredentials(f"The API server does not accept this dashboard's credentials: {message}.")
    if code == 403 and NOBODY in message:
        return BadCredentials(f"The API server does not know who this dashboard is: it has no credentials. {message}")
    if code == 403:
        return _forbidden(message)
    if code == 404:
        return NotFound(f"The API server has no such thing: {message}")
    if code == 409:
        return StaleVersion(message)
    if code == 410 or TOO_LARGE in message:
        return Expired(message)
    if code == 422:
        return Refused(_invalid(message, details), detail={"causes": _causes(details)})
    if code in {429, 503, 504}:
        return ClusterUnavailable(f"The API server is busy or not ready ({code}): {message}")
    if "failed calling webhook" in message:
        return ClusterError(
            f"A validating webhook of the cluster does not answer, so nothing can be written: {message}"
        )
    if failed := FAILED_CHECK.findall(message):
        return ClusterError(f"The API server is not well: its own check of {' and '.join(failed)} fails.")
    return ClusterError(f"The API server answered with status {code}: {message}")


def lacks_right(error: object) -> bool:
    """Tell whether the API server knows who we are, and does not grant what was asked."""
    return isinstance(error, Forbidden) and not isinstance(error, BadCredentials)


def no_connection(error: BaseException, host: str, *, read_seconds: float) -> ClusterUnavailable:
    """Translate what kept a request from being sent, or its answer from beginning.

    :param error: urllib3's, or what the kubernetes client made of a TLS error.
    :param host: the API server's address, for the message.
    """
    server = f"The API server at {host}"
    if isinstance(error, NameResolutionError):
        return Unreachable(f"{server} does not answer: its name can't be resolved.")
    if isinstance(error, NewConnectionError):
        return Unreachable(f"{server} does not answer: {_reason(error)}.")
    if isinstance(error, ClosedPoolError):
        return Unreachable(f"{server} was not asked: the connection was just closed; try again.")
    if isinstance(error, ConnectTimeoutError):
        return Unreachable(f"{server} does not answer: no connection in time.")
    if isinstance(error, ProxyError):
        return Unreachable(f"{server} can't be reached through the proxy: {_reason(error)}.")
    if isinstance(error, HTTPError) and not isinstance(error, SSLError):
        return no_answer(error, host, read_seconds=read_seconds)
    if isinstance(_innermost(error), ssl.SSLEOFError | ConnectionError):
        # What a load balancer does that has no API server behind it.
        return Unreachable(f"{server} does not answer: the connection broke as soon as it was made.")
    return Unreachable(f"{server} can't be spoken to: {_reason(error)}.")


def no_answer(error: BaseException, host: str, *, read_seconds: float) -> NoAnswer:
    """Translate what happened to a connection on which the request was sent already."""
    if isinstance(error, ReadTimeoutError):
        return NoAnswer(f"The API server at {host} did not answer within {read_seconds:g} s.")
    return NoAnswer(f"The API server at {host} does not answer: the connection broke.")


def not_json(host: str) -> ClusterError:
    """Say that what answered is not a Kubernetes API: a login page, a proxy, another server."""
    return ClusterError(f"What answers at {host} does not speak the Kubernetes API (its answer is not JSON).")


def status_of(body: bytes) -> Mapping[str, Any]:
    """Read the Status in an answer's body; what an intermediary sent instead becomes its message."""
    try:
        status = json.loads(body)
    except ValueError:
        text = body.decode("utf-8", "replace")
        failed = [each for each in text.splitlines() if FAILED_CHECK.match(each)]
        return {"message": "\n".join(failed) or text[:200]}
    return status if isinstance(status, dict) else {}


def _forbidden(message: str) -> Forbidden:
    if not (lacks := LACKS.search(message)):
        return Forbidden(f"The API server forbids this: {message}")
    where = f" in namespace {lacks['namespace']}" if lacks["namespace"] else ""
    detail = {name: value for name, value in lacks.groupdict().items() if value}
    return Forbidden(f"May not {lacks['verb']} {lacks['resource']}{where}: {message}", detail=detail)


def _causes(details: Mapping[str, Any]) -> list[dict[str, str]]:
    causes = details.get("causes")
    return [
        {"field": str(cause.get("field", "")), "message": str(cause.get("message", ""))}
        for cause in (causes if isinstance(causes, list) else [])
        if isinstance(cause, dict)
    ]


def _invalid(message: str, details: Mapping[str, Any]) -> str:
    """Name the fields at fault; a patch that does not fit the object is answered without naming any."""
    if causes := _causes(details):
        fields = "; ".join(f"{cause['field']}: {cause['message']}".lstrip(": ") for cause in causes)
        return f"The cluster refused the change: {fields}"
    if "due to an error in our request" in message:
        return "The cluster refused the change: it does not fit the object as it is stored now. Reload and try again."
    return f"The cluster refused the change: {message}"


def _reason(error: BaseException) -> str:
    """Return the operating system's or TLS' own words, from the innermost error that has some."""
    error = _innermost(error)
    verify = getattr(error, "verify_message", "")
    words = verify or getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)
    return " ".join(str(words).split()).rstrip(".").lower() or type(error).__name__


def _innermost(error: BaseException) -> BaseException:
    while inner := error.__cause__ or next((each for each in error.args if isinstance(each, BaseException)), None):
        error = inner
    return error
