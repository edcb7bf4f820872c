"""Which route takes this request: the form, its errors, and asking the gateway itself, once."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.traffic.servers import Handler, Server, reply
from tests.views.conftest import wait_for
from tests.views.objects import virtual_service
from webapp import create_app
from webapp.composition import Adapters
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings

JSON = {"Accept": "application/json"}
EXPLAIN = "/virtual-services/shop/web/explain"
JASON = {"headers": {"end-user": {"exact": "jason"}}}


def with_routes(*routes: dict[str, Any]) -> dict[str, Any]:
    """Give the mesh's VirtualService further routes before its own."""
    found = virtual_service()
    found["spec"]["http"][:0] = routes
    return found


@pytest.fixture
def routed(client: FlaskClient, api: KubeApi, adapters: Adapters) -> FlaskClient:
    """Let jason go to v2, port 81 to v1, /old elsewhere, and everything else be split."""
    v1, v2 = ({"route": [{"destination": {"host": "web", "subset": each}}]} for each in ("v1", "v2"))
    routes = (
        {"match": [JASON], **v2},
        {"match": [{"uri": {"prefix": "/sure"}, "port": 81}], **v1},
        {"match": [{"uri": {"exact": "/old"}}], "redirect": {"uri": "/"}},
    )
    api.store.put("virtualservices", with_routes(*routes), manager="kubectl-edit")
    wait_for(adapters, lambda snapshot: len(snapshot.virtual_services["shop", "web"].http) == 4)
    return client


def once(answer: bytes) -> Handler:
    """Return a handler that answers one request and closes the connection."""

    def handler(connection: socket.socket, server: Server) -> None:
        if server.read_head(connection):
            connection.sendall(answer)

    return handler


@pytest.fixture
def gateway(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A gateway that answers everything with the parameter's bytes."""
    server = Server(once(request.param))
    yield server
    server.close()


def asking(adapters: Adapters, gateway: Server, **settings: Any) -> FlaskClient:
    """Open the pages of a dashboard whose gateway is that one."""
    own: Settings = replace(adapters.settings, gateway_url=gateway.url, **settings)
    return create_app(replace(adapters, settings=own)).test_client()


def explained(client: FlaskClient, query: str = "") -> Any:
    response = client.get(EXPLAIN + query, headers=JSON)
    assert response.status_code == 200, response.text
    return response.get_json()


def test_what_is_left_out_is_as_the_object_suggests(client: FlaskClient) -> None:
    view = explained(client)
    assert view["request"] == {
        "method": "GET",
        "host": "shop.example",
        "path": "/",
        "headers": [],
        "gateway": "shop/edge",
        "source_namespace": "",
    }
    assert view["gateways"] == ["shop/edge", "mesh"]
    assert view["explanation"]["because"] == "Route 0 of shop/web takes the request."
    assert view["explanation"]["request"].startswith("GET http://127.0.0.1:80/\nHost: shop.example\n")
    assert view["answer"] is None


def test_it_explains_rule_by_rule(routed: FlaskClient) -> None:
    found = explained(routed, "?path=/&header=x-team:%20shop")["explanation"]
    assert [(step["http_route"], step["outcome"]) for step in found["steps"]] == [
        (None, "taken"),
        (0, "passed"),
        (1, "passed"),
        (2, "passed"),
        (3, "taken"),
    ]
    assert found["steps"][1]["because"] == "header end-user is jason: the request has none"
    assert [(each["version"], each["weight"]) for each in found["taken"]["destinations"]] == [("v1", 90), ("v2", 10)]
    page = routed.get(EXPLAIN).text
    assert 'href="/virtual-services/shop/web#route-3"' in page
    assert "not: header end-user is jason: the request has none" in page


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("?header=end-user:jason", id="one-line"),
        pytest.param("?header=x-a:1%0D%0A%0D%0A%20End-User%20:%20%20jason%20", id="a-text-area"),
        pytest.param("?header=x-a:1&header=end-user:jason", id="more-than-once"),
    ],
)
def test_headers_come_as_lines(routed: FlaskClient, query: str) -> None:
    assert explained(routed, query)["explanation"]["taken"]["http_route"] == 0


def test_what_cannot_be_decided_is_said(routed: FlaskClient) -> None:
    found = explained(routed, "?path=/sure/x")["explanation"]
    assert [step["outcome"] for step in found["steps"]][2] == "undecided"
    assert (found["certain"], found["taken"]["http_route"]) == (False, 3)
    assert "can&#39;t be told" in (page := routed.get(f"{EXPLAIN}?path=/sure/x").text)
    assert "unless route 1" in page


@pytest.mark.parametrize(
    ("query", "words"),
    [
        pytest.param("?gateway=edge&host=other.example", "has the host other.example: it answers 404", id="gateway"),
        pytest.param("?gateway=mesh&host=inner.shop", "its Service is called directly", id="mesh"),
        # A request without a Host of its own carries the address's.
        pytest.param("?host=", "has the host 127.0.0.1: it answers 404", id="the-address-is-the-host"),
    ],
)
def test_what_nobody_takes_is_said(client: FlaskClient, query: str, words: str) -> None:
    found = explained(client, query)["explanation"]
    assert found["taken"] is None
    assert words in found["because"]


def test_a_link_to_an_answer_gives_the_answer_again(routed: FlaskClient) -> None:
    query = "?method=POST&host=shop.example&path=/a%3Fb%3Dc%26d&header=end-user:%20jason&header=x-a:%20%26&gateway=edge"
    page = routed.get(EXPLAIN + query).text
    link = page.rpartition('">Link to this answer')[0].rpartition('href="')[2].replace("&amp;", "&")
    again = routed.get(link, headers=JSON).get_json()
    assert again["request"] == explained(routed, query)["request"]
    assert again["request"]["headers"] == ["end-user: jason", "x-a: &"]


@pytest.mark.parametrize("gateway", [reply()], indirect=True, ids=["gateway"])
def test_bad_input_is_told_beside_its_field_and_sends_nothing(adapters: Adapters, gateway: Server) -> None:
    client = asking(adapters, gateway)
    bad = {
        "method": "method=TRACE",
        "host": "host=http://evil.example",
        "path": "path=http://evil.example/",
        "header": "header=Host:evil.example",
        "gateway": "gateway=http://evil.example/",
        "source_namespace": "gateway=mesh&source_namespace=Shop",
    }
    for field, query in bad.items():
        for answer in (
            client.get(f"{EXPLAIN}?{query}", headers=JSON),
            client.post(EXPLAIN, data=parsed(query), headers=JSON),
        ):
            error = answer.get_json()["error"]
            assert (answer.status_code, error["code"], error["detail"]["field"]) == (400, "invalid_input", field)
        page = client.post(EXPLAIN, data=parsed(query))
        assert page.status_code == 400
        assert f'id="explain-{field}-problem"' in page.text
        assert page.text.count("aria-invalid") == 1
    assert gateway.requests == []


def test_every_field_is_told_at_once(client: FlaskClient) -> None:
    error = client.get(f"{EXPLAIN}?path=x&header=y&gateway=z", headers=JSON).get_json()["error"]
    assert set(error["detail"]["problems"]) == {"path", "header", "gateway"}


V2 = reply(headers={"x-app-version": "v2", "server": "istio-envoy", "x-envoy-upstream-service-time": "3", "x-own": "1"})
OWN_404 = reply("404 Not Found", {"server": "istio-envoy"}, b"")
ANSWERS = [
    pytest.param(V2, "", ("fits", "app", "v2", "ok"), "with 10 of 100", id="a-destination"),
    pytest.param(
        reply(headers={"x-app-version": "v9"}), "", ("differs", "app", None, "ok"), '"v9", which is none', id="another"
    ),
    pytest.param(reply(), "", ("unknown", "app", None, "ok"), "does not say which version", id="no-version"),
    pytest.param(
        reply("503 Service Unavailable", {"server": "istio-envoy"}, b"no healthy upstream"),
        "",
        ("unknown", "gateway", None, "no_healthy_upstream"),
        "Envoy answered by itself",
        id="envoy-itself",
    ),
    pytest.param(OWN_404, "", ("differs", "gateway", None, "no_route"), "has no route", id="not-learned"),
    pytest.param(
        OWN_404, "&host=x.example", ("fits", "gateway", None, "no_route"), "no route for this request either", id="404"
    ),
    pytest.param(V2, "&host=x.example", ("differs", "app", None, "ok"), "although no route", id="nobody-should"),
    pytest.param(V2, "&path=/old", ("unknown", "app", None, "ok"), "redirects to /", id="no-redirect"),
    pytest.param(
        reply("301 Moved Permanently", {"server": "istio-envoy", "location": "/"}, b""),
        "&path=/old",
        ("fits", "gateway", None, "redirect"),
        "redirects to / (301), and a redirect came",
        id="a-redirect",
    ),
    pytest.param(
        reply(headers={"x-app-version": "v9"}),
        "&path=/sure",
        ("unknown", "app", None, "ok"),
        "can't be decided here",
        id="undecided",
    ),
    pytest.param(b"", "", ("unknown", "nobody", None, "reset"), "nothing to compare", id="no-answer"),
]


@pytest.mark.parametrize(("gateway", "query", "expected", "words"), ANSWERS, indirect=["gateway"])
def test_the_answer_is_compared_with_the_explanation(
    routed: FlaskClient, adapters: Adapters, gateway: Server, query: str, expected: tuple[str, ...], words: str
) -> None:
    response = asking(adapters, gateway).post(f"{EXPLAIN}", data=parsed(f"path=/{query}"), headers=JSON)
    answer = response.get_json()["answer"]
    assert (answer["verdict"], answer["by"], answer["version"], answer["kind"]) == expected
    assert words in answer["text"]
    assert len(gateway.requests) == 1


def parsed(query: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in query.split("&"))


@pytest.mark.parametrize("gateway", [V2], indirect=True, ids=["v2"])
def test_exactly_the_request_that_was_shown_is_sent(adapters: Adapters, gateway: Server) -> None:
    client = asking(adapters, gateway)
    form = {"method": "POST", "host": "shop.example:8080", "path": "/a;b/%2F?c=%20", "header": "X-Team: shop"}
    view = client.post(EXPLAIN, data=form, headers=JSON).get_json()
    first, *shown = view["explanation"]["request"].splitlines()
    assert first == f"POST {gateway.url}/a;b/%2F?c=%20"
    lines = gateway.requests[0].splitlines()
    assert lines[0] == "POST /a;b/%2F?c=%20 HTTP/1.1"
    assert {"Host: shop.example:8080", "X-Team: shop", "X-Crossfade-Sample: 1"} <= set(shown) <= set(lines)
    assert view["answer"]["headers"] == {
        "server": "istio-envoy",
        "x-envoy-upstream-service-time": "3",
        "x-app-version": "v2",
    }
    assert gateway.connections == 1


@pytest.mark.parametrize("gateway", [V2], indirect=True, ids=["v2"])
def test_a_read_only_dashboard_may_ask_for_it_writes_nothing(adapters: Adapters, gateway: Server) -> None:
    response = asking(adapters, gateway, read_only=True).post(EXPLAIN, data={"path": "/"})
    assert response.status_code == 200
    assert 'id="explain-answer"' in response.text


@pytest.mark.parametrize("gateway", [V2], indirect=True, ids=["v2"])
def test_another_site_can_send_nothing(adapters: Adapters, gateway: Server) -> None:
    response = asking(adapters, gateway).post(EXPLAIN, data={"path": "/"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 403
    assert gateway.requests == []


@pytest.mark.parametrize("gateway", [V2], indirect=True, ids=["v2"])
def test_looking_asks_nobody(adapters: Adapters, gateway: Server) -> None:
    explained(asking(adapters, gateway))
    assert gateway.connections == 0


def test_a_sidecar_cannot_be_asked_and_why_is_said(client: FlaskClient) -> None:
    query = {"gateway": "mesh", "host": "web"}
    page = client.get(EXPLAIN, query_string=query).text
    assert "<button disabled" in page
    assert "can&#39;t be asked from here" in page
    error = client.post(EXPLAIN, data=query, headers=JSON)
    assert (error.status_code, error.get_json()["error"]["detail"]["field"]) == (400, "gateway")


def test_where_the_gateway_has_no_address_the_cure_is_said(
    client: FlaskClient, api: KubeApi, adapters: Adapters
) -> None:
    api.store.delete("services", namespace="istio-system", name="istio-ingressgateway")
    wait_for(adapters, lambda snapshot: ("istio-system", "istio-ingressgateway") not in snapshot.services)
    found = explained(client)["explanation"]
    assert found["request"] == ""
    assert "No Service leads to port 80" in found["why_not"]
    assert client.post(EXPLAIN, headers=JSON).status_code == 400


def test_an_object_that_suggests_no_host_is_nobodys_mistake(
    client: FlaskClient, api: KubeApi, adapters: Adapters
) -> None:
    delegate = virtual_service()
    delegate["spec"] = {"http": delegate["spec"]["http"]}
    api.store.put("virtualservices", delegate, manager="kubectl-edit")
    wait_for(adapters, lambda snapshot: not snapshot.virtual_services["shop", "web"].hosts)
    page = client.get(EXPLAIN)
    assert page.status_code == 200
    assert "aria-invalid" not in page.text


def test_it_is_found_from_the_service_and_from_the_virtual_service(client: FlaskClient) -> None:
    assert f'href="{EXPLAIN}"' in client.get("/services/shop/web").text
    assert f'href="{EXPLAIN}"' in client.get("/virtual-services/shop/web").text


def test_what_is_not_there_is_404(client: FlaskClient) -> None:
    assert client.get("/virtual-services/shop/nobody/explain", headers=JSON).status_code == 404
