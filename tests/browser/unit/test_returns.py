"""A shift that goes back unless somebody keeps it: how it is asked for, how it counts down, who keeps it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.unit import scenes
from tests.browser.unit.stage import Stage
from tests.browser.unit.test_faders import apply, expect_weights, preset
from webapp.views.models.virtual_service import ReturnView, RouteView

Open = Callable[[], Page]


def waiting(seconds: float, **changes: Any) -> RouteView:
    back = ReturnView("2026-08-01T12:11:00Z", [90, 10], seconds, "crossfade")
    return scenes.route([40, 60], return_=back, return_seconds=0, **changes)


def test_a_shift_asks_for_a_way_back_only_where_somebody_chose_it(stage: Stage, open_route: Open) -> None:
    stage.virtual_service = scenes.virtual_service(scenes.route([90, 10], return_seconds=0))
    page = open_route()
    preset(page, 50).click()
    apply(page).click()
    expect(page.locator(".history li").first).to_contain_text("50/50 crossfade")
    assert stage.return_seconds == ""
    stage.show(scenes.route([50, 50], return_seconds=0))
    page.get_by_label("unless kept, return").select_option("in 30 s")
    preset(page, 10).click()
    apply(page).click()
    expect(page.locator(".history li").first).to_contain_text("90/10 crossfade")
    assert stage.return_seconds == "30"


def test_where_none_can_be_noted_none_is_offered(stage: Stage, open_route: Open) -> None:
    stage.virtual_service = scenes.virtual_service(scenes.route([90, 10], return_seconds=None))
    expect(open_route().get_by_label("unless kept, return")).to_have_count(0)


def test_the_banner_comes_to_open_pages_counts_down_and_keeps_a_draft(stage: Stage, open_route: Open) -> None:
    stage.virtual_service = scenes.virtual_service(scenes.route([40, 60], return_seconds=0))
    page = open_route()
    page.clock.install()
    preset(page, 50).click()
    stage.show(waiting(24.4))
    banner = page.locator("return-banner")
    expect(banner).to_contain_text("Returns to 90/10 in 25 s unless kept.")
    page.wait_for_function("() => customElements.get('return-banner')")
    page.clock.run_for(10_000)
    expect(banner.locator("time")).to_have_text("15 s")
    expect_weights(page, 50, 50)
    page.clock.run_for(60_000)
    expect(banner.locator("time")).to_have_text("0 s")


def test_the_servers_deadline_counts(stage: Stage, open_route: Open) -> None:
    stage.virtual_service = scenes.virtual_service(waiting(30.0))
    page = open_route()
    preset(page, 50).click()
    banner = page.locator("return-banner")
    expect(banner.locator("time")).to_have_text(re.compile("^[23][0-9] s$"))
    stage.show(waiting(3_000.0))
    expect(banner.locator("time")).to_have_text("2999 s")
    banner.get_by_role("button", name="Keep").click()
    expect(banner).to_have_count(0)
    expect_weights(page, 50, 50)
    assert [action for action, _ in stage.posts] == ["keep"]


def test_return_now_is_a_post_of_its_own(stage: Stage, open_route: Open) -> None:
    stage.virtual_service = scenes.virtual_service(waiting(300.0))
    page = open_route()
    with page.expect_response(re.compile("/return$")):
        page.get_by_role("button", name="Return now").click()
    assert [action for action, _ in stage.posts] == ["return"]


def test_a_page_that_comes_through_its_own_route_keeps_it(stage: Stage, open_route: Open) -> None:
    stage.virtual_service = scenes.virtual_service(waiting(30.0, serves_itself=True))
    page = open_route()
    page.clock.install()
    page.reload()
    expect(page.locator("return-banner")).to_contain_text("This route serves this page")
    page.wait_for_function("() => customElements.get('return-banner')")
    page.clock.run_for(2_000)
    assert stage.proofs == 0
    page.clock.run_for(2_000)
    expect(page.locator("return-banner")).to_have_count(0)
    assert stage.posts == [("keep", [])]
    assert stage.proofs == 5


@pytest.mark.parametrize("astray", [1, 3])
def test_an_answer_of_another_page_is_no_proof(stage: Stage, open_route: Open, astray: int) -> None:
    stage.virtual_service = scenes.virtual_service(waiting(30.0, serves_itself=True))
    stage.astray = astray
    page = open_route()
    page.clock.install()
    page.reload()
    page.wait_for_function("() => customElements.get('return-banner')")
    for asked in range(1, astray + 1):
        with page.expect_response(lambda answer: answer.request.headers.get("accept") == "application/json"):
            page.clock.run_for(4_000)
        page.wait_for_function("() => document.querySelector('return-banner')")
        assert (stage.proofs, stage.posts) == (asked, [])
    page.clock.run_for(4_000)
    expect(page.locator("return-banner")).to_have_count(0)
    assert stage.posts == [("keep", [])]


def test_no_other_route_is_kept_by_a_page(stage: Stage, open_route: Open) -> None:
    stage.virtual_service = scenes.virtual_service(waiting(30.0))
    page = open_route()
    page.clock.install()
    page.reload()
    page.wait_for_function("() => customElements.get('return-banner')")
    page.clock.run_for(10_000)
    expect(page.locator("return-banner time")).to_have_text("20 s")
    assert (stage.proofs, stage.posts) == (0, [])


def test_a_read_only_page_shows_it_without_buttons(stage: Stage, open_route: Open) -> None:
    stage.virtual_service = replace(scenes.virtual_service(waiting(30.0)), read_only=True)
    banner = open_route().locator("return-banner")
    expect(banner).to_contain_text("Returns to 90/10")
    expect(banner.get_by_role("button")).to_have_count(0)
