"""The second listener: the audience's read-only pages for phones in the room, and nothing else.

It has connections and threads of its own, so that no phone can take one from the presenter: neither two hundred of them
at once, nor one that stops reading.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import ip_address
from threading import BoundedSemaphore, Event, Thread
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from webapp.settings import InvalidSetting

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CARRIED = frozenset({"watch.page", "watch.stream", "static"})
"""The endpoints that phones may reach; a new one is closed until it is named here."""

MOST_CONNECTIONS = 320
"""The streams that viewers hold, and pages on their way; more wait in the kernel's queue."""

LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 10.0
"""How long a phone may keep silent within a request, or leave what it is sent unread."""

ELSEWHERE = ("192.0.2.1", 9)
"""An address of nobody's, for documentation. https://www.rfc-editor.org/rfc/rfc5737"""


def audience_url(bind: str) -> str:
    """Return the address at which phones reach the listener, without a slash at its end; empty where there is none.

    :param bind: the setting: HOST:PORT, where 0.0.0.0 means every address of this machine.
    :raises InvalidSetting: every address is meant, and none leads out of this machine.
    """
    host, _, port = bind.rpartition(":")
    if not bind:
        return ""
    try:
        is_every = ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        is_every = False
    if is_every:
        host = _own_address()
    if not host:
        raise InvalidSetting(
            f"CROSSFADE_AUDIENCE_BIND={bind}: this machine has no address that phones could reach; join a network, or "
            "name one of its addresses"
        )
    return f"http://{host}:{port}"


def _own_address() -> str:
    """Return the address that this machine's packets to elsewhere would come from; none is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # For UDP this only chooses the route.
            probe.connect(ELSEWHERE)
        except OSError:
            return ""
        address: str = probe.getsockname()[0]
    return "" if ip_address(address).is_loopback else address


class Gate:
    """Let reading requests for the audience's endpoints through to the pages, and nothing else."""

    def __init__(self, pages: Flask) -> None:
        self._pages = pages

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer 404 or 405 to what is not carried."""
        # Nobody stands between, so nobody may speak for somebody else.
        for name in [each for each in environ if each.startswith("HTTP_X_FORWARDED_")]:
            del environ[name]
        refusal = self._refusal(environ)
        answer: WSGIApplication = refusal or self._pages
        return answer(environ, start_response)

    def _refusal(self, environ: WSGIEnvironment) -> HTTPException | None:
        try:
            endpoint, _ = self._pages.url_map.bind_to_environ(environ).match()
        except MethodNotAllowed as error:
            return error
        except HTTPException:
            return NotFound()
        if endpoint not in CARRIED:
            return NotFound("There is only what the presenter shows here.")
        return None if environ["REQUEST_METHOD"] in {"GET", "HEAD"} else MethodNotAllowed(["GET", "HEAD"])


class _Handler(WSGIRequestHandler):
    """One request a connection: a phone that falls asleep between two holds nothing."""

    protocol_version = "HTTP/1.0"
    timeout = PATIENCE_SECONDS
    disable_nagle_algorithm = True

    def version_string(self) -> str:
        return "crossfade"

    def log(self, type: str, message: str, *args: Any) -> None:
        """Keep quiet: `RequestLog` logs what matters."""


class _Server(ThreadedWSGIServer):
    """A thread a connection, and so many at most."""

    def __init__(self, app: WSGIApplication, descriptor: int, address: tuple[str, int]) -> None:
        self._places = BoundedSemaphore(MOST_CONNECTIONS)
        self._stopping = Event()
        super().__init__(*address, app, _Handler, fd=descriptor)

    def process_request(self, request: Any, client_address: Any) -> None:
        while not self._places.acquire(timeout=LOOK_SECONDS):
            if self._stopping.is_set():
                self.shutdown_request(request)
                return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def shutdown(self) -> None:
        """Let nobody in any more, even while somebody waits for a place."""
        self._stopping.set()
        super().shutdown()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Phones come and go."""


class Audience:
    """The listener; started after the fork, with the thread that accepts.

    :param listener: bound already, so that a port that can't be had is told before anything starts.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._server: _Server | None = None
        self._thread: Thread | None = None

    def start(self, app: WSGIApplication) -> None:
        """Serve this application."""
        self._listener.listen(128)
        host, port = self._listener.getsockname()[:2]
        self._server = _Server(app, self._listener.fileno(), (host, port))
        self._thread = Thread(target=self._server.serve_forever, args=(LOOK_SECONDS,), name="audience", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let nobody in any more; streams end with the process's own."""
        if self._server and self._thread:
            self._server.shutdown()
            self._thread.join()
