"""One real Chromium for all tests, and a page that fails the test on anything the console complains about."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.browser.chromium import FLAGS, chromium_path

PATIENCE_MS = 5_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = chromium_path(playwright)
        if path is None:
            pytest.skip("there is no Chromium here")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """Give a fresh context; `indirect` parameters go to it (colour scheme, viewport …)."""
    context = browser.new_context(**getattr(request, "param", {}))
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Give a page; errors of scripts, of the console and of the content security policy fail the test."""
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    page = context.new_page()
    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
    yield page
    page.close()
    marker = request.node.get_closest_marker("console")
    allowed = marker.args if marker else ()
    assert [each for each in complaints if not any(re.search(pattern, each) for pattern in allowed)] == []
