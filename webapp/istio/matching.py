"""Whether a request fulfils a route's match, with the reason in words; where that can't be told, it says so.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from webapp.istio.names import gateway_key
from webapp.istio.objects import HttpMatch, HttpRoute, StringMatch, VirtualService
from webapp.istio.regex import full_match
from webapp.istio.words import condition_words, match_words


@dataclass(frozen=True, slots=True)
class Request:
    """A request that a route is looked for.

    :param path: without the query, which is in `query` (`a=1&b=2`); a path with a `?` is divided there.
    :param port: at which the proxy is asked, None where that is not known.
    :param source_labels: of the calling pod, None where that is not known; `source_namespace` likewise, empty.
    """

    method: str = "GET"
    scheme: str = "http"
    host: str = ""
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    port: int | None = None
    source_labels: Mapping[str, str] | None = None
    source_namespace: str = ""


class Finding(NamedTuple):
    """Whether something holds (None: it can't be decided here), and why."""

    holds: bool | None
    because: str


def judge_route(virtual_service: VirtualService, route: HttpRoute, request: Request, *, gateway: str) -> Finding:
    """Tell whether a route takes a request that arrives at a gateway, `namespace/name` or `mesh`.

    All conditions of one entry of `match` hold together; the entries are alternatives.
    """
    if not route.match:
        return Finding(True, "it has no match, so it takes everything")
    return judge_matches(virtual_service, route.match, request, gateway=gateway)


def judge_matches(
    virtual_service: VirtualService, matches: tuple[HttpMatch, ...], request: Request, *, gateway: str
) -> Finding:
    """Tell whether one of several alternative matches holds; the words of those that don't are joined."""
    findings = [_judge(virtual_service, match, request, gateway) for match in matches]
    for wanted in (True, None):
        for finding in findings:
            if finding.holds is wanted:
                return finding
    return Finding(False, "; ".join(dict.fromkeys(finding.because for finding in findings)))


def _judge(virtual_service: VirtualService, match: HttpMatch, request: Request, gateway: str) -> Finding:
    undecided: Finding | None = None
    for finding in _conditions(virtual_service, match, request, gateway):
        if finding.holds is False:
            return finding
        if finding.holds is None:
            undecided = undecided or finding
    return undecided or Finding(True, match_words(HttpRoute(0, match=(match,))))


def _conditions(virtual_service: VirtualService, match: HttpMatch, request: Request, gateway: str) -> Iterator[Finding]:
    yield from _of_the_proxy(virtual_service, match, request, gateway)
    path, _, rest = request.path.partition("?")
    query = "&".join(filter(None, (rest, request.query)))
    asked: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        asked.setdefault(name, value)
    sent = {name.lower(): value for name, value in request.headers.items()}
    if match.uri:
        yield _compare("path", match.uri, path, any_case=match.ignore_uri_case)
    if match.method:
        yield _compare("method", match.method, request.method)
    if match.authority:
        yield _compare("host", match.authority, request.host)
    if match.scheme:
        yield _compare("scheme", match.scheme, request.scheme)
    for name, condition in match.headers.items():
        if name.startswith("@"):
            yield Finding(None, f"claims of a signed token ({name}) can't be decided here")
        else:
            yield _compare(f"header {name}", condition, sent.get(name.lower()))
    for name, condition in match.query_params.items():
        yield _compare(f"query {name}", condition, asked.get(name))
    for name, condition in match.without_headers.items():
        yield _lacks(name, condition, sent.get(name.lower()))
    if match.unknown:
        yield Finding(None, f"{', '.join(match.unknown)}: not understood here, so it can't be decided")


def _of_the_proxy(
    virtual_service: VirtualService, match: HttpMatch, request: Request, gateway: str
) -> Iterator[Finding]:
    """Judge what a match says of the proxy: gateways, else the caller; where gateways are named, labels don't count.

    https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest-source_labels
    """
    if match.gateways:
        names = gateway_names(virtual_service, match.gateways)
        yield Finding(gateway in names, f"at {' or '.join(names)}: the request comes through {gateway}")
    else:
        yield from _of_the_caller(match, request)
    if match.port and request.port is None:
        yield Finding(None, f"port {match.port}: the request's port is not known")
    elif match.port:
        yield Finding(match.port == request.port, f"port {match.port}: the request comes to {request.port}")


def _of_the_caller(match: HttpMatch, request: Request) -> Iterator[Finding]:
    if match.source_labels:
        words = " ".join(f"{name}={value}" for name, value in match.source_labels.items())
        if request.source_labels is None:
            yield Finding(None, f"callers labelled {words}: the caller is not known")
        else:
            holds = match.source_labels.items() <= request.source_labels.items()
            yield Finding(holds, f"callers labelled {words}: the caller is not")
    if match.source_namespace:
        known = bool(request.source_namespace)
        told = f"callers in namespace {match.source_namespace}: the caller is "
        where = f"in {request.source_namespace}" if known else "not known"
        yield Finding(match.source_namespace == request.source_namespace if known else None, told + where)


def gateway_names(virtual_service: VirtualService, gateways: tuple[str, ...]) -> tuple[str, ...]:
    """Give names in `gateways` in full: `namespace/name`, or `mesh`.

    https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-gateways
    """
    namespace = virtual_service.metadata.namespace
    return tuple(
        name if name == "mesh" else "/".join(gateway_key(name, namespace=namespace)) for name in dict.fromkeys(gateways)
    )


def _compare(what: str, condition: StringMatch, value: str | None, *, any_case: bool = False) -> Finding:
    words = condition_words(what, condition)
    if value is None:
        return Finding(False, f"{words}: the request has none")
    holds = _fits(condition, value, any_case=any_case)
    if holds is None:
        return Finding(None, f"{words}: this RE2 expression can't be decided here")
    return Finding(holds, f"{words}: the request has {value or 'an empty one'}")


def _fits(condition: StringMatch, value: str, *, any_case: bool = False) -> bool | None:
    if condition.kind == "present":
        return True
    if condition.kind == "regex":
        return full_match(condition.value, value)
    wanted, value = (condition.value.lower(), value.lower()) if any_case else (condition.value, value)
    return value == wanted if condition.kind == "exact" else value.startswith(wanted)


def _lacks(name: str, condition: StringMatch, value: str | None) -> Finding:
    """Judge a condition of `withoutHeaders`; there an absent header counts as an empty one.

    https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest-without_headers
    """
    if condition.kind == "present":
        return Finding(value is None, f"no header {name}: the request has {value}")
    words = f"not ({condition_words(f'header {name}', condition)})"
    fits = _fits(condition, value or "")
    if fits is None:
        return Finding(None, f"{words}: this RE2 expression can't be decided here")
    return Finding(not fits, f"{words}: the request has {value or 'none'}")
