"""The stage manager's page: the way there, what each button says and does, and that it fits every screen."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.presenting import PRESENT, expect_shown, expect_split, open_stage, read
from tests.running import RunningDemo, running_demo


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    with running_demo() as demo:
        yield demo


@pytest.fixture
def manager(demo: RunningDemo, page: Page) -> Page:
    """The page, with everything back to normal."""
    page.goto(f"{demo.page_url}/stage-manager")
    page.get_by_role("button", name="Everything back to normal").click()
    expect_now(page, "v2 is well, the split is 90/10, the API server is there.")
    return page


def expect_now(page: Page, words: str) -> None:
    expect(page.get_by_role("status").filter(has_text="Now:")).to_have_text(f"Now: {words}")


def expect_on(page: Page, *scenes: str) -> None:
    expect(page.locator("[data-on=yes] button")).to_have_text(list(scenes))


def test_the_mesh_and_the_keys_lead_there(demo: RunningDemo, page: Page, context: BrowserContext) -> None:
    page.goto(demo.page_url)
    page.get_by_role("link", name="Stage manager").click()
    expect(page.get_by_role("heading", name="Stage manager")).to_be_visible()
    page.get_by_role("link", name="Presenter's screen").click()
    expect(page).to_have_url(demo.page_url + PRESENT)
    # It listens to keys as soon as it listens to the stream.
    expect(page.locator("#verdict")).to_have_attribute("data-verdict", re.compile("."))
    page.keyboard.press("?")
    with context.expect_page() as opened:
        page.get_by_role("dialog").get_by_role("link", name="Stage manager").click()
    expect(opened.value.get_by_role("heading", name="Stage manager")).to_be_visible()


def test_a_slow_canary_is_seen_on_the_stage(demo: RunningDemo, manager: Page, context: BrowserContext) -> None:
    stage = context.new_page()
    open_stage(demo.page_url, stage)
    stage.keyboard.press("5")
    expect_split(demo.page_url, stage, 50, 50)
    manager.get_by_role("button", name="A slow canary").click()
    expect_on(manager, "A slow canary")
    expect_now(manager, "v2 has jitter-ms 200 and latency-ms 800, the split is 50/50, the API server is there.")
    slow = stage.locator("#tally [data-version=v2]")
    expect(slow).to_have_text(re.compile(r"v2 \d+ answers · (8|9|10)\d\d ms$"), timeout=15_000)
    expect(stage.locator("#tally [data-version=v1]")).to_have_text(re.compile(r"v1 \d+ answers · \d{1,2} ms$"))
    manager.get_by_role("button", name="A good canary").click()
    expect_on(manager, "A good canary")


def test_a_foreign_hand_moves_the_split_and_is_named(demo: RunningDemo, manager: Page, context: BrowserContext) -> None:
    stage = context.new_page()
    open_stage(demo.page_url, stage)
    manager.get_by_role("button", name="A foreign hand with kubectl").click()
    expect_shown(stage, 25, 75)
    assert "kubectl-edit" in read(demo.page_url)["history"][0]["by"]


@pytest.mark.console("409")
def test_a_lost_api_server_counts_down_and_is_brought_back(manager: Page) -> None:
    manager.get_by_role("button", name="A lost API server").click()
    expect_on(manager, "A good canary", "A lost API server")
    lost = manager.get_by_role("status").filter(has_text="Now:")
    expect(lost).to_contain_text(re.compile(r"the API server is lost for another 1\d s\."))
    manager.get_by_role("button", name="A foreign hand with kubectl").click()
    expect(manager.get_by_role("alert").filter(has_text="The API server does not answer")).to_be_visible()
    manager.get_by_role("button", name="Everything back to normal").click()
    expect_now(manager, "v2 is well, the split is 90/10, the API server is there.")


@pytest.mark.parametrize("context", [{"java_script_enabled": False}], indirect=True, ids=["no-scripts"])
def test_it_works_without_scripts(demo: RunningDemo, page: Page) -> None:
    page.goto(f"{demo.page_url}/stage-manager")
    page.get_by_role("button", name="A bad canary").click()
    expect(page).to_have_url(f"{demo.page_url}/stage-manager")
    expect_on(page, "A bad canary")
    page.get_by_role("button", name="Everything back to normal").click()
    expect_on(page, "A good canary")


@pytest.mark.parametrize(
    "context",
    [
        pytest.param({"viewport": {"width": 390, "height": 844}, "color_scheme": "light"}, id="phone"),
        pytest.param({"viewport": {"width": 3840, "height": 2160}, "color_scheme": "dark"}, id="4k"),
    ],
    indirect=True,
)
def test_it_fits_every_screen(manager: Page) -> None:
    assert Axe().run(manager).response["violations"] == []
    assert manager.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_scene_that_is_none_is_told(demo: RunningDemo, page: Page) -> None:
    answer = page.request.post(f"{demo.page_url}/stage-manager/encore", headers={"Accept": "application/json"})
    assert answer.status == 404
    assert answer.json()["error"]["message"] == "There is no scene called encore."


def test_another_site_can_play_nothing(demo: RunningDemo, page: Page) -> None:
    foreign = {"Origin": "https://evil.example", "Accept": "application/json"}
    assert page.request.post(f"{demo.page_url}/stage-manager/bad-canary", headers=foreign).status == 403
    shown = page.request.get(f"{demo.page_url}/stage-manager", headers={"Accept": "application/json"}).json()
    assert [each["name"] for each in shown["scenes"] if each["on"]] == ["good-canary"]
