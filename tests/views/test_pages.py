"""The pages, as HTML and as JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.views.conftest import DEADLINE_SECONDS, wait_for, wait_until_live
from tests.views.objects import virtual_service
from webapp import create_app
from webapp.composition import Adapters, build_adapters
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings

JSON = {"Accept": "application/json"}
PAGE = "/virtual-services/shop/web"


def test_the_mesh_lists_services_versions_and_splits(client: FlaskClient) -> None:
    mesh = client.get("/", headers=JSON).get_json()
    rows = {f"{row['namespace']}/{row['name']}": row for row in mesh["services"]}
    web = rows["shop/web"]
    assert [(version["name"], version["ready"], version["total"]) for version in web["versions"]] == [
        ("v1", 1, 1),
        ("v2", 1, 1),
    ]
    assert [(each["version"], each["weight"]) for each in web["split"]["destinations"]] == [("v1", 90), ("v2", 10)]
    assert (web["reached_at"], web["reached_as"]) == ("http://127.0.0.1:80/", "shop.example")
    assert rows["shop/inner"]["reached_at"] == "not exposed"
    assert mesh["cluster"]["state"] == "live"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param("?namespace=shop", {"web", "inner"}, id="namespace"),
        pytest.param("?search=INN", {"inner"}, id="search-ignores-case"),
        pytest.param("?namespace=nowhere", set(), id="nothing-fits"),
    ],
)
def test_the_mesh_can_be_narrowed(client: FlaskClient, query: str, names: set[str]) -> None:
    mesh = client.get(f"/{query}", headers=JSON).get_json()
    assert {row["name"] for row in mesh["services"]} == names
    assert bool(mesh["empty"]) == (not names)


def test_a_service_names_its_pods_and_the_routes_that_reach_it(client: FlaskClient) -> None:
    service = client.get("/services/shop/web", headers=JSON).get_json()
    assert [(pod["name"], pod["version"], pod["ready"]) for pod in service["pods"]] == [
        ("web-1", "v1", True),
        ("web-2", "v2", True),
    ]
    assert [(route["virtual_service"], route["http_route"]) for route in service["routes"]] == [("web", 0)]
    assert service["destination_rules"] == ["shop/web"]


def test_a_virtual_service_shows_what_is_needed_to_shift_it(client: FlaskClient) -> None:
    view = client.get(PAGE, headers=JSON).get_json()
    route = view["http_routes"][0]
    assert view["gateway_url"] == "http://127.0.0.1:80"
    assert (route["name"], route["total"], route["weighted"]) == ("main", 100, True)
    assert route["route_digest"]
    assert any("7s" in words for words in route["extras"])
    # Nothing is asked of a real cluster's gateway before a person has pressed Start.
    assert route["sampling"]["state"] == "off"
    assert "GET http://127.0.0.1:80/" in route["sampling"]["request"]
    assert "shop.example" in route["sampling"]["request"]


@pytest.mark.parametrize("path", ["/", "/services/shop/web", PAGE, f"{PAGE}/http/0/answers"])
def test_every_page_is_html_for_a_browser(client: FlaskClient, path: str) -> None:
    response = client.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert response.status_code == 200
    assert response.mimetype == "text/html"
    assert "web" in response.text
    assert {"Accept", "HX-Request"} <= set(response.vary)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/services/shop/nobody",
        "/virtual-services/shop/nobody",
        "/virtual-services/nowhere/web",
        f"{PAGE}/http/7/answers",
        f"{PAGE}/http/-1/answers",
        f"{PAGE}/http/0/answers.txt",
    ],
)
def test_what_is_not_there_is_404_in_words(client: FlaskClient, path: str) -> None:
    page, answer = client.get(path), client.get(path, headers=JSON)
    assert page.status_code == answer.status_code == 404
    error: dict[str, Any] = answer.get_json()["error"]
    assert error["code"] == "not_found"
    assert len(error["message"].split()) > 3
    assert 'id="error"' in page.text


def test_the_window_can_be_had_as_csv(client: FlaskClient) -> None:
    response = client.get(f"{PAGE}/http/0/answers.csv")
    assert response.mimetype == "text/csv"
    columns = "sequence,asked_at_unix_seconds,version,kind,latency_milliseconds,gateway,upstream_milliseconds"
    assert response.text.splitlines() == [columns]


def test_a_foreign_change_is_seen(client: FlaskClient, api: KubeApi, adapters: Adapters) -> None:
    api.store.put("virtualservices", virtual_service((25, 75)), manager="kubectl-edit")
    wait_for(adapters, lambda snapshot: snapshot.virtual_services["shop", "web"].http[0].weights == (25, 75))
    route = client.get(PAGE, headers=JSON).get_json()["http_routes"][0]
    assert [each["weight"] for each in route["destinations"]] == [25, 75]


def test_pages_stay_while_the_api_server_is_down(client: FlaskClient, api: KubeApi, adapters: Adapters) -> None:
    api.stop()
    try:
        revision = adapters.cluster.snapshot().revision
        while adapters.cluster.status().state == "live":
            revision = adapters.cluster.wait_for_change(revision, 1.0)
        page = client.get(PAGE)
        mesh = client.get("/", headers=JSON).get_json()
        digest = client.get(PAGE, headers=JSON).get_json()["http_routes"][0]["route_digest"]
        write = client.post(
            f"{PAGE}/http/0/weights", data={"weight": ["50", "50"], "route_digest": digest}, headers=JSON
        )
    finally:
        api.start()
    assert page.status_code == 200
    assert "shop.example" in page.text
    assert mesh["cluster"]["state"] in {"stale", "down"}
    assert {row["name"] for row in mesh["services"]} >= {"web", "inner"}
    assert write.status_code == 503
    assert write.get_json()["error"]["code"] == "cluster_unavailable"


def test_a_note_names_istios_own_code_and_page(client: FlaskClient, api: KubeApi, adapters: Adapters) -> None:
    changed = virtual_service()
    changed["spec"]["http"][0]["route"][1]["destination"]["subset"] = "v9"
    api.store.put("virtualservices", changed, manager="kubectl-edit")
    wait_for(adapters, lambda snapshot: "v9" in str(snapshot.virtual_services["shop", "web"].raw))
    notes = client.get(PAGE, headers=JSON).get_json()["http_routes"][0]["notes"]
    note = next(each for each in notes if each["ist"])
    assert (note["ist"], note["link"]) == (
        "IST0101",
        "https://istio.io/latest/docs/reference/config/analysis/ist0101/",
    )
    assert f'href="{note["link"]}" target="_blank" rel="noopener noreferrer">IST0101</a>' in client.get(PAGE).text


def test_where_some_namespaces_alone_are_watched_every_page_says_so(api: KubeApi, settings: Settings) -> None:
    api.faults.forbid("list", "pods", namespace="")
    adapters = build_adapters(replace(settings, namespaces=("shop",)))
    adapters.start()
    try:
        wait_until_live(adapters)
        client = create_app(adapters).test_client()
        for path in ("/", "/services/shop/web", PAGE, f"{PAGE}/explain"):
            cluster = client.get(path, headers=JSON).get_json()["cluster"]
            assert cluster["scope"] == "Only the namespace shop is watched: pods may not be listed cluster-wide."
            # It is how this dashboard works, no error.
            assert (cluster["state"], cluster["problems"]) == ("live", [])
            page = client.get(path).text
            assert cluster["scope"] in page
            assert "notice problem" not in page
    finally:
        adapters.stop()


def test_where_all_is_watched_nothing_is_said_of_it(client: FlaskClient) -> None:
    assert client.get("/", headers=JSON).get_json()["cluster"]["scope"] == ""
    assert '<details id="scope" hidden>' in client.get("/").text


def test_the_first_lists_show_how_far_they_are(api: KubeApi, settings: Settings) -> None:
    api.faults.stall(verb="list", resource="pods")
    adapters = build_adapters(settings)
    adapters.start()
    try:
        assert api.faults.wait_for_held(1, DEADLINE_SECONDS)
        while [each.kind for each in adapters.cluster.status().progress if not each.done] != ["pods"]:
            adapters.cluster.wait_for_change(adapters.cluster.snapshot().revision, 0.05)
        client = create_app(adapters).test_client()
        page, view = client.get("/").text, client.get("/", headers=JSON).get_json()
        assert view["cluster"]["state"] == "loading"
        assert "Reading the cluster." in page
        listed = sum(each["listed"] for each in view["cluster"]["progress"])
        assert f'data-listed="{listed}"' in page
        # The stream names the same number, so that a page knows when it is old.
        assert f'"listed": {listed}'.encode() in b"".join(adapters.live.opening(None, id=""))
        api.faults.clear()
        wait_until_live(adapters)
        assert 'data-listed=""' in client.get("/").text
        assert b'"listed": ""' in b"".join(adapters.live.opening(None, id=""))
    finally:
        api.faults.clear()
        adapters.stop()


@pytest.mark.parametrize("stage", ["present", "watch"])
@pytest.mark.parametrize(
    ("route", "status"),
    [
        pytest.param("", 200, id="the-first"),
        pytest.param("/http/0", 200, id="by-its-index"),
        pytest.param("/http/7", 404, id="none-there"),
        pytest.param("/http/first", 404, id="no-index"),
    ],
)
def test_a_stage_has_an_address_for_each_route(client: FlaskClient, stage: str, route: str, status: int) -> None:
    assert client.get(f"/{stage}/shop/web{route}").status_code == status
