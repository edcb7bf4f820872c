"""A network that fails on demand: a relay between a client and an API server."""

from __future__ import annotations

import selectors
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, RLock, Thread
from types import TracebackType

POLL_SECONDS = 0.1
PIECE = 256 * 1024
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no time: closing sends a reset, as a machine does that knows nothing of the connection."""


@dataclass(eq=False)
class _Pair:
    """The two ends of one connection; a dead one carries nothing, not even its end."""

    client: socket.socket
    server: socket.socket | None = None
    is_dead: bool = False


class Relay:
    """Carry bytes both ways, until told otherwise; one thread.

    :param target: the port of the server, on this machine.
    :param host: the address at which clients are let in.
    """

    def __init__(self, target: int, *, host: str = "127.0.0.1") -> None:
        self._target, self._host = target, host
        self.is_silent = False
        self._guard = RLock()
        self._pairs: set[_Pair] = set()
        self._selector = selectors.DefaultSelector()
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._stop = Event()
        self._thread = Thread(target=self._run, name="relay")

    @property
    def url(self) -> str:
        """Where a client finds the server."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many the clients hold open."""
        with self._guard:
            return len(self._pairs)

    def cut(self) -> None:
        """Break all connections; new ones are carried."""
        with self._guard:
            for pair in list(self._pairs):
                self._close(pair, by_reset=True)

    def forget(self) -> None:
        """Let all connections fall silent for good, as a router does that has lost its table; new ones are carried."""
        with self._guard:
            for pair in self._pairs:
                pair.is_dead = True

    def silence(self) -> None:
        """Swallow everything, on new connections too, until `heal`."""
        self.is_silent = True
        self.forget()

    def refuse(self) -> None:
        """Break all connections and let nobody in, until `heal`."""
        with self._guard:
            self._selector.unregister(self._listener)
            self._listener.close()
            self.cut()

    def heal(self) -> None:
        """Carry new connections again; what fell silent stays so."""
        with self._guard:
            self.is_silent = False
            if self._listener.fileno() < 0:
                self._listener = self._listen(self.port)

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.cut()
        self._listener.close()
        self._selector.close()

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server((self._host, port), backlog=128)
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ)
        return listener

    def _run(self) -> None:
        while not self._stop.is_set():
            for key, _ in self._selector.select(POLL_SECONDS):
                with self._guard, suppress(OSError):
                    if key.fileobj is self._listener:
                        self._accept()
                    elif key.data in self._pairs and isinstance(key.fileobj, socket.socket):
                        self._carry(key.data, key.fileobj)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        pair = _Pair(client, is_dead=self.is_silent)
        if not pair.is_dead:
            try:
                pair.server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                return
        self._pairs.add(pair)
        for each in filter(None, (client, pair.server)):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(each, selectors.EVENT_READ, pair)

    def _carry(self, pair: _Pair, source: socket.socket) -> None:
        if source not in {pair.client, pair.server}:
            return  # closed since it was selected
        try:
            data = source.recv(PIECE)
            other = pair.server if source is pair.client else pair.client
            if data and other and not pair.is_dead:
                other.sendall(data)
        except OSError:
            data = b""
        if not data and pair.is_dead and source is pair.server:
            self._end(source)
            pair.server = None
        elif not data:
            self._close(pair)

    def _close(self, pair: _Pair, *, by_reset: bool = False) -> None:
        self._pairs.discard(pair)
        for each in filter(None, (pair.client, pair.server)):
            if by_reset:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self._end(each)
        pair.server = None

    def _end(self, end: socket.socket) -> None:
        self._selector.unregister(end)
        end.close()
