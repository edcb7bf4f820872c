"""`/services/<namespace>/<name>`: one service, its versions, its pods and every route that reaches it."""

from __future__ import annotations

from flask import Blueprint, Response

from webapp.views.pictures.service import service_view
from webapp.views.render import adapters, respond

blueprint = Blueprint("services", __name__)


@blueprint.get("/services/<namespace>/<name>")
def page(namespace: str, name: str) -> Response:
    """Show one service; 404 where the mesh has none of that name."""
    view = service_view(adapters().cluster, adapters().settings, namespace=namespace, name=name)
    return respond("pages/service.html", view)
