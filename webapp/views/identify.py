"""`…/http/<i>/identify`: a guide for those whose answers don't say their version."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, request

from webapp.errors import Conflict
from webapp.istio.mesh import answer_marks
from webapp.istio.objects import HttpRoute, VirtualService
from webapp.istio.routes import find_http_route
from webapp.istio.sampling import SamplingChoice
from webapp.views.identify_form import Chosen, problems_of_chosen, read_chosen
from webapp.views.pictures.identify import identify_view
from webapp.views.pictures.virtual_service import cached_virtual_service
from webapp.views.render import adapters, refuse_as_json, respond
from webapp.views.sampling import remember
from webapp.views.shifts import refuse_when_read_only

blueprint = Blueprint("identify", __name__, url_prefix="/virtual-services/<namespace>/<name>/http/<int:http_route>")


@blueprint.get("/identify")
def page(namespace: str, name: str, http_route: int) -> Response:
    """Show what differs between the last answers. Asking keeps the sampler running for a while."""
    adapters().live.linger((namespace, name))
    virtual_service = cached_virtual_service(adapters().cluster, namespace=namespace, name=name)
    return _respond(virtual_service, find_http_route(virtual_service, http_route))


@blueprint.post("/identify")
def choose(namespace: str, name: str, http_route: int) -> Response:
    """Take `by` (header, json_field, pattern, or default), `what`, and names: `value` and `version` in pairs."""
    refuse_when_read_only()
    chosen = read_chosen(request.form)
    virtual_service = cached_virtual_service(adapters().cluster, namespace=namespace, name=name)
    route = find_http_route(virtual_service, http_route)
    if problems := _problems(chosen, virtual_service, route):
        refuse_as_json(problems)
        return _respond(virtual_service, route, chosen, problems)

    def change(current: VirtualService, route: HttpRoute, before: SamplingChoice) -> SamplingChoice:
        if words := " ".join(_problems(chosen, current, route).values()):
            raise Conflict(f"The route was changed meanwhile, and nothing was written. {words}")
        return replace(before, told_by=chosen.told_by)

    stored = remember(namespace, name, http_route, change)
    return _respond(stored, find_http_route(stored, http_route))


def _problems(chosen: Chosen, virtual_service: VirtualService, route: HttpRoute) -> dict[str, str]:
    return problems_of_chosen(chosen, list(answer_marks(adapters().cluster.snapshot(), virtual_service, route)))


def _respond(
    virtual_service: VirtualService,
    route: HttpRoute,
    sent: Chosen | None = None,
    problems: dict[str, str] | None = None,
) -> Response:
    found = adapters()
    seen = found.prober.evidence.of((*virtual_service.metadata.key, route.index))
    view = identify_view(virtual_service, route, seen, found.cluster, found.settings, sent=sent, problems=problems)
    return respond("pages/identify.html", view, status=400 if problems else 200)
