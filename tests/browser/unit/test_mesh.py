"""A list of more services than a page has."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.browser.unit import scenes
from tests.browser.unit.stage import Stage
from webapp.views.models.mesh import MeshView, SplitView

COUNT = 250
LAST = f"#service-team-app-{COUNT - 1}"


def many(changed: int = -1) -> MeshView:
    """So many services in order of their names, one of which has a split."""
    none = SplitView([], "one version", "", None)
    split = SplitView(scenes.destinations([70, 30]), "", "team/app", 0)
    rows = [
        scenes.row("team", f"app-{number:03}", split if number == changed else none, scenes.versions((1, 1)))
        for number in range(COUNT)
    ]
    return scenes.mesh(services=rows, service_count=COUNT, namespaces=["team"])


@pytest.fixture
def listing(stage: Stage, page: Page) -> Page:
    stage.mesh = many()
    page.goto(stage.url)
    page.locator("html[data-connection=open]").wait_for()
    return page


def scroll_to_the_end(page: Page) -> None:
    expect(page.locator("tbody tr")).to_have_count(100)
    expect(page.locator(".count")).to_have_text("1–100 of 250 services")
    page.locator("tbody tr").last.scroll_into_view_if_needed()
    expect(page.locator("tbody tr")).to_have_count(200)
    page.locator("tbody tr").last.scroll_into_view_if_needed()
    expect(page.locator(LAST)).to_be_attached()
    expect(page.locator(".count")).to_have_text("250 services")


def test_rows_come_as_they_are_scrolled_to_and_a_reload_keeps_them(stage: Stage, listing: Page) -> None:
    first = listing.locator("#service-team-app-000").element_handle()
    scroll_to_the_end(listing)
    assert listing.evaluate("(row) => row.isConnected", first)
    expect(listing).to_have_url(f"{stage.url}/?limit=300")
    listing.reload()
    expect(listing.locator("tbody tr")).to_have_count(COUNT)


def test_news_keep_the_rows_that_were_loaded_and_the_scroll(stage: Stage, listing: Page) -> None:
    scroll_to_the_end(listing)
    listing.locator(LAST).scroll_into_view_if_needed()
    before, row = listing.evaluate("() => scrollY"), listing.locator(LAST).element_handle()
    stage.mesh = many(changed=COUNT - 1)
    stage.revision += 1
    stage.pulse()
    expect(listing.locator(LAST)).to_contain_text("70")
    expect(listing.locator("tbody tr")).to_have_count(COUNT)
    assert listing.evaluate("() => scrollY") == before
    assert listing.evaluate("(row) => row.isConnected", row)


def test_a_filter_begins_at_the_first_rows_again(stage: Stage, listing: Page) -> None:
    scroll_to_the_end(listing)
    listing.locator("#search").fill("app-1")
    expect(listing).to_have_url(f"{stage.url}/?search=app-1")
    expect(listing.locator(".count")).to_have_text("100 of 250 services")
    listing.locator("#show").select_option("warnings")
    expect(listing).to_have_url(re.compile("show=warnings"))


FETCHES = """() => performance.getEntriesByType("resource")
  .filter((each) => each.initiatorType === "fetch").map((each) => each.startTime)"""


def test_constant_news_are_fetched_in_steps(stage: Stage, listing: Page) -> None:
    for _ in range(3):
        stage.revision += 1
        stage.pulse()
        expect(listing.locator("main")).to_have_attribute("data-revision", str(stage.revision))
    times = listing.evaluate(FETCHES)
    assert len(times) == 3
    assert min(later - earlier for earlier, later in pairwise(times)) >= 400


@pytest.mark.parametrize("context", [{"java_script_enabled": False}], indirect=True, ids=["no-script"])
def test_pages_can_be_turned_without_scripts(stage: Stage, page: Page) -> None:
    stage.mesh = replace(many(), service_count=COUNT + 1)
    page.goto(stage.url)
    page.get_by_role("link", name="Next 100").click()
    expect(page.locator(".count")).to_have_text("101–200 of 250 that fit, 251 services")
    page.get_by_role("link", name="Next 100").click()
    expect(page.locator("tbody tr")).to_have_count(50)
    page.get_by_role("link", name="Previous 100").click()
    expect(page.locator("tbody tr").first).to_have_attribute("id", "service-team-app-100")
