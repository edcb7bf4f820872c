"""Every question becomes exactly one answer, whatever the other side does. Each server here is a real one."""

from __future__ import annotations

import socket
import ssl
import struct
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from tests.traffic.conftest import Serve
from tests.traffic.servers import DEADLINE_SECONDS, Handler, Server, always, reply, target
from webapp.traffic.answers import Kind
from webapp.traffic.prober import BODY_LIMIT, Prober, trust
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


@pytest.mark.parametrize(("connection", "connections"), [("keep-alive", 1), ("fresh", 3)])
def test_connections_are_kept_or_fresh(
    connection: str, connections: int, serve: Serve, prober: Prober, certificate: object
) -> None:
    for server in (serve(always(reply(headers=V1))), serve(always(reply(headers=V1)), certificate)):
        asked = target(server.url, host="shop.example.com", connection=connection)
        assert [prober.ask(asked, asked_at=0).kind for _ in range(3)] == [Kind.OK] * 3
        assert server.connections == connections


@pytest.mark.parametrize("host", ["a..b", "no-such-name.invalid"])
def test_a_fresh_connection_to_nobody_is_dns(host: str, prober: Prober) -> None:
    assert prober.ask(target(f"http://{host}", connection="fresh"), asked_at=0).kind is Kind.DNS


def test_a_fresh_connection_is_part_of_the_latency(serve: Serve, hasty: Prober, certificate: object) -> None:
    """The server is slow to shake hands, and quick to answer."""
    slow = 0.1

    def handler(connection: socket.socket, server: Server) -> None:
        server.ending.wait(slow)
        always(reply(headers=V1))(connection, server)

    server = serve(handler)
    fresh, kept = (target(server.url, connection=each) for each in ("fresh", "keep-alive"))
    hasty.ask(kept, asked_at=0)
    assert hasty.ask(kept, asked_at=0).latency_seconds < slow <= hasty.ask(fresh, asked_at=0).latency_seconds


def redirecting(*locations: str) -> Handler:
    """Answer by a redirect to the next of the locations, then well; `{url}` is the server's own."""

    def handler(connection: socket.socket, server: Server) -> None:
        while server.read_head(connection):
            place = len(server.requests) - 1
            if place < len(locations):
                answer = reply("302 Found", {"Location": locations[place].format(url=server.url)})
            else:
                answer = reply(headers=V1)
            connection.sendall(answer)

    return handler


@pytest.mark.parametrize(
    ("locations", "kind", "paths"),
    [
        pytest.param(["/b?c=d"], Kind.OK, ["/a", "/b?c=d"], id="a-path"),
        pytest.param(["b#part"], Kind.OK, ["/a", "/b"], id="beside-it"),
        pytest.param(["{url}"], Kind.OK, ["/a", "/"], id="its-own-address"),
        pytest.param(["/b", "/c", "/d"], Kind.OK, ["/a", "/b", "/c", "/d"], id="three-hops"),
        pytest.param(["/a"] * 9, Kind.REDIRECT, ["/a"] * 4, id="round-and-round"),
        pytest.param(["http://elsewhere.example/"], Kind.REDIRECT, ["/a"], id="another-host"),
        pytest.param(["//elsewhere.example/"], Kind.REDIRECT, ["/a"], id="another-host-without-a-scheme"),
        pytest.param(["https://127.0.0.1/"], Kind.REDIRECT, ["/a"], id="https"),
        pytest.param(["http://127.0.0.1:1/"], Kind.REDIRECT, ["/a"], id="another-port"),
        pytest.param(["{url}//elsewhere.example"], Kind.REDIRECT, ["/a"], id="a-path-like-a-host"),
        pytest.param(["http://[::1"], Kind.REDIRECT, ["/a"], id="half-an-address"),
        pytest.param(["javascript:alert(1)"], Kind.REDIRECT, ["/a"], id="no-address"),
        pytest.param([""], Kind.REDIRECT, ["/a"], id="nowhere"),
    ],
)
def test_redirects_are_followed_on_the_same_host_if_asked(
    locations: list[str], kind: Kind, paths: list[str], serve: Serve, prober: Prober
) -> None:
    server = serve(redirecting(*locations))
    asked = target(server.url, path="/a", headers={"x-a": "b"}, follow_redirects=True)
    assert prober.ask(asked, asked_at=0).kind is kind
    assert [head.split(" ")[1] for head in server.requests] == paths
    assert all("x-a: b" in head for head in server.requests)


def test_all_hops_have_the_time_of_one(serve: Serve, hasty: Prober) -> None:
    def handler(connection: socket.socket, server: Server) -> None:
        while server.read_head(connection) and not server.ending.wait(0.2):
            connection.sendall(reply("302 Found", {"Location": "/"}))

    answer = hasty.ask(target(serve(handler).url, follow_redirects=True), asked_at=0)
    assert answer.kind is Kind.TIMEOUT
    assert answer.latency_seconds < 0.6


def test_what_an_app_answered_is_evidence_and_what_broke_off_is_none(serve: Serve, prober: Prober) -> None:
    for handler, kept in (
        (always(reply(headers={"x-build": "abc"})), 1),
        (once(HEAD + b"Content-Length: 9\r\n\r\n"), 0),
    ):
        asked = target(serve(handler).url, name=f"kept-{kept}")
        prober.ask(asked, asked_at=0)
        assert len(prober.evidence.of(asked.key)) == kept


def test_https_deadline_holds_for_a_trickling_body(serve: Serve, hasty: Prober, certificate: object) -> None:
    server = serve(trickle(HEAD + b"\r\n", b"x"), certificate)
    answer = hasty.ask(target(server.url, host="shop.example.com"), asked_at=0)
    assert (answer.kind, answer.version, answer.status) == (Kind.TIMEOUT, "v1", 200)


def test_certificate_of_an_unknown_authority_is_tls(serve: Serve, certificate: object) -> None:
    server = serve(always(reply()), certificate)
    prober = Prober()
    assert prober.ask(target(server.url, host="shop.example.com"), asked_at=0).kind is Kind.TLS
    prober.close()


@pytest.mark.parametrize("connection", ["keep-alive", "fresh"])
def test_an_authority_of_ones_own_or_none(
    connection: str, serve: Serve, authority: trustme.CA, certificate: object, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(file)
    server = serve(always(reply(headers=V1)), certificate)
    known = target(server.url, host="shop.example.com", connection=connection)
    for trusted, asked, kind in (
        (trust(authorities=str(file)), known, Kind.OK),
        (trust(authorities=str(file)), replace(known, host="other.example.com"), Kind.TLS),
        (trust(insecure=True), replace(known, host="other.example.com"), Kind.OK),
        (trust(), known, Kind.TLS),
    ):
        prober = Prober(ssl_context=trusted)
        assert prober.ask(asked, asked_at=0).kind is kind
        prober.close()


def test_the_gateway_is_told_which_host_is_wanted(serve: Serve, prober: Prober, authority: trustme.CA) -> None:
    wanted: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("shop.example.com", "*.pay.example").configure_cert(context)
    context.sni_callback = lambda connection, name, _: wanted.append(name)
    server = serve(always(reply(headers=V1)), context)
    for host in ("shop.example.com:8443", "eu.pay.example"):
        assert prober.ask(target(server.url, host=host), asked_at=0).kind is Kind.OK
    assert wanted == ["shop.example.com", "eu.pay.example"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=str)
def test_a_gateway_that_wants_a_certificate_of_ours_is_tls(
    version: ssl.TLSVersion, serve: Serve, prober: Prober, authority: trustme.CA
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("shop.example.com").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = version
    server = serve(always(reply()), context)
    assert prober.ask(target(server.url, host="shop.example.com"), asked_at=0).kind in {Kind.TLS, Kind.RESET}


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
