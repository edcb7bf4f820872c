"""`/`: the services of the mesh, their versions and how traffic is split."""

from __future__ import annotations

from flask import Blueprint, Response, request

from webapp.views.pictures.mesh import mesh_view
from webapp.views.render import adapters, respond

blueprint = Blueprint("mesh", __name__)


@blueprint.get("/")
def page() -> Response:
    """List the services; `namespace` and `search` narrow the list."""
    view = mesh_view(
        adapters().cluster,
        adapters().settings,
        namespace=request.args.get("namespace", ""),
        search=request.args.get("search", "").strip(),
    )
    return respond("pages/mesh.html", view)
