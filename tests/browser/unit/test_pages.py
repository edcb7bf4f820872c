"""Pages as a whole: filters, bars without scripts, small screens, themes, accessibility."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.unit import scenes
from tests.browser.unit.stage import Stage
from webapp.views.models.shared import NoteView, ProgressView

Open = Callable[[], Page]
STATIC = Path(__file__).resolve().parents[3] / "static"


def test_the_filter_narrows_and_is_in_the_address(stage: Stage, page: Page) -> None:
    page.goto(stage.url)
    page.locator("html[data-connection=open]").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("rev", delay=10)
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page).to_have_url(f"{stage.url}/?search=rev")
    expect(page.locator("#search")).to_be_focused()
    page.locator("#search").fill("")
    page.locator("#namespace").select_option("shop")
    expect(page).to_have_url(f"{stage.url}/?namespace=shop")
    expect(page.locator(".count")).to_have_text("5 of 7 services")
    stage.revision += 1
    stage.pulse()
    expect(page.locator("main")).to_have_attribute("data-revision", "2")
    expect(page.locator("tbody tr")).to_have_count(5)
    page.locator("#search").fill("nowhere")
    expect(page.locator(".empty")).to_contain_text("No service fits this filter.")
    page.get_by_role("link", name="Show all 7 services").click()
    expect(page.locator("tbody tr")).to_have_count(7)


@pytest.mark.parametrize("context", [{"java_script_enabled": False}], indirect=True, ids=["no-script"])
def test_bars_and_form_work_without_scripts(stage: Stage, page: Page) -> None:
    page.goto(stage.address)
    boxes = [segment.bounding_box() for segment in page.locator(".compare .bar").first.locator(".segment").all()]
    widths = [box["width"] for box in boxes if box]
    assert widths[0] / sum(widths) == pytest.approx(0.9, abs=0.01)
    expect(page.locator("#route-0-weight-1-slider")).to_be_hidden()
    page.locator("#route-0-weight-0").fill("60")
    page.locator("#route-0-weight-1").fill("40")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".compare .bar").first).to_have_attribute("aria-label", "v1 60, v2 40")


def test_the_theme_is_remembered_and_never_flashes(stage: Stage, page: Page) -> None:
    page.goto(stage.url)
    button = page.locator("#theme")
    button.click()
    button.click()
    expect(button).to_have_attribute("title", "Theme: dark")
    page.goto(stage.address, wait_until="commit")
    page.wait_for_function("() => document.body && document.documentElement.dataset.theme === 'dark'")
    expect(button).to_have_attribute("aria-label", "Theme: dark")


CONTRASTS = """() => {
  const light = (colour) => {
    const [red, green, blue] = colour.match(/[0-9.]+/g).map((each) => {
      const part = each / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
  };
  const probe = document.body.appendChild(document.createElement("i"));
  const read = (name) => { probe.style.color = `var(--${name})`; return light(getComputedStyle(probe).color); };
  const contrast = (one, other) => Math.max(one / other, other / one);
  return [0, 1, 2, 3, 4, 5].map((mark) => {
    probe.className = `c${mark}`;
    const grounds = ["surface", "ground", "sunken"].map((ground) => contrast(read("edge"), read(ground)));
    return { shape: Math.min(...grounds), text: contrast(read("on"), read("c")) };
  });
}"""


def test_versions_stand_out_from_their_ground_and_text_from_versions(stage: Stage, page: Page) -> None:
    page.goto(stage.url)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for mark, found in enumerate(page.evaluate(CONTRASTS)):
            assert found["shape"] >= 3, (scheme, mark, found)
            assert found["text"] >= 4.5, (scheme, mark, found)


def scene(stage: Stage, name: str) -> str:
    """Set a scene; the address of the page that shows it."""
    notes = [
        NoteView("warning", "a", "v2 has no ready pods.", "Scale it up."),
        NoteView("owner", "b", "Flagger owns this."),
        *(NoteView("info", f"c{each}", "Shares are lumpy.", "", "IST0101", "https://istio.io/") for each in range(3)),
    ]
    if name == "loading":
        progress = [ProgressView("services", 10, 10, True), ProgressView("pods", 2500, 5000, False)]
        reading = scenes.cluster(state="loading", text="reading the cluster", progress=progress)
        stage.mesh = scenes.mesh(cluster=reading, services=[], service_count=0)
    elif name == "stale":
        old = scenes.cluster(state="stale", text="reconnecting", age_seconds=14.0, as_of="2026-08-01T12:00:00+00:00")
        stage.virtual_service = scenes.virtual_service(cluster=old)
    elif name == "scope":
        stage.mesh = scenes.mesh(cluster=scenes.cluster(scope="Only the namespaces shop and web are watched."))
    elif name == "down":
        stage.mesh = scenes.mesh(cluster=scenes.cluster(state="down", text="no API server", problems=["It is away."]))
    elif name == "many":
        single = scenes.route([100], destinations=scenes.destinations([100]), weighted=False, notes=notes)
        six = replace(scenes.route([40, 25, 15, 10, 6, 4]), index=1, name="default", extras=["timeout 5s"])
        single = replace(single, match="header end-user is jason")
        redirect = scenes.route(
            [1], index=2, match="path is /old", destinations=[], weighted=False, action="redirects to /"
        )
        off = replace(scenes.route([50, 50]), index=3, match="everything")
        off = replace(off, sampling=replace(off.sampling, state="off"))
        stage.virtual_service = scenes.virtual_service(single, six, redirect, off, notes=notes)
    pages = {"mesh": "/", "scope": "/", "loading": "/", "down": "/", "service": "/services/shop/reviews"}
    return stage.url + pages[name] if name in pages else stage.address


@pytest.mark.parametrize("name", ["mesh", "scope", "loading", "down", "stale", "service", "route", "many"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(stage: Stage, page: Page, name: str) -> None:
    page.goto(scene(stage, name))
    page.locator("html[data-connection=open]").wait_for()
    for fold in page.locator("#scope:not([hidden]) summary, .remarks summary").all():
        fold.click()
    if name == "route":
        stage.answer([[0, 1e9, "v1", "ok", 1.0]], now=1e9, view=scenes.answers(failures=3), reset=True)
        page.locator("#route-0-weight-1").fill("30")
        page.locator("#route-0-diff summary").click()
        page.locator("#route-0-kubectl summary").click()
        page.locator(".answers table").wait_for()
    for scheme, width in (("light", 1280), ("dark", 390)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        found = Axe().run(page).response["violations"]
        assert [(scheme, each["id"], [node["html"][:160] for node in each["nodes"]]) for each in found] == []
        assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_first_lists_are_followed_while_they_run(stage: Stage, page: Page) -> None:
    def reading(listed: int) -> None:
        progress = [ProgressView("services", 10, 10, True), ProgressView("pods", listed, 5000, False)]
        state = scenes.cluster(state="loading", text="reading the cluster", progress=progress)
        stage.mesh = scenes.mesh(cluster=state, services=[], service_count=0)

    reading(500)
    page.goto(stage.url)
    page.locator("html[data-connection=open]").wait_for()
    expect(page.locator(".progress")).to_contain_text("500 of 5,000")
    reading(2500)
    # Nothing is painted yet, so the revision stays: the number alone says that there is news.
    pulse = {"revision": stage.revision, "state": "loading", "text": "reading the cluster", "age_seconds": 0.1}
    stage.publish("mesh", pulse | {"listed": 2510})
    expect(page.locator("#cluster")).to_have_text("reading the cluster")
    expect(page.locator(".progress")).to_contain_text("pods 2,500 of 5,000", use_inner_text=True)
    assert page.locator("#progress-pods").evaluate("bar => bar.position") == 0.5
    stage.mesh = scenes.mesh()
    stage.pulse()
    expect(page.locator(".progress")).to_be_hidden()
    expect(page.locator("tbody tr")).to_have_count(7)


def test_that_some_namespaces_alone_are_watched_is_said_as_soon_as_it_is_known(stage: Stage, open_route: Open) -> None:
    page = open_route()
    scope = page.locator("#scope")
    expect(scope).to_be_hidden()
    known = scenes.cluster(scope="Only the namespace shop is watched.")
    stage.virtual_service = scenes.virtual_service(cluster=known)
    stage.revision += 1
    stage.pulse()
    expect(scope).to_be_visible()
    scope.locator("summary").click()
    expect(scope).to_contain_text("Only the namespace shop is watched.")
    expect(page.locator(".notice")).to_have_count(0)
    stage.change([60, 40])
    expect(page.locator("#route-0-weight-1")).to_have_value("40")
    expect(scope).to_have_attribute("open", "")


def test_warnings_stand_first_and_many_remarks_are_folded(stage: Stage, open_route: Open) -> None:
    remarks = [NoteView("info", f"r{each}", f"Remark {each}.") for each in range(3)]
    page_of = "https://istio.io/latest/docs/reference/config/analysis/ist0101/"
    warning = NoteView("warning", "w", "v3 has no ready pods.", "Scale it up.", "IST0101", page_of)
    few = scenes.route([90, 10], notes=[*remarks[:2], warning])
    many = scenes.route([50, 50], index=1, notes=[remarks[0], warning, *remarks[1:]])
    stage.virtual_service = scenes.virtual_service(few, many)
    page = open_route()
    expect(page.locator("#route-0 .note")).to_have_text(
        ["v3 has no ready pods. IST0101 Scale it up.", "Remark 0.", "Remark 1."]
    )
    expect(page.locator("#route-0 .remarks")).to_have_count(0)
    link = page.get_by_role("link", name="IST0101").first
    expect(link).to_have_attribute("href", page_of)
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    folded = page.locator("#route-1 .remarks")
    expect(folded.locator("summary")).to_have_text("3 remarks")
    expect(folded.get_by_text("Remark 2.")).to_be_hidden()
    folded.locator("summary").click()
    expect(folded.get_by_text("Remark 2.")).to_be_visible()


def test_scripts_and_styles_stay_small(stage: Stage, open_route: Open) -> None:
    page = open_route()
    names = page.evaluate("() => performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)")
    files = [STATIC.parent / name.lstrip("/") for name in names if name.endswith((".js", ".css"))]
    assert {"htmx.min.js", "uPlot.iife.min.js", "rebalance.js", "route.css"} <= {file.name for file in files}
    assert sum(len(gzip.compress(file.read_bytes(), mtime=0)) for file in files) < 60_000
