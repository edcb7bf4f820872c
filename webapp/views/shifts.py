"""Writes to one route: shift its weights, keep a timed shift, go back, switch the response tag."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from flask import Blueprint, Response, request

from webapp.errors import Conflict, InvalidInput, ReadOnly
from webapp.istio.history import NoUndo, undo_weights
from webapp.istio.objects import JsonPatch, Route, Section, VirtualService
from webapp.istio.ownership import expect_consent
from webapp.istio.patch import tag_patch
from webapp.istio.routes import find_http_route, find_route
from webapp.istio.shift import expect_digest, shift_patch
from webapp.istio.timed import keep_patch, parse_return_seconds, waiting_return
from webapp.istio.weights import USUAL_TOTAL, parse_weights, rescale
from webapp.traffic.targets import TAG_HEADER
from webapp.views.pictures.virtual_service import virtual_service_view
from webapp.views.render import adapters, respond
from webapp.views.who import by

blueprint = Blueprint("shifts", __name__, url_prefix="/virtual-services/<namespace>/<name>")
ROUTE = "/<any(http, tls, tcp):section>/<int:index>"


@blueprint.before_request
def refuse_when_read_only() -> None:
    """Refuse writes where the dashboard was started read-only."""
    if adapters().settings.read_only:
        raise ReadOnly("This dashboard is read-only: CROSSFADE_READ_ONLY is set.")


@blueprint.post(f"{ROUTE}/weights")
def weights(namespace: str, name: str, section: Section, index: int) -> Response:
    """Shift: `weight` once per destination in the route's order, and the `route_digest` that the person saw.

    With `scale` 100 they are stored on that scale, whatever their own sum is. With `return_seconds` the route goes back
    after that time unless somebody keeps it.
    """
    texts, scale = request.form.getlist("weight"), request.form.get("scale", "")
    if scale not in {"", str(USUAL_TOTAL)}:
        raise InvalidInput(f'The form field "scale" is {USUAL_TOTAL}, or left out.', field="scale")

    def choose(_: VirtualService, route: Route) -> tuple[int, ...]:
        chosen = parse_weights(texts, route=route)
        return rescale(chosen) if scale else chosen

    return_seconds = parse_return_seconds(request.form.get("return_seconds", ""))
    return _shift(namespace, name, section, index, choose, return_seconds=return_seconds)


@blueprint.post(f"{ROUTE}/undo")
def undo(namespace: str, name: str, section: Section, index: int) -> Response:
    """Go back to the split before the current one; a shift like any other."""
    return _shift(namespace, name, section, index, _before)


@blueprint.post(f"{ROUTE}/keep")
def keep(namespace: str, name: str, section: Section, index: int) -> Response:
    """Keep a timed shift: take its way back out. Kept already, nothing is written."""
    seen = _seen()

    def build(current: VirtualService) -> JsonPatch:
        return keep_patch(current, expect_digest(current, find_route(current, section, index), seen=seen))

    return _write(namespace, name, build)


@blueprint.post(f"{ROUTE}/return")
def go_back(namespace: str, name: str, section: Section, index: int) -> Response:
    """Return now what would return by itself; a shift like any other."""
    return _shift(namespace, name, section, index, _waiting)


@blueprint.post("/http/<int:http_route>/tag")
def tag(namespace: str, name: str, http_route: int) -> Response:
    """Switch the response header that names the version: `tag` is on or off."""
    wanted = request.form.get("tag", "")
    if wanted not in {"on", "off"}:
        raise InvalidInput('The form field "tag" has to be on or off.', field="tag")

    def build(current: VirtualService) -> JsonPatch:
        route = expect_digest(current, find_http_route(current, http_route), seen=_seen())
        expect_consent(current.metadata, request.form.get("consent", ""))
        return tag_patch(current, route, on=wanted == "on", header=TAG_HEADER)

    return _write(namespace, name, build)


def _seen() -> str:
    seen = request.form.get("route_digest", "")
    if not seen:
        raise InvalidInput(
            'The form field "route_digest" is missing: it says which split you saw. Read the route, send its digest.',
            field="route_digest",
        )
    return seen


def _before(current: VirtualService, route: Route) -> tuple[int, ...]:
    back = undo_weights(current, route)
    if isinstance(back, NoUndo):
        raise Conflict(back.reason)
    return back


def _waiting(current: VirtualService, route: Route) -> tuple[int, ...]:
    waiting = waiting_return(current, route)
    if waiting is None:
        raise Conflict("This route does not return by itself: somebody kept it meanwhile. Nothing was written.")
    return waiting.before


def _shift(
    namespace: str,
    name: str,
    section: Section,
    index: int,
    choose: Callable[[VirtualService, Route], tuple[int, ...]],
    *,
    return_seconds: int | None = None,
) -> Response:
    seen = _seen()

    def build(current: VirtualService) -> JsonPatch:
        route = find_route(current, section, index)
        return shift_patch(
            current,
            route,
            seen=seen,
            choose=lambda: choose(current, route),
            by=by(),
            now=datetime.now(UTC),
            consent=request.form.get("consent", ""),
            history=adapters().settings.history,
            return_seconds=return_seconds,
        )

    if section == "http":
        adapters().live.expect_shift((namespace, name))
    return _write(namespace, name, build)


def write(namespace: str, name: str, build: Callable[[VirtualService], JsonPatch]) -> VirtualService:
    """Change a VirtualService and return it as stored; counted by the last word of the request's address."""
    with adapters().metrics.count_write(request.path.rpartition("/")[2]):
        return adapters().cluster.write(namespace=namespace, name=name, build=build)


def _write(namespace: str, name: str, build: Callable[[VirtualService], JsonPatch]) -> Response:
    stored = write(namespace, name, build)
    # Drawn from what the API server stored: the cache may still be behind.
    view = virtual_service_view(stored, adapters().cluster, adapters().settings, host=request.host)
    return respond("pages/virtual_service.html", view)
