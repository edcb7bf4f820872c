"""`/virtual-services/<namespace>/<name>`: one VirtualService, its routes with sliders and their live panels."""

from __future__ import annotations

from flask import Blueprint, Response, request

from webapp.views.pictures.virtual_service import cached_virtual_service, virtual_service_view
from webapp.views.render import adapters, respond

blueprint = Blueprint("virtual_services", __name__)


@blueprint.get("/virtual-services/<namespace>/<name>")
def page(namespace: str, name: str) -> Response:
    """Show one VirtualService; 404 where the mesh has none of that name."""
    virtual_service = cached_virtual_service(adapters().cluster, namespace=namespace, name=name)
    view = virtual_service_view(virtual_service, adapters().cluster, adapters().settings, host=request.host)
    return respond("pages/virtual_service.html", view)
