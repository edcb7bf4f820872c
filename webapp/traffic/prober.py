"""Ask the gateway one question and say what came of it, whatever came of it."""

from __future__ import annotations

import http.client
import io
import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from urllib3 import HTTPConnectionPool, HTTPHeaderDict, HTTPSConnectionPool, PoolManager, Timeout, disable_warnings
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    HTTPError,
    InsecureRequestWarning,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
    SSLError,
)
from urllib3.exceptions import TimeoutError as Urllib3TimeoutError

from webapp.traffic.answers import Answer, Kind, upstream_seconds
from webapp.traffic.evidence import Evidence
from webapp.traffic.identify import classify, redirected
from webapp.traffic.targets import Target, sent_headers

BODY_LIMIT = 64 * 1024
"""Bytes of a body that are read; the rest is dropped, and the connection with it."""

MOST_REDIRECTS = 3

_KINDS: tuple[tuple[type[Exception], Kind], ...] = (
    (NameResolutionError, Kind.DNS),
    (LocationParseError, Kind.DNS),
    (NewConnectionError, Kind.REFUSED),
    (Urllib3TimeoutError, Kind.TIMEOUT),
    (SSLError, Kind.TLS),
    (HTTPError, Kind.RESET),
)
"""The first that fits counts: `NewConnectionError` is a `TimeoutError` to urllib3, name resolution is both."""


def trust(*, authorities: str = "", insecure: bool = False) -> ssl.SSLContext:
    """Say which certificates are trusted: the machine's own authorities', a PEM file's alone, or any at all.

    :raises OSError: the file can't be read, or holds no certificate (`ssl.SSLError`).
    """
    context = ssl.create_default_context(cafile=authorities or None)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        disable_warnings(InsecureRequestWarning)  # Pages say it where people see it, which a log does not.
    return context


class Prober:
    """Asks without retries, and without following redirects unless told to. Any number of threads may ask.

    :param connect_timeout_seconds: for the connection and its encryption.
    :param timeout_seconds: for all of it up to the end of the body. Only a name server may take longer.
    :param ssl_context: what certificates to trust; the machine's own authorities by default.
    """

    def __init__(
        self,
        *,
        connect_timeout_seconds: float = 2.0,
        timeout_seconds: float = 5.0,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._timeout = Timeout(connect=connect_timeout_seconds, total=timeout_seconds)
        self._timeout_seconds = timeout_seconds
        self._trust = ssl_context or trust()
        self._pools = PoolManager(num_pools=256, maxsize=256, ssl_context=self._trust)
        self._pools.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        self.evidence = Evidence()

    def ask(self, target: Target, *, asked_at: float) -> Answer:
        """Send a target's request and return what came of it. The target must be askable (`targets.unaskable`).

        :param asked_at: Unix time in seconds, now.
        """
        reply = self.exchange(target)
        kind, version = classify(status=reply.status, headers=reply.headers, body=reply.body, target=target)
        if reply.failure is None:
            self.evidence.take(target, headers=reply.headers, body=reply.body, version=version)
        upstream = upstream_seconds(reply.headers)
        return Answer(
            0, asked_at, reply.latency_seconds, reply.failure or kind, version, reply.status, upstream_seconds=upstream
        )

    def close(self) -> None:
        """Close the connections that are kept alive."""
        self._pools.clear()

    def exchange(self, target: Target) -> Reply:
        """Send a target's request, follow it where that is wanted, and return what arrived last, as it is.

        The target must be askable. All hops together have the time that one would have, and make up its latency.
        """
        begun = time.perf_counter()
        reply = self._send(target, self._timeout)
        following: Target | None = target if target.follow_redirects else None
        for _ in range(MOST_REDIRECTS):
            following = following and redirected(following, status=reply.status, headers=reply.headers)
            left_seconds = self._timeout_seconds - (time.perf_counter() - begun)
            if following is None or reply.failure or left_seconds <= 0:
                break
            reply = self._send(following, Timeout(connect=self._timeout.connect_timeout, total=left_seconds))
        reply.latency_seconds = time.perf_counter() - begun
        return reply

    def _send(self, target: Target, timeout: Timeout) -> Reply:
        reply = Reply()
        pool: HTTPConnectionPool | None = None
        try:
            pool = self._pool(target)
            response = pool.urlopen(
                target.method,
                target.path,
                headers=_headers(target),
                retries=False,
                redirect=False,
                assert_same_host=False,
                timeout=timeout,
                preload_content=False,
                decode_content=False,
            )
            reply.status = response.status
            reply.headers = {name.lower(): value for name, value in response.headers.items()}
            try:
                # One read may end early where the connection broke; only the next one says so.
                while len(reply.body) < BODY_LIMIT and (more := response.read(BODY_LIMIT - len(reply.body))):
                    reply.body += more
            finally:
                response.close()
        except HTTPError as error:
            reply.failure = next(kind for type_, kind in _KINDS if isinstance(error, type_))
        finally:
            if pool and target.connection == "fresh":
                pool.close()
        return reply

    def _pool(self, target: Target) -> HTTPConnectionPool:
        gateway = urlsplit(target.gateway_url)
        # The gateway chooses its certificate by the name asked for (SNI), which is the route's host, not its own.
        host = re.sub(r":[0-9]*$", "", target.host)
        tls: dict[str, Any] = {"server_hostname": host} if gateway.scheme == "https" and host else {}
        if target.connection == "fresh":
            name = gateway.hostname or ""
            if gateway.scheme == "https":
                return _HttpsPool(name, gateway.port, ssl_context=self._trust, **tls)
            return _HttpPool(name, gateway.port)
        return self._pools.connection_from_host(gateway.hostname, gateway.port, gateway.scheme, pool_kwargs=tls)


@dataclass(slots=True)
class Reply:
    """What arrived of an answer until it was whole or until `failure` ended it; `headers` by lower-case name."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    failure: Kind | None = None
    latency_seconds: float = 0.0


def _headers(target: Target) -> HTTPHeaderDict:
    headers = HTTPHeaderDict()
    for name, value in sent_headers(target).items():
        # Envoy compares bytes, and Istio's are UTF-8; http.client would write Latin-1 or nothing.
        headers[name] = value.encode(errors="replace").decode("latin-1")
    return headers


class _UntilDeadline(io.RawIOBase):
    """Reads a socket until one moment: a socket's own time-out begins anew with every byte that drips in."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw: Any = sock.makefile("rb", buffering=0)
        self._deadline = time.monotonic() + (sock.gettimeout() or 0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_seconds = self._deadline - time.monotonic()
        if left_seconds <= 0:
            raise TimeoutError("the answer was not whole in time")
        self._sock.settimeout(left_seconds)
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer that must be whole, headers and body, in the time that urllib3 has just given to its socket."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_UntilDeadline(sock))


class _HttpConnection(HTTPConnection):
    response_class = _Response


class _HttpsConnection(HTTPSConnection):
    response_class = _Response


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection
