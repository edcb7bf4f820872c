"""Every question becomes exactly one answer, whatever the other side does. Each server here is a real one."""

from __future__ import annotations

import socket
import struct
from dataclasses import replace

import pytest

from tests.traffic.conftest import Serve
from tests.traffic.servers import DEADLINE_SECONDS, Handler, Server, always, reply, target
from webapp.traffic.answers import Kind
from webapp.traffic.prober import BODY_LIMIT, Prober
from webapp.version import __version__

V1 = {"x-app-version": "v1"}
HEAD = b"HTTP/1.1 200 OK\r\nx-app-version: v1\r\n"


def hang(connection: socket.socket, server: Server) -> None:
    server.ending.wait(DEADLINE_SECONDS)


def reset(connection: socket.socket, server: Server) -> None:
    server.read_head(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def leave(connection: socket.socket, server: Server) -> None:
    server.read_head(connection)


def once(answer: bytes) -> Handler:
    """Answer the first request and close."""

    def handler(connection: socket.socket, server: Server) -> None:
        server.read_head(connection)
        connection.sendall(answer)

    return handler


def trickle(start: bytes, drop: bytes) -> Handler:
    """Send a start at once and then a drop every 20 ms, for ever."""

    def handler(connection: socket.socket, server: Server) -> None:
        server.read_head(connection)
        connection.sendall(start)
        while not server.ending.wait(0.02):
            connection.sendall(drop)

    return handler


def pour(connection: socket.socket, server: Server) -> None:
    server.read_head(connection)
    connection.sendall(HEAD + b"\r\n")
    while not server.ending.is_set():
        connection.sendall(b"x" * 65_536)


@pytest.mark.parametrize(
    ("handler", "kind", "version", "status"),
    [
        pytest.param(always(reply(headers=V1)), Kind.OK, "v1", 200, id="a good answer"),
        pytest.param(always(reply(body=b"version v2")), Kind.OK, "v2", 200, id="version in the body"),
        pytest.param(always(reply("500 Oops", V1)), Kind.APP_ERROR, "v1", 500, id="the application's error"),
        pytest.param(once(HEAD + b"\r\nup to the end"), Kind.OK, "v1", 200, id="no length, ends with the connection"),
        pytest.param(always(reply("204 No Content", V1, b"")), Kind.OK, "v1", 204, id="no body"),
        pytest.param(pour, Kind.OK, "v1", 200, id="endless body"),
        pytest.param(
            always(reply(headers={**V1, "Content-Encoding": "gzip"})), Kind.OK, "v1", 200, id="wrong content encoding"
        ),
        pytest.param(
            always(reply(headers={"Content-Type": "text/plain; charset=nonsense"}, body=b"\xff\xfe version v1")),
            Kind.OK,
            "v1",
            200,
            id="wrong character set",
        ),
        pytest.param(hang, Kind.TIMEOUT, None, 0, id="hangs"),
        pytest.param(trickle(b"", b"H"), Kind.TIMEOUT, None, 0, id="trickles a status line"),
        pytest.param(trickle(HEAD, b"x-a: b\r\n"), Kind.TIMEOUT, None, 0, id="trickles headers"),
        pytest.param(
            trickle(HEAD + b"Content-Length: 9999\r\n\r\n", b"x"), Kind.TIMEOUT, "v1", 200, id="trickles a body"
        ),
        pytest.param(
            trickle(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
            Kind.TIMEOUT,
            "v1",
            200,
            id="trickles chunks",
        ),
        pytest.param(reset, Kind.RESET, None, 0, id="resets"),
        pytest.param(leave, Kind.RESET, None, 0, id="closes without a word"),
        pytest.param(once(b"220 mail.example.com ESMTP\r\n"), Kind.RESET, None, 0, id="is no HTTP"),
        pytest.param(once(b"\x16\x03\x01\x00\xff" * 99), Kind.RESET, None, 0, id="is binary"),
        pytest.param(once(b"HTTP/1.1 9999 What\r\n\r\n"), Kind.RESET, None, 0, id="impossible status"),
        pytest.param(once(b"HTTP/1.1 200 OK\r\nx: " + b"x" * 99_999), Kind.RESET, None, 0, id="endless header"),
        pytest.param(once(HEAD + b"a: b\r\n" * 200 + b"\r\n"), Kind.RESET, None, 0, id="too many headers"),
        pytest.param(
            once(HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), Kind.RESET, None, 0, id="two lengths"
        ),
        pytest.param(
            once(HEAD + b"Content-Length: 99\r\n\r\nhello"), Kind.RESET, "v1", 200, id="breaks off in the body"
        ),
        pytest.param(
            once(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello"), Kind.RESET, "v1", 200, id="broken chunk"
        ),
    ],
)
def test_answer_of(
    handler: Handler, kind: Kind, version: str | None, status: int, serve: Serve, prober: Prober, hasty: Prober
) -> None:
    server = serve(handler)

    answer = (hasty if kind is Kind.TIMEOUT else prober).ask(target(server.url), asked_at=1000.0)

    assert (answer.kind, answer.version, answer.status, answer.asked_at) == (kind, version, status, 1000.0)
    assert 0 < answer.latency_seconds < DEADLINE_SECONDS / 2
    assert server.connections == 1


def test_closed_port_is_refused(prober: Prober) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        answer = prober.ask(target(f"http://127.0.0.1:{unused.getsockname()[1]}"), asked_at=0)
    assert (answer.kind, answer.status) == (Kind.REFUSED, 0)


@pytest.mark.parametrize("host", ["no-such-name.invalid", f"{'a' * 64}.example.com", "a..b"])
def test_name_without_address_is_dns(host: str, prober: Prober) -> None:
    assert prober.ask(target(f"http://{host}"), asked_at=0).kind is Kind.DNS


def test_redirect_is_not_followed(serve: Serve, prober: Prober) -> None:
    elsewhere = serve(always(reply()))
    server = serve(always(reply("302 Found", {"Location": elsewhere.url})))

    assert prober.ask(target(server.url), asked_at=0).kind is Kind.REDIRECT
    assert elsewhere.connections == 0


@pytest.mark.parametrize("status", ["503 Service Unavailable", "429 Too Many Requests", "413 Content Too Large"])
def test_nothing_is_asked_twice(status: str, serve: Serve, prober: Prober) -> None:
    server = serve(always(reply(status, {"Retry-After": "0"})))
    prober.ask(target(server.url), asked_at=0)
    assert len(server.requests) == 1


def test_connections_are_kept_and_those_with_rest_dropped(serve: Serve, prober: Prober) -> None:
    small, large = always(reply(headers=V1)), always(reply(headers=V1, body=b"x" * (BODY_LIMIT + 1)))
    for handler, connections in ((small, 1), (large, 3)):
        server = serve(handler)
        assert [prober.ask(target(server.url), asked_at=0).kind for _ in range(3)] == [Kind.OK] * 3
        assert server.connections == connections


def test_request_is_the_target_s_own(serve: Serve, prober: Prober) -> None:
    server = serve(always(reply()))

    prober.ask(
        target(
            server.url,
            method="POST",
            host="shop.example.com:8080",
            path="/größe?q=a b#part",
            headers={"End-User": "jäson", "user-agent": "Mozilla"},
        ),
        asked_at=0,
    )

    request, *headers = server.requests[0].rstrip().split("\r\n")
    assert request == "POST /gr%C3%B6%C3%9Fe?q=a%20b HTTP/1.1"
    assert dict(header.split(": ") for header in headers) == {
        "Host": "shop.example.com:8080",
        "Accept-Encoding": "identity",
        "Content-Length": "0",
        "user-agent": "Mozilla",
        "X-Crossfade-Sample": "1",
        "End-User": "jäson".encode().decode("latin-1"),
    }


def test_request_without_a_host_names_the_gateway(serve: Serve, prober: Prober) -> None:
    server = serve(always(reply()))
    prober.ask(target(server.url), asked_at=0)
    assert f"Host: 127.0.0.1:{server.port}" in server.requests[0]
    assert f"User-Agent: crossfade/{__version__}" in server.requests[0]


def test_https_asks_for_the_certificate_of_the_host(serve: Serve, prober: Prober, certificate: object) -> None:
    server = serve(always(reply(headers=V1)), certificate)
    shop = target(server.url, host="shop.example.com:8443")

    assert [prober.ask(shop, asked_at=0).kind for _ in range(2)] == [Kind.OK] * 2
    assert server.connections == 1
    assert prober.ask(replace(shop, host="other.example.com"), asked_at=0).kind is Kind.TLS
    assert prober.ask(replace(shop, host=""), asked_at=0).kind is Kind.TLS


def test_https_deadline_holds_for_a_trickling_body(serve: Serve, hasty: Prober, certificate: object) -> None:
    server = serve(trickle(HEAD + b"\r\n", b"x"), certificate)
    answer = hasty.ask(target(server.url, host="shop.example.com"), asked_at=0)
    assert (answer.kind, answer.version, answer.status) == (Kind.TIMEOUT, "v1", 200)


def test_certificate_of_an_unknown_authority_is_tls(serve: Serve, certificate: object) -> None:
    server = serve(always(reply()), certificate)
    prober = Prober()
    assert prober.ask(target(server.url, host="shop.example.com"), asked_at=0).kind is Kind.TLS
    prober.close()


@pytest.mark.parametrize(
    ("start", "drop", "kind"),
    [
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", Kind.TLS, id="speaks no TLS"),
        pytest.param(b"", b"", Kind.TLS, id="closes during the handshake"),
        pytest.param(b"\x15\x03\x01\x00\x02\x02\x28", b"", Kind.TLS, id="refuses the handshake"),
        pytest.param(b"\x16\x03\x03\x10\x00", b"\x00", Kind.TIMEOUT, id="trickles the handshake"),
    ],
)
def test_https_to_what_is_none(
    start: bytes, drop: bytes, kind: Kind, serve: Serve, prober: Prober, hasty: Prober
) -> None:
    def handshake(connection: socket.socket, server: Server) -> None:
        connection.recv(65_536)
        connection.sendall(start)
        while drop and not server.ending.wait(0.02):
            connection.sendall(drop)

    server = serve(handshake)
    asker = hasty if kind is Kind.TIMEOUT else prober
    assert asker.ask(target(server.url.replace("http", "https")), asked_at=0).kind is kind


def test_http_to_an_encrypted_port_is_reset(serve: Serve, prober: Prober, certificate: object) -> None:
    server = serve(always(reply()), certificate)
    assert prober.ask(target(server.url.replace("https", "http")), asked_at=0).kind is Kind.RESET
