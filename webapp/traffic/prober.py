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

from urllib3 import HTTPConnectionPool, HTTPHeaderDict, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    HTTPError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
    SSLError,
)
from urllib3.exceptions import TimeoutError as Urllib3TimeoutError

from webapp.traffic.answers import Answer, Kind
from webapp.traffic.identify import classify
from webapp.traffic.targets import Target
from webapp.version import __version__

BODY_LIMIT = 64 * 1024
"""Bytes of a body that are read; the rest is dropped, and the connection with it."""

_KINDS: tuple[tuple[type[Exception], Kind], ...] = (
    (NameResolutionError, Kind.DNS),
    (LocationParseError, Kind.DNS),
    (NewConnectionError, Kind.REFUSED),
    (Urllib3TimeoutError, Kind.TIMEOUT),
    (SSLError, Kind.TLS),
    (HTTPError, Kind.RESET),
)
"""The first that fits counts: `NewConnectionError` is a `TimeoutError` to urllib3, name resolution is both."""


class Prober:
    """Asks with connections kept alive, without retries and redirects. Any number of threads may ask.

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
        self._pools = PoolManager(num_pools=64, maxsize=256, ssl_context=ssl_context or ssl.create_default_context())
        self._pools.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def ask(self, target: Target, *, asked_at: float) -> Answer:
        """Send a target's request and return what came of it. The target must be askable (`targets.unaskable`).

        :param asked_at: Unix time in seconds, now.
        """
        reply = self.exchange(target)
        kind, version = classify(status=reply.status, headers=reply.headers, body=reply.body, target=target)
        return Answer(0, asked_at, reply.latency_seconds, reply.failure or kind, version, reply.status)

    def close(self) -> None:
        """Close the connections that are kept alive."""
        self._pools.clear()

    def exchange(self, target: Target) -> Reply:
        """Send a target's request once, and return what arrived as it is. The target must be askable."""
        begun = time.perf_counter()
        reply = Reply()
        try:
            response = self._pool(target).urlopen(
                target.method,
                target.path,
                headers=_headers(target),
                retries=False,
                redirect=False,
                assert_same_host=False,
                timeout=self._timeout,
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
        reply.latency_seconds = time.perf_counter() - begun
        return reply

    def _pool(self, target: Target) -> HTTPConnectionPool:
        gateway = urlsplit(target.gateway_url)
        # The gateway chooses its certificate by the name asked for (SNI), which is the route's host, not its own.
        host = re.sub(r":[0-9]*$", "", target.host)
        tls = {"server_hostname": host} if gateway.scheme == "https" and host else {}
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
    headers = HTTPHeaderDict({"User-Agent": f"crossfade/{__version__}", "X-Crossfade-Sample": "1"})
    if target.host:
        headers["Host"] = target.host
    for name, value in target.headers.items():
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
