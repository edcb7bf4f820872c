"""Taking control by hand: the real demo, a real Envoy, a real browser, with scripts and without."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from kubernetes import client, config
from playwright.sync_api import Locator, Page, expect

from tests.running import RunningDemo, running_demo

PAGE = "/services/shop/ratings/adopt"
HOST = "ratings.shop.example"
WRITTEN_MS = 15_000


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    with running_demo() as demo:
        yield demo


@pytest.fixture(scope="module")
def api(demo: RunningDemo) -> Iterator[client.ApiClient]:
    with config.new_client_from_config(str(demo.kubeconfig)) as api_client:
        yield api_client


@pytest.fixture(autouse=True)
def as_at_first(api: client.ApiClient) -> Iterator[None]:
    """Take away what a test has left."""
    yield
    objects = client.CustomObjectsApi(api)
    for plural in ("virtualservices", "destinationrules", "gateways"):
        where = ("networking.istio.io", "v1", "shop", plural)
        for each in objects.list_namespaced_custom_object(*where)["items"]:
            if each["metadata"]["name"].startswith("ratings"):
                objects.delete_namespaced_custom_object(*where, each["metadata"]["name"])


def objects_of(api: client.ApiClient) -> dict[str, Any]:
    custom = client.CustomObjectsApi(api)
    plurals = ("virtualservices", "destinationrules", "gateways")
    lists = {
        each: custom.list_namespaced_custom_object("networking.istio.io", "v1", "shop", each)["items"]
        for each in plurals
    }
    return {f"{plural}/{raw['metadata']['name']}": raw["spec"] for plural, raws in lists.items() for raw in raws}


def ask(demo: RunningDemo, count: int) -> Counter[str]:
    """Ask the gateway by the service's host, and count which service and version answers."""
    found: Counter[str] = Counter()
    request = Request(demo.gateway_url, headers={"Host": HOST, "Accept": "application/json"})
    for _ in range(count):
        with urlopen(request) as answer:
            told = json.load(answer)
        found[f"{told['service']} {told['version']}"] += 1
    return found


def step(page: Page, kind: str) -> Locator:
    return page.locator("#adopt-form .write").filter(has=page.locator(f"css=.what b:text-is('{kind}')"))


def choose_gateway(page: Page) -> None:
    page.locator("#adopt-gateway").select_option("shop/shop-gateway")
    page.locator("#adopt-host").fill(HOST)
    page.locator("#adopt-host").press("Tab")


@pytest.mark.console("400")
def test_a_person_takes_control_and_gives_it_back(demo: RunningDemo, page: Page, api: client.ApiClient) -> None:
    before = objects_of(api)
    # Somebody else's route for every host takes it until then.
    assert ask(demo, 1).keys() <= {"aspnetcore v1", "aspnetcore v2"}
    page.goto(demo.page_url + "/services/shop/ratings")
    page.get_by_role("link", name="Take control").click()
    expect(page.locator("#adopt-weight-0")).to_have_value("75")
    choose_gateway(page)
    # The plan follows what is chosen.
    expect(step(page, "VirtualService")).to_contain_text(f"- {HOST}")
    page.get_by_role("button", name="Check with the cluster").click()
    expect(page.locator(".write.accepted")).to_have_count(2)
    page.get_by_role("button", name="Take control").click()
    expect(page.locator("#adopt-outcome")).to_contain_text("VirtualService shop/ratings was made.", timeout=WRITTEN_MS)
    counted = ask(demo, 400)
    assert counted.keys() == {"ratings v1", "ratings v2"}
    # A quarter of 400 within more than four standard deviations.
    assert 60 < counted["ratings v2"] < 140
    page.locator("#adopted-back summary").first.click()
    page.get_by_role("button", name="Give back").click()
    expect(page.locator("#adopt-outcome")).to_contain_text("Given back", timeout=WRITTEN_MS)
    expect(page.locator("#adopted")).to_have_count(0)
    assert objects_of(api) == before


@pytest.mark.console("409")
@pytest.mark.parametrize("context", [{"java_script_enabled": False}], indirect=True, ids=["without-scripts"])
def test_it_works_without_scripts(demo: RunningDemo, page: Page, api: client.ApiClient) -> None:
    before = objects_of(api)
    page.goto(demo.page_url + PAGE)
    page.locator("#adopt-weight-0").fill("90")
    page.locator("#adopt-weight-1").fill("10")
    # What was not shown yet is not written, and is shown then.
    page.get_by_role("button", name="Take control").click()
    expect(page.locator("#adopt-plan-problem")).to_contain_text("not yet what was shown")
    expect(step(page, "VirtualService")).to_contain_text("weight: 90")
    page.get_by_role("button", name="Take control").click(timeout=WRITTEN_MS)
    expect(page.locator("#adopt-outcome")).to_contain_text("Under control", timeout=WRITTEN_MS)
    page.locator("#adopted-back summary").first.click()
    page.get_by_role("button", name="Give back").click(timeout=WRITTEN_MS)
    expect(page.locator("#adopt-outcome")).to_contain_text("Given back", timeout=WRITTEN_MS)
    assert objects_of(api) == before


@pytest.mark.console("400")
def test_a_mistake_is_named_beside_its_field_while_one_types(demo: RunningDemo, page: Page) -> None:
    page.goto(demo.page_url + PAGE)
    page.locator("#adopt-labels-1").fill("version=v9")
    page.locator("#adopt-labels-1").press("Tab")
    expect(page.locator("#adopt-labels-1-problem")).to_contain_text('No pod of shop/ratings has "version=v9"')
    expect(page.locator("#adopt-labels-1")).to_have_attribute("aria-invalid", "true")
    # The focus stays where the person has gone meanwhile.
    expect(page.locator("#adopt-weight-1")).to_be_focused()
    expect(page.get_by_role("button", name="Take control")).to_have_count(0)
    page.locator("#adopt-labels-1").fill("version=v2")
    page.locator("#adopt-labels-1").press("Tab")
    expect(page.get_by_role("button", name="Take control")).to_be_enabled()


def test_what_somebody_has_begun_stays_when_the_mesh_changes(
    demo: RunningDemo, page: Page, api: client.ApiClient
) -> None:
    page.goto(demo.page_url + PAGE)
    page.locator("html[data-connection=open]").wait_for()
    page.locator("#adopt-rule").fill("mine")
    rule: dict[str, Any] = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "ratings-of-another"},
        "spec": {"host": "nobody"},
    }
    revision = page.locator("#page").get_attribute("data-revision")
    assert revision
    client.CustomObjectsApi(api).create_namespaced_custom_object(
        "networking.istio.io", "v1", "shop", "destinationrules", rule
    )
    expect(page.locator("#page")).not_to_have_attribute("data-revision", revision)
    expect(page.locator("#adopt-rule")).to_have_value("mine")


@pytest.mark.console("500")
def test_a_mishap_is_said_and_the_form_stays(demo: RunningDemo, page: Page) -> None:
    error = '<main id="page"><div id="error" role="alert">Something went wrong here.</div></main>'
    page.goto(demo.page_url + PAGE)
    page.locator("#adopt-rule").fill("mine")
    page.route("**/adopt", lambda route: route.fulfill(status=500, content_type="text/html", body=error))
    page.get_by_role("button", name="Take control").click()
    expect(page.locator("#adopt-message")).to_contain_text("Something went wrong here.")
    expect(page.locator("#adopt-rule")).to_have_value("mine")
    expect(page.get_by_role("button", name="Take control")).to_be_enabled()


def test_a_version_that_appears_is_offered_by_itself(demo: RunningDemo, page: Page, api: client.ApiClient) -> None:
    page.goto(demo.page_url + PAGE)
    page.get_by_role("button", name="Take control").click()
    expect(page.locator("#adopt-outcome")).to_contain_text("Under control", timeout=WRITTEN_MS)
    apps = client.AppsV1Api(api)
    third = third_version(api)
    apps.create_namespaced_deployment("shop", third)
    try:
        add = page.get_by_role("button", name="Add v3 at 0")
        expect(add).to_be_visible(timeout=WRITTEN_MS)
        # What came of the last post is still said beside it.
        expect(page.locator("#adopt-outcome")).to_contain_text("Under control")
        expect(page.locator(".newcomer")).to_contain_text("1 of 1 pod", timeout=WRITTEN_MS)
        add.click()
        expect(page.locator("#adopt-outcome")).to_contain_text("Added at 0", timeout=WRITTEN_MS)
        expect(page.locator(".newcomer")).to_have_count(0)
        page.goto(demo.page_url + "/virtual-services/shop/ratings")
        expect(page.locator("#route-0 weight-form")).to_have_attribute("data-weights", "75 25 0")
    finally:
        apps.delete_namespaced_deployment(third["metadata"]["name"], "shop")


def third_version(api: client.ApiClient) -> dict[str, Any]:
    """Make a Deployment of v3 like that of v2."""
    deployment = api.sanitize_for_serialization(client.AppsV1Api(api).read_namespaced_deployment("ratings-v2", "shop"))
    spec = copy.deepcopy(deployment["spec"])
    for labels in (spec["selector"]["matchLabels"], spec["template"]["metadata"]["labels"]):
        labels["version"] = "v3"
    labels = {"app": "ratings", "version": "v3"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "ratings-v3", "labels": labels},
        "spec": spec,
    }


@pytest.mark.console("400")
@pytest.mark.parametrize("context", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True, ids=str)
def test_axe_finds_nothing_serious(demo: RunningDemo, page: Page) -> None:
    page.goto(demo.page_url + PAGE)
    choose_gateway(page)
    page.locator("#adopt-gateway").select_option("new")
    expect(step(page, "Gateway")).to_be_visible()
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    assert [(each["id"], each["help"]) for each in found if each["impact"] in {"serious", "critical"}] == []


@pytest.mark.console("400")
@pytest.mark.parametrize("context", [{"viewport": {"width": 390, "height": 844}}], indirect=True, ids=["phone"])
def test_nothing_is_wider_than_a_phone(demo: RunningDemo, page: Page) -> None:
    page.goto(demo.page_url + PAGE)
    choose_gateway(page)
    expect(step(page, "VirtualService")).to_contain_text(f"- {HOST}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
