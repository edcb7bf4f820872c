"""Somebody else changes the route while this page is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from tests.browser.unit import scenes
from tests.browser.unit.stage import Stage
from tests.browser.unit.test_faders import apply, drag, expect_weights, preset, slider
from webapp.views.models.shared import ErrorView

Open = Callable[[], Page]


def test_without_a_draft_the_faders_follow(stage: Stage, open_route: Open) -> None:
    page = open_route()
    page.get_by_text("as YAML diff").click()
    stage.change([60, 40])
    expect_weights(page, 60, 40)
    expect(page.locator("[data-part=theirs]")).to_be_hidden()
    expect(page.locator(".history li").first).to_contain_text("60/40 kubectl-edit")
    expect(page.locator("#route-0-diff")).to_have_attribute("open", "")


def test_a_draft_survives_and_theirs_can_be_taken(stage: Stage, open_route: Open) -> None:
    page = open_route()
    preset(page, 50).click()
    stage.change([60, 40])
    expect(page.locator("[data-part=theirs]")).to_contain_text("kubectl-edit changed this route 1 s ago")
    expect(page.locator("[data-part=theirs] .bar")).to_have_attribute("aria-label", "v1 60, v2 40")
    expect(page.locator("[data-part=next]")).to_have_attribute("aria-label", "v1 50, v2 50")
    expect(apply(page)).to_be_hidden()
    page.get_by_role("button", name="Take theirs").click()
    expect_weights(page, 60, 40)
    assert stage.posts == []


def test_mine_goes_on_top_with_the_new_digest(stage: Stage, open_route: Open) -> None:
    page = open_route()
    preset(page, 50).click()
    stage.change([60, 40])
    page.get_by_role("button", name="Apply mine on top").click()
    expect(page.locator(".compare .bar").first).to_have_attribute("aria-label", "v1 50, v2 50")
    expect(page.locator("[data-part=theirs]")).to_be_hidden()
    assert stage.posts == [("weights", [50, 50])]


def test_a_drag_goes_on_while_the_page_is_renewed(stage: Stage, open_route: Open) -> None:
    page = open_route()
    drag(page, 1, 0.3, release=False)
    stage.change([60, 40])
    expect(page.locator("[data-part=theirs]")).to_be_visible()
    expect_weights(page, 70, 30)
    box = slider(page, 1).bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.up()
    expect_weights(page, 50, 50)


@pytest.mark.console("status of 409")
def test_a_conflict_shows_its_words_and_then_theirs(stage: Stage, open_route: Open) -> None:
    page = open_route()
    preset(page, 50).click()
    stage.store([60, 40], by="kubectl-edit")
    apply(page).click()
    expect(page.locator("#route-0-message #error")).to_have_text("Changed by kubectl-edit in the meantime, now 60/40.")
    expect(page.locator("#route-0-message #error")).to_have_attribute("data-code", "conflict")
    expect(page.locator("[data-part=theirs] .bar")).to_have_attribute("aria-label", "v1 60, v2 40")
    expect_weights(page, 50, 50)


@pytest.mark.console("status of 422")
def test_a_refusal_shows_its_words_and_keeps_the_draft(stage: Stage, open_route: Open) -> None:
    stage.refusal = ErrorView(422, "The cluster refused it", "refused", "denied by the webhook", {})
    page = open_route()
    title = page.title()
    preset(page, 50).click()
    apply(page).click()
    expect(page.locator("#route-0-message")).to_have_text("denied by the webhook")
    expect_weights(page, 50, 50)
    expect(apply(page)).to_have_text("Apply ⏎")
    assert page.title() == title
    slider(page, 1).press("ArrowRight")
    expect(page.locator("#route-0-message")).to_be_hidden()


def test_undo_is_a_post_of_its_own(stage: Stage, open_route: Open) -> None:
    stage.store([60, 40], by="crossfade")
    page = open_route()
    page.get_by_role("button", name="Undo to 90/10").click()
    expect_weights(page, 90, 10)
    assert [name for name, _ in stage.posts] == ["undo"]


def test_other_routes_keep_their_drafts(stage: Stage, open_route: Open) -> None:
    second = replace(scenes.route([80, 20]), index=1, match="everything")
    stage.virtual_service = scenes.virtual_service(scenes.route([90, 10]), second)
    page = open_route()
    page.locator("#route-1-weight-1").fill("70")
    preset(page.locator("#route-0").page, 50).first.click()
    apply(page).first.click()
    expect(page.locator("#route-0 .compare .bar").first).to_have_attribute("aria-label", "v1 50, v2 50")
    expect(page.locator("#route-1-weight-0")).to_have_value("30")
    expect(page.locator("#route-1 [data-part=theirs]")).to_be_hidden()
