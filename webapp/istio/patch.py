"""Changes as JSON Patches that touch as little as can be: the fence, weights, and our own annotations.

https://datatracker.ietf.org/doc/html/rfc6902, paths by https://datatracker.ietf.org/doc/html/rfc6901
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from webapp.istio.objects import (
    DestinationRule,
    Gateway,
    HttpRoute,
    JsonPatch,
    Route,
    RouteDestination,
    VirtualService,
)
from webapp.istio.parse_values import mapping
from webapp.istio.words import destination_versions

TAG_HEADER = "x-crossfade-version"
"""Response header that the opt-in tag sets per destination (`headers.response.set`); its value is the version."""


def _pointer(*parts: str | int) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def fence(found: VirtualService | DestinationRule | Gateway) -> dict[str, Any]:
    """Give the operation that makes the API server answer 409 where the object is no longer the one that was read.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-update
    """
    return {"op": "replace", "path": "/metadata/resourceVersion", "value": found.metadata.resource_version}


def weight_patch(
    virtual_service: VirtualService,
    route: Route,
    weights: Sequence[int],
    *,
    annotations: Mapping[str, str | None] | None = None,
) -> JsonPatch:
    """Shift a route: the fence, each weight that differs, and annotations that go with it.

    :param weights: one a destination, in the route's order.
    :param annotations: name → value, or None to remove it.
    :return: no operations where no weight differs, whatever the annotations.
    """
    changed: JsonPatch = []
    for place, (each, now, weight) in enumerate(zip(route.route, route.weights, weights, strict=True)):
        if weight != now:
            path = _pointer("spec", route.section, route.index, "route", place, "weight")
            changed.append({"op": "add" if each.weight is None else "replace", "path": path, "value": weight})
    if not changed:
        return []
    return [fence(virtual_service), *changed, *annotation_operations(virtual_service, annotations or {})]


def annotation_patch(virtual_service: VirtualService, annotations: Mapping[str, str | None]) -> JsonPatch:
    """Set annotations, or remove those whose value is None; no operations where they are so already."""
    changed = annotation_operations(virtual_service, annotations)
    return [fence(virtual_service), *changed] if changed else []


def annotation_operations(
    found: VirtualService | DestinationRule | Gateway, annotations: Mapping[str, str | None]
) -> JsonPatch:
    """Give the operations that set annotations, or remove those whose value is None, without a fence."""
    given = mapping(found.raw.get("metadata")).get("annotations")
    present = mapping(given)
    changed: JsonPatch = []
    for name, value in annotations.items():
        path = _pointer("metadata", "annotations", name)
        if value is None:
            if name in present:
                changed.append({"op": "remove", "path": path})
        elif present.get(name) != value:
            changed.append({"op": "replace" if name in present else "add", "path": path, "value": value})
    if changed and not isinstance(given, Mapping):
        changed.insert(0, {"op": "add", "path": "/metadata/annotations", "value": {}})
    return changed


def tag_patch(virtual_service: VirtualService, route: HttpRoute, *, on: bool, header: str) -> JsonPatch:
    """Have every destination of a route name its version in a response header, or no longer.

    Off takes out just what on has put in: the header, and the objects around it that are empty then.
    https://istio.io/latest/docs/reference/config/networking/virtual-service/#Headers
    """
    changed: JsonPatch = []
    for place, (each, version) in enumerate(zip(route.route, destination_versions(route), strict=True)):
        path = ("spec", "http", route.index, "route", place, "headers", "response", "set", header)
        operation = _tag_operation(each, path, version) if on else _untag_operation(each, path)
        changed.extend([operation] if operation else [])
    return [fence(virtual_service), *changed] if changed else []


def is_tagged(route_destination: RouteDestination, header: str) -> bool:
    """Whether a destination sets this response header."""
    return header in _levels(route_destination, header)[-1]


def _levels(route_destination: RouteDestination, header: str) -> tuple[Mapping[str, Any], ...]:
    """Give `headers`, `headers.response` and `headers.response.set`, empty where absent."""
    response = mapping(route_destination.headers.get("response"))
    return route_destination.headers, response, mapping(response.get("set"))


def _tag_operation(each: RouteDestination, path: tuple[str | int, ...], version: str) -> dict[str, Any] | None:
    header = str(path[-1])
    headers, response, set_ = _levels(each, header)
    if set_.get(header) == version:
        return None
    if header in set_:
        return {"op": "replace", "path": _pointer(*path), "value": version}
    value: Any = version
    # The operation lands on the highest object that is not there yet, with the rest inside of it.
    for found in (set_, response, headers):
        if found:
            break
        path, value = path[:-1], {path[-1]: value}
    return {"op": "add", "path": _pointer(*path), "value": value}


def _untag_operation(each: RouteDestination, path: tuple[str | int, ...]) -> dict[str, Any] | None:
    levels = _levels(each, str(path[-1]))
    if path[-1] not in levels[-1]:
        return None
    for found in reversed(levels):
        if len(found) > 1:
            break
        path = path[:-1]
    return {"op": "remove", "path": _pointer(*path)}
