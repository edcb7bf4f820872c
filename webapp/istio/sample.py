"""A request that a route takes, made from the route's own match; or the reason why none can be made up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from webapp.istio.names import host_matches, resolve_host
from webapp.istio.objects import HttpMatch, HttpRoute, StringMatch, VirtualService
from webapp.istio.words import match_words

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
"""Methods that ask and change nothing: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1"""

LONGEST_HOST = 255
LONGEST_PATH = 1000
LONGEST_HEADERS = 1500
"""Characters of all header lines. Host, path and headers are an address together, and servers bound those to 4 KiB."""

_OWN_WORD = "crossfade-sample"
_MOST_HOSTS = 5
_PATH = re.compile(r"/[!\"$->@-~]*")
_HOST = re.compile(r"[A-Za-z0-9.:_\[\]-]*")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"([!-~]([ -~]*[!-~])?)?")
_QUERY_PART = re.compile(r"[A-Za-z0-9._~-]*")
CONNECTION_HEADERS = frozenset(
    ("host", "connection", "keep-alive", "proxy-connection", "content-length", "transfer-encoding", "te", "trailer")
    + ("upgrade", "expect")
)
"""Headers that say how a message is sent, not what is asked: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1"""


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """A request without a body: `path` with its query, `host` for the Host header, empty for the gateway's address."""

    method: str
    host: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CannotSample:
    """No request can be made up, and why; `example` is whether a person could give one that may be sent."""

    reason: str
    example: bool = False


def sample_request(virtual_service: VirtualService, route: HttpRoute) -> SampleRequest | CannotSample:
    """Make up a request that this route takes, by the first entry of its match that allows one.

    Routes are tried in order and the first that matches takes the request, so one that an earlier route is sure to
    take is no sample; of earlier routes with regular expressions and the like that can't be known here.
    https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-http
    """
    hosts = [_sample_host(host, virtual_service) for host in virtual_service.hosts]
    if not hosts:
        return CannotSample(
            "This VirtualService has no hosts: others delegate to it, so what reaches it is theirs to say."
        )
    reasons: list[str] = []
    matches = route.match or (HttpMatch(),)
    for match in matches:
        if reason := _hopeless(match) or _obstacle(match):
            reasons.append(reason)
            continue
        reasons.append(f"No request that may be sent freely fits this match: {match_words(route)}.")
        for candidate in _candidates(match, hosts[:_MOST_HOSTS], virtual_service):
            taker = _taker(virtual_service, route, candidate)
            if taker is None:
                return candidate
            reasons[-1] = f"Route {taker.index} ({match_words(taker)}) stands before this one and takes its requests."
    return CannotSample(reasons[0], example=not all(map(_hopeless, matches)))


def _sample_host(host: str, virtual_service: VirtualService) -> str:
    if host == "*":
        return ""
    full = resolve_host(host, namespace=virtual_service.metadata.namespace)
    return full.replace("*", "sample", 1)


def _hopeless(match: HttpMatch) -> str:
    """Say why nothing that may be sent from here fulfils a match, empty where something may."""
    if match.gateways and all(gateway == "mesh" for gateway in match.gateways):
        return "This route takes requests from inside of the mesh only."
    if any(name.startswith(":") or name.lower() in CONNECTION_HEADERS for name in match.headers):
        return "This route takes requests by a header that belongs to the connection."
    if match.method and match.method.kind != "regex" and not any(_fits(match.method, each) for each in SAFE_METHODS):
        return f"This route takes {match.method.value} requests, which may change something and are not sent from here."
    return ""


def _obstacle(match: HttpMatch) -> str:
    """Say why no request can be made up for a match, empty where one may."""
    conditions = [match.uri, match.method, match.authority, *match.headers.values(), *match.query_params.values()]
    if match.unknown:
        return f"The match has a condition that is not understood here: {', '.join(match.unknown)}."
    if any(name.startswith("@") for name in match.headers):
        return "This route takes requests by the claims of a signed token."
    if any(condition and condition.kind == "regex" for condition in conditions):
        return "This route takes requests by a regular expression, and none that fits can be made up."
    if match.source_labels or match.source_namespace:
        return "This route takes requests of certain callers inside of the mesh, not those from outside."
    if match.scheme:
        return "This route takes requests by their scheme, which is the gateway's to say."
    return ""


def _candidates(match: HttpMatch, hosts: list[str], virtual_service: VirtualService) -> Iterator[SampleRequest]:
    """Make up requests that a match without an obstacle takes, all of which may be sent as they are."""
    paths = [match.uri.value if match.uri else "/"]
    if match.uri is None or match.uri.kind == "prefix":
        paths = [paths[0] or "/", f"{paths[0].rstrip('/')}/{_OWN_WORD}"]
    authority = match.authority.value if match.authority else ""
    named = any(host_matches(host, authority) for host in virtual_service.hosts)
    method = next(each for each in SAFE_METHODS if _fits(match.method, each))
    headers = {name: _value(condition) for name, condition in match.headers.items()}
    query = "&".join(f"{name}={_value(condition)}" for name, condition in match.query_params.items())
    for path, host in product(paths, [authority] if named else hosts):
        request = SampleRequest(method, host, f"{path}?{query}" if query else path, headers)
        if _PATH.fullmatch(path) and _sendable(request) and _fulfils(match, request):
            yield request


def _sendable(request: SampleRequest) -> bool:
    query = request.path.partition("?")[2]
    return (
        _HOST.fullmatch(request.host) is not None
        and all(map(_QUERY_PART.fullmatch, re.split("[=&]", query)))
        and all(map(_HEADER_NAME.fullmatch, request.headers))
        and all(map(_HEADER_VALUE.fullmatch, request.headers.values()))
    )


def _value(condition: StringMatch) -> str:
    return "1" if condition.kind == "present" else condition.value


def _taker(virtual_service: VirtualService, route: HttpRoute, request: SampleRequest) -> HttpRoute | None:
    """Give the first route before this one that is sure to take a request."""
    for earlier in virtual_service.http[: route.index]:
        if not earlier.match or any(_surely_takes(match, request) for match in earlier.match):
            return earlier
    return None


def _surely_takes(match: HttpMatch, request: SampleRequest) -> bool:
    """Tell whether a match is sure to accept a request, whichever gateway and port it comes through."""
    elsewhere = match.source_labels or match.source_namespace or match.gateways or match.port or match.scheme
    return not elsewhere and not match.unknown and _fulfils(match, request)


def _fulfils(match: HttpMatch, request: SampleRequest) -> bool:
    """Tell whether a request surely fulfils what a match says of requests themselves."""
    path, _, query = request.path.partition("?")
    sent = {name.lower(): value for name, value in request.headers.items()}
    asked = dict(part.partition("=")[::2] for part in query.split("&") if part)
    return (
        _fits(match.uri, path, ignore_case=match.ignore_uri_case)
        and _fits(match.method, request.method)
        and _fits(match.authority, request.host)
        and all(_fits(condition, sent.get(name.lower())) for name, condition in match.headers.items())
        and all(_fits(condition, asked.get(name)) for name, condition in match.query_params.items())
        and all(_lacks(condition, sent.get(name.lower())) for name, condition in match.without_headers.items())
    )


def _fits(condition: StringMatch | None, value: str | None, *, ignore_case: bool = False) -> bool:
    """Tell whether a value surely fits; regular expressions are RE2's and are not tried here."""
    if condition is None or value is None or condition.kind in {"present", "regex"}:
        return condition is None or (value is not None and condition.kind == "present")
    wanted, value = (condition.value.lower(), value.lower()) if ignore_case else (condition.value, value)
    return value == wanted if condition.kind == "exact" else value.startswith(wanted)


def _lacks(condition: StringMatch, value: str | None) -> bool:
    """Tell whether a condition of `withoutHeaders` surely lets a request pass; there an absent header is empty."""
    if condition.kind == "present":
        return value is None
    return condition.kind != "regex" and not _fits(condition, value or "")
