"""What a HelloWorld pod says: its page in the version's colour, as HTML, JSON or plain text, ready to be sent."""

from __future__ import annotations

import html
import json
import re
from functools import lru_cache

PALETTE = (
    *(("#0072B2", "#fff", "●"), ("#E69F00", "#000", "▲"), ("#009E73", "#000", "■")),
    *(("#CC79A7", "#000", "◆"), ("#56B4E9", "#000", "⬟"), ("#D55E00", "#000", "★")),
)
"""Okabe and Ito's colours: ground, text with enough contrast on it, and the shape that stands for it."""

_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 411: "Length Required", 413: "Content Too Large"}


@lru_cache(maxsize=256)
def preferred(accept: bytes) -> str:
    """Return html, json or text: the first of them in an Accept header, whatever its q; text where none is named."""
    for part in accept.split(b","):
        media_type = part.partition(b";")[0].strip().lower()
        if media_type in {b"text/html", b"application/xhtml+xml"}:
            return "html"
        if media_type == b"application/json":
            return "json"
    return "text"


def answer_bytes(status: int, media_type: str, body: bytes, version: str) -> bytes:
    """Return a whole answer, head and body, as it goes over the wire."""
    reason = _REASONS.get(status, "Internal Server Error")
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: {media_type}; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nx-app-version: {version}\r\n\r\n"
    )
    return head.encode() + body


def mark_of(version: str) -> int:
    """Return a version's place in the palette: v1 is the first; a canary is the second."""
    number = re.search(r"(\d+)$", version)
    return (int(number[1]) - 1) % len(PALETTE) if number else int("canary" in version)


def contents(message: str, *, service: str, version: str, pod: str) -> dict[str, tuple[str, bytes]]:
    """Return (media type, body) by what `preferred` may say."""
    ground, ink, shape = PALETTE[mark_of(version)]
    title = html.escape(message)
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>body{{margin:0;min-height:100vh;display:grid;place-content:center;"
        f"text-align:center;font:1.5rem system-ui,sans-serif;background:{ground};color:{ink}}}"
        f"h1{{font-size:4rem;margin:0}}</style><h1>{shape} {title}</h1>"
        f"<p>{html.escape(service)} · {html.escape(pod)}</p></html>\n"
    )
    facts = {"message": message, "service": service, "version": version, "pod": pod}
    return {
        "html": ("text/html", page.encode()),
        "json": ("application/json", json.dumps(facts).encode() + b"\n"),
        "text": ("text/plain", f"{message}\n".encode()),
    }
