"""How the live panel asks: start, pause, rate. Remembered on the VirtualService, so that every replica knows."""

from __future__ import annotations

import re

from flask import Blueprint, Response, request

from webapp.errors import InvalidInput, Owned
from webapp.istio.objects import JsonPatch, VirtualService
from webapp.istio.ownership import owner_of
from webapp.istio.patch import annotation_patch
from webapp.istio.routes import find_http_route
from webapp.istio.sampling import RATES, SAMPLING, SamplingChoice, record_sampling, sampling_choice
from webapp.views.pictures.virtual_service import virtual_service_view
from webapp.views.render import adapters, respond
from webapp.views.shifts import refuse_when_read_only

blueprint = Blueprint("sampling", __name__, url_prefix="/virtual-services/<namespace>/<name>/http/<int:http_route>")
blueprint.before_request(refuse_when_read_only)


@blueprint.post("/sampling")
def change(namespace: str, name: str, http_route: int) -> Response:
    """Take `action` (start or pause) and `rate` (1 to 50 requests a second), either or both."""
    action, rate = request.form.get("action", ""), request.form.get("rate", "")
    if not action and not rate:
        raise InvalidInput('Send "action" (start or pause), "rate" (1 to 50), or both.', field="action")
    if action not in {"", "start", "pause"}:
        raise InvalidInput(f'"{action}" is not possible: "action" is start or pause.', field="action")
    if rate and not (re.fullmatch(r"[0-9]{1,2}", rate) and int(rate) in RATES):
        raise InvalidInput(f'"{rate}" is not possible: "rate" is a whole number from 1 to 50.', field="rate")
    settings = adapters().settings

    def build(current: VirtualService) -> JsonPatch:
        route = find_http_route(current, http_route)
        owner = owner_of(current.metadata)
        if owner and not owner.tolerates_annotations:
            raise Owned(
                f"How to sample is remembered in an annotation, which {owner.tool} takes for a change of its object: "
                "set CROSSFADE_SAMPLE_AT_ONCE and CROSSFADE_SAMPLE_RATE for this dashboard instead.",
                detail={"owner": owner.tool, "name": owner.name, "consequence": owner.consequence},
            )
        before = sampling_choice(current, route) or SamplingChoice(settings.sample_at_once, settings.sample_rate)
        choice = SamplingChoice(
            running={"start": True, "pause": False}.get(action, before.running),
            rate=int(rate) if rate else before.rate,
        )
        return annotation_patch(current, {SAMPLING: record_sampling(current, route, choice)})

    stored = adapters().cluster.write(namespace=namespace, name=name, build=build)
    view = virtual_service_view(stored, adapters().cluster, settings, host=request.host)
    return respond("pages/virtual_service.html", view)
