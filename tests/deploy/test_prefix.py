"""Pages under a path prefix: every address that they hold leads back to them."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.deploy.addresses import addresses_in
from tests.views.objects import OBJECTS
from tests.views.test_serve import DEADLINE_SECONDS, get, next_event, serving
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings

PREFIX = "/tools/crossfade"
PAGES = [
    "/",
    "/?search=web",
    "/services/shop/web",
    "/virtual-services/shop/web",
    "/virtual-services/shop/web/http/0/answers",
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KubeApi, int]]:
    with KubeApi() as api:
        for resource, obj in OBJECTS:
            api.store.put(resource, obj, manager="kubectl-client-side-apply")
        kubeconfig = tmp_path_factory.mktemp("prefix") / "kubeconfig"
        api.write_kubeconfig(kubeconfig)
        with serving(Settings(kubeconfig=str(kubeconfig)), CROSSFADE_PATH_PREFIX=f"{PREFIX}/") as (_, page, _):
            yield api, page


@pytest.mark.parametrize("path", PAGES)
def test_every_address_of_a_page_is_under_the_prefix_and_leads_somewhere(
    served: tuple[KubeApi, int], path: str
) -> None:
    _, port = served
    status, body = get(port, PREFIX + path, Accept="text/html")
    assert status == 200
    addresses = addresses_in(body)
    assert addresses
    assert [each for each in addresses if not each.startswith(f"{PREFIX}/")] == []
    # A form's address takes posts alone; a stream is opened below.
    answers = {each: get(port, each)[0] for each in addresses if "/stream" not in each}
    assert {each: status for each, status in answers.items() if status not in {200, 405}} == {}


def test_without_its_last_slash_the_prefix_leads_to_the_first_page(served: tuple[KubeApi, int]) -> None:
    _, port = served
    connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    connection.request("GET", PREFIX)
    response = connection.getresponse()
    assert response.status == 308
    assert urlsplit(response.headers["Location"]).path == f"{PREFIX}/"
    connection.close()


@pytest.mark.parametrize("path", ["/", "/services/shop/web", "/tools", f"{PREFIX}s/"])
def test_elsewhere_there_is_nothing_but_words(served: tuple[KubeApi, int], path: str) -> None:
    _, port = served
    status, body = get(port, path)
    assert status == 404
    assert f"served under {PREFIX}/" in body


def test_the_stream_is_there_too(served: tuple[KubeApi, int]) -> None:
    _, port = served
    assert get(port, "/stream")[0] == 404
    connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    connection.request("GET", f"{PREFIX}/stream")
    response = connection.getresponse()
    assert next_event(response, "mesh")["state"]
    response.close()
    connection.close()


@pytest.mark.browser
def test_in_the_browser_a_shift_is_sent_and_seen(served: tuple[KubeApi, int], page: Page) -> None:
    api, port = served
    page.goto(f"http://127.0.0.1:{port}{PREFIX}/")
    page.get_by_role("link", name="shop/web").first.click()
    page.wait_for_url(f"**{PREFIX}/services/shop/web")
    page.goto(f"http://127.0.0.1:{port}{PREFIX}/virtual-services/shop/web")
    expect(page.locator("html[data-connection=open]")).to_be_attached()
    page.locator("input[type=number]").first.fill("40")
    page.get_by_role("button", name="Apply", exact=False).first.click()
    expect(page.locator(".history").first).to_contain_text("40/60")
    stored = api.store.read("virtualservices", ("shop", "web"))
    assert stored
    assert [each["weight"] for each in stored["spec"]["http"][0]["route"]] == [40, 60]
