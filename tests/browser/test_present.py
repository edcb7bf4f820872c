"""The presenter's screen on the real demo, driven by real keys."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.presenting import PRESENT, expect_shown, expect_split, open_stage, read, shift_elsewhere
from tests.running import RunningDemo, running_demo

SHARED = "127.0.0.2"
"""An address of this machine that is not the presenter's own."""


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    with running_demo("--share", SHARED) as demo:
        yield demo


@pytest.fixture(autouse=True)
def as_at_first(demo: RunningDemo) -> None:
    shift_elsewhere(demo.page_url, 90, 10)


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
    open_stage(demo.page_url, page)
    for key in keys:
        page.keyboard.press(key)
    expect_split(demo.page_url, page, *weights)
    expect(page.locator("#message")).to_be_empty()


def test_undo_goes_back(demo: RunningDemo, page: Page) -> None:
    open_stage(demo.page_url, page)
    page.keyboard.press("3")
    expect_split(demo.page_url, page, 70, 30)
    page.keyboard.press("Backspace")
    expect_split(demo.page_url, page, 90, 10)


def test_what_others_shift_is_seen(demo: RunningDemo, page: Page) -> None:
    open_stage(demo.page_url, page)
    shift_elsewhere(demo.page_url, 25, 75)
    expect_split(demo.page_url, page, 25, 75)
    page.keyboard.press("ArrowLeft")
    expect_split(demo.page_url, page, 35, 65)


def held_back(page: Page, pattern: str) -> list[Route]:
    """Hold the first request back until it is let go."""
    routes: list[Route] = []
    page.route(pattern, lambda route: routes.append(route), times=1)
    return routes


@pytest.mark.console("409")
def test_a_shift_that_somebody_was_faster_than_is_told(demo: RunningDemo, page: Page) -> None:
    open_stage(demo.page_url, page)
    routes = held_back(page, "**/weights")
    with page.expect_request("**/weights"):
        page.keyboard.press("5")
    shift_elsewhere(demo.page_url, 60, 40)
    routes[0].continue_()
    expect(page.locator("#message")).to_contain_text("was changed")
    expect_split(demo.page_url, page, 60, 40)


@pytest.mark.console("409")
def test_panic_is_never_refused_for_somebody_elses_change(demo: RunningDemo, page: Page) -> None:
    open_stage(demo.page_url, page)
    routes = held_back(page, "**/weights")
    with page.expect_request("**/weights"):
        page.keyboard.press("p")
    shift_elsewhere(demo.page_url, 60, 40)
    routes[0].continue_()
    expect_split(demo.page_url, page, 100, 0)
    expect(page.locator("#message")).to_be_empty()


def test_while_a_write_hangs_the_screen_moves_and_presses_are_not_lost(demo: RunningDemo, page: Page) -> None:
    open_stage(demo.page_url, page)
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
    expect_split(demo.page_url, page, 60, 40)
    assert posts == ["weight=80&weight=20", "weight=60&weight=40"]


@pytest.mark.console("ERR_FAILED")
def test_a_lost_dashboard_is_told(demo: RunningDemo, page: Page) -> None:
    open_stage(demo.page_url, page)
    page.route("**/weights", lambda route: route.abort())
    page.keyboard.press("2")
    expect(page.locator("#message")).to_have_text("The dashboard can't be reached.")
    expect_split(demo.page_url, page, 90, 10)


def test_time_to_effect_is_on_the_screen(demo: RunningDemo, page: Page) -> None:
    open_stage(demo.page_url, page)
    page.keyboard.press("Enter")
    expect(page.locator("#effect")).to_have_text(re.compile(r"^In effect after 0\.\d+ – \d+\.\d+ s\.$"))


def test_backspace_while_a_write_hangs_takes_back_what_is_on_its_way(demo: RunningDemo, page: Page) -> None:
    open_stage(demo.page_url, page)
    routes = held_back(page, "**/weights")
    with page.expect_request("**/weights"):
        page.keyboard.press("2")
    page.keyboard.press("4")
    expect_shown(page, 60, 40)
    page.keyboard.press("Backspace")
    expect_shown(page, 80, 20)
    page.keyboard.press("Backspace")
    routes[0].continue_()
    expect_split(demo.page_url, page, 90, 10)


@pytest.fixture
def audience(demo: RunningDemo, page: Page) -> str:
    """The address that the presenter's screen shows for phones."""
    open_stage(demo.page_url, page)
    page.get_by_role("button", name="For the audience").click()
    link = page.locator("#audience a")
    expect(link).to_be_visible()
    address = link.get_attribute("href") or ""
    page.get_by_role("button", name="Close").click()
    return address


@pytest.mark.parametrize("context", [{"viewport": {"width": 390, "height": 844}}], indirect=True, ids=["phone"])
def test_the_audience_sees_it_and_can_do_nothing(
    demo: RunningDemo, page: Page, audience: str, context: BrowserContext
) -> None:
    assert audience.startswith(f"http://{SHARED}:")
    assert audience == demo.audience_url
    phone = context.new_page()
    asked: list[str] = []
    open_stage("", phone, audience)
    phone.on("request", lambda request: asked.append(request.url))
    phone.keyboard.press("5")
    page.bring_to_front()
    page.keyboard.press("2")
    expect_shown(phone, 80, 20)
    shift_elsewhere(demo.page_url, 70, 30)
    expect_shown(phone, 70, 30)
    expect_split(demo.page_url, page, 70, 30)
    expect(phone.get_by_role("button")).to_have_count(0)
    # Whatever changes, two hundred phones ask for nothing at once.
    assert asked == []
    assert Axe().run(phone).response["violations"] == []


def test_a_timed_shift_is_counted_down_and_kept_by_a_key(demo: RunningDemo, page: Page) -> None:
    open_stage(demo.page_url, page)
    expect(page.locator("#return")).to_be_hidden()
    shift_elsewhere(demo.page_url, 60, 40, return_seconds=300)
    expect(page.locator("#return")).to_have_text(re.compile(r"Returns to 90/10 in 2\d\d s unless kept\. K keeps it\."))
    page.keyboard.press("k")
    expect(page.locator("#return")).to_be_hidden()
    expect_split(demo.page_url, page, 60, 40)
    assert read(demo.page_url)["return"] is None


def test_a_timed_shift_that_nobody_keeps_goes_back_on_the_screen(demo: RunningDemo, page: Page) -> None:
    open_stage(demo.page_url, page)
    shift_elsewhere(demo.page_url, 60, 40, return_seconds=5)
    expect(page.locator("#return")).to_be_visible()
    expect(page.locator("#return")).to_be_hidden(timeout=10_000)
    expect_split(demo.page_url, page, 90, 10)


def test_a_projector_has_a_look_of_its_own_that_stays(demo: RunningDemo, page: Page) -> None:
    open_stage(demo.page_url, page)
    page.get_by_role("button", name="Projector").click()
    page.reload()
    expect(page.get_by_role("button", name="Projector", pressed=True)).to_be_visible()
    expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(page.locator("body")).to_have_css("color", "rgb(0, 0, 0)")
    assert Axe().run(page).response["violations"] == []
    page.keyboard.press("5")
    expect_split(demo.page_url, page, 50, 50)


@pytest.mark.parametrize("button", ["For the audience", "Keys ?", "Projector"])
def test_enter_is_the_splits_after_a_button_was_clicked(demo: RunningDemo, page: Page, button: str) -> None:
    open_stage(demo.page_url, page)
    page.get_by_role("button", name=button).click()
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect_split(demo.page_url, page, 0, 100)


def test_keys_are_shown_and_closed(demo: RunningDemo, page: Page) -> None:
    open_stage(demo.page_url, page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("5")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect_split(demo.page_url, page, 90, 10)


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
    open_stage(demo.page_url, page)
    expect(page.locator("#rain canvas")).to_be_visible()
    size = page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert page.viewport_size is not None
    assert size == [page.viewport_size["width"], page.viewport_size["height"]]
    assert Axe().run(page).response["violations"] == []
    page.keyboard.press("?")
    assert Axe().run(page).response["violations"] == []


def test_a_route_that_is_none_is_told(demo: RunningDemo, page: Page) -> None:
    answer = page.request.get(demo.page_url + PRESENT + "/http/7", headers={"Accept": "application/json"})
    assert answer.status == 404
    assert "nothing to slide" in answer.json()["error"]["message"]
