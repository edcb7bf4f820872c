"""What a shift may change in a VirtualService, taken out of it: what is left has to be the same before and after."""

from __future__ import annotations

import copy
from typing import Any

Raw = dict[str, Any]

SECTIONS = ("http", "tls", "tcp")
OURS = "crossfade/"
SERVERS = ("resourceVersion", "generation", "managedFields")
"""What the API server itself writes at each change."""


def without_weights(raw: Raw, section: str, index: int) -> Raw:
    """Leave out the weights of one route, our annotations, and what the API server counts."""
    left = copy.deepcopy(raw)
    for each in left["spec"][section][index]["route"]:
        each.pop("weight", None)
    metadata = left["metadata"]
    for name in SERVERS:
        metadata.pop(name, None)
    kept = {name: text for name, text in (metadata.get("annotations") or {}).items() if not name.startswith(OURS)}
    metadata["annotations"] = kept
    return left


def weights_of(raw: Raw, section: str, index: int) -> list[int]:
    """Give a route's weights as Istio reads them: an absent one is 0."""
    return [each.get("weight", 0) for each in raw["spec"][section][index]["route"]]


def weighted_routes(raw: Raw) -> list[tuple[str, int]]:
    """Name the routes with more than one destination, by section and place."""
    spec = raw["spec"]
    return [
        (section, index)
        for section in SECTIONS
        for index, route in enumerate(spec.get(section, ()))
        if len(route.get("route", ())) > 1
    ]
