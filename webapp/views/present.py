"""`/present/<namespace>/<name>/http/<i>`: one route for a room: very large, driven by keys, and a link for phones.

Without a route it is the first that has something to slide: a short address is soon typed on a stage.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

import segno
from flask import Blueprint, Response, current_app, url_for
from markupsafe import Markup

from webapp.errors import NotFound
from webapp.views.models.virtual_service import RouteView, VirtualServiceView
from webapp.views.pictures.virtual_service import cached_virtual_service, virtual_service_view
from webapp.views.render import adapters, respond

blueprint = Blueprint("present", __name__, url_prefix="/present/<namespace>/<name>")


@dataclass(frozen=True, slots=True)
class PresentView:
    """One route on the stage. `audience_url` is the read-only link; `presenter` whether this page may shift."""

    virtual_service: VirtualServiceView
    route: RouteView
    presenter: bool
    audience_url: str


@blueprint.get("")
@blueprint.get("/http/<int:http_route>")
def page(namespace: str, name: str, http_route: int | None = None) -> Response:
    """Show the presenter's screen."""
    stage = stage_view(namespace, name, http_route, presenter=True)
    return respond("pages/present.html", stage, qr=_qr(stage.audience_url))


def stage_view(namespace: str, name: str, http_route: int | None, *, presenter: bool) -> PresentView:
    """Return the stage of one route.

    :raises NotFound: there is no such VirtualService or route, or nothing in it to slide.
    """
    found = adapters()
    virtual_service = cached_virtual_service(found.cluster, namespace=namespace, name=name)
    view = virtual_service_view(virtual_service, found.cluster, found.settings)
    route = _route(view, http_route)
    shared = current_app.config["AUDIENCE_URL"]
    # A short address is a coarse code, which a phone reads from the last row.
    audience_url = shared + url_for(
        "watch.page", namespace=namespace, name=name, http_route=http_route, _external=not shared
    )
    return PresentView(view, route, presenter and not (view.read_only or view.may_not), audience_url)


def _route(view: VirtualServiceView, index: int | None) -> RouteView:
    weighted = {route.index: route for route in view.http_routes if route.weighted}
    if not weighted:
        raise NotFound(f"{view.namespace}/{view.name} has no HTTP route with two destinations to present.")
    first = min(weighted)
    if (found := weighted.get(first if index is None else index)) is None:
        known = ", ".join(map(str, weighted))
        words = (
            f"HTTP route {index} of {view.namespace}/{view.name} has nothing to slide, or is not there; {known} has."
        )
        raise NotFound(words)
    return found


def _qr(address: str) -> Markup:
    """Draw the code for an address that another device can reach, and nothing for this machine's own."""
    host = urlsplit(address).hostname or ""
    try:
        own = ip_address(host).is_loopback
    except ValueError:
        own = host == "localhost" or host.endswith(".localhost")
    if own:
        return Markup()
    drawing = io.BytesIO()
    segno.make_qr(address, error="m").save(
        drawing, kind="svg", xmldecl=False, svgns=False, omitsize=True, svgclass="qr", lineclass=None, title=address
    )
    # segno escapes the title, which is the only part that is not its own.
    return Markup(drawing.getvalue().decode())  # noqa: S704
