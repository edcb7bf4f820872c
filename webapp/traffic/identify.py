"""Tell what an answer was, and which version gave it.

Who answered: Envoy's router adds `x-envoy-upstream-service-time` to what an application answered, and nothing of the
kind to what it says itself; the words of its own answers tell the cause. Where no Envoy shows itself in `server`, the
status is taken at its word. A mesh that suppresses Envoy's headers makes the application's 5xx look like the gateway's.
https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#http-headers-set-on-downstream-responses
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import SplitResult, urljoin, urlsplit

from webapp.istio.sampling import SEARCHED
from webapp.traffic.answers import Kind
from webapp.traffic.targets import TAG_HEADER, Identification, Target

PATTERN_LIMIT = SEARCHED
"""Bytes of a body that a regular expression sees.

A route's own pattern is known to be cheap (`istio.regex.search_is_cheap`). A nested repetition such as `(a+)+$` can
stall on 30 characters: whoever may write the settings is trusted not to.
"""


def classify(*, status: int, headers: Mapping[str, str], body: bytes, target: Target) -> tuple[Kind, str | None]:
    """Return an answer's kind, and its version as `target.versions` names it, None where it does not say or is unknown.

    :param headers: by lower-case name.
    :param body: as received, possibly cut; empty where it could not be read.
    """
    return kind_of(status=status, headers=headers, body=body), version_of(headers=headers, body=body, target=target)


def kind_of(*, status: int, headers: Mapping[str, str], body: bytes) -> Kind:
    """Return what an answer with a status was."""
    if 300 <= status < 400:
        return Kind.REDIRECT
    if status in {401, 403}:
        return Kind.DENIED
    if status == 429:
        return Kind.RATE_LIMITED
    if 200 <= status < 300:
        return Kind.OK
    if not 400 <= status < 600:
        return Kind.GATEWAY_ERROR
    if is_envoys_own(headers):
        return _kind_of_envoys_own(status, body)
    return Kind.CLIENT_ERROR if status < 500 else Kind.APP_ERROR


def is_envoys_own(headers: Mapping[str, str]) -> bool:
    """Tell whether Envoy answered by itself, without asking an application."""
    return headers.get("server", "") in {"envoy", "istio-envoy"} and "x-envoy-upstream-service-time" not in headers


def _kind_of_envoys_own(status: int, body: bytes) -> Kind:
    if status == 404 and not body:
        return Kind.NO_ROUTE
    if status == 503 and body in {b"", b"no healthy upstream"}:
        return Kind.NO_HEALTHY_UPSTREAM
    if status == 503 and body.startswith(b"upstream connect error or disconnect/reset before headers"):
        return Kind.UPSTREAM_FAILURE
    if status == 504 and body == b"upstream request timeout":
        return Kind.UPSTREAM_TIMEOUT
    return Kind.GATEWAY_ERROR


def redirected(target: Target, *, status: int, headers: Mapping[str, str]) -> Target | None:
    """Return what a redirect asks for, None where it is none or leads to another host or scheme: nobody asked that.

    https://www.rfc-editor.org/rfc/rfc9110#section-15.4
    """
    if status not in {301, 302, 303, 307, 308} or not headers.get("location"):
        return None
    gateway = urlsplit(target.gateway_url)
    here = f"{gateway.scheme}://{target.host or gateway.netloc}{target.path}"
    try:
        there = urlsplit(urljoin(here, headers["location"]))
        same = _origin(there) == _origin(urlsplit(here))
    except ValueError:
        return None
    method = "GET" if status == 303 and target.method != "HEAD" else target.method
    path = there._replace(scheme="", netloc="", path=there.path or "/", fragment="").geturl()
    return replace(target, method=method, path=path) if same and re.match("/(?!/)", path) else None


def _origin(address: SplitResult) -> tuple[str, str | None, int | None]:
    return address.scheme, address.hostname, address.port or {"http": 80, "https": 443}.get(address.scheme)


def version_of(*, headers: Mapping[str, str], body: bytes, target: Target) -> str | None:
    """Return the version that an answer's report means; the tag is a version's own name, whatever people named."""
    report = report_of(headers=headers, body=body, by=target.identification)
    named = {} if headers.get(TAG_HEADER) else dict(target.identification.names)
    return named.get(report) or target.versions.get(report)


def report_of(*, headers: Mapping[str, str], body: bytes, by: Identification) -> str:
    """Return the first report that an answer makes: tag, header, JSON field, regular expression; empty without one."""
    return (
        headers.get(TAG_HEADER)
        or (by.header and headers.get(by.header.lower()))
        or (by.json_field and _json_report(body, by.json_field))
        or (by.pattern and _pattern_report(body, by.pattern))
        or ""
    )


def _json_report(body: bytes, path: str) -> str:
    if not body.lstrip().startswith(b"{"):
        return ""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    is_name = isinstance(found, str | int | float) and not isinstance(found, bool)
    return str(found) if is_name else ""


def _pattern_report(body: bytes, pattern: str) -> str:
    try:
        found = re.search(pattern, body[:PATTERN_LIMIT].decode(errors="replace"))
    except (re.error, RecursionError, OverflowError):
        return ""
    if not found:
        return ""
    return (found[1] if found.re.groups else found[0]) or ""
