"""HelloWorld pods: one in this process for what they say, the fleet's process for how they are driven."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from webapp.demo.errors import FleetFailed
from webapp.demo.fleet import Fleet
from webapp.demo.hello_page import PALETTE, mark_of, preferred
from webapp.demo.hello_pod import LARGEST_HEAD, LARGEST_REQUEST
from webapp.demo.hello_switches import Switches

DEADLINE_SECONDS = 10.0


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    fleet = Fleet()
    fleet.start()
    yield fleet
    fleet.stop()


@pytest.fixture
def port(fleet: Fleet) -> Iterator[int]:
    _, port = fleet.start_pod("shop/hello-1", version="v2", service="hello")
    yield port
    fleet.stop_pod("shop/hello-1")


def connect(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)


def ask(port: int, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    with closing(connect(port)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def exchange(port: int, *sent: bytes) -> bytes:
    """Send bytes as they are and return all that comes until the server closes."""
    with closing(socket.create_connection(("127.0.0.1", port), DEADLINE_SECONDS)) as connection:
        for part in sent:
            connection.sendall(part)
        received = b""
        while part := connection.recv(1 << 16):
            received += part
        return received


def test_json(port: int) -> None:
    status, headers, body = ask(port, Accept="application/json")
    assert (status, headers["x-app-version"], headers["content-type"]) == (200, "v2", "application/json; charset=utf-8")
    assert json.loads(body) == {"message": "Hello World from v2", "service": "hello", "version": "v2", "pod": "hello-1"}


def test_page_has_the_versions_colour_and_shape(port: int) -> None:
    _, headers, body = ask(port, Accept="text/html")
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert "#E69F00" in body.decode()
    assert "▲ Hello World from v2" in body.decode()


def test_plain_text(port: int) -> None:
    assert ask(port)[2] == b"Hello World from v2\n"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text"),
        ("*/*", "text"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "html"),
        ("application/json", "json"),
        ("application/json;q=0.9, text/html", "json"),
        ("Text/HTML", "html"),
        ("image/png", "text"),
    ],
)
def test_kind_of_answer(accept: str, kind: str) -> None:
    assert preferred(accept.encode()) == kind


@pytest.mark.parametrize(
    ("version", "mark"), [("v1", 0), ("v2", 1), ("v6", 5), ("v7", 0), ("v0", 5), ("stable", 0), ("canary", 1), ("", 0)]
)
def test_colour(version: str, mark: int) -> None:
    assert mark_of(version) == mark


def test_text_is_readable_on_every_colour() -> None:
    def luminance(colour: str) -> float:
        full = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
        parts = [int(full[place : place + 2], 16) / 255 for place in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for ground, ink, _ in PALETTE:
        low, high = sorted([luminance(ground), luminance(ink)])
        assert (high + 0.05) / (low + 0.05) >= 4.5, ground


def test_one_connection_serves_many_requests(port: int) -> None:
    with closing(connect(port)) as connection:
        for _ in range(3):
            connection.request("POST", "/any", body=b"x" * 100_000)
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b"Hello World from v2\n")


def test_requests_that_arrive_in_pieces_or_together(port: int) -> None:
    request, last = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"
    assert exchange(port, request[:9], request[9:] + request, last).count(b"HTTP/1.1 200 OK\r\n") == 3


def test_head_has_no_body(port: int) -> None:
    answer = exchange(port, b"HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 20\r\n" in answer


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(b"nonsense\r\n\r\n", 400, id="no request"),
        pytest.param(b"GET / HTTP/2\r\n\r\n", 400, id="another protocol"),
        pytest.param(b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, id="negative length"),
        pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411, id="no length"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (LARGEST_REQUEST + 1), 413, id="too large"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"a" * LARGEST_HEAD, 400, id="endless head"),
    ],
)
def test_bad_requests_are_refused_and_closed(port: int, request_: bytes, status: int) -> None:
    assert exchange(port, request_).startswith(b"HTTP/1.1 %d " % status)


def test_share_of_errors(fleet: Fleet, port: int) -> None:
    fleet.switch("shop/hello-1", {"error_share": 0.5})
    seen = Counter(ask(port)[0] for _ in range(200))
    assert seen.keys() == {200, 500}
    # Five standard deviations around 100 of 200.
    assert 65 <= seen[500] <= 135
    assert (ask(port, "/healthz")[0], ask(port, "/healthz")[2]) == (200, b"ok\n")
    fleet.switch("shop/hello-1", {"error_share": 1})
    status, headers, body = ask(port, Accept="application/json")
    assert (status, headers["x-app-version"], json.loads(body)["message"]) == (500, "v2", "v2 has failed")


def test_latency_holds_up_its_own_connection_only(fleet: Fleet, port: int) -> None:
    fleet.switch("shop/hello-1", {"latency_ms": 300})
    with closing(connect(port)) as slow:
        slow.request("GET", "/")
        assert ask(port, "/healthz")[0] == 200
        fleet.switch("shop/hello-1", {"latency_ms": 0})
        assert ask(port)[0] == 200
        assert slow.getresponse().read() == b"Hello World from v2\n"


def test_crash_closes_connections_and_refuses_new_ones_until_it_is_over(fleet: Fleet, port: int) -> None:
    with closing(connect(port)) as connection:
        connection.request("GET", "/")
        connection.getresponse().read()
        assert fleet.switch("shop/hello-1", {"crash": True}) is False
        assert connection.sock is not None
        with pytest.raises(ConnectionError):
            connection.request("GET", "/")
            connection.getresponse()
    with pytest.raises(ConnectionRefusedError):
        ask(port)
    assert fleet.switch("shop/hello-1", {"crash": False}) is True
    assert ask(port)[0] == 200


@pytest.mark.parametrize(
    "changes",
    [{"speed": 1}, {"latency_ms": "1"}, {"latency_ms": -1}, {"crash": 1}, {"error_share": None}, {"error_share": 1.5}],
)
def test_a_switch_that_cannot_be_thrown_is_refused(fleet: Fleet, port: int, changes: dict[str, Any]) -> None:
    with pytest.raises(FleetFailed, match=next(iter(changes))):
        fleet.switch("shop/hello-1", changes)
    with pytest.raises(ValueError, match=next(iter(changes))):
        Switches().changed(changes)
    assert ask(port)[0] == 200


def test_what_cannot_be_done_is_said(fleet: Fleet, port: int) -> None:
    with pytest.raises(FleetFailed, match="runs already"):
        fleet.start_pod("shop/hello-1", version="v1", service="hello")
    with pytest.raises(FleetFailed, match="KeyError: 'shop/nobody'"):
        fleet.stop_pod("shop/nobody")


def test_the_fleet_ends_with_its_parents_end_of_the_pipe() -> None:
    fleet = Fleet()
    fleet.start()
    process = fleet._process
    assert process is not None
    _, port = fleet.start_pod("a", version="v1", service="a")
    with closing(connect(port)) as connection:
        connection.request("GET", "/")
        connection.getresponse().read()
        fleet.stop()
    assert process.returncode == 0
    assert not fleet.is_alive
    with pytest.raises(FleetFailed, match="are stopped"):
        fleet.stop_pod("a")
    fleet.stop()


def test_the_fleets_death_is_said() -> None:
    fleet = Fleet()
    fleet.start()
    fleet.start_pod("a", version="v1", service="a")
    process = fleet._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait(DEADLINE_SECONDS)
    assert not fleet.is_alive
    with pytest.raises(FleetFailed, match="has ended"):
        fleet.stop_pod("a")
    fleet.stop()


ALONE = "from webapp.demo.hello import serve_hello as s; raise SystemExit(s(port=0, version='v3', service='hello'))"


@contextmanager
def alone() -> Iterator[tuple[subprocess.Popen[str], int]]:
    process = subprocess.Popen([sys.executable, "-c", ALONE], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield process, int(process.stdout.readline().rstrip("/\n").rpartition(":")[2])
    finally:
        process.kill()
        process.wait(DEADLINE_SECONDS)
        process.stdout.close()


def test_alone_until_sigterm_with_switches_over_http() -> None:
    with alone() as (process, port):
        assert ask(port)[1]["x-app-version"] == "v3"
        with closing(connect(port)) as connection:
            for body, status in (
                (b'{"error_share": 1}', 200),
                (b'{"speed": 1}', 400),
                (b"nonsense", 400),
                (b"[]", 400),
            ):
                connection.request("PUT", "/switches", body=body)
                answer = connection.getresponse()
                answer.read()
                assert answer.status == status, body
        assert (ask(port)[0], ask(port, "/switches")[0]) == (500, 404)
        process.terminate()
        assert process.wait(DEADLINE_SECONDS) == 0


def test_switches_are_not_for_callers_of_the_fleets_pods(port: int) -> None:
    assert ask(port, "/switches", "PUT")[2] == b"Hello World from v2\n"


def test_a_port_that_is_taken_is_one_sentence(port: int) -> None:
    command = [sys.executable, "-m", "webapp", "hello", "--port", str(port)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False)
    assert ended.returncode == 2
    assert ended.stderr == f"crossfade: HelloWorld can't listen on 0.0.0.0:{port}: Address already in use.\n"
