"""The stage on a free port, and a page on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.unit.stage import Stage


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what drives a browser."""
    for item in items:
        item.add_marker(pytest.mark.browser)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage().serving() as stage:
        yield stage


@pytest.fixture
def open_route(stage: Stage, page: Page) -> Callable[[], Page]:
    """Open the VirtualService's page and wait until its stream speaks."""

    def open_route() -> Page:
        page.goto(stage.address)
        page.locator("html[data-connection=open]").wait_for()
        return page

    return open_route
