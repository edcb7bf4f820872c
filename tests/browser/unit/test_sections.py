"""TLS and TCP routes on the page, and weights that come to a scale of 100."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.unit import scenes
from tests.browser.unit.stage import Stage

Open = Callable[[], Page]

RESCALE = """async (steps) => {
  const { Draft } = await import("/static/js/draft.js");
  const draft = new Draft({ weights: [2, 1], digest: "a", total: 3 });
  return steps.map(([name, ...values]) => [draft[name](...values) ?? null, draft.current, draft.total, draft.conflict]);
}"""


@pytest.fixture
def mixed(stage: Stage) -> Stage:
    def weighted(weights: list[int], section: str, match: str) -> Any:
        return scenes.route(weights, section=section, match=match, sampling=None)

    stage.virtual_service = scenes.virtual_service(
        scenes.route([90, 10]),
        tls_routes=[weighted([50, 50], "tls", "SNI is login.example, port 443")],
        tcp_routes=[weighted([2, 1], "tcp", "port 31400")],
    )
    return stage


def expect_now(page: Page, route: str, words: str) -> None:
    expect(page.locator(f"#{route} .compare .bar").first).to_have_attribute("aria-label", words)


def expect_fields(page: Page, *weights: int) -> None:
    for index, weight in enumerate(weights):
        expect(page.locator(f"#tcp-0-weight-{index}")).to_have_value(str(weight))
        expect(page.locator(f"#tcp-0-weight-{index}-slider")).to_have_value(str(weight))


@pytest.mark.parametrize("section", ["tls", "tcp"])
def test_each_route_is_shifted_and_undone_by_itself(mixed: Stage, open_route: Open, section: str) -> None:
    page = open_route()
    route = page.locator(f"#{section}-0")
    route.locator("[data-share='100']").click()
    route.locator("[data-part=apply]").click()
    total = 100 if section == "tls" else 3
    expect_now(page, f"{section}-0", f"v1 0, v2 {total}")
    expect_now(page, "route-0", "v1 90, v2 10")
    assert mixed.posts == [("weights", [0, total])]
    before = {"tls": "50/50", "tcp": "2/1"}[section]
    route.get_by_role("button", name=f"Undo to {before}").click()
    expect_now(page, f"{section}-0", f"v1 {before.replace('/', ', v2 ')}")
    assert [name for name, _ in mixed.posts] == ["weights", "undo"]


@pytest.mark.console("status of 409")
def test_a_conflict_is_shown_on_the_card_that_it_is_about(mixed: Stage, open_route: Open) -> None:
    page = open_route()
    page.locator("#tcp-0 [data-share='100']").click()
    mixed.store([0, 3], by="kubectl-edit", section="tcp")
    mixed.store([1, 2], by="kubectl-edit", section="tcp")
    page.locator("#tcp-0 [data-part=apply]").click()
    expect(page.locator("#tcp-0-message")).to_contain_text("Changed by kubectl-edit in the meantime, now 1/2.")
    expect(page.locator("#tcp-0 [data-part=theirs]")).to_be_visible()
    expect(page.locator("#route-0 [data-part=theirs]")).to_be_hidden()


def test_previews_name_the_section(mixed: Stage, open_route: Open) -> None:
    page = open_route()
    page.locator("#tcp-0 [data-action=swap]").click()
    page.locator("#tcp-0-diff summary").click()
    page.locator("#tcp-0-kubectl summary").click()
    expect(page.locator("#tcp-0 [data-part=diff]")).to_contain_text("spec.tcp[0].route:")
    expect(page.locator("#tcp-0 [data-part=kubectl]")).to_contain_text('"path":"/spec/tcp/0/route/0/weight","value":1')


def test_the_draft_takes_a_scale_of_100_and_is_sent_only_by_apply(mixed: Stage, open_route: Open) -> None:
    page = open_route()
    scale = page.locator("#tcp-0 [data-action=scale]")
    expect(page.locator("#route-0 [data-action=scale]")).to_have_count(0)
    scale.click()
    expect_fields(page, 67, 33)
    expect(scale).to_be_hidden()
    page.locator("#tcp-0-weight-1-slider").press("ArrowRight")
    expect_fields(page, 66, 34)
    page.keyboard.press("Escape")
    expect_fields(page, 2, 1)
    scale.click()
    assert mixed.posts == []
    # Somebody's change elsewhere renews the page: the draft and its scale stay.
    mixed.change([80, 20])
    expect_now(page, "route-0", "v1 80, v2 20")
    expect_fields(page, 67, 33)
    page.locator("#tcp-0 [data-part=apply]").click()
    expect_now(page, "tcp-0", "v1 67, v2 33")
    expect(scale).to_have_count(0)
    expect_fields(page, 67, 33)
    assert mixed.posts == [("weights", [67, 33])]


def test_a_scale_alone_sends_no_more_traffic_to_unready_pods(stage: Stage, open_route: Open) -> None:
    route = scenes.route([3, 1], section="tcp", sampling=None, ready=[2, 0])
    stage.virtual_service = scenes.virtual_service(tcp_routes=[route])
    page = open_route()
    page.locator("#tcp-0 [data-action=scale]").click()
    page.locator("#tcp-0 [data-part=apply]").click()
    expect_now(page, "tcp-0", "v1 75, v2 25")
    page.locator("#tcp-0-weight-1-slider").press("ArrowRight")
    page.locator("#tcp-0 [data-part=apply]").click()
    expect(page.get_by_role("dialog")).to_contain_text("It would get 26 of 100.")


THEIRS = {"weights": [1, 2], "digest": "b", "total": 3}


@pytest.mark.parametrize(
    ("steps", "heard", "current", "total", "conflict"),
    [
        pytest.param([["rescale", 100]], None, [67, 33], 100, False, id="largest-remainder"),
        pytest.param([["move", 0, 3], ["rescale", 100]], None, [100, 0], 100, False, id="of-a-draft"),
        pytest.param([["rescale", 100], ["move", 1, 40]], None, [60, 40], 100, False, id="moves-go-on"),
        pytest.param([["rescale", 100], ["reset"]], None, [2, 1], 3, False, id="reset"),
        pytest.param([["rescale", 100], ["take", THEIRS]], "theirs", [67, 33], 100, True, id="theirs-on-the-old-scale"),
        pytest.param(
            [["rescale", 100], ["take", THEIRS | {"weights": [60, 40], "total": 100}]],
            "theirs",
            [67, 33],
            100,
            True,
            id="theirs-on-the-new-scale",
        ),
        pytest.param(
            [["rescale", 100], ["take", THEIRS | {"weights": [67, 33], "total": 100}, [67, 33]]],
            "ours",
            [67, 33],
            100,
            False,
            id="ours-is-stored",
        ),
        pytest.param(
            [["rescale", 100], ["take", THEIRS | {"weights": [5, 5], "total": 10}]],
            "reshaped",
            [5, 5],
            10,
            False,
            id="a-third-scale",
        ),
        pytest.param(
            [["move", 0, 3], ["take", THEIRS | {"weights": [60, 40], "total": 100}]],
            "reshaped",
            [60, 40],
            100,
            False,
            id="a-draft-on-a-scale-that-is-no-more",
        ),
    ],
)
def test_a_drafts_scale(
    stage: Stage, page: Page, steps: list[Any], heard: str | None, current: list[int], total: int, conflict: bool
) -> None:
    page.goto(stage.url)
    assert page.evaluate(RESCALE, steps)[-1] == [heard, current, total, conflict]


@pytest.mark.parametrize("context", [{"java_script_enabled": False}], indirect=True, ids=["no-script"])
def test_a_scale_of_100_works_without_scripts_and_enter_still_applies(mixed: Stage, page: Page) -> None:
    page.goto(mixed.address)
    page.locator("#tcp-0-weight-0").fill("1")
    page.locator("#tcp-0-weight-1").fill("2")
    page.locator("#tcp-0-weight-1").press("Enter")
    expect_now(page, "tcp-0", "v1 1, v2 2")
    page.get_by_role("button", name="Use a scale of 100").click()
    expect_now(page, "tcp-0", "v1 33, v2 67")
    expect(page.get_by_role("button", name="Use a scale of 100")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(mixed: Stage, page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(mixed.address)
    page.locator("html[data-connection=open]").wait_for()
    assert Axe().run(page).response["violations"] == []
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
