"""Routes that earlier routes keep from being asked.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-http
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from webapp.istio.diagnostics.note import Note, analysed
from webapp.istio.matching import gateway_names
from webapp.istio.objects import HttpMatch, HttpRoute, L4Match, Route, StringMatch, VirtualService
from webapp.istio.regex import full_match
from webapp.istio.words import carried_words, match_words

Match: TypeAlias = HttpMatch | L4Match

_ANYTHING = {StringMatch("prefix", ""), StringMatch("regex", ".*")}
_EVERY_PATH = {*_ANYTHING, StringMatch("prefix", "/")}


def order_notes(virtual_service: VirtualService, route: Route) -> Iterator[Note]:
    """Note that earlier routes of its section take all, or some, of what a route matches.

    https://istio.io/latest/docs/reference/config/analysis/ist0130/
    https://istio.io/latest/docs/reference/config/analysis/ist0131/
    """
    everything: Match = HttpMatch() if isinstance(route, HttpRoute) else L4Match()
    matches: tuple[Match, ...] = route.match or (everything,)
    takers = [_taker(virtual_service, route, match) for match in matches]
    found = {taker.index: taker for taker in takers if taker}
    if found:
        yield _after(route, matches, takers, [taker for _, taker in sorted(found.items())])
    if repeated := _repeated(matches):
        words = " or ".join(dict.fromkeys(map(_words, repeated)))
        sentence = f"It names one match more than once ({words})."
        yield analysed("IST0131", Note("info", "match-repeated", sentence, "Take the second one out."))


def _after(route: Route, matches: tuple[Match, ...], takers: list[Route | None], found: list[Route]) -> Note:
    before = " and ".join(f"Route {taker.index} ({match_words(taker)})" for taker in found)
    takes = "stands before it and takes" if len(found) == 1 else "stand before it and take"
    if all(takers):
        carried = carried_words(route).removesuffix("s")
        whole = len(found) == 1 and (not found[0].match or any(map(_is_everything, found[0].match)))
        sentence = f"{before} {takes} every {carried}{'' if whole else ' that this one matches'}."
        cure = "Put this route first, or narrow the other's match."
        return analysed("IST0130", Note("warning", "route-not-reached", sentence, cure))
    lost = [_words(match) for match, taker in zip(matches, takers, strict=True) if taker]
    sentence = f"{before} {takes} what matches {' or '.join(lost)}."
    cure = "Take that out of the match, or put this route first."
    return analysed("IST0131", Note("info", "match-not-reached", sentence, cure))


def _words(match: Match) -> str:
    return match_words(Route(0, match=(match,)))  # type: ignore[arg-type]


def _repeated(matches: tuple[Match, ...]) -> list[Match]:
    """Give the entries that ask for just what an earlier one asks for, whatever they are called."""
    bare = [replace(match, name="") if isinstance(match, HttpMatch) else match for match in matches]
    return [match for place, match in enumerate(bare) if match in bare[:place]]


def _taker(virtual_service: VirtualService, route: Route, match: Match) -> Route | None:
    """Find the first earlier route that is sure to take whatever a match of this one accepts.

    A route that delegates takes only what its delegate does, so it is never sure to.
    """
    for earlier in virtual_service.routes:
        if earlier.section != route.section or (isinstance(earlier, HttpRoute) and earlier.delegate is not None):
            continue
        if earlier.index >= route.index:
            break
        if not earlier.match or any(_covers_any(virtual_service, each, match) for each in earlier.match):
            return earlier
    return None


def _covers_any(virtual_service: VirtualService, wide: Match, narrow: Match) -> bool:
    if isinstance(wide, HttpMatch):
        return isinstance(narrow, HttpMatch) and covers(virtual_service, wide, narrow)
    return isinstance(narrow, L4Match) and covers_connections(virtual_service, wide, narrow)


def _is_everything(match: Match) -> bool:
    if isinstance(match, L4Match):
        return match == L4Match()
    return (match.uri is None or match.uri in _EVERY_PATH) and match == HttpMatch(
        name=match.name, uri=match.uri, ignore_uri_case=match.ignore_uri_case
    )


def covers_connections(virtual_service: VirtualService, wide: L4Match, narrow: L4Match) -> bool:
    """Tell whether one match of TLS or TCP routes surely takes every connection that another one accepts.

    A proxy looks for the most specific name and network, whatever the order of the routes, so only what names the same
    ones takes them away.
    https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/listener/v3/listener_components.proto#config-listener-v3-filterchainmatch
    """
    same_names = {*narrow.sni_hosts} <= {*wide.sni_hosts} and bool(narrow.sni_hosts) == bool(wide.sni_hosts)
    same_networks = {*narrow.destination_subnets} <= {*wide.destination_subnets} and bool(
        narrow.destination_subnets
    ) == bool(wide.destination_subnets)
    return not wide.unknown and same_names and same_networks and _covers_proxies(virtual_service, wide, narrow)


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


def _covers_proxies(virtual_service: VirtualService, wide: Match, narrow: Match) -> bool:
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
