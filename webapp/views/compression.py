"""Answers in gzip, where the client takes it: a page of rows is a tenth of its size then."""

from __future__ import annotations

import gzip

from flask import Flask, Response, request

LEAST_BYTES = 1_000
"""What fits in one packet anyway is sent as it is."""
LEVEL = 3
TEXTS = {"text/html", "text/css", "text/csv", "text/javascript", "application/json", "image/svg+xml"}


def compress(response: Response) -> Response:
    """Compress a whole text; never a stream, whose events must not wait for more."""
    is_file = request.endpoint == "static"
    if response.mimetype not in TEXTS or (response.is_streamed and not is_file):
        return response
    response.vary.add("Accept-Encoding")
    if (
        response.status_code != 200
        or request.method == "HEAD"
        or request.accept_encodings["gzip"] <= 0
        or (response.content_length or 0) < LEAST_BYTES
    ):
        return response
    response.direct_passthrough = False
    tag, _ = response.get_etag()
    response.set_data(gzip.compress(response.get_data(), LEVEL, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    if tag:
        # The same file by other bytes: https://www.rfc-editor.org/rfc/rfc9110#section-8.8.1
        response.set_etag(tag, weak=True)
    return response


def init_app(app: Flask) -> None:
    """Compress the answers of this application."""
    app.after_request(compress)
