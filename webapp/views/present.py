"""`/present/<namespace>/<name>`: one route for a room: very large, driven by keys, and a read-only link for phones."""

from __future__ import annotations

import io
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

import segno
from flask import Blueprint, Response, request, url_for
from markupsafe import Markup

from webapp.errors import InvalidInput, NotFound
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
def page(namespace: str, name: str) -> Response:
    """Show the presenter's screen of the route `?route=` (default: the first that has something to slide)."""
    return _respond(namespace, name, presenter=True)


@blueprint.get("/audience")
def audience(namespace: str, name: str) -> Response:
    """Show the same picture, read only."""
    return _respond(namespace, name, presenter=False)


def _respond(namespace: str, name: str, *, presenter: bool) -> Response:
    found = adapters()
    virtual_service = cached_virtual_service(found.cluster, namespace=namespace, name=name)
    view = virtual_service_view(virtual_service, found.cluster, found.settings)
    route = _route(view, request.args.get("route", ""))
    audience_url = url_for("present.audience", namespace=namespace, name=name, route=route.index, _external=True)
    stage = PresentView(view, route, presenter and not view.read_only, audience_url)
    return respond("pages/present.html", stage, qr=_qr(audience_url))


def _route(view: VirtualServiceView, index: str) -> RouteView:
    weighted = [route for route in view.http_routes if route.weighted]
    if not index:
        if not weighted:
            raise NotFound(f"{view.namespace}/{view.name} has no HTTP route with two destinations to present.")
        return weighted[0]
    found = next((route for route in weighted if str(route.index) == index), None)
    if found is None:
        known = ", ".join(str(route.index) for route in weighted) or "none"
        raise InvalidInput(f'"{index}" is not possible: "route" is one of {known}.', field="route")
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
