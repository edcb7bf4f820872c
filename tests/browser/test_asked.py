"""A route that nobody can make a request up for, and answers that don't say their version: what a person does then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from kubernetes import client, config
from playwright.sync_api import Locator, Page, expect

from tests.running import RunningDemo, running_demo

TUTORIAL = "/virtual-services/default/aspnetcore-virtualservice"
PLACE = ("networking.istio.io", "v1", "default", "virtualservices", "aspnetcore-virtualservice")
SEEN_MS = 15_000


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    with running_demo() as demo:
        yield demo


@pytest.fixture(autouse=True)
def matched_by_an_expression(demo: RunningDemo) -> Iterator[client.CustomObjectsApi]:
    """Split the route evenly, have it take what an expression describes, and forget how it was sampled."""
    with config.new_client_from_config(str(demo.kubeconfig)) as api_client:
        api = client.CustomObjectsApi(api_client)
        found: Any = api.get_namespaced_custom_object(*PLACE)
        route = found["spec"]["http"][0] | {"match": [{"uri": {"regex": "/shop/[a-z]+"}}]}
        for destination in route["route"]:
            destination["weight"] = 50
        found["spec"]["http"] = [route]
        found["metadata"]["annotations"] = {}
        api.replace_namespaced_custom_object(*PLACE, found)
        yield api


def field(page: Page, name: str) -> Locator:
    return page.locator(f"#asks-0-{name}")


@pytest.mark.console("400")
def test_an_example_and_named_groups_make_the_panel_speak(demo: RunningDemo, page: Page) -> None:
    page.goto(demo.page_url + TUTORIAL)
    panel = page.locator("#route-0-panel")
    expect(panel).to_contain_text("Give an example of a request that it takes", timeout=SEEN_MS)
    # What can't be right is said beside its field, and what was written stays.
    field(page, "path").fill("/shop/7")
    page.get_by_role("button", name="Keep this and start").click()
    expect(page.locator("#asks-0-path-problem")).to_contain_text("path matches /shop/[a-z]+")
    expect(field(page, "path")).to_have_value("/shop/7")
    field(page, "path").fill("/shop/cart")
    field(page, "connection").select_option("fresh")
    page.get_by_role("button", name="Keep this and start").click()
    expect(page.locator("#asks-0 [role=status]")).to_contain_text("Kept.")
    rows = page.locator("#route-0-answers tbody")
    expect(rows.first).to_contain_text("v2", timeout=SEEN_MS)
    expect(panel).to_contain_text("Each request opens a connection")
    # Told by something that no answer has, nothing is identified, and the panel says what helps.
    page.get_by_role("link", name="Can't tell versions apart?").click()
    page.get_by_text("Something else").click()
    page.locator("#what").fill("x-nobody")
    page.locator("form").filter(has=page.locator("#what")).get_by_role("button").click()
    expect(page.locator("#told-by")).to_have_text("the header x-nobody")
    page.goto(demo.page_url + TUTORIAL)
    expect(page.locator("#route-0-answers")).to_contain_text("not identified", timeout=SEEN_MS)
    page.get_by_role("link", name="Can't tell versions apart?").click()
    candidate = page.locator("details.candidate").filter(has_text="header x-app-version")
    expect(candidate.locator("summary")).to_contain_text("v1 (")
    if candidate.get_attribute("open") is None:
        candidate.locator("summary").click()
    # A group may mean whatever a person says it means: here it is the other way round.
    groups = candidate.locator("select")
    expect(groups).to_have_count(2)
    values = candidate.locator("input[name=value]")
    for place in range(2):
        groups.nth(place).select_option("v2" if values.nth(place).input_value() == "v1" else "v1")
    candidate.get_by_role("button", name="Tell versions by this").click()
    expect(page.locator("#told-by")).to_have_text("the header x-app-version")
    page.goto(demo.page_url + TUTORIAL)
    expect(panel).to_contain_text("Versions are told by the header x-app-version.")
    expect(rows.first).not_to_contain_text("not identified", timeout=SEEN_MS)


def test_what_somebody_writes_stays_when_the_mesh_changes(
    demo: RunningDemo, page: Page, matched_by_an_expression: client.CustomObjectsApi
) -> None:
    page.goto(demo.page_url + TUTORIAL)
    field(page, "path").fill("/shop/mine")
    revision = page.locator("#page").get_attribute("data-revision")
    assert revision
    label = {"metadata": {"labels": {"seen": revision}}}
    matched_by_an_expression.patch_namespaced_custom_object(*PLACE, label)
    expect(page.locator("#page")).not_to_have_attribute("data-revision", revision)
    expect(field(page, "path")).to_have_value("/shop/mine")


@pytest.mark.parametrize("context", [{"java_script_enabled": False}], indirect=True, ids=["without-scripts"])
def test_it_works_without_scripts(demo: RunningDemo, page: Page) -> None:
    page.goto(demo.page_url + TUTORIAL)
    page.get_by_role("link", name="Ask something else").click()
    field(page, "path").fill("/shop/cart")
    page.get_by_role("button", name="Keep this and start").click()
    expect(page.get_by_label("The request")).to_contain_text("/shop/cart")
    page.goto(demo.page_url + TUTORIAL)
    expect(page.locator("#route-0-panel")).to_contain_text("10/s", timeout=SEEN_MS)


@pytest.mark.parametrize("context", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True, ids=str)
@pytest.mark.parametrize("path", ["", "/http/0/sampling", "/http/0/identify"])
def test_axe_finds_nothing_serious(demo: RunningDemo, page: Page, path: str) -> None:
    page.goto(demo.page_url + TUTORIAL + path)
    if not path:
        expect(field(page, "path")).to_be_visible()
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    assert [(each["id"], each["help"]) for each in found if each["impact"] in {"serious", "critical"}] == []


@pytest.mark.parametrize("context", [{"viewport": {"width": 390, "height": 844}}], indirect=True, ids=["phone"])
@pytest.mark.parametrize("path", ["", "/http/0/sampling", "/http/0/identify"])
def test_nothing_is_wider_than_a_phone(demo: RunningDemo, page: Page, path: str) -> None:
    page.goto(demo.page_url + TUTORIAL + path)
    if not path:
        expect(field(page, "path")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
