"""One HelloWorld pod: an HTTP server on asyncio with switches that make it misbehave.

An answer is one write, and asyncio sets TCP_NODELAY: two writes would wait 40 ms for the other side's delayed
acknowledgement.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
from collections.abc import Mapping
from typing import Any

from webapp.demo.hello_page import answer_bytes, contents, preferred
from webapp.demo.hello_switches import Switches

LARGEST_REQUEST = 1 << 20
LARGEST_HEAD = 1 << 16
_HEADERS = re.compile(rb"\r\n(accept|connection|content-length|transfer-encoding):[ \t]*([^\r\n]*)", re.IGNORECASE)


class Pod:
    """One HelloWorld server. Its port stays the same and its own, also while the crash switch keeps it closed."""

    def __init__(
        self, name: str, *, version: str, service: str, switches: Switches, local_control: bool = False
    ) -> None:
        self.name, self.version, self.service, self.switches = name, version, service, switches
        self.local_control = local_control
        self.connections: set[Connection] = set()
        self.port = 0
        self._reserve: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._host = ""
        self._task: asyncio.Task[None] | None = None
        self.answers = {
            (status, kind): answer_bytes(status, *content, version)
            for status, message in ((200, f"Hello World from {version}"), (500, f"{version} has failed"))
            for kind, content in contents(message, service=service, version=version, pod=name).items()
        }

    async def start(self, host: str, port: int = 0) -> None:
        """Listen on a port, a free one where it is 0.

        :raises OSError: the port is taken.
        """
        self._host = host
        self._reserve = socket.socket()
        self._reserve.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._reserve.bind((host, port))
            self.port = self._reserve.getsockname()[1]
            await self.switch({})
        except OSError:
            self._reserve.close()
            raise

    async def switch(self, changes: Mapping[str, Any]) -> None:
        """Change switches; a crash closes the listener and every connection at once."""
        self.switches = self.switches.changed(changes)
        if self.switches.crash and self._server is not None:
            self._server.close()
            self._server = None
            for connection in list(self.connections):
                connection.transport.abort()
        elif not self.switches.crash and self._server is None:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: Connection(self), self._host, self.port, backlog=512
            )

    def switch_soon(self, changes: Mapping[str, Any]) -> None:
        """Change switches once the caller has returned."""
        self._task = asyncio.get_running_loop().create_task(self.switch(changes))

    async def stop(self) -> None:
        """Close the listener and every connection, and give the port back."""
        await self.switch({"crash": True})
        if self._reserve is not None:
            self._reserve.close()

    @property
    def ready(self) -> bool:
        """Whether it listens."""
        return self._server is not None


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as much of it as callers of a HelloWorld need; one request at a time, in order."""

    transport: asyncio.Transport

    def __init__(self, pod: Pod) -> None:
        self.pod = pod
        self.buffer = b""
        self.waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take part in the pod's crash."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self.transport = transport
        self.pod.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the connection."""
        self.pod.connections.discard(self)

    def pause_writing(self) -> None:
        """Take no more requests while the caller does not read its answers."""
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Take requests again."""
        self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete by now."""
        self.buffer += data
        while not self.waiting and self.buffer and not self.transport.is_closing() and self._one():
            pass

    def _one(self) -> bool:
        """Answer the first request in the buffer; False where it is not complete yet."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return len(self.buffer) > LARGEST_HEAD and self._refuse(400)
        head = self.buffer[: end + 2]
        line, _, _ = head.partition(b"\r\n")
        words = line.split(b" ")
        headers = {name.lower(): value for name, value in _HEADERS.findall(head)}
        length = headers.get(b"content-length", b"0")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1.") or not length.isdigit():
            return self._refuse(400)
        if b"transfer-encoding" in headers:
            return self._refuse(411)
        if int(length) > LARGEST_REQUEST:
            return self._refuse(413)
        after = end + 4 + int(length)
        if len(self.buffer) < after:
            return False
        body, self.buffer = self.buffer[end + 4 : after], self.buffer[after:]
        connection = headers.get(b"connection", b"").lower()
        close = connection == b"close" or (words[2] == b"HTTP/1.0" and connection != b"keep-alive")
        self._respond(words[0], words[1].partition(b"?")[0], headers.get(b"accept", b""), body, close)
        return True

    def _respond(self, method: bytes, path: bytes, accept: bytes, body: bytes, close: bool) -> None:
        pod, switches = self.pod, self.pod.switches
        if path == b"/healthz":
            self._send(answer_bytes(200, "text/plain", b"ok\n", pod.version), method, close)
            return
        if path == b"/switches" and pod.local_control:
            self._send(self._control(method, body), method, close)
            return
        failed = random.random() < switches.error_share  # noqa: S311
        answer = pod.answers[500 if failed else 200, preferred(accept)]
        delay_ms = switches.latency_ms + random.uniform(-1, 1) * switches.jitter_ms  # noqa: S311
        if delay_ms > 0:
            self.waiting = True
            self.transport.pause_reading()
            asyncio.get_running_loop().call_later(delay_ms / 1000, self._send_later, answer, method, close)
        else:
            self._send(answer, method, close)

    def _control(self, method: bytes, body: bytes) -> bytes:
        """Change the switches by `PUT /switches`, for `kubectl port-forward`: taken from this machine only."""
        peer = self.transport.get_extra_info("peername")
        if method != b"PUT" or not peer or peer[0] not in {"127.0.0.1", "::1"}:
            return answer_bytes(404, "text/plain", b"not here\n", self.pod.version)
        try:
            changes = json.loads(body)
            self.pod.switches.changed(changes)
        except (ValueError, AttributeError) as error:
            return answer_bytes(400, "text/plain", f"{error}\n".encode(), self.pod.version)
        # A crash closes this connection too: the answer goes first.
        self.pod.switch_soon(changes)
        return answer_bytes(200, "text/plain", b"ok\n", self.pod.version)

    def _send_later(self, answer: bytes, method: bytes, close: bool) -> None:
        self.waiting = False
        if not self.transport.is_closing():
            self._send(answer, method, close)
            self.transport.resume_reading()
            self.data_received(b"")

    def _send(self, answer: bytes, method: bytes, close: bool) -> None:
        if method == b"HEAD":
            answer = answer[: answer.index(b"\r\n\r\n") + 4]
        if close:
            answer = answer.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        self.transport.write(answer)
        if close:
            self.transport.close()

    def _refuse(self, status: int) -> bool:
        self._send(answer_bytes(status, "text/plain", b"", self.pod.version), b"", close=True)
        return False
