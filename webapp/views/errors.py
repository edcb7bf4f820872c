"""Errors, rendered once: as a page or as JSON `{"error": {"code", "message", "detail"}}`."""

from __future__ import annotations

import logging

from flask import Flask, Response, jsonify, make_response, request
from werkzeug.exceptions import HTTPException, SecurityError

from webapp.errors import CrossfadeError, TooManyViewers
from webapp.views.models.shared import ErrorView
from webapp.views.render import respond, wants_json

log = logging.getLogger(__name__)

TITLES = {
    400: "That can't be used",
    403: "Not allowed",
    404: "Not found",
    405: "Not that way",
    409: "Changed in the meantime",
    413: "Too large",
    422: "The cluster refused it",
    500: "Our mistake",
    502: "The cluster answered with an error",
    503: "Not available right now",
}


def _answer(status: int, code: str, message: str, detail: dict[str, object]) -> Response:
    title = TITLES.get(status, "Something went wrong")
    view = ErrorView(status=status, title=title, code=code, message=message, detail=detail)
    if wants_json():
        return make_response(jsonify(error={"code": code, "message": message, "detail": detail}), status)
    return respond("pages/error.html", view, status=status)


def _known(error: CrossfadeError) -> Response:
    response = _answer(error.status, error.code, error.message, error.detail)
    if isinstance(error, TooManyViewers):
        response.headers["Retry-After"] = "5"
    return response


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    code = (error.name or "error").lower().replace(" ", "_")
    words = {
        404: f"There is no page at {request.path}.",
        405: f"{request.method} is not possible at {request.path}.",
        413: "The form is too large.",
    }
    response = _answer(status, code, words.get(status, error.description or error.name), {})
    for name, value in error.get_headers():
        if name not in {"Content-Type", "Content-Length"}:
            response.headers[name] = value
    return response


def _untrusted_host(error: SecurityError) -> Response:
    # No address can be built for a host that is not ours, so this answer has no page around it.
    message = "This dashboard does not answer to that Host name. CROSSFADE_TRUSTED_HOSTS lists those it answers to."
    if wants_json():
        return make_response(jsonify(error={"code": "untrusted_host", "message": message, "detail": {}}), 400)
    return make_response(message, 400, {"Content-Type": "text/plain; charset=utf-8"})


def _unexpected(error: Exception) -> Response:
    log.exception("unexpected error at %s %s", request.method, request.path, exc_info=error)
    return _answer(500, "internal", "Something went wrong here; the log of the dashboard says what.", {})


def init_app(app: Flask) -> None:
    """Render every error of this application."""
    app.register_error_handler(CrossfadeError, _known)
    app.register_error_handler(SecurityError, _untrusted_host)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)
