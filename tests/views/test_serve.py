"""`crossfade serve` as a process: gunicorn, the stream, the probes' port, starting and stopping."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest

from tests.running import ROOT
from tests.views.objects import virtual_service
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings

DEADLINE_SECONDS = 15.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(settings: Settings, **more: str) -> Iterator[tuple[subprocess.Popen[str], int, int]]:
    """Run the server until the block ends; gives the process, the page's port and the probes' port."""
    page, probe = free_port(), free_port()
    environment = {
        **os.environ,
        "CROSSFADE_KUBECONFIG": settings.kubeconfig,
        "CROSSFADE_BIND": f"127.0.0.1:{page}",
        "CROSSFADE_PROBE_BIND": f"127.0.0.1:{probe}",
        **more,
    }
    command = [sys.executable, "-m", "webapp", "serve"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    try:
        for line in process.stderr:
            if "pages on" in line:
                break
        # The sockets listen from the first line on or a moment later; the kernel queues what comes in between.
        wait_until_ready(probe, process)
        yield process, page, probe
    finally:
        process.terminate()
        process.wait(DEADLINE_SECONDS)
        process.stderr.close()


def wait_until_ready(port: int, process: subprocess.Popen[str]) -> None:
    """Ask until the first lists are read; the loop ends with the process or with its answer."""
    while process.poll() is None:
        try:
            status, body = get(port, "/readyz")
        except ConnectionRefusedError:
            continue
        assert status == 200, body
        if json.loads(body)["cluster"] != "loading":
            return
    raise AssertionError(f"the server ended with {process.returncode}")


def get(port: int, path: str, **headers: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def open_stream(port: int, query: str = "") -> tuple[HTTPConnection, HTTPResponse]:
    connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    connection.request("GET", f"/stream{query}")
    return connection, connection.getresponse()


def next_event(response: HTTPResponse, name: str) -> Any:
    """Read events until one of that name comes; the connection's time-out bounds the wait."""
    event = ""
    for raw in response:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            event = line.removeprefix("event: ")
        elif line.startswith("data: ") and event == name:
            return json.loads(line.removeprefix("data: "))
    raise AssertionError(f"the stream ended before {name}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KubeApi, int, int]]:
    from tests.views.objects import OBJECTS

    with KubeApi() as api:
        for resource, obj in OBJECTS:
            api.store.put(resource, obj, manager="kubectl-client-side-apply")
        kubeconfig = tmp_path_factory.mktemp("serve") / "kubeconfig"
        api.write_kubeconfig(kubeconfig)
        with serving(Settings(kubeconfig=str(kubeconfig)), CROSSFADE_MAX_VIEWERS="3") as (_, page, probe):
            yield api, page, probe


def test_probes_and_metrics_are_on_their_own_port_alone(server: tuple[KubeApi, int, int]) -> None:
    _, page, probe = server
    assert get(probe, "/healthz") == (200, '{"alive":true,"dead":[]}\n')
    assert get(probe, "/readyz", Host="10.1.2.3")[0] == 200
    assert "crossfade_viewers" in get(probe, "/metrics")[1]
    assert get(probe, "/")[0] == 404
    assert get(page, "/healthz")[0] == get(page, "/metrics")[0] == 404


def test_the_stream_tells_a_foreign_shift(server: tuple[KubeApi, int, int]) -> None:
    api, page, _ = server
    connection, response = open_stream(page, "?virtual_service=shop/web")
    assert response.headers["Content-Type"].startswith("text/event-stream")
    first = next_event(response, "mesh")
    opening = next_event(response, "answers")
    assert (opening["http_route"], opening["reset"], opening["state"]) == (0, True, "off")
    api.store.put("virtualservices", virtual_service((40, 60)), manager="kubectl-edit")
    shift = next_event(response, "shift")
    assert (shift["before"], shift["weights"], shift["label"]) == ([90, 10], [40, 60], "90/10 → 40/60")
    assert shift["by"] == "kubectl-edit"
    assert next_event(response, "mesh")["revision"] > first["revision"]
    response.close()
    connection.close()


def test_one_viewer_too_many_is_told_so(server: tuple[KubeApi, int, int]) -> None:
    _, page, probe = server
    # A viewer who left is noticed at the next word that can't be delivered to him.
    while "crossfade_viewers 0.0" not in get(probe, "/metrics")[1]:
        continue
    opened = [open_stream(page) for _ in range(3)]
    for _, response in opened:
        next_event(response, "mesh")
    connection, refused = open_stream(page)
    assert refused.status == 503
    assert refused.headers["Retry-After"]
    for each, response in [*opened, (connection, refused)]:
        response.close()
        each.close()
    assert get(page, "/")[0] == 200


@pytest.mark.parametrize("query", ["shop", "shop/web/x", "../etc", "SHOP/WEB", "%00/a"])
def test_a_stream_of_nonsense_is_400(server: tuple[KubeApi, int, int], query: str) -> None:
    assert get(server[1], f"/stream?virtual_service={query}")[0] == 400


def test_it_stops_within_seconds_with_a_stream_open(settings: Settings) -> None:
    with serving(settings) as (process, page, _):
        connection, response = open_stream(page)
        next_event(response, "mesh")
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        response.close()
        connection.close()


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        pytest.param({"CROSSFADE_SAMPLE_RATE": "many"}, "CROSSFADE_SAMPLE_RATE", id="bad-setting"),
        pytest.param({"CROSSFADE_KUBECONFIG": "/nowhere/kubeconfig"}, "/nowhere/kubeconfig", id="no-kubeconfig"),
        pytest.param({"CROSSFADE_CONTEXT": "elsewhere"}, "elsewhere", id="no-such-context"),
        pytest.param({"CROSSFADE_BIND": "192.0.2.1:80"}, "CROSSFADE_BIND", id="address-not-ours"),
    ],
)
def test_what_cannot_start_says_why_in_one_line(settings: Settings, environment: dict[str, str], words: str) -> None:
    command = [sys.executable, "-m", "webapp", "serve"]
    base = {**os.environ, "CROSSFADE_KUBECONFIG": settings.kubeconfig}
    ended = subprocess.run(
        command, cwd=ROOT, env=base | environment, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
    )
    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1
    assert words in ended.stderr


def test_a_port_in_use_is_named(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = subprocess.run(
            [sys.executable, "-m", "webapp", "serve"],
            cwd=ROOT,
            env={**os.environ, "CROSSFADE_KUBECONFIG": settings.kubeconfig, "CROSSFADE_BIND": address},
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
    assert ended.returncode == 2
    assert address in ended.stderr
