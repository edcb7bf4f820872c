"""The audience's listener: what it carries, to whom, and that it takes nothing from the presenter."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import Client

from tests.running import ROOT
from tests.views.objects import OBJECTS
from tests.views.test_serve import DEADLINE_SECONDS, free_port, get, next_event, serving
from webapp import create_app
from webapp.audience import CARRIED, MOST_CONNECTIONS, Gate, audience_url
from webapp.composition import Adapters
from webapp.demo.kube.server import KubeApi
from webapp.demo.stage_manager import stage_manager
from webapp.settings import InvalidSetting, Settings

WATCH = "/watch/shop/web"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
SAMPLES = {
    "namespace": "shop",
    "name": "web",
    "section": "http",
    "index": 0,
    "http_route": 0,
    "filename": "css/present.css",
    "scene": "bad-canary",
}


@pytest.fixture
def app(adapters: Adapters) -> Flask:
    app = create_app(adapters)
    app.register_blueprint(stage_manager(Path("/nowhere")))
    return app


@pytest.fixture
def phone(app: Flask) -> Client:
    """A client at the listener's gate."""
    return Client(Gate(app))


def status(phone: Client, path: str, method: str = "GET", **headers: str) -> int:
    """Ask once, and leave a stream at once."""
    answer = phone.open(path, method=method, headers=headers, base_url="http://localhost")
    answer.close()
    return answer.status_code


def test_what_is_shown_is_carried_and_no_other_address_by_any_method(app: Flask, phone: Client) -> None:
    open_to_phones = set()
    with app.test_request_context():
        addresses = {
            rule.endpoint: app.url_map.bind("localhost").build(
                rule.endpoint, SAMPLES, next(iter((rule.methods or set()) - {"HEAD", "OPTIONS"}))
            )
            for rule in app.url_map.iter_rules()
        }
    for endpoint, address in addresses.items():
        for method in METHODS:
            answer = status(phone, address, method)
            if answer < 400:
                open_to_phones.add((endpoint, method))
            else:
                assert answer in {404, 405}, (endpoint, method)
    assert len(addresses) > 15
    assert open_to_phones == {(endpoint, method) for endpoint in CARRIED for method in ("GET", "HEAD")}


def test_a_new_address_is_closed(app: Flask, phone: Client) -> None:
    app.add_url_rule("/watch/everything", "everything", lambda: "")
    app.add_url_rule("/static/more", "more", lambda: "")
    assert app.test_client().get("/watch/everything").status_code == 200
    assert status(phone, "/watch/everything") == status(phone, "/static/more") == 404


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/watch",
        "/watch/shop",
        "/watch/../",
        "/watch/shop/../../",
        "/watch/shop/web/../../../",
        "/watch/shop/web/",
        "//watch/shop/web",
        "/watch//shop/web",
        "/WATCH/shop/web",
        "/watch/shop/web%2F..%2F..",
        "/static/",
        "/static/../pyproject.toml",
        "/static/%2e%2e/pyproject.toml",
        "/static//etc/passwd",
        "/stage-manager",
        "/stream?virtual_service=shop/web",
        "/present/shop/web",
        "/virtual-services/shop/web",
        "/healthz",
        "/metrics",
        "\\watch\\shop\\web",
    ],
)
def test_no_way_of_writing_leads_elsewhere(phone: Client, path: str) -> None:
    assert status(phone, path) == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/evil"},
        {"X-HTTP-Method-Override": "POST"},
        {"X-Original-URL": "/", "X-Rewrite-URL": "/"},
    ],
    ids=["a-proxy", "a-method", "an-address"],
)
def test_no_header_opens_more(phone: Client, headers: dict[str, str]) -> None:
    assert status(phone, "/", **headers) == 404
    answer = phone.get(WATCH, headers=headers, base_url="http://localhost")
    assert answer.status_code == 200
    assert "evil" not in answer.text and "https" not in answer.text


def test_no_phone_can_be_somebody_else(adapters: Adapters) -> None:
    gateway = "spiffe://cluster.local/ns/istio-system/sa/gateway"
    signed = replace(adapters.settings, identity_header="x-user", gateway_identity=(gateway,))
    app = create_app(replace(adapters, settings=signed))
    forged = {"X-User": "ada@example.org", "X-Forwarded-Client-Cert": f"URI={gateway}"}
    assert app.test_client().get(WATCH, headers=forged).status_code == 200
    assert status(Client(Gate(app)), WATCH, **forged) == 403


def test_the_page_leads_nowhere_but_to_its_stream(phone: Client) -> None:
    text = phone.get(WATCH, base_url="http://localhost").text
    assert f'data-stream="{WATCH}/stream"' in text
    assert "/virtual-services/" not in text and "/stage-manager" not in text and "<button" not in text


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("", ""),
        ("198.51.100.7:9000", "http://198.51.100.7:9000"),
        ("laptop.local:9000", "http://laptop.local:9000"),
        ("[2001:db8::7]:9000", "http://[2001:db8::7]:9000"),
    ],
)
def test_where_phones_find_it(bind: str, url: str) -> None:
    assert audience_url(bind) == url


@pytest.mark.parametrize("bind", ["0.0.0.0:9000", "[::]:9000"])
def test_every_address_is_one_that_phones_reach(bind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.audience._own_address", lambda: "198.51.100.7")
    assert audience_url(bind) == "http://198.51.100.7:9000"
    monkeypatch.setattr("webapp.audience._own_address", lambda: "")
    with pytest.raises(InvalidSetting, match="no address that phones could reach"):
        audience_url(bind)


def test_the_presenters_code_leads_to_the_phones_address(adapters: Adapters) -> None:
    shared = replace(adapters, settings=replace(adapters.settings, audience_bind="198.51.100.7:9000"))
    app = create_app(shared)
    text = app.test_client().get("/present/shop/web").text
    assert f'href="http://198.51.100.7:9000{WATCH}"' in text
    assert 'class="qr"' in text
    phones = Client(Gate(app))
    assert phones.get(WATCH, base_url="http://198.51.100.7:9000").status_code == 200
    refused = phones.get(WATCH, base_url="http://evil.example:9000")
    assert (refused.status_code, "Host name" in refused.text) == (400, True)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """A server with three places for pages and three for phones; the ports of both."""
    audience = free_port()
    with KubeApi() as api:
        for resource, obj in OBJECTS:
            api.store.put(resource, obj, manager="kubectl-client-side-apply")
        kubeconfig = tmp_path_factory.mktemp("room") / "kubeconfig"
        api.write_kubeconfig(kubeconfig)
        more = {"CROSSFADE_MAX_VIEWERS": "3", "CROSSFADE_AUDIENCE_BIND": f"127.0.0.1:{audience}"}
        with serving(Settings(kubeconfig=str(kubeconfig)), **more) as (_, page, _):
            yield page, audience


def test_it_listens_and_what_is_elsewhere_stays_there(room: tuple[int, int]) -> None:
    page, audience = room
    assert get(audience, WATCH)[0] == get(audience, "/static/js/present/main.js")[0] == get(page, WATCH)[0] == 200
    assert get(audience, "/")[0] == get(audience, "/readyz")[0] == 404
    assert get(audience, WATCH, Host="evil.example")[0] == 400


def test_a_full_room_leaves_the_presenter_his_places(room: tuple[int, int]) -> None:
    page, audience = room
    with ExitStack() as stack:

        def follow(port: int, path: str) -> int:
            connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
            stack.callback(connection.close)
            connection.request("GET", path)
            answer = connection.getresponse()
            stack.callback(answer.close)
            if answer.status == 200:
                next_event(answer, "mesh")
            return answer.status

        assert [follow(audience, f"{WATCH}/stream") for _ in range(4)] == [200, 200, 200, 503]
        assert [follow(page, "/stream?virtual_service=shop/web") for _ in range(4)] == [200, 200, 200, 503]


def test_phones_that_never_finish_a_request_hold_nobody_up(room: tuple[int, int]) -> None:
    page, audience = room
    with ExitStack() as stack:
        for _ in range(MOST_CONNECTIONS + 40):
            half = stack.enter_context(socket.create_connection(("127.0.0.1", audience), DEADLINE_SECONDS))
            half.sendall(b"GET /watch/shop/web HTTP/1.1\r\nHost: 127")
        assert get(page, "/present/shop/web")[0] == get(page, "/")[0] == 200
    # They have gone, and the room is open again.
    assert get(audience, WATCH)[0] == 200


def test_a_port_in_use_is_named(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        ours = {"KUBECONFIG": settings.kubeconfig, "BIND": "127.0.0.1:0", "PROBE_BIND": "127.0.0.1:0"}
        environment = {f"CROSSFADE_{name}": value for name, value in (ours | {"AUDIENCE_BIND": bind}).items()}
        ended = subprocess.run(
            [sys.executable, "-m", "webapp", "serve"],
            cwd=ROOT,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"crossfade: CROSSFADE_AUDIENCE_BIND={bind}: can't listen there")
    assert ended.stderr.count("\n") == 1
