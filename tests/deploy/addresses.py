"""The addresses that a page holds."""

from __future__ import annotations

import re
from html import unescape

ADDRESS = re.compile(r'\s(?:href|src|action|hx-get|hx-post|data-stream|data-address)="(?!#|https?:)([^"]*)"')


def addresses_in(page: str) -> set[str]:
    """Return those that lead to this server, without their fragments."""
    return {unescape(each).partition("#")[0] for each in ADDRESS.findall(page)}
