"""Shifts of a route as Crossfade makes them, and as others do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonpatch

from tests.istio import builders
from webapp.istio.history import HISTORY, record
from webapp.istio.objects import Section, VirtualService
from webapp.istio.parse import parse_virtual_service
from webapp.istio.patch import weight_patch
from webapp.istio.routes import find_route

NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)


def managed(manager: str, time: str, *fields: str, **spec: Any) -> dict[str, Any]:
    owned: dict[str, Any] = {field: {} for field in fields} | ({"f:spec": spec} if spec else {})
    return {"manager": manager, "operation": "Update", "time": time, "fieldsV1": owned}


def shifted(
    virtual_service: VirtualService,
    *weights: int,
    by: str = "ann",
    minute: int = 0,
    section: Section = "http",
    index: int = 0,
) -> VirtualService:
    """Shift a route as Crossfade does, with the history in the same patch."""
    route = find_route(virtual_service, section, index)
    annotation = record(virtual_service, route, weights, by=by, now=NOON + timedelta(minutes=minute))
    patch = weight_patch(virtual_service, route, weights, annotations={HISTORY: annotation})
    return parse_virtual_service(jsonpatch.apply_patch(virtual_service.raw, patch))


def edited(virtual_service: VirtualService, *weights: int, **metadata: Any) -> VirtualService:
    """Change a route's weights as somebody else does, who knows of no history."""
    raw = json.loads(json.dumps(virtual_service.raw))
    raw["spec"]["http"][0]["route"] = builders.split(*weights)["route"]
    raw["metadata"] |= metadata
    return parse_virtual_service(raw)
