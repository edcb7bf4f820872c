"""`/`: the services of the mesh, their versions and how traffic is split."""

from __future__ import annotations

from functools import lru_cache
from typing import get_args

from flask import Blueprint, Response, get_template_attribute, request
from markupsafe import Markup

from webapp.errors import InvalidInput
from webapp.views.models.mesh import ServiceRowView, Show
from webapp.views.pictures.mesh import MOST_ROWS, PAGE_ROWS, Choice, mesh_view
from webapp.views.render import adapters, respond, wants_json

blueprint = Blueprint("mesh", __name__)

MOST_PAGES = 1_000_000
KEPT_ROWS = 4 * MOST_ROWS
"""1 KB each."""


@blueprint.get("/")
def page() -> Response:
    """List the services.

    `namespace` and `search` narrow the list, `show` to those with a `split` or with `warnings`. `page` (from 1 on) and
    `limit` choose the rows: 100 a page for people, 500 at most; scripts get all that fit unless they name a `limit`.
    """
    view = mesh_view(adapters().cluster, adapters().settings, _choice())
    return respond("pages/mesh.html", view, draw=lambda row: _draw(row, request.script_root))


@lru_cache(KEPT_ROWS)
def _draw(row: ServiceRowView, _script_root: str) -> Markup:
    """Draw a row, once: as long as nothing changes in it, its view is the same object.

    :param _script_root: what its links begin with.
    """
    drawn: Markup = get_template_attribute("fragments/mesh_rows.html", "service_row")(row)
    return drawn


def _choice() -> Choice:
    shows: tuple[Show, ...] = get_args(Show)
    wanted = request.args.get("show", "")
    show = next((each for each in shows if each == wanted), None)
    if show is None:
        raise InvalidInput(f'"show" is {" or ".join(filter(None, shows))}, or left out.', field="show")
    return Choice(
        namespace=request.args.get("namespace", ""),
        search=request.args.get("search", "").strip(),
        show=show,
        page=_number("page", MOST_PAGES) or 1,
        limit=_number("limit", MOST_ROWS) or (None if wants_json() else PAGE_ROWS),
    )


def _number(name: str, most: int) -> int | None:
    """Read a number of the address, None where it is left out."""
    text = request.args.get(name, "")
    if not text:
        return None
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not 0 < number <= most:
        raise InvalidInput(f'"{name}" is a whole number from 1 to {most:,}, or left out.', field=name)
    return number
