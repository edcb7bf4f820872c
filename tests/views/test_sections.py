"""TLS and TCP routes on pages and in JSON, written like HTTP routes; weights of other sums; delegates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.views.conftest import wait_for
from tests.views.objects import ISTIO, virtual_service
from webapp.composition import Adapters
from webapp.demo.kube.server import KubeApi

JSON = {"Accept": "application/json"}
PAGE = "/virtual-services/shop/web"
METRIC = "istio_tcp_connections_opened_total"


def split(*weights: int | None) -> list[dict[str, Any]]:
    destinations = [{"destination": {"host": "web", "subset": f"v{place}"}} for place in range(1, len(weights) + 1)]
    return [
        each if weight is None else each | {"weight": weight}
        for each, weight in zip(destinations, weights, strict=True)
    ]


@pytest.fixture(autouse=True)
def mixed(api: KubeApi, adapters: Adapters) -> dict[str, Any]:
    """Give the VirtualService one route of each kind, and wait until it is seen."""
    raw = virtual_service()
    raw["spec"]["tls"] = [{"match": [{"port": 443, "sniHosts": ["shop.example"]}], "route": split(50, 50)}]
    raw["spec"]["tcp"] = [
        {"match": [{"port": 27017}], "route": split(None)},
        {"match": [{"port": 31400}], "route": split(3, 1)},
    ]
    raw["spec"]["http"].append({"match": [{"uri": {"prefix": "/parts"}}], "delegate": {"name": "parts"}})
    raw["spec"]["http"].append({"match": [{"uri": {"prefix": "/gone"}}], "delegate": {"name": "gone"}})
    parts = {"apiVersion": ISTIO, "kind": "VirtualService", "metadata": {"namespace": "shop", "name": "parts"}}
    api.store.put("virtualservices", parts | {"spec": {"http": [{"route": split(100)}]}}, manager="kubectl")
    api.store.put("virtualservices", raw, manager="kubectl")
    wait_for(adapters, lambda snapshot: snapshot.virtual_services["shop", "web"].tcp)
    return raw


def stored(api: KubeApi) -> Any:
    return api.store.get("virtualservices", namespace="shop", name="web")


def routes(client: FlaskClient, section: str) -> Any:
    return client.get(PAGE, headers=JSON).get_json()[f"{section}_routes"]


def post(client: FlaskClient, section: str, index: int, action: str, **form: Any) -> Any:
    seen = routes(client, section)[index]["route_digest"]
    address = f"{PAGE}/{section}/{index}/{action}"
    return client.post(address, data={"route_digest": seen} | form, headers=JSON)


def test_json_lists_them_beside_the_http_routes(client: FlaskClient) -> None:
    first, second = routes(client, "tcp")
    assert (first["section"], first["index"], first["weighted"], first["match"]) == ("tcp", 0, False, "port 27017")
    assert [each["share"] for each in second["destinations"]] == [75, 25]
    assert (second["total"], second["sampling"], second["undo"]["available"]) == (4, None, False)
    assert routes(client, "tls")[0]["match"] == "SNI is shop.example, port 443"
    assert [each["section"] for each in routes(client, "http")] == ["http"] * 3


@pytest.mark.parametrize(("section", "index", "weights"), [("tls", 0, [20, 80]), ("tcp", 1, [1, 3])])
def test_a_shift_and_its_undo_write_that_route_alone(
    client: FlaskClient, api: KubeApi, section: str, index: int, weights: list[int]
) -> None:
    before = stored(api)["spec"]
    answer = post(client, section, index, "weights", weight=weights)
    assert answer.status_code == 200
    assert [each["weight"] for each in answer.get_json()[f"{section}_routes"][index]["destinations"]] == weights
    expected = json.loads(json.dumps(before))
    for each, weight in zip(expected[section][index]["route"], weights, strict=True):
        each["weight"] = weight
    assert stored(api)["spec"] == expected
    assert answer.get_json()["http_routes"][0]["undo"]["available"] is False
    # The digest is the answer's: what the watch knows may still be behind.
    seen = answer.get_json()[f"{section}_routes"][index]["route_digest"]
    assert post(client, section, index, "undo", route_digest=seen).status_code == 200
    assert stored(api)["spec"] == before


def test_a_stale_digest_is_a_conflict(client: FlaskClient, api: KubeApi) -> None:
    form = {"weight": [50, 50], "route_digest": routes(client, "tls")[0]["route_digest"]}
    answer = client.post(f"{PAGE}/tcp/1/weights", data=form, headers=JSON)
    assert (answer.status_code, answer.get_json()["error"]["detail"]["weights"]) == (409, [3, 1])


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("tcp/2/weights", id="out-of-range"),
        pytest.param("udp/0/weights", id="no-such-section"),
        pytest.param("tcp/1/tag", id="a-tag-is-a-header"),
        pytest.param("tcp/1/sampling", id="sampled-over-http"),
    ],
)
def test_what_is_not_there_is_404(client: FlaskClient, path: str) -> None:
    form = {"weight": [1, 3], "tag": "on", "rate": "5", "route_digest": routes(client, "tcp")[1]["route_digest"]}
    answer = client.post(f"{PAGE}/{path}", data=form, headers=JSON)
    assert answer.status_code == 404
    assert answer.get_json()["error"]["message"]


def test_the_page_has_a_form_for_each_and_says_why_there_is_no_panel(client: FlaskClient) -> None:
    page = client.get(PAGE).text
    for section, index in (("http", 0), ("tls", 0), ("tcp", 1)):
        assert f'action="{PAGE}/{section}/{index}/weights"' in page
    assert f'action="{PAGE}/tcp/0/weights"' not in page
    assert page.count(METRIC) == 2
    assert page.count("<live-panel") == 1
    assert all(page.count(f'id="{name}"') == 1 for name in ("route-0", "tls-0", "tcp-0", "tcp-1"))


def test_the_service_lists_them_and_links_to_their_cards(client: FlaskClient) -> None:
    reached = client.get("/services/shop/web", headers=JSON).get_json()["routes"]
    places = [(each["virtual_service"], each["section"], each["http_route"]) for each in reached]
    assert places == [("parts", "http", 0), ("web", "http", 0), ("web", "tls", 0), ("web", "tcp", 0), ("web", "tcp", 1)]
    assert f'href="{PAGE}#tcp-1"' in client.get("/services/shop/web").text
    # What the mesh page shows is the split of the HTTP route.
    row = next(each for each in client.get("/", headers=JSON).get_json()["services"] if each["name"] == "web")
    assert (row["split"]["section"], [each["weight"] for each in row["split"]["destinations"]]) == ("http", [90, 10])


def test_weights_come_to_a_scale_of_100_when_asked(client: FlaskClient, api: KubeApi) -> None:
    assert 'name="scale" value="100"' in client.get(PAGE).text
    answer = post(client, "tcp", 1, "weights", weight=[3, 1], scale="100")
    assert answer.status_code == 200
    assert [each["weight"] for each in stored(api)["spec"]["tcp"][1]["route"]] == [75, 25]
    assert answer.get_json()["tcp_routes"][1]["total"] == 100


@pytest.mark.parametrize(
    ("form", "field"),
    [
        pytest.param({"weight": [3, 1], "scale": "1000"}, "scale", id="another-scale"),
        pytest.param({"weight": [3, 3], "scale": "100"}, "weight", id="a-sum-that-is-neither"),
    ],
)
def test_a_bad_scale_writes_nothing(client: FlaskClient, api: KubeApi, form: dict[str, Any], field: str) -> None:
    answer = post(client, "tcp", 1, "weights", **form)
    assert (answer.status_code, answer.get_json()["error"]["detail"]["field"]) == (400, field)
    assert stored(api)["spec"]["tcp"][1]["route"] == split(3, 1)


def test_a_delegate_is_linked_where_it_is_there(client: FlaskClient) -> None:
    page = client.get(PAGE).text
    assert 'delegates to <a href="/virtual-services/shop/parts">shop/parts</a>' in page
    assert "Istio leaves this route out: there is no VirtualService shop/gone." in page
    assert "/virtual-services/shop/gone" not in page
    assert "others delegate to it" in client.get("/virtual-services/shop/parts").text
