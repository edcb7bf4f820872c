"""Real Chromium for every test here, and a page that fails the test on anything the console complains about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.browser.chromium import FLAGS, chromium_path

PATIENCE_MS = 5_000
HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker that a test needs which provokes an error on purpose."""
    config.addinivalue_line("markers", "console(*patterns): what the browser may complain about in this test")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, so that `make unit` can leave it out."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


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
