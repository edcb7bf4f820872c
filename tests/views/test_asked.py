"""What is asked of the gateway: the form, its errors beside their fields, and what is remembered of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.views.conftest import wait_for
from tests.views.objects import virtual_service
from webapp import create_app
from webapp.composition import Adapters
from webapp.demo.kube.server import KubeApi
from webapp.istio.sampling import SAMPLING

JSON = {"Accept": "application/json"}
PAGE = "/virtual-services/shop/web"
ASKED = f"{PAGE}/http/0/sampling"
REGEX = {"uri": {"regex": "/v[12]/.*"}}


def remembered(api: KubeApi) -> Any:
    found = api.store.get("virtualservices", namespace="shop", name="web") or {}
    text = found["metadata"].get("annotations", {}).get(SAMPLING)
    return json.loads(text)["main"] if text else None


def matching(api: KubeApi, adapters: Adapters, *matches: Any) -> None:
    """Have the route take what matches."""
    changed = virtual_service()
    changed["spec"]["http"][0]["match"] = list(matches)
    api.store.put("virtualservices", changed, manager="kubectl-edit")
    wait_for(adapters, lambda snapshot: snapshot.virtual_services["shop", "web"].http[0].match)


def sampling(client: FlaskClient) -> Any:
    return client.get(PAGE, headers=JSON).get_json()["http_routes"][0]["sampling"]


def written(api: KubeApi, adapters: Adapters) -> None:
    """Wait until the watch has brought what was written."""
    version = api.store.get("virtualservices", namespace="shop", name="web")["metadata"]["resourceVersion"]
    wait_for(
        adapters,
        lambda snapshot: snapshot.virtual_services["shop", "web"].metadata.resource_version == version,
    )


def test_the_page_shows_what_the_route_suggests(client: FlaskClient) -> None:
    view = client.get(ASKED, headers=JSON).get_json()
    assert (view["own"], view["derived"]) == (False, "GET /, Host shop.example")
    assert (view["method"], view["host"], view["path"], view["headers"]) == ("GET", "shop.example", "/", [])
    assert "X-Crossfade-Sample: 1" in view["request"]
    page = client.get(ASKED)
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert 'value="shop.example"' in page.text


def test_an_example_and_how_to_ask_are_remembered(client: FlaskClient, api: KubeApi, adapters: Adapters) -> None:
    form = {"path": "/a?b=c", "header": "Cookie: a=1; b=2\nX-Team: shop", "connection": "fresh", "redirects": "follow"}
    answer = client.post(ASKED, data=form, headers=JSON)
    assert answer.status_code == 200
    seen = answer.get_json()["http_routes"][0]["sampling"]
    assert seen["request"].startswith("GET http://127.0.0.1:80/a?b=c\nHost: shop.example\n")
    assert "\nCookie: a=1; b=2\n" in seen["request"]
    assert (seen["connection"], seen["follow_redirects"], seen["unchecked"]) == ("fresh", True, "")
    assert remembered(api) == {
        "running": False,
        "rate": 10,
        "example": {
            "method": "GET",
            "host": "shop.example",
            "path": "/a?b=c",
            "headers": {"Cookie": "a=1; b=2", "X-Team": "shop"},
        },
        "connection": "fresh",
        "follow_redirects": True,
    }
    # What is left out stays: rate, pause, and each part of the example.
    written(api, adapters)
    client.post(ASKED, data={"action": "start", "rate": "20"}, headers=JSON)
    written(api, adapters)
    client.post(ASKED, data={"path": "/d", "redirects": "stop"}, headers=JSON)
    found = remembered(api)
    assert (found["running"], found["rate"], found["connection"]) == (True, 20, "fresh")
    assert (found["example"]["path"], found["example"]["headers"]["X-Team"]) == ("/d", "shop")
    assert "follow_redirects" not in found
    written(api, adapters)
    client.post(ASKED, data={"example": "derived"}, headers=JSON)
    assert "example" not in remembered(api)


def test_the_form_as_the_page_sends_it_changes_nothing_by_itself(client: FlaskClient, api: KubeApi) -> None:
    view = client.get(ASKED, headers=JSON).get_json()
    form = {name: view[name] for name in ("method", "host", "path")} | {"example": "derived", "header": ""}
    answer = client.post(ASKED, data=form | {"connection": "keep-alive", "redirects": "stop"})
    assert (answer.status_code, "Kept." in answer.text) == (200, True)
    assert remembered(api) == {"running": False, "rate": 10}
    # Who changes the suggested request means it, even where the form still says whose it was.
    assert client.post(ASKED, data=form | {"path": "/b"}).status_code == 200
    assert remembered(api)["example"]["path"] == "/b"


@pytest.mark.parametrize(
    ("form", "field", "word"),
    [
        pytest.param({"method": "POST"}, "method", "others may change something", id="a-method-that-changes"),
        pytest.param({"method": "BREW"}, "method", "GET, HEAD, OPTIONS", id="no-method"),
        pytest.param({"host": "a b"}, "host", "not a host name", id="no-host"),
        pytest.param({"host": "other.example"}, "host", "has shop.example", id="a-host-of-another"),
        pytest.param({"path": "a"}, "path", "slash", id="no-path"),
        pytest.param({"path": "/" + "a" * 1000}, "path", "1,000", id="a-path-too-long"),
        pytest.param({"header": "a"}, "header", "name: value", id="no-header"),
        pytest.param({"header": "Host: b"}, "header", "field of its own", id="a-second-host"),
        pytest.param({"connection": "close"}, "connection", "keep-alive or fresh", id="another-connection"),
        pytest.param({"redirects": "yes"}, "redirects", "stop or follow", id="other-redirects"),
    ],
)
def test_a_mistake_is_named_beside_its_field_and_nothing_is_written(
    client: FlaskClient, api: KubeApi, form: dict[str, str], field: str, word: str
) -> None:
    error = client.post(ASKED, data=form | {"action": "start"}, headers=JSON)
    assert error.status_code == 400
    assert error.get_json()["error"]["detail"]["field"] == field
    assert word in error.get_json()["error"]["message"]
    page = client.post(ASKED, data=form | {"action": "start"})
    assert page.status_code == 400
    assert f'id="asks-0-{field}-problem"' in page.text
    assert page.text.count("aria-invalid") == 1
    assert remembered(api) is None


@pytest.mark.parametrize(
    ("match", "form", "field"),
    [
        pytest.param(REGEX, {"path": "/v3/a"}, "path", id="path"),
        pytest.param({"queryParams": {"q": {"regex": "[0-9]"}}}, {"path": "/?q=a"}, "path", id="query"),
        pytest.param({"headers": {"end-user": {"regex": "j.*"}}}, {"header": "End-User: bob"}, "header", id="header"),
        pytest.param({"withoutHeaders": {"x-a": {"regex": "b"}}}, {"header": "x-a: b"}, "header", id="without"),
        pytest.param({"method": {"regex": "HEAD|POST"}}, {"method": "GET"}, "method", id="method"),
    ],
)
def test_an_example_that_the_route_surely_does_not_take_is_refused(
    client: FlaskClient, api: KubeApi, adapters: Adapters, match: Any, form: dict[str, str], field: str
) -> None:
    matching(api, adapters, match)
    seen = sampling(client)
    assert (seen["state"], seen["asks_example"]) == ("impossible", True)
    error = client.post(ASKED, data=form, headers=JSON)
    assert error.get_json()["error"]["detail"]["field"] == field
    assert remembered(api) is None


def test_an_example_mends_what_could_not_be_asked(client: FlaskClient, api: KubeApi, adapters: Adapters) -> None:
    matching(api, adapters, REGEX)
    assert "regular expression" in client.get(ASKED).text
    assert "Give an example" in client.get(PAGE).text
    answer = client.post(ASKED, data={"path": "/v1/a", "action": "start"}, headers=JSON)
    seen = answer.get_json()["http_routes"][0]["sampling"]
    assert (seen["state"], seen["unchecked"]) == ("running", "")
    written(api, adapters)
    # The match is changed by somebody: an example that is another route's is not asked any more.
    changed = virtual_service(annotations={SAMPLING: json.dumps({"main": remembered(api)})})
    changed["spec"]["http"][0]["match"] = [{"uri": {"prefix": "/v2"}}]
    api.store.put("virtualservices", changed, manager="kubectl-edit")
    written(api, adapters)
    seen = sampling(client)
    assert (seen["state"], seen["asks_example"], "path starts with /v2" in seen["reason"]) == ("impossible", True, True)


def test_what_cannot_be_checked_is_said(client: FlaskClient, api: KubeApi, adapters: Adapters) -> None:
    matching(api, adapters, {"headers": {"@request.auth.claims[group]": {"exact": "a"}}})
    answer = client.post(ASKED, data={"path": "/", "header": "Cookie: a=1"}, headers=JSON)
    assert "claims" in answer.get_json()["http_routes"][0]["sampling"]["unchecked"]
    written(api, adapters)
    assert "can't be checked here" in client.get(PAGE).text


@pytest.mark.parametrize("match", [{"method": {"exact": "POST"}}, {"gateways": ["mesh"]}], ids=["post", "mesh"])
def test_where_no_example_helps_none_is_asked_for(
    client: FlaskClient, api: KubeApi, adapters: Adapters, match: Any
) -> None:
    matching(api, adapters, match)
    seen = sampling(client)
    assert (seen["state"], seen["asks_example"]) == ("impossible", False)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({}, "has to be shop.example's, by this machine's own authorities", id="system"),
        pytest.param({"gateway_ca": "/etc/ca.pem"}, "by the authorities in /etc/ca.pem", id="a-file"),
        pytest.param({"gateway_insecure": True}, "Insecure: any certificate is taken for shop.example", id="insecure"),
    ],
)
def test_how_a_certificate_is_checked_is_said(adapters: Adapters, changes: dict[str, Any], words: str) -> None:
    settings = replace(adapters.settings, gateway_url="https://192.0.2.1:443", **changes)
    client = create_app(replace(adapters, settings=settings)).test_client()
    assert words in sampling(client)["tls"]
    assert ("<b>Insecure" in client.get(PAGE).text) == ("gateway_insecure" in changes)


def test_a_read_only_dashboard_shows_and_keeps(adapters: Adapters, api: KubeApi) -> None:
    client = create_app(replace(adapters, settings=replace(adapters.settings, read_only=True))).test_client()
    assert client.get(ASKED).status_code == 200
    assert client.post(ASKED, data={"path": "/a"}, headers=JSON).status_code == 403
    assert remembered(api) is None
