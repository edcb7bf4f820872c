"""Who else writes the object, and would put other weights back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from webapp.istio.diagnostics.note import Note
from webapp.istio.objects import VirtualService
from webapp.istio.ownership import APPLY_CONSEQUENCE, applied_sections, owner_of
from webapp.istio.parse import parse_virtual_service
from webapp.istio.parse_values import mapping
from webapp.istio.routes import destinations_digest, route_key

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def owner_notes(virtual_service: VirtualService) -> Iterator[Note]:
    """Note which tool manages the object, and what it will do about a weight."""
    owner = owner_of(virtual_service.metadata)
    if owner:
        named = f" ({owner.name})" if owner.name else ""
        yield Note("owner", "owner", f"{owner.tool}{named} manages this object. {owner.consequence}")


def writer_notes(virtual_service: VirtualService) -> Iterator[Note]:
    """Note who is known by what was written before: server-side apply, and `kubectl apply`."""
    yield from _server_side_apply(virtual_service)
    yield from _last_applied(virtual_service)


def _server_side_apply(virtual_service: VirtualService) -> Iterator[Note]:
    """Note who else applies weights, where another is the object's owner already.

    https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts
    """
    owner = owner_of(virtual_service.metadata)
    for manager, section in applied_sections(virtual_service.metadata):
        if owner is None or manager != owner.tool:
            sentence = f"{manager} owns all of spec.{section} by server-side apply: {APPLY_CONSEQUENCE}"
            yield Note("owner", "server-side-apply", sentence, "Change the weights in what it applies as well.")


def _last_applied(virtual_service: VirtualService) -> Iterator[Note]:
    """https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/#how-to-update-objects"""
    applied: dict[str, tuple[str, tuple[int, ...]]] = {
        route_key(route): (destinations_digest(route), route.weights)
        for route in parse_virtual_service({"spec": _applied_spec(virtual_service)}).routes
    }
    differing = []
    for route in virtual_service.routes:
        destinations, weights = applied.get(route_key(route), ("", ()))
        if destinations == destinations_digest(route) and weights != route.weights:
            kind = "" if route.section == "http" else f"{route.section.upper()} "
            differing.append(f"{'/'.join(map(str, weights))} for {kind}route {route.name or route.index}")
    if differing:
        sentence = f"The file that kubectl apply was last given says {' and '.join(differing)}: applied "
        sentence += "again, it puts these weights back."
        yield Note("info", "last-applied", sentence, "Change the weights in that file as well.")


def _applied_spec(virtual_service: VirtualService) -> Any:
    try:
        return mapping(json.loads(virtual_service.metadata.annotations.get(LAST_APPLIED, "{}"))).get("spec")
    except (ValueError, RecursionError):
        return None
