"""The list of services, where there are more than a page has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.views.conftest import wait_for, wait_until_live
from tests.views.objects import OBJECTS, endpoint_slice, service, virtual_service
from webapp.composition import Adapters, build_adapters
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings

JSON = {"Accept": "application/json"}
OTHERS = 3
"""Services that the small mesh has beside those that are added here."""
ADDED = 547
COUNT = OTHERS + ADDED
ROW = b'<tr id="service-'


@pytest.fixture(scope="module")
def api() -> Iterator[KubeApi]:
    added = [("services", service("team", f"app-{number:03}", {"ports": [{"port": 80}]})) for number in range(ADDED)]
    with KubeApi() as api:
        for resource, obj in [*OBJECTS, *added]:
            api.store.put(resource, obj, manager="kubectl-client-side-apply")
        yield api


@pytest.fixture(scope="module")
def adapters(api: KubeApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adapters]:
    kubeconfig = tmp_path_factory.mktemp("large") / "kubeconfig"
    api.write_kubeconfig(kubeconfig)
    adapters = build_adapters(Settings(kubeconfig=str(kubeconfig)))
    adapters.start()
    try:
        wait_until_live(adapters)
        yield adapters
    finally:
        adapters.stop()


def names(client: FlaskClient, query: str) -> list[str]:
    return [row["name"] for row in client.get(f"/{query}", headers=JSON).get_json()["services"]]


def test_people_get_a_page_and_scripts_all(client: FlaskClient) -> None:
    page = client.get("/")
    assert page.data.count(ROW) == 100
    assert f"1–100 of {COUNT} services" in page.text
    assert 'href="/?page=2&amp;limit=100"' in page.text
    assert 'hx-get="/?limit=200"' in page.text
    assert len(names(client, "")) == COUNT


def test_pages_make_up_the_whole(client: FlaskClient) -> None:
    whole, found, page = names(client, ""), [], 1
    while page:
        view = client.get(f"/?page={page}&limit=200", headers=JSON).get_json()
        found += [row["name"] for row in view["services"]]
        assert view["service_count"] == view["paging"]["fitting_count"] == COUNT
        page = view["paging"]["next_page"]
    assert found == whole


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("limit=100", (1, 2, None, 200), id="first"),
        pytest.param("limit=400", (1, 2, None, 500), id="grown"),
        pytest.param("limit=500", (1, 2, None, None), id="grown-enough"),
        pytest.param("page=2&limit=200", (2, 3, 1, None), id="a-later-one-does-not-grow"),
        pytest.param("page=6&limit=100", (6, None, 5, None), id="last"),
        pytest.param("page=99&limit=100", (99, None, 6, None), id="beyond-the-end"),
        pytest.param("limit=100&search=app-54", (1, None, None, None), id="all-that-fit"),
        pytest.param("", (1, None, None, None), id="all"),
        pytest.param("search=nothing", (1, None, None, None), id="none"),
    ],
)
def test_where_a_page_stands(client: FlaskClient, query: str, expected: tuple[int | None, ...]) -> None:
    paging = client.get(f"/?{query}", headers=JSON).get_json()["paging"]
    assert tuple(paging[name] for name in ("page", "next_page", "previous_page", "next_limit")) == expected


def test_links_keep_the_filter(client: FlaskClient) -> None:
    text = client.get("/?namespace=team&search=app&show=").text
    assert f"1–100 of {ADDED} that fit, {COUNT} services" in text
    assert 'href="/?page=2&amp;limit=100&amp;namespace=team&amp;search=app"' in text


def test_a_page_beyond_the_end_says_so(client: FlaskClient) -> None:
    text = client.get("/?page=99").text
    assert f"The list ends before this page: {COUNT} services fit." in text
    assert f"Show all {COUNT} services" in text


@pytest.mark.parametrize(
    ("query", "field"),
    [
        pytest.param("page=0", "page", id="page-0"),
        pytest.param("page=-1", "page", id="negative"),
        pytest.param("page=two", "page", id="word"),
        pytest.param("page=1.5", "page", id="fraction"),
        pytest.param("page=\u0662", "page", id="other-digits"),
        pytest.param(f"page={10**30}", "page", id="huge"),
        pytest.param("limit=501", "limit", id="too-many"),
        pytest.param("limit=0", "limit", id="no-rows"),
        pytest.param("show=everything", "show", id="show"),
    ],
)
def test_what_is_no_page_is_told(client: FlaskClient, query: str, field: str) -> None:
    answer = client.get(f"/?{query}", headers=JSON)
    assert answer.status_code == 400
    error = answer.get_json()["error"]
    assert error["detail"]["field"] == field
    assert f'"{field}"' in error["message"]


def test_a_row_that_was_drawn_follows_its_service(client: FlaskClient, api: KubeApi, adapters: Adapters) -> None:
    def bar() -> str:
        return client.get("/?search=shop/web").text.partition('aria-label="v1 ')[2].partition('"')[0]

    assert bar() == "90, v2 10"
    api.store.put("virtualservices", virtual_service((60, 40)), manager="kubectl")
    wait_for(adapters, lambda snapshot: snapshot.virtual_services["shop", "web"].http[0].weights == (60, 40))
    assert bar() == "60, v2 40"


def test_show_narrows_to_splits_or_warnings(client: FlaskClient, api: KubeApi, adapters: Adapters) -> None:
    assert names(client, "?show=split") == ["web"]
    assert names(client, "?show=warnings") == []
    api.store.put("endpointslices", endpoint_slice("shop", "web", {"web-1": "10.244.0.1"}), manager="kubectl")
    wait_for(adapters, lambda snapshot: snapshot.ready_pods(("shop", "web")) == {"web-1"})
    assert names(client, "?show=warnings") == ["web"]
    assert names(client, "?show=warnings&namespace=team") == []
    api.store.put("virtualservices", virtual_service((100, 0)), manager="kubectl")
    wait_for(adapters, lambda snapshot: snapshot.virtual_services["shop", "web"].http[0].weights == (100, 0))
    assert names(client, "?show=warnings") == []
