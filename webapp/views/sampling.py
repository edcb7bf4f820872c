"""How the live panel asks: start, pause, rate, and what is asked.

It is remembered on the VirtualService, so that every replica knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from webapp.errors import Conflict, InvalidInput, Owned
from webapp.istio.objects import HttpRoute, JsonPatch, VirtualService
from webapp.istio.ownership import owner_of
from webapp.istio.patch import annotation_patch
from webapp.istio.routes import find_http_route
from webapp.istio.sample import sample_request
from webapp.istio.sampling import RATES, SAMPLING, Connection, SamplingChoice, record_sampling, sampling_choice
from webapp.panel import example_finding
from webapp.views.pictures.sampling import asked_view
from webapp.views.pictures.virtual_service import cached_virtual_service, virtual_service_view
from webapp.views.render import adapters, refuse_as_json, respond, wants_json
from webapp.views.sampling_form import FIELDS, Asked, problem_of_finding, problems_of_asked, read_asked
from webapp.views.shifts import refuse_when_read_only, write

blueprint = Blueprint("sampling", __name__, url_prefix="/virtual-services/<namespace>/<name>/http/<int:http_route>")

Change = Callable[[VirtualService, HttpRoute, SamplingChoice], SamplingChoice]


@blueprint.get("/sampling")
def page(namespace: str, name: str, http_route: int) -> Response:
    """Show what is asked, and the form that changes it."""
    virtual_service = cached_virtual_service(adapters().cluster, namespace=namespace, name=name)
    route = find_http_route(virtual_service, http_route)
    asked = _read(MultiDict(), virtual_service, route)
    return respond(
        "pages/sampling.html", asked_view(virtual_service, route, asked, adapters().cluster, adapters().settings)
    )


@blueprint.post("/sampling")
def change(namespace: str, name: str, http_route: int) -> Response:
    """Take any of `action` (start or pause), `rate` (1 to 50 requests a second), and what is asked.

    That is `example` (own or derived) with `method`, `host`, `path` and `header` lines, `connection` (keep-alive or
    fresh) and `redirects` (stop or follow). What is left out stays as it was.
    """
    refuse_when_read_only()
    action, rate = _action_and_rate()
    shaped = any(name in request.form for name in FIELDS)
    if not action and not rate and not shaped:
        raise InvalidInput('Send "action" (start or pause), "rate" (1 to 50), or what is to be asked.', field="action")
    asked, problems = _judged(namespace, name, http_route) if shaped else (None, {})
    refuse_as_json(problems)
    cluster, settings = adapters().cluster, adapters().settings
    if asked and problems:
        virtual_service = cached_virtual_service(cluster, namespace=namespace, name=name)
        route = find_http_route(virtual_service, http_route)
        view = asked_view(virtual_service, route, asked, cluster, settings, problems=problems)
        return respond("pages/sampling.html", view, status=400)

    def chosen(current: VirtualService, route: HttpRoute, before: SamplingChoice) -> SamplingChoice:
        running = {"start": True, "pause": False}.get(action, before.running)
        choice = replace(before, running=running, rate=int(rate) if rate else before.rate)
        if asked is None:
            return choice
        if words := " ".join(_beyond(asked, current, route).values()):
            raise Conflict(f"The route was changed meanwhile, and nothing was written. {words}")
        connection: Connection = "fresh" if asked.connection == "fresh" else "keep-alive"
        follow = asked.redirects == "follow"
        return replace(choice, example=asked.example, connection=connection, follow_redirects=follow)

    stored = remember(namespace, name, http_route, chosen)
    if asked is None or wants_json():
        return respond("pages/virtual_service.html", virtual_service_view(stored, cluster, settings, host=request.host))
    view = asked_view(stored, find_http_route(stored, http_route), asked, cluster, settings, saved=True)
    return respond("pages/sampling.html", view)


def remember(namespace: str, name: str, http_route: int, change: Change) -> VirtualService:
    """Write a route's choice, made from what it was before, and return the object as it is stored.

    :raises Owned: the tool that manages the object takes annotations for changes.
    """

    def build(current: VirtualService) -> JsonPatch:
        route = find_http_route(current, http_route)
        owner = owner_of(current.metadata)
        if owner and not owner.tolerates_annotations:
            raise Owned(
                f"How to sample is remembered in an annotation, which {owner.tool} takes for a change of its object: "
                "set CROSSFADE_SAMPLE_AT_ONCE and CROSSFADE_SAMPLE_RATE for this dashboard instead.",
                detail={"owner": owner.tool, "name": owner.name, "consequence": owner.consequence},
            )
        choice = change(current, route, _before(current, route))
        return annotation_patch(current, {SAMPLING: record_sampling(current, route, choice)})

    return write(namespace, name, build)


def _action_and_rate() -> tuple[str, str]:
    action, rate = request.form.get("action", ""), request.form.get("rate", "")
    if action not in {"", "start", "pause"}:
        raise InvalidInput(f'"{action}" is not possible: "action" is start or pause.', field="action")
    if rate and not (re.fullmatch(r"[0-9]{1,2}", rate) and int(rate) in RATES):
        raise InvalidInput(f'"{rate}" is not possible: "rate" is a whole number from 1 to 50.', field="rate")
    return action, rate


def _before(virtual_service: VirtualService, route: HttpRoute) -> SamplingChoice:
    settings = adapters().settings
    return sampling_choice(virtual_service, route) or SamplingChoice(settings.sample_at_once, settings.sample_rate)


def _read(values: MultiDict[str, str], virtual_service: VirtualService, route: HttpRoute) -> Asked:
    return read_asked(values, virtual_service, _before(virtual_service, route), sample_request(virtual_service, route))


def _judged(namespace: str, name: str, http_route: int) -> tuple[Asked, dict[str, str]]:
    """Read the form and judge it against the route as the watch knows it, and against the route itself at last."""
    virtual_service = cached_virtual_service(adapters().cluster, namespace=namespace, name=name)
    route = find_http_route(virtual_service, http_route)
    asked = _read(request.form, virtual_service, route)
    problems = problems_of_asked(asked, virtual_service, adapters().cluster.snapshot())
    return asked, problems or _beyond(asked, virtual_service, route)


def _beyond(asked: Asked, virtual_service: VirtualService, route: HttpRoute) -> dict[str, str]:
    cluster, settings = adapters().cluster, adapters().settings
    if asked.example is None:
        return {}
    finding = example_finding(
        cluster.snapshot(), virtual_service, route, asked.example, settings, in_cluster=cluster.in_cluster
    )
    return problem_of_finding(finding)
