"""A route in words: what its destinations are called, what it takes, what it does, and what else it is told to do.

The fields are those of https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRoute; TLS and
TCP routes have a match and destinations alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from webapp.istio.objects import Destination, HttpMatch, HttpRoute, L4Match, Route, StringMatch
from webapp.istio.parse_values import integer, mapping, text, texts, texts_by_name

_MOST_BODY_CHARACTERS = 60


def destination_version(destination: Destination) -> str:
    """Name what a destination leads to: its subset, else the first label of its host (all of an IP address)."""
    first = destination.host.partition(".")[0]
    return destination.subset or (destination.host if first.isdigit() else first)


def destination_versions(route: Route) -> tuple[str, ...]:
    """Name what each of a route's destinations leads to, with its host where the short name could mean two hosts.

    `v1`, `v2`; but `v1@reviews`, `v1@ratings`. Destinations that differ in their port alone are one version.
    """
    destinations = [each.destination for each in route.route]
    hosts: defaultdict[str, set[str]] = defaultdict(set)
    for each in destinations:
        hosts[destination_version(each)].add(each.host)
    return tuple(
        short if len(hosts[short := destination_version(each)]) == 1 else _with_host(each) for each in destinations
    )


def _with_host(destination: Destination) -> str:
    return f"{destination.subset}@{destination.host}" if destination.subset else destination.host


def match_words(route: Route) -> str:
    """Say which requests, or connections, a route takes: `path starts with /`, `header end-user is jason, port 80`."""
    entries = [", ".join((*_conditions(match), *_caller_conditions(match))) for match in route.match]
    return " or ".join(entries) if entries and all(entries) else "everything"


def _conditions(match: HttpMatch | L4Match) -> Iterator[str]:
    if isinstance(match, L4Match):
        if match.sni_hosts:
            yield f"SNI is {' or '.join(match.sni_hosts)}"
        if match.destination_subnets:
            yield f"to {' or '.join(match.destination_subnets)}"
        return
    if match.uri:
        yield condition_words("path", match.uri) + (" in any case" if match.ignore_uri_case else "")
    for name, condition in match.headers.items():
        yield condition_words(f"header {name}", condition)
    for name, condition in match.without_headers.items():
        yield (
            f"no header {name}"
            if condition.kind == "present"
            else f"not ({condition_words(f'header {name}', condition)})"
        )
    for name, condition in match.query_params.items():
        yield condition_words(f"query {name}", condition)
    if match.method:
        exact = match.method.kind == "exact"
        yield f"method {match.method.value}" if exact else condition_words("method", match.method)
    if match.authority:
        yield condition_words("host", match.authority)
    if match.scheme:
        yield condition_words("scheme", match.scheme)


def _caller_conditions(match: HttpMatch | L4Match) -> Iterator[str]:
    if match.port:
        yield f"port {match.port}"
    if match.source_labels:
        yield "callers labelled " + " ".join(f"{name}={value}" for name, value in match.source_labels.items())
    if match.source_namespace:
        yield f"callers in namespace {match.source_namespace}"
    if match.gateways:
        yield f"at {' or '.join(match.gateways)}"
    for name in match.unknown:
        yield f"{name} (not understood here)"


def condition_words(what: str, condition: StringMatch) -> str:
    """Say what is asked of one part of a request: `path starts with /a`."""
    verb = {"exact": "is", "prefix": "starts with", "regex": "matches", "present": "is there"}[condition.kind]
    return f"{what} {verb} {condition.value}".rstrip()


def carried_words(route: Route) -> str:
    """Say what a route carries: `requests` or, on TLS and TCP routes, `connections`."""
    return "requests" if isinstance(route, HttpRoute) else "connections"


def action_words(route: Route) -> str:
    """Say what a route without destinations does; empty where it has some."""
    if route.route:
        return ""
    if not isinstance(route, HttpRoute):
        return "has no destinations"
    if route.redirect is not None:
        return f"redirects to {_redirect_target(route.redirect)} ({integer(route.redirect.get('redirectCode')) or 301})"
    if route.direct_response is not None:
        status = integer(route.direct_response.get("status"))
        return f"answers {status or 'by'} itself{_body_words(mapping(route.direct_response.get('body')))}"
    if route.delegate is not None:
        names = (text(route.delegate.get("namespace")), text(route.delegate.get("name")))
        return f"delegates to {'/'.join(filter(None, names))}"
    return "has no destinations"


def _body_words(body: Mapping[str, Any]) -> str:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPBody"""
    if body.get("bytes"):
        return " with a body of bytes"
    said = " ".join(text(body.get("string")).split())
    cut = said[:_MOST_BODY_CHARACTERS] + ("…" if len(said) > _MOST_BODY_CHARACTERS else "")
    return f": “{cut}”" if cut else ""


_DERIVED_PORTS = {"FROM_PROTOCOL_DEFAULT": ":the scheme's own port", "FROM_REQUEST_PORT": ":the request's port"}
"""https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRedirect-RedirectPortSelection"""


def _redirect_target(redirect: Mapping[str, Any]) -> str:
    scheme, authority, uri = (text(redirect.get(name)) for name in ("scheme", "authority", "uri"))
    number = integer(redirect.get("port"))
    port = f":{number}" if number else _DERIVED_PORTS.get(text(redirect.get("derivePort")), "")
    host = (authority or ("the same host" if scheme or port else "")) + port
    return f"{scheme + '://' if scheme else ''}{host}{uri}" or "the same address"


def extra_words(route: Route) -> list[str]:
    """Say everything else that a route is told to do, so that nothing is hidden behind its weights."""
    return [words for words in _extras(route) if words] if isinstance(route, HttpRoute) else []


def _extras(route: HttpRoute) -> Iterator[str]:
    if route.timeout:
        yield f"timeout {route.timeout}"
    if route.retries is not None:
        yield _retries(route.retries)
    delay, abort = (mapping(mapping(route.fault).get(name)) for name in ("delay", "abort"))
    if delay:
        yield f"delays {_percentage(delay)} by {text(delay.get('fixedDelay')) or text(delay.get('exponentialDelay'))}"
    if abort:
        yield f"aborts {_percentage(abort)} with {abort.get('httpStatus') or abort.get('grpcStatus') or 'an error'}"
    if route.mirror is not None:
        percent = route.raw.get("mirrorPercent", route.raw.get("mirror_percent"))
        percentage = {"percentage": route.raw.get("mirrorPercentage"), "percent": percent}
        yield f"mirrors {_percentage(percentage)} to {_mirror(route.mirror)}"
    for each in route.mirrors:
        yield f"mirrors {_percentage(each)} to {_mirror(mapping(each.get('destination')))}"
    rewrite = mapping(route.rewrite)
    pattern = text(mapping(rewrite.get("uriRegexRewrite")).get("match"))
    for what, to in (("path", rewrite.get("uri")), ("host", rewrite.get("authority"))):
        yield f"rewrites the {what} to {to}" if text(to) else ""
    yield f"rewrites paths that match {pattern}" if pattern else ""
    if route.cors_policy is not None:
        yield "answers CORS preflights"
    yield from _header_words(route.headers, "")
    for version, destination in zip(destination_versions(route), route.route, strict=True):
        yield from _header_words(destination.headers, f" of {version}")


def _retries(retries: Mapping[str, Any]) -> str:
    attempts = integer(retries.get("attempts"))
    if not attempts:
        return "no retries" if attempts == 0 else "retries"
    each, on = text(retries.get("perTryTimeout")), text(retries.get("retryOn"))
    how = ", ".join(filter(None, [f"{each} each" if each else "", f"on {on}" if on else ""]))
    return f"retries up to {attempts} times" + (f" ({how})" if how else "")


def _percentage(raw: Mapping[str, Any]) -> str:
    """Read `percentage: {value}` or the older `percent`; none means all, and an empty `percentage` means 0."""
    value = mapping(raw["percentage"]).get("value", 0) if raw.get("percentage") is not None else raw.get("percent")
    if isinstance(value, float):
        return f"{value:g} %"
    return f"{100 if integer(value) is None else value} %"


def _mirror(destination: Mapping[str, Any]) -> str:
    words = " of ".join(filter(None, [text(destination.get("subset")), text(destination.get("host"))]))
    port = integer(mapping(destination.get("port")).get("number"))
    return f"{words}:{port}" if port else words


def _header_words(headers: Mapping[str, Any], whose: str) -> Iterator[str]:
    for direction in ("request", "response"):
        operations = mapping(headers.get(direction))
        for verb, names in (
            ("sets", texts_by_name(operations.get("set"))),
            ("adds", texts_by_name(operations.get("add"))),
            ("removes", texts(operations.get("remove"))),
        ):
            if names:
                yield f"{verb} {direction} header{'s' if len(names) > 1 else ''} {', '.join(names)}{whose}"
