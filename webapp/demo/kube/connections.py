"""The embedded API's HTTPS: connections, threads, answers on the wire.

One thread a connection, which also does the TLS handshake, so that a silent client holds up nobody else.
"""

from __future__ import annotations

import logging
import selectors
import socket
import ssl
import sys
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread, current_thread
from typing import Any

from webapp.demo.kube.api import Api, Response
from webapp.demo.kube.kinds import encoded
from webapp.demo.kube.request import parse_request
from webapp.demo.kube.status import ApiError, Dropped, PageNotFound
from webapp.demo.kube.watching import Watch

LOG = logging.getLogger(__name__)

MAX_BODY_BYTES = 3 * 1024 * 1024
MAX_CONNECTIONS = 512
HANDSHAKE_SECONDS = 10.0
IDLE_SECONDS = 120.0
STOP_SECONDS = 5.0


class HttpsServer(ThreadingHTTPServer):
    """The accept loop and its connections, each with the thread that serves it."""

    allow_reuse_port = False
    request_queue_size = 128

    def __init__(self, port: int, tls: ssl.SSLContext, api: Api) -> None:
        self.api, self._tls = api, tls
        self._connections: dict[Thread, Any] = {}
        self._lock = Lock()
        super().__init__(("127.0.0.1", port), Handler)
        self._accepting = Thread(target=self.serve_forever, args=(0.05,), name="kube-api", daemon=True)

    def start(self) -> None:
        self._accepting.start()

    def stop(self) -> None:
        self.shutdown()
        self._accepting.join()
        with self._lock:
            connections = dict(self._connections)
        for connection in connections.values():
            # The socket's own shutdown: the TLS one would pull the session from under the thread that reads.
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in connections:
            thread.join(STOP_SECONDS)
        self.server_close()

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return len(self._connections) < MAX_CONNECTIONS

    def process_request(self, request: Any, client_address: Any) -> None:
        arguments = (request, client_address)
        thread = Thread(target=self.process_request_thread, args=arguments, name="kube-api-connection", daemon=True)
        with self._lock:
            self._connections[thread] = request
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                del self._connections[current_thread()]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Take note of a connection that broke; clients come and go."""
        is_broken = isinstance(sys.exception(), OSError)
        LOG.log(logging.DEBUG if is_broken else logging.ERROR, "connection of %s", client_address, exc_info=True)


class Handler(BaseHTTPRequestHandler):
    """One connection: requests come in turn, each is answered in one write, a watch in one write for each piece."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    timeout = IDLE_SECONDS
    server: HttpsServer
    connection: ssl.SSLSocket

    def setup(self) -> None:
        self.request.settimeout(HANDSHAKE_SECONDS)
        self.request.do_handshake()
        super().setup()

    def do_GET(self) -> None:
        """Answer any method: the API tells them apart."""
        try:
            answer = self._answer()
            if isinstance(answer, Watch):
                self._stream(answer)
            else:
                self._send(answer)
        except Dropped:
            self.close_connection = True

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: `KubeApi.requests` remembers them."""

    def _answer(self) -> Response | Watch:
        try:
            headers = {name.lower(): value for name, value in self.headers.items()}
            return self.server.api.answer(parse_request(self.command, self.path, headers, self._body()))
        except ApiError as error:
            return Response(error.code, error.body, error.headers)
        except PageNotFound:
            return Response(404, "404 page not found\n")
        except (OSError, Dropped):
            raise
        except Exception as error:
            LOG.exception("%s %s", self.command, self.path)
            return Response(500, ApiError(500, f"Internal error occurred: {error}").body)

    def _body(self) -> bytes:
        """Read the body; one of unknown or too great length is refused, and the connection with it."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdigit() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            raise ApiError(413)
        return self.rfile.read(int(length))

    def _send(self, response: Response) -> None:
        if isinstance(response.body, str):
            text, media_type = response.body, "text/plain; charset=utf-8"
        else:
            text, media_type = encoded(response.body), "application/json"
        body = text.encode()
        self.send_response(response.code)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _stream(self, watch: Watch) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        with closing(iter(watch)) as pieces, selectors.DefaultSelector() as listening:
            listening.register(self.connection, selectors.EVENT_READ)
            for piece in pieces:
                if piece:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    self.wfile.flush()
                elif listening.select(0):
                    raise Dropped
        self.wfile.write(b"0\r\n\r\n")
