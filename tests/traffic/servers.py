"""Servers on loopback that behave well or badly, and a target that asks them."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from threading import Event, Lock, Thread
from typing import Any, TypeAlias

from webapp.traffic.targets import Identification, Target

DEADLINE_SECONDS = 10.0

Handler: TypeAlias = "Callable[[socket.socket, Server], None]"


class Server:
    """Accepts connections and gives each to `handler(connection, server)` on a thread of its own.

    `requests` are the heads that handlers read with `read_head`; `ending` is set when the test is over.
    """

    def __init__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[str] = []
        self.connections = 0
        self.ending = Event()
        self._handler = handler
        self._tls = tls
        self._lock = Lock()
        self._threads: list[Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._acceptor = Thread(target=self._accept)
        self._acceptor.start()

    def read_head(self, connection: socket.socket) -> str:
        """Read a request up to its empty line; empty at the end of the connection."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = connection.recv(1)
            if not byte:
                return ""
            head += byte
        with self._lock:
            self.requests.append(head.decode("latin-1"))
        return self.requests[-1]

    def close(self) -> None:
        self.ending.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(DEADLINE_SECONDS)
        for thread in self._threads:
            thread.join(DEADLINE_SECONDS)

    def _accept(self) -> None:
        while not self.ending.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(DEADLINE_SECONDS)
        with contextlib.suppress(OSError), connection:
            if self._tls:
                with self._tls.wrap_socket(connection, server_side=True) as encrypted:
                    self._handler(encrypted, self)
            else:
                self._handler(connection, self)


def reply(status: str = "200 OK", headers: dict[str, str] | None = None, body: bytes = b"hello") -> bytes:
    """Return a whole HTTP answer."""
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode("latin-1") + body


def always(answer: bytes) -> Handler:
    """Return a handler that answers every request of a connection with the same bytes."""

    def handler(connection: socket.socket, server: Server) -> None:
        while server.read_head(connection):
            connection.sendall(answer)

    return handler


def target(gateway_url: str = "http://127.0.0.1:1", **fields: Any) -> Target:
    """Return a target with two versions, of which answers tell in every way."""
    identification = Identification(header="X-App-Version", json_field="build.version", pattern="version (v[0-9]+)")
    defaults = Target(
        namespace="default",
        name="hello",
        http_route=0,
        gateway_url=gateway_url,
        identification=identification,
        versions={"v1": "v1", "v2": "v2", "blue": "v2"},
        asked={"v1": 90, "v2": 10},
    )
    return replace(defaults, **fields)
