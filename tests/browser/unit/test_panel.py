"""The live panel: chart, tiles and table of what the gateway answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from playwright.sync_api import Page, expect

from tests.browser.unit import scenes
from tests.browser.unit.stage import Stage

Open = Callable[[], Page]
NOW = 1_785_585_600.0

COLOURS_IN = """(canvas) => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  const found = new Map();
  for (let at = 0; at < data.length; at += 4) {
    const colour = [...data.slice(at, at + 3)].join(" ");
    if (data[at + 3] === 255) found.set(colour, (found.get(colour) ?? 0) + 1);
  }
  return Object.fromEntries([...found].filter(([, count]) => count > 50));
}"""
RED = """() => {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = "var(--failed)";
  return getComputedStyle(probe).color.match(/[0-9]+/g).join(" ");
}"""
RECORD_WORDS = """() => {
  globalThis.words = [];
  const draw = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
    words.push(text);
    draw.call(this, text, ...place);
  };
}"""
COUNT_FRAMES = """
  globalThis.frames = 0;
  const ask = requestAnimationFrame;
  globalThis.requestAnimationFrame = (then) => { frames += 1; return ask(then); };
"""
BLUE, ORANGE = "0 114 178", "230 159 0"


def entries(count: int, *, first: int = 0, seconds: float = 30.0, failing: bool = False) -> list[list[object]]:
    """One answer in five is v2's; where failing, these are 5xx."""
    found: list[list[object]] = []
    for each in range(count):
        version = "v2" if each % 5 == 0 else "v1"
        kind = "app_error" if failing and version == "v2" else "ok"
        found.append([first + each, NOW - seconds + each * seconds / count, version, kind, 3.25])
    return found


def test_answers_are_drawn_and_said(stage: Stage, open_route: Open) -> None:
    page = open_route()
    expect(page.locator(".chart")).to_have_attribute("aria-label", re.compile("no answers yet"))
    stage.answer(entries(300), now=NOW, view=scenes.answers(), reset=True)
    expect(page.locator(".answers tbody tr")).to_have_count(2)
    expect(page.locator(".verdict")).to_have_text("The answers match 90/10.")
    expect(page.locator(".chart")).to_have_attribute("aria-label", "Shares of the last 60 seconds: v1 240, v2 60")
    expect(page.locator(".tiles")).to_have_attribute("aria-label", "The last 200 answers: v1 160, v2 40")
    chart = page.locator(".chart canvas").evaluate(COLOURS_IN)
    assert chart[BLUE] > 3 * chart[ORANGE] > 0
    tiles = page.locator(".tiles canvas").evaluate(COLOURS_IN)
    assert tiles[BLUE] > tiles[ORANGE] > 0
    # Failures are red, and nothing else is.
    red = page.evaluate(RED)
    assert red not in {*chart, *tiles}
    stage.answer(entries(300, failing=True), now=NOW, view=scenes.answers(), reset=True)
    expect(page.locator(".tiles")).to_have_attribute("aria-label", "The last 200 answers: failed 40, v1 160")
    assert red in page.locator(".chart canvas").evaluate(COLOURS_IN)
    assert red in page.locator(".tiles canvas").evaluate(COLOURS_IN)


def test_the_chart_survives_the_page_being_renewed(stage: Stage, open_route: Open) -> None:
    page = open_route()
    stage.answer(entries(100), now=NOW, view=scenes.answers(), reset=True)
    page.locator(".chart canvas").wait_for()
    canvas = page.locator(".chart canvas").element_handle()
    stage.change([60, 40])
    expect(page.locator("#route-0-weight-1")).to_have_value("40")
    assert page.evaluate("(canvas) => canvas.isConnected && canvas.width > 0", canvas)
    expect(page.locator(".answers tbody tr")).to_have_count(2)
    stage.answer(entries(50, first=100, seconds=5), now=NOW + 1, view=scenes.answers())
    expect(page.locator(".chart")).to_have_attribute("aria-label", "Shares of the last 60 seconds: v1 120, v2 30")


def test_a_shift_is_marked(stage: Stage, open_route: Open) -> None:
    page = open_route()
    page.evaluate(RECORD_WORDS)
    stage.answer(entries(100), now=NOW, view=scenes.answers(), reset=True)
    stage.publish(
        "shift", {"http_route": 0, "at": NOW - 9, "before": [90, 10], "weights": [50, 50], "label": "90/10 → 50/50"}
    )
    stage.answer([], now=NOW, view=scenes.answers())
    page.wait_for_function("() => words.includes('90/10 → 50/50')")


def test_less_motion_moves_with_the_answers_only(stage: Stage, page: Page, open_route: Open) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.add_init_script(COUNT_FRAMES)
    open_route()
    stage.answer(entries(100), now=NOW, view=scenes.answers(), reset=True)
    expect(page.locator(".answers tbody tr")).to_have_count(2)
    assert page.evaluate("() => frames") == 0


def test_rate_pause_and_tag_are_posts(stage: Stage, open_route: Open) -> None:
    page = open_route()
    sent = {"Ask 20 times a second": "rate=20", "Pause": "action=pause", "Tag the responses": "tag=on"}
    for name, form in sent.items():
        with page.expect_response(re.compile("/(sampling|tag)$")) as answer:
            page.get_by_role("button", name=name).click()
        assert answer.value.ok
        assert form in (answer.value.request.post_data or "")
    assert [name for name, _ in stage.posts] == ["sampling", "sampling", "tag"]


def test_nothing_is_asked_before_start(stage: Stage, open_route: Open) -> None:
    route = stage.virtual_service.http_routes[0]
    off = replace(route, sampling=replace(route.sampling, state="off"))
    stage.virtual_service = replace(stage.virtual_service, http_routes=[off])
    page = open_route()
    expect(page.get_by_label("The request")).to_have_text("GET http://35.240.1.2/ Host: example.org")
    expect(page.locator(".scope")).to_be_hidden()
    stage.virtual_service = replace(stage.virtual_service, http_routes=[route])
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".scope")).to_be_visible()
    stage.answer(entries(100), now=NOW, view=scenes.answers(), reset=True)
    page.locator(".chart canvas").wait_for()
    # What can't be asked says why.
    reason = "The match is a regular expression."
    impossible = replace(route, sampling=replace(route.sampling, state="impossible", reason=reason))
    stage.virtual_service = replace(stage.virtual_service, http_routes=[impossible])
    stage.revision += 1
    stage.pulse()
    expect(page.locator(".no-panel")).to_contain_text(reason)
    expect(page.get_by_role("button", name="Start")).to_have_count(0)
