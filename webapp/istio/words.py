"""A route in words: what its destinations are called, what it takes, what it does, and what else it is told to do.

The fields are those of https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRoute
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from webapp.istio.objects import Destination, HttpMatch, HttpRoute, StringMatch
from webapp.istio.parse_values import integer, mapping, text, texts, texts_by_name


def destination_version(destination: Destination) -> str:
    """Name what a destination leads to: its subset, else the first label of its host (all of an IP address)."""
    first = destination.host.partition(".")[0]
    return destination.subset or (destination.host if first.isdigit() else first)


def destination_versions(route: HttpRoute) -> tuple[str, ...]:
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


def match_words(route: HttpRoute) -> str:
    """Say which requests a route takes: `path starts with /`, `header end-user is jason, method GET`."""
    entries = [", ".join(_conditions(match)) for match in route.match]
    return " or ".join(entries) if entries and all(entries) else "everything"


def _conditions(match: HttpMatch) -> Iterator[str]:
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


def action_words(route: HttpRoute) -> str:
    """Say what a route without destinations does; empty where it has some."""
    if route.route:
        return ""
    if route.redirect is not None:
        return f"redirects to {_redirect_target(route.redirect)} ({integer(route.redirect.get('redirectCode')) or 301})"
    if route.direct_response is not None:
        return f"answers {integer(route.direct_response.get('status')) or 'by'} itself"
    if route.delegate is not None:
        names = (text(route.delegate.get("namespace")), text(route.delegate.get("name")))
        return f"delegates to {'/'.join(filter(None, names))}"
    return "has no destinations"


def _redirect_target(redirect: Mapping[str, Any]) -> str:
    scheme, authority, uri = (text(redirect.get(name)) for name in ("scheme", "authority", "uri"))
    port = integer(redirect.get("port"))
    host = (authority or ("the same host" if scheme or port else "")) + (f":{port}" if port else "")
    return f"{scheme + '://' if scheme else ''}{host}{uri}" or "the same address"


def extra_words(route: HttpRoute) -> list[str]:
    """Say everything else that a route is told to do, so that nothing is hidden behind its weights."""
    return [words for words in _extras(route) if words]


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
        percentage = {"percentage": route.raw.get("mirrorPercentage"), "percent": route.raw.get("mirrorPercent")}
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
    return " of ".join(filter(None, [text(destination.get("subset")), text(destination.get("host"))]))


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
