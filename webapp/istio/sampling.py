"""How a route is sampled, as its VirtualService remembers it in the annotation `crossfade/sampling`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from webapp.istio.objects import HttpRoute, VirtualService
from webapp.istio.routes import route_key

SAMPLING = "crossfade/sampling"
RATES = range(1, 51)


@dataclass(frozen=True, slots=True)
class SamplingChoice:
    """What a person chose for one route: whether to ask, and how many times a second (1 to 50)."""

    running: bool
    rate: int


def parse_sampling(annotation: str | None) -> dict[str, SamplingChoice]:
    """Read the choices by route key; what can't be read counts as not chosen (people edit annotations)."""
    try:
        entries = json.loads(annotation or "{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(entries, dict):
        return {}
    return {
        key: SamplingChoice(running=entry.get("running") is True, rate=entry["rate"])
        for key, entry in entries.items()
        if isinstance(entry, dict) and type(entry.get("rate")) is int and entry["rate"] in RATES
    }


def sampling_choice(virtual_service: VirtualService, route: HttpRoute) -> SamplingChoice | None:
    """Return what was chosen for this route, None where nobody has chosen yet."""
    return parse_sampling(virtual_service.metadata.annotations.get(SAMPLING)).get(route_key(route))


def record_sampling(virtual_service: VirtualService, route: HttpRoute, choice: SamplingChoice) -> str:
    """Return the annotation's text with this route's choice in it; choices of routes that are gone are dropped."""
    known = {route_key(each) for each in virtual_service.http}
    choices = parse_sampling(virtual_service.metadata.annotations.get(SAMPLING)) | {route_key(route): choice}
    kept = {key: asdict(each) for key, each in choices.items() if key in known}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"))
