"""Which route is which: digests that prove what a person saw, keys that history holds on to; and a route's words."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from webapp.errors import NotFound
from webapp.istio.objects import HttpRoute, Route, Section, VirtualService
from webapp.istio.words import action_words, destination_version, destination_versions, extra_words, match_words

__all__ = [
    "action_words",
    "destination_version",
    "destination_versions",
    "destinations_digest",
    "extra_words",
    "find_http_route",
    "find_route",
    "match_words",
    "route_digest",
    "route_key",
]

_DIGEST_LENGTH = 16


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]


def _destinations(route: Route) -> list[list[str | int | None]]:
    named = (each.destination for each in route.route)
    return [[destination.host, destination.subset, destination.port] for destination in named]


def route_digest(route: Route) -> str:
    """Digest a route's name, match, destinations and weights: the proof of what a person saw before a shift.

    Timeouts, headers and the like play no part: a shift leaves them as they are, whoever changed them meanwhile.
    """
    return _digest([route.name, route.raw.get("match"), _destinations(route), route.weights])


def route_key(route: Route) -> str:
    """Name a route across edits of its VirtualService: its name, else its match (its place may change).

    History keeps these keys in the cluster, so an HTTP route's has no section before it.
    """
    section = "" if route.section == "http" else f"{route.section}:"
    return route.name or f"{section}match:{_digest(route.raw.get('match'))}"


def destinations_digest(route: Route) -> str:
    """Digest a route's destinations without their weights: where these differ, old weights mean something else."""
    return _digest(_destinations(route))


def find_route(virtual_service: VirtualService, section: Section, index: int) -> Route:
    """Give the route at a place in `spec.<section>`.

    :raises NotFound: with the number of routes that there are.
    """
    routes = [route for route in virtual_service.routes if route.section == section]
    if 0 <= index < len(routes):
        return routes[index]
    kind, count = section.upper(), len(routes)
    there = {0: f"no {kind} routes", 1: f"one {kind} route, number 0"}.get(count, f"{kind} routes 0 to {count - 1}")
    raise NotFound(f"{virtual_service.metadata.full_name} has {there}: there is no {kind} route {index}")


def find_http_route(virtual_service: VirtualService, index: int) -> HttpRoute:
    """Give the route at a place in `spec.http`.

    :raises NotFound: see `find_route`.
    """
    return virtual_service.http[find_route(virtual_service, "http", index).index]
