"""The presenter's screen on the real demo, driven by real keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from tests.running import RunningDemo, running_demo

PAGE = "/virtual-services/default/aspnetcore-virtualservice"
PRESENT = "/present/default/aspnetcore-virtualservice"


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    with running_demo() as demo:
        yield demo


@pytest.fixture(autouse=True)
def as_at_first(demo: RunningDemo) -> None:
    shift_elsewhere(demo, 90, 10)


def read(demo: RunningDemo) -> dict[str, Any]:
    with urlopen(Request(demo.page_url + PAGE, headers={"Accept": "application/json"})) as answer:
        route: dict[str, Any] = json.load(answer)["http_routes"][0]
    return route


def stored(demo: RunningDemo) -> list[int]:
    return [each["weight"] for each in read(demo)["destinations"]]


def shift_elsewhere(demo: RunningDemo, *weights: int) -> None:
    """Shift from another page."""
    form = "&".join([*(f"weight={each}" for each in weights), f"route_digest={read(demo)['route_digest']}"])
    headers = {"Accept": "application/json"}
    with urlopen(Request(f"{demo.page_url}{PAGE}/http/0/weights", data=form.encode(), headers=headers)) as answer:
        answer.read()


def open_stage(demo: RunningDemo, page: Page, path: str = PRESENT) -> None:
    page.goto(demo.page_url + path)
    expect(page.locator("#cluster")).to_have_attribute("data-state", "live")
    expect(page.locator("#verdict")).to_have_attribute("data-verdict", re.compile("."))


def expect_split(demo: RunningDemo, page: Page, *weights: int) -> None:
    """Expect these weights on the screen, and stored: nothing is on its way."""
    words = ", ".join(f"v{place} {weight}" for place, weight in enumerate(weights, start=1))
    expect(page.locator("#split .bar")).to_have_attribute("aria-label", words)
    expect(page.locator("#split")).to_have_attribute("data-sending", "no")
    assert stored(demo) == list(weights)


@pytest.mark.parametrize(
    ("keys", "weights"),
    [
        pytest.param(["ArrowRight"], (80, 20), id="ten-points"),
        pytest.param(["ArrowRight", "ArrowRight", "ArrowLeft"], (80, 20), id="there-and-back"),
        pytest.param(["Shift+ArrowRight", "Shift+ArrowRight"], (88, 12), id="single-points"),
        pytest.param(["Shift+ArrowLeft"], (91, 9), id="one-back"),
        pytest.param(["PageDown", "PageDown", "PageUp"], (80, 20), id="a-clicker"),
        pytest.param(["5"], (50, 50), id="a-digit"),
        pytest.param(["9", "ArrowRight", "ArrowRight"], (0, 100), id="not-beyond-the-end"),
        pytest.param(["Enter"], (0, 100), id="everything"),
        pytest.param(["7", "p"], (100, 0), id="panic"),
        pytest.param(["1", "2", "3", "4", "5", "6"], (40, 60), id="quick-presses-end-at-the-last"),
    ],
)
def test_keys_shift_at_once(demo: RunningDemo, page: Page, keys: list[str], weights: tuple[int, int]) -> None:
    open_stage(demo, page)
    for key in keys:
        page.keyboard.press(key)
    expect_split(demo, page, *weights)
    expect(page.locator("#message")).to_be_empty()


def test_undo_goes_back(demo: RunningDemo, page: Page) -> None:
    open_stage(demo, page)
    page.keyboard.press("3")
    expect_split(demo, page, 70, 30)
    page.keyboard.press("Backspace")
    expect_split(demo, page, 90, 10)


def test_what_others_shift_is_seen(demo: RunningDemo, page: Page) -> None:
    open_stage(demo, page)
    shift_elsewhere(demo, 25, 75)
    expect_split(demo, page, 25, 75)
    page.keyboard.press("ArrowLeft")
    expect_split(demo, page, 35, 65)


def held_back(page: Page, pattern: str) -> list[Route]:
    """Hold the first request back until it is let go."""
    routes: list[Route] = []
    page.route(pattern, lambda route: routes.append(route), times=1)
    return routes


@pytest.mark.console("409")
def test_a_shift_that_somebody_was_faster_than_is_told(demo: RunningDemo, page: Page) -> None:
    open_stage(demo, page)
    routes = held_back(page, "**/weights")
    with page.expect_request("**/weights"):
        page.keyboard.press("5")
    shift_elsewhere(demo, 60, 40)
    routes[0].continue_()
    expect(page.locator("#message")).to_contain_text("was changed")
    expect_split(demo, page, 60, 40)


@pytest.mark.console("409")
def test_panic_is_never_refused_for_somebody_elses_change(demo: RunningDemo, page: Page) -> None:
    open_stage(demo, page)
    routes = held_back(page, "**/weights")
    with page.expect_request("**/weights"):
        page.keyboard.press("p")
    shift_elsewhere(demo, 60, 40)
    routes[0].continue_()
    expect_split(demo, page, 100, 0)
    expect(page.locator("#message")).to_be_empty()


def test_while_a_write_hangs_the_screen_moves_and_presses_are_not_lost(demo: RunningDemo, page: Page) -> None:
    open_stage(demo, page)
    posts: list[str] = []
    page.on(
        "request", lambda sent: posts.append((sent.post_data or "").partition("&route")[0]) if sent.post_data else None
    )
    routes = held_back(page, "**/weights")
    with page.expect_request("**/weights"):
        page.keyboard.press("2")
    expect(page.locator("#split")).to_have_attribute("data-sending", "yes")
    page.keyboard.press("3")
    page.keyboard.press("4")
    expect(page.locator("#split .bar")).to_have_attribute("aria-label", "v1 60, v2 40")
    words = page.locator("#rain").get_attribute("aria-label") or ""
    expect(page.locator("#rain")).not_to_have_attribute("aria-label", words)
    assert posts == ["weight=80&weight=20"]  # one write in flight
    routes[0].continue_()
    expect_split(demo, page, 60, 40)
    assert posts == ["weight=80&weight=20", "weight=60&weight=40"]


@pytest.mark.console("ERR_FAILED")
def test_a_lost_dashboard_is_told(demo: RunningDemo, page: Page) -> None:
    open_stage(demo, page)
    page.route("**/weights", lambda route: route.abort())
    page.keyboard.press("2")
    expect(page.locator("#message")).to_have_text("The dashboard can't be reached.")
    expect_split(demo, page, 90, 10)


def test_time_to_effect_is_on_the_screen(demo: RunningDemo, page: Page) -> None:
    open_stage(demo, page)
    page.keyboard.press("Enter")
    expect(page.locator("#effect")).to_have_text(re.compile(r"^In effect after 0\.\d+ – \d+\.\d+ s\.$"))


def test_the_audience_sees_it_and_can_do_nothing(demo: RunningDemo, page: Page) -> None:
    open_stage(demo, page)
    page.get_by_role("button", name="For the audience").click()
    link = page.locator("#audience a")
    expect(link).to_be_visible()
    open_stage(demo, page, (link.get_attribute("href") or "").removeprefix(demo.page_url))
    page.keyboard.press("5")
    shift_elsewhere(demo, 80, 20)
    expect_split(demo, page, 80, 20)
    expect(page.get_by_role("button")).to_have_count(0)


def test_keys_are_shown_and_closed(demo: RunningDemo, page: Page) -> None:
    open_stage(demo, page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("5")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect_split(demo, page, 90, 10)


@pytest.mark.parametrize(
    "context",
    [
        pytest.param({"viewport": {"width": 390, "height": 844}, "color_scheme": "light"}, id="phone"),
        pytest.param({"viewport": {"width": 3840, "height": 2160}, "color_scheme": "dark"}, id="4k"),
        pytest.param({"viewport": {"width": 1280, "height": 720}, "reduced_motion": "reduce"}, id="still"),
    ],
    indirect=True,
)
def test_it_fits_every_screen(demo: RunningDemo, page: Page) -> None:
    open_stage(demo, page)
    expect(page.locator("#rain canvas")).to_be_visible()
    size = page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert page.viewport_size is not None
    assert size == [page.viewport_size["width"], page.viewport_size["height"]]
    assert Axe().run(page).response["violations"] == []
    page.keyboard.press("?")
    assert Axe().run(page).response["violations"] == []


def test_a_route_that_is_none_is_told(demo: RunningDemo, page: Page) -> None:
    answer = page.request.get(demo.page_url + PRESENT + "?route=7", headers={"Accept": "application/json"})
    assert answer.status == 400
    assert answer.json()["error"]["detail"]["field"] == "route"
