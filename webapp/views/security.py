"""What every answer carries, and whose posts are taken."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, request

from webapp.errors import CrossSite

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


def refuse_cross_site_posts() -> None:
    """Refuse a write that a browser says another site has sent.

    Browsers name the sender in `Sec-Fetch-Site` or `Origin` and pages can't forge either, so no token is needed that
    could expire; scripts send neither and pass (they carry no ambient credentials that a page could borrow).
    https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
    """
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin")
    if site not in {"same-origin", "none"} or (origin is not None and urlsplit(origin).netloc != request.host):
        raise CrossSite("This request came from another site and was refused. Open the page here and try again.")


def add_headers(response: Response) -> Response:
    """Set the headers that keep pages to themselves; live pages are never cached."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if request.endpoint != "static":
        headers.setdefault("Cache-Control", "no-store")
        response.vary.update(("Accept", "HX-Request", "HX-Request-Type"))
    return response


def init_app(app: Flask) -> None:
    """Guard every request and answer of this application."""
    app.before_request(refuse_cross_site_posts)
    app.after_request(add_headers)
