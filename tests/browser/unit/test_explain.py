"""Which route takes this request: the form in its fold, its errors, and the button that asks the gateway."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.unit import scenes
from tests.browser.unit.stage import ROOT, Stage

Open = Callable[[], Page]


def opened(page: Page) -> Page:
    page.get_by_text("Which route takes this request?").click()
    expect(page.locator("#explain")).to_be_visible()
    return page


def test_the_form_is_fetched_when_it_is_opened(stage: Stage, open_route: Open) -> None:
    page = open_route()
    assert stage.questions == []
    opened(page)
    assert stage.questions == [("GET", {})]
    expect(page.locator("#explain-host")).to_have_value("example.org")
    expect(page.locator("#explain .steps li")).to_have_count(5)
    css = ROOT / "static" / "css" / "explain.css"
    assert len(gzip.compress(css.read_bytes(), mtime=0)) < 900


def test_a_change_of_the_page_leaves_the_form_alone(stage: Stage, open_route: Open) -> None:
    page = opened(open_route())
    page.locator("#explain-path").fill("/half-writ")
    stage.change([60, 40])
    expect(page.locator("#route-0-weight-1")).to_have_value("40")
    expect(page.locator("#explain-path")).to_have_value("/half-writ")
    expect(page.locator("#explain .outcome")).to_be_visible()


def test_every_field_is_sent_and_the_page_stays(stage: Stage, open_route: Open) -> None:
    page = opened(open_route())
    page.locator("#explain-method").select_option("GET")
    page.locator("#explain-host").fill("")
    page.locator("#explain-path").fill("/a?b=1")
    page.locator("#explain-header").fill("end-user: jason\nx-a: 1")
    explanation = stage.explain.explanation
    assert explanation
    stage.explain = replace(stage.explain, explanation=replace(explanation, because="No route takes the request."))
    page.get_by_role("button", name="Explain").click()
    expect(page.locator("#explain .outcome")).to_contain_text("No route takes the request.")
    method, fields = stage.questions[-1]
    assert (method, fields) == (
        "GET",
        {
            "method": ["GET"],
            "host": [""],
            "path": ["/a?b=1"],
            "gateway": ["default/aspnetcore-gateway"],
            "source_namespace": [""],
            "header": ["end-user: jason\nx-a: 1"],
        },
    )
    expect(page).to_have_url(stage.address)


@pytest.mark.console("status of 400")
def test_a_mistake_is_told_beside_its_field(stage: Stage, open_route: Open) -> None:
    page = opened(open_route())
    stage.explain = replace(stage.explain, explanation=None, problems={"header": "Line 1 is not name: value."})
    page.get_by_role("button", name="Explain").click()
    field = page.locator("#explain-header")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("Line 1 is not name: value.")
    expect(page.locator("#explain .outcome")).to_be_hidden()
    stage.explain = scenes.explain()
    page.get_by_role("button", name="Explain").click()
    expect(page.locator("#explain .outcome")).to_be_visible()
    expect(page.locator("#explain [aria-invalid]")).to_have_count(0)


def test_what_is_asked_is_what_was_explained_not_what_was_typed_since(stage: Stage, open_route: Open) -> None:
    page = opened(open_route())
    page.locator("#explain-path").fill("/typed/since")
    stage.explain = scenes.explain(answer=scenes.gateway_answer())
    page.get_by_role("button", name="Ask the gateway").click()
    expect(page.locator("#explain-answer")).to_contain_text("v2 is among the destinations")
    method, fields = stage.questions[-1]
    assert (method, fields["path"], fields["header"]) == ("POST", ["/cart?a=1"], ["x-team: shop"])
    expect(page.locator("#explain-fold")).to_have_attribute("open", "")


def test_the_callers_namespace_is_asked_for_sidecars_alone(stage: Stage, open_route: Open) -> None:
    page = opened(open_route())
    expect(page.locator("#explain-source_namespace")).to_be_hidden()
    page.locator("#explain-gateway").select_option("mesh")
    expect(page.locator("#explain-source_namespace")).to_be_visible()


@pytest.mark.parametrize("context", [{"java_script_enabled": False}], indirect=True, ids=["no-script"])
def test_it_works_without_scripts(stage: Stage, page: Page) -> None:
    page.goto(stage.address)
    page.get_by_text("Which route takes this request?").click()
    page.get_by_role("link", name="Describe the request").click()
    expect(page).to_have_url(f"{stage.address}/explain")
    page.locator("#explain-path").fill("/x")
    page.get_by_role("button", name="Explain").click()
    assert stage.questions[-1][1]["path"] == ["/x"]
    stage.explain = scenes.explain(answer=scenes.gateway_answer())
    page.get_by_role("button", name="Ask the gateway").click()
    expect(page.locator("#explain-answer")).to_be_visible()
    assert stage.questions[-1][0] == "POST"


def scene(stage: Stage, name: str) -> None:
    whole = scenes.explain()
    assert whole.explanation
    if name == "answered":
        stage.explain = replace(whole, answer=scenes.gateway_answer())
    elif name == "no-answer":
        lost = scenes.gateway_answer(status=None, kind="timeout", by="nobody", version=None, mark=None, headers={})
        stage.explain = replace(whole, answer=replace(lost, verdict="unknown", text="No answer came."))
    elif name == "sidecar":
        cannot = replace(whole.explanation, request="", why_not="A sidecar can't be asked from here.")
        stage.explain = replace(whole, request=replace(whole.request, gateway="mesh"), explanation=cannot)
    elif name == "mistakes":
        problems = dict.fromkeys(("method", "host", "path", "header", "gateway"), "That is not possible, because.")
        stage.explain = replace(whole, explanation=None, problems=problems)


@pytest.mark.console("status of 400")
@pytest.mark.parametrize("name", ["answered", "no-answer", "sidecar", "mistakes"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(stage: Stage, page: Page, name: str) -> None:
    scene(stage, name)
    page.goto(f"{stage.address}/explain")
    page.locator("html[data-connection=open]").wait_for()
    for scheme, width in (("light", 1280), ("dark", 390)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        found = Axe().run(page).response["violations"]
        assert [(scheme, each["id"], [node["html"][:160] for node in each["nodes"]]) for each in found] == []
        assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
