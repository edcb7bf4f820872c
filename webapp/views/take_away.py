"""`…/answers.svg` and `…/receipt.md`: the live panel's window, for a ticket or a slide."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Response

from webapp.drawing import Drawing, svg
from webapp.events import Observed
from webapp.istio.mesh import answer_marks
from webapp.istio.routes import match_words
from webapp.receipt import markdown
from webapp.views.answers import observe
from webapp.views.pictures.receipt import receipt_of
from webapp.views.render import adapters

blueprint = Blueprint("take_away", __name__, url_prefix="/virtual-services/<namespace>/<name>/http/<int:http_route>")

WINDOW_SECONDS = 60


@blueprint.get("/answers.svg")
def chart(namespace: str, name: str, http_route: int) -> Response:
    """Draw the window as one file."""
    observed, now = observe(namespace, name, http_route), datetime.now(UTC)
    route = observed.virtual_service.http[http_route]
    drawing = Drawing(
        namespace=namespace,
        name=name,
        route=match_words(route),
        now=now.timestamp(),
        seconds=observed.summary.window_seconds if observed.summary else WINDOW_SECONDS,
        marks=answer_marks(adapters().cluster.snapshot(), observed.virtual_service, route),
        answers=observed.answers,
        shifts=observed.shifts,
        summary=observed.summary,
    )
    return _file(svg(drawing), "image/svg+xml", observed, f"{now:%Y%m%dT%H%M%SZ}.svg", "inline")


@blueprint.get("/receipt.md")
def receipt(namespace: str, name: str, http_route: int) -> Response:
    """Write the receipt of the route's last shift."""
    observed, now = observe(namespace, name, http_route), datetime.now(UTC)
    text = markdown(receipt_of(observed, now=now))
    return _file(text, "text/markdown; charset=utf-8", observed, f"{now:%Y%m%dT%H%M%SZ}-receipt.md", "attachment")


def _file(text: str, content_type: str, observed: Observed, ending: str, disposition: str) -> Response:
    metadata = observed.virtual_service.metadata
    file_name = f"{metadata.namespace}-{metadata.name}-http-{observed.http_route}-{ending}"
    headers = {"Content-Disposition": f'{disposition}; filename="{file_name}"'}
    return Response(text, content_type=content_type, headers=headers)
