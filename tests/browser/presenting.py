"""What tests of the presenter's screen do: open it, read what is stored, shift from elsewhere."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from playwright.sync_api import Page, expect

PAGE = "/virtual-services/default/aspnetcore-virtualservice"
PRESENT = "/present/default/aspnetcore-virtualservice"
JSON = {"Accept": "application/json"}


def read(url: str) -> dict[str, Any]:
    """Return the route as the dashboard has it."""
    with urlopen(Request(url + PAGE, headers=JSON)) as answer:
        route: dict[str, Any] = json.load(answer)["http_routes"][0]
    return route


def stored(url: str) -> list[int]:
    """Return the weights that are stored."""
    return [each["weight"] for each in read(url)["destinations"]]


def shift_elsewhere(url: str, *weights: int, **more: object) -> None:
    """Shift from another page; `more` are further fields of its form."""
    form = urlencode({"weight": weights, "route_digest": read(url)["route_digest"], **more}, doseq=True)
    with urlopen(Request(f"{url}{PAGE}/http/0/weights", data=form.encode(), headers=JSON)) as answer:
        answer.read()


def open_stage(url: str, page: Page, path: str = PRESENT) -> None:
    """Open the presenter's screen, or what leads to one, and wait until it lives."""
    page.goto(url + path)
    expect(page.locator("#cluster")).to_have_attribute("data-state", "live")
    expect(page.locator("#verdict")).to_have_attribute("data-verdict", re.compile("."))


def expect_shown(page: Page, *weights: int) -> None:
    """Expect these weights on the screen."""
    words = ", ".join(f"v{place} {weight}" for place, weight in enumerate(weights, start=1))
    expect(page.locator("#split .bar")).to_have_attribute("aria-label", words)


def expect_split(url: str, page: Page, *weights: int) -> None:
    """Expect these weights on the screen, and stored: nothing is on its way."""
    expect_shown(page, *weights)
    expect(page.locator("#split")).to_have_attribute("data-sending", "no")
    assert stored(url) == list(weights)
