"""`/watch/<namespace>/<name>/http/<i>`: what the presenter shows, read only, for phones in the room.

A page of it asks for nothing but its stream: two hundred of them cost the presenter two hundred streams, and not a page
each whenever something changes.
"""

from __future__ import annotations

from flask import Blueprint, Response

from webapp.views.present import stage_view
from webapp.views.render import respond
from webapp.views.stream import follow

blueprint = Blueprint("watch", __name__, url_prefix="/watch/<namespace>/<name>")


@blueprint.get("")
@blueprint.get("/http/<int:http_route>")
def page(namespace: str, name: str, http_route: int | None = None) -> Response:
    """Show the stage of one route; without a number, of the first that has something to slide."""
    response = respond("pages/present.html", stage_view(namespace, name, http_route, presenter=False), qr="")
    # Browsers complain of any other at an address that is neither HTTPS nor this machine's own, as a phone's is.
    response.headers["Cross-Origin-Opener-Policy"] = "unsafe-none"
    return response


@blueprint.get("/stream", endpoint="stream")
def events(namespace: str, name: str) -> Response:
    """Send what `/stream` does; the places are the audience's own."""
    return follow(f"{namespace}/{name}", audience=True)
