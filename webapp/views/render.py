"""One view model, two faces: a page for people, JSON for scripts."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, jsonify, make_response, render_template, request

from webapp.composition import Adapters


def adapters() -> Adapters:
    """Return what the composition handed to this application."""
    found: Adapters = current_app.extensions["crossfade"]
    return found


def wants_json() -> bool:
    """Whether the client asked for JSON rather than for a page."""
    accepted = request.accept_mimetypes
    return accepted["application/json"] > accepted["text/html"]


def respond(template: str, view: Any, *, status: int = 200, **context: object) -> Response:
    """Answer with the template, or with the model itself where JSON was asked for."""
    body = jsonify(view) if wants_json() else render_template(template, view=view, **context)
    return make_response(body, status)
