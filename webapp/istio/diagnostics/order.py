"""Routes that earlier routes keep from being asked.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-http
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from webapp.istio.diagnostics.note import Note, analysed
from webapp.istio.matching import gateway_names
from webapp.istio.objects import HttpMatch, HttpRoute, StringMatch, VirtualService
from webapp.istio.regex import full_match
from webapp.istio.words import match_words

_ANYTHING = {StringMatch("prefix", ""), StringMatch("regex", ".*")}
_EVERY_PATH = {*_ANYTHING, StringMatch("prefix", "/")}


def order_notes(virtual_service: VirtualService, route: HttpRoute) -> Iterator[Note]:
    """Note that earlier routes take all, or some, of what a route matches.

    https://istio.io/latest/docs/reference/config/analysis/ist0130/
    https://istio.io/latest/docs/reference/config/analysis/ist0131/
    """
    matches = route.match or (HttpMatch(),)
    takers = [_taker(virtual_service, route, match) for match in matches]
    found = {taker.index: taker for taker in takers if taker}
    if not found:
        return
    names = [f"Route {taker.index} ({match_words(taker)})" for _, taker in sorted(found.items())]
    before, takes = " and ".join(names), "takes" if len(names) == 1 else "take"
    stand = "stands" if len(names) == 1 else "stand"
    if all(takers):
        everything = len(names) == 1 and any(map(_is_everything, next(iter(found.values())).match or (HttpMatch(),)))
        what = "every request" if everything else "every request that this one matches"
        sentence = f"{before} {stand} before it and {takes} {what}."
        cure = "Put this route first, or narrow the other's match."
        yield analysed("IST0130", Note("warning", "route-not-reached", sentence, cure))
        return
    lost = [match_words(HttpRoute(0, match=(match,))) for match, taker in zip(matches, takers, strict=True) if taker]
    sentence = f"{before} {stand} before it and {takes} what matches {' or '.join(lost)}."
    yield analysed(
        "IST0131", Note("info", "match-not-reached", sentence, "Take that out of the match, or put this route first.")
    )


def _taker(virtual_service: VirtualService, route: HttpRoute, match: HttpMatch) -> HttpRoute | None:
    """Find the first earlier route that is sure to take whatever a match of this one accepts.

    A route that delegates takes only what its delegate does, so it is never sure to.
    """
    for earlier in virtual_service.http[: route.index]:
        if earlier.delegate is None and (
            not earlier.match or any(covers(virtual_service, each, match) for each in earlier.match)
        ):
            return earlier
    return None


def _is_everything(match: HttpMatch) -> bool:
    return (match.uri is None or match.uri in _EVERY_PATH) and match == HttpMatch(
        name=match.name, uri=match.uri, ignore_uri_case=match.ignore_uri_case
    )


def covers(virtual_service: VirtualService, wide: HttpMatch, narrow: HttpMatch) -> bool:
    """Tell whether one match surely accepts every request that another one of the same object accepts."""
    return (
        not wide.unknown
        and _covers_proxies(virtual_service, wide, narrow)
        and _covers_path(wide, narrow)
        and all(_implied(getattr(wide, part), getattr(narrow, part)) for part in ("method", "authority", "scheme"))
        and _all_implied(_lower(wide.headers), _lower(narrow.headers))
        and _all_implied(wide.query_params, narrow.query_params)
        and _lower(wide.without_headers).items() <= _lower(narrow.without_headers).items()
    )


def _covers_proxies(virtual_service: VirtualService, wide: HttpMatch, narrow: HttpMatch) -> bool:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest-gateways"""
    if wide.port not in {None, narrow.port}:
        return False
    if wide.gateways:
        own = gateway_names(virtual_service, narrow.gateways or virtual_service.gateways)
        return set(own) <= set(gateway_names(virtual_service, wide.gateways))
    if narrow.gateways:  # the caller's labels play no part in a match that names gateways
        return not wide.source_labels and not wide.source_namespace
    same_namespace = wide.source_namespace in {"", narrow.source_namespace}
    return same_namespace and wide.source_labels.items() <= narrow.source_labels.items()


def _covers_path(wide: HttpMatch, narrow: HttpMatch) -> bool:
    if wide.uri is None or wide.uri in _EVERY_PATH:
        return True
    if not wide.ignore_uri_case:
        return not narrow.ignore_uri_case and _implied(wide.uri, narrow.uri)
    return _implied(_lower_value(wide.uri), _lower_value(narrow.uri))


def _lower_value(condition: StringMatch | None) -> StringMatch | None:
    if condition is None or condition.kind == "regex":
        return condition
    return StringMatch(condition.kind, condition.value.lower())


def _lower(conditions: Mapping[str, StringMatch]) -> dict[str, StringMatch]:
    return {name.lower(): condition for name, condition in conditions.items()}


def _all_implied(wide: Mapping[str, StringMatch], narrow: Mapping[str, StringMatch]) -> bool:
    return all(_implied(condition, narrow.get(name), always_there=False) for name, condition in wide.items())


def _implied(wide: StringMatch | None, narrow: StringMatch | None, *, always_there: bool = True) -> bool:
    """Tell whether every value that the narrow condition accepts is one that the wide condition accepts."""
    if wide is None or wide == narrow:
        return True
    if narrow is None:
        return always_there and wide in _ANYTHING
    if wide.kind == "present" or wide in _ANYTHING:
        return True
    if narrow.kind == "exact" and wide.kind == "regex":
        return full_match(wide.value, narrow.value) is True
    return narrow.kind in {"exact", "prefix"} and wide.kind == "prefix" and narrow.value.startswith(wide.value)
