"""The stream: the dot's words, reconnecting, and what a page does with a cut."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.unit import scenes
from tests.browser.unit.stage import Stage

Open = Callable[[], Page]


def test_the_dot_says_how_old_the_picture_is(stage: Stage, open_route: Open) -> None:
    page = open_route()
    dot = page.locator("#cluster")
    expect(dot).to_have_text("live, 0.3 s ago")
    stage.pulse("stale", "reconnecting", 14.0)
    expect(dot).to_have_attribute("data-state", "stale")
    expect(dot).to_have_text(re.compile(r"as of 1[4-9] s ago, reconnecting"))
    stage.pulse()
    expect(dot).to_have_text("live, 0.3 s ago")
    # Where one acts on an old picture it is marked as such.
    expect(page.locator(".old-data")).to_be_hidden()
    old = scenes.cluster(state="down", text="no API server", age_seconds=30.0)
    stage.virtual_service = replace(stage.virtual_service, cluster=old)
    stage.pulse("down", "no API server", 30.0)
    expect(page.locator(".notice.old")).to_contain_text("The API server does not answer.")
    expect(page.locator(".old-data")).to_be_visible()


def test_a_cut_stream_is_said_and_opened_again(stage: Stage, open_route: Open) -> None:
    page = open_route()
    stage.close_streams()
    expect(page.locator("#cluster")).to_have_attribute("data-state", "cut")
    expect(page.locator(".old-data")).to_be_visible()
    expect(page.locator("#cluster")).to_have_text("live, 0.3 s ago")
    expect(page.locator(".old-data")).to_be_hidden()
    stage.change([60, 40])
    expect(page.locator("#route-0-weight-1")).to_have_value("40")


def test_a_cut_stream_goes_on_from_the_last_event_that_had_an_id(stage: Stage, open_route: Open) -> None:
    page = open_route()
    stage.streams[-1].put(b'id: p-7\nevent: shift\ndata: {"http_route": 9}\n\n')
    stage.pulse(age_seconds=0.4)
    expect(page.locator("#cluster")).to_have_text("live, 0.4 s ago")
    with page.expect_request("**/stream?*") as asked:
        stage.close_streams()
    assert parse_qs(urlsplit(asked.value.url).query)["last_event_id"] == ["p-7"]


@pytest.mark.console("status of 503")
def test_too_many_viewers_are_told_so(stage: Stage, page: Page) -> None:
    stage.stream_status = 503
    page.goto(stage.address)
    expect(page.locator("#cluster")).to_contain_text("too many viewers")
    stage.stream_status = 200
    expect(page.locator("#cluster")).to_have_text("live, 0.3 s ago")


@pytest.mark.console("status of 503", "ERR_")
def test_a_page_that_became_visible_again_reconnects_at_once(stage: Stage, page: Page) -> None:
    stage.stream_status = 503
    page.goto(stage.address)
    page.evaluate("() => { globalThis.setTimeout = () => 0; }")
    expect(page.locator("#cluster")).to_contain_text("too many viewers")
    stage.stream_status = 200
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("html")).to_have_attribute("data-connection", "open")


def test_a_page_is_fetched_again_only_when_the_picture_changed(stage: Stage, open_route: Open) -> None:
    page = open_route()
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    stage.pulse(age_seconds=0.4)
    expect(page.locator("#cluster")).to_have_text("live, 0.4 s ago")
    assert fetched == []
    stage.change([60, 40])
    expect(page.locator("#route-0-weight-1")).to_have_value("40")
    assert fetched == [stage.address]


def test_the_mesh_follows_without_a_jump(stage: Stage, page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 400})
    page.goto(stage.url)
    page.locator("html[data-connection=open]").wait_for()
    page.evaluate("() => scrollTo(0, 200)")
    before = page.locator("#service-shop-reviews").element_handle()
    rows = [row for row in stage.mesh.services if row.name != "catalog"]
    stage.mesh = replace(stage.mesh, services=rows, service_count=len(rows))
    stage.revision += 1
    stage.pulse()
    expect(page.locator("#service-shop-catalog")).to_have_count(0)
    assert page.evaluate("() => scrollY") == 200
    assert page.evaluate("(row) => row.isConnected", before)
