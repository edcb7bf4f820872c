"""`/virtual-services/<namespace>/<name>/explain`: which route takes this request, and what the gateway answers."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from webapp.views.models.explain import ExplainView
from webapp.views.pictures.explain import Explained, answer_view, explained, explanation_view
from webapp.views.pictures.parts import status_view
from webapp.views.pictures.virtual_service import cached_virtual_service
from webapp.views.render import adapters, refuse_as_json, respond
from webapp.views.request_form import METHODS, choices, problems_of, read_request

blueprint = Blueprint("explain", __name__, url_prefix="/virtual-services/<namespace>/<name>/explain")


@blueprint.get("")
def page(namespace: str, name: str) -> Response:
    """Explain the request that the address describes: `method`, `host`, `path`, `header`, `gateway`, …

    What is left out is as the object suggests it: its first host, its first gateway, `GET /`.
    """
    return _respond(namespace, name, request.args, send=False)


@blueprint.post("")
def ask(namespace: str, name: str) -> Response:
    """Explain the same, and send the request through the gateway, once; nothing is written to the cluster."""
    return _respond(namespace, name, request.form, send=True)


def _respond(namespace: str, name: str, values: MultiDict[str, str], *, send: bool) -> Response:
    cluster, settings = adapters().cluster, adapters().settings
    virtual_service = cached_virtual_service(cluster, namespace=namespace, name=name)
    snapshot = cluster.snapshot()
    form = read_request(values, virtual_service)
    problems = problems_of(form, virtual_service, snapshot)
    found: Explained | None = None
    if not problems:
        found = explained(form, virtual_service, snapshot, settings, in_cluster=cluster.in_cluster)
        if send and found.why_not:
            problems = {"gateway": found.why_not}
    refuse_as_json(problems)
    answer = None
    if send and found and found.target:
        answer = answer_view(found, found.target, adapters().prober.exchange(found.target), snapshot)
    view = ExplainView(
        cluster=status_view(cluster.status(), snapshot),
        namespace=namespace,
        name=name,
        request=form,
        gateways=list(dict.fromkeys([*choices(virtual_service), form.gateway])),
        methods=list(METHODS),
        # What the object itself suggests may lack a host or a gateway: that is nobody's mistake.
        problems=problems if values or send else {},
        explanation=explanation_view(found, snapshot) if found else None,
        answer=answer,
    )
    return respond("pages/explain.html", view, status=400 if view.problems else 200)
