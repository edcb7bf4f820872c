"""One view model, two faces: a page for people, JSON for scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from flask import Response, current_app, g, jsonify, make_response, render_template, request
from flask.json.provider import DefaultJSONProvider

from webapp.composition import Adapters
from webapp.errors import InvalidInput


def _members(value: Any) -> Any:
    # A member that Python has as a word of its own ends in "_" there.
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name.rstrip("_"): getattr(value, each.name) for each in fields(value)}
    return DefaultJSONProvider.default(value)


class ViewsAsJson(DefaultJSONProvider):
    """Flask's JSON with members in the order of their views, which are not copied first: a list is a thousand rows."""

    sort_keys = False
    default = staticmethod(_members)


def adapters() -> Adapters:
    """Return what the composition handed to this application; its cluster is as who asks may see it."""
    found: Adapters = g.get("adapters") or current_app.extensions["crossfade"]
    return found


def wants_json() -> bool:
    """Whether the client asked for JSON rather than for a page."""
    accepted = request.accept_mimetypes
    return accepted["application/json"] > accepted["text/html"]


def refuse_as_json(problems: Mapping[str, str]) -> None:
    """Answer a script with what is wrong with a form; a page shows each sentence beside its field.

    :raises InvalidInput: JSON was asked for, and something is wrong; it names the first field, and all in its detail.
    """
    if problems and wants_json():
        field, words = next(iter(problems.items()))
        raise InvalidInput(words, field=field, detail={"problems": dict(problems)})


def respond(template: str, view: Any, *, status: int = 200, **context: object) -> Response:
    """Answer with the template, or with the model itself where JSON was asked for."""
    body = jsonify(view) if wants_json() else render_template(template, view=view, **context)
    return make_response(body, status)
