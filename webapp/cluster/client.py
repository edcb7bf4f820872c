"""The one door to the Kubernetes API: raw JSON over the kubernetes client's auth, TLS and transport.

The client's typed models are left aside: for 5,000 pods they cost 23 s and 1.4 GB, plain JSON pages 3 s and 90 MB.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any
from weakref import WeakSet

from kubernetes.client import ApiClient, ApiException, Configuration
from kubernetes.config import ConfigException
from urllib3 import HTTPConnectionPool, HTTPHeaderDict, HTTPResponse, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from webapp.cluster.access import Access
from webapp.cluster.failures import BadCredentials, no_answer, no_connection, not_json, refusal, status_of
from webapp.errors import ClusterError
from webapp.identity import Person
from webapp.version import __version__

CONNECT_SECONDS = 2.0
READ_SECONDS = 10.0
MOST_BYTES = 64 * 1024 * 1024
"""The largest answer that is read; a page of 500 objects stays far below."""


class Client:
    """A few connections to the API server, which another thread can break off."""

    def __init__(self, access: Access, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.heard_at: float | None = None
        """When the API server last answered anything but an error of its own, by `clock`."""
        self._clock = clock
        self._access = access
        self._guard = threading.Lock()
        self._connections: WeakSet[Any] = WeakSet()
        self._api = self._made_with(access.configuration)

    @property
    def host(self) -> str:
        """The API server's address."""
        return str(self._api.configuration.host)

    def open(
        self,
        method: str,
        path: str,
        *,
        names: Mapping[str, str] | None = None,
        query: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        read_seconds: float = READ_SECONDS,
        person: Person | None = None,
    ) -> HTTPResponse:
        """Send one request and return the answer with its body unread; the caller closes it.

        :param names: what goes into the `{…}` of `path`, escaped on the way.
        :param person: in whose name it is sent; None is this dashboard itself.
        :param read_seconds: the longest silence, before the answer and within it.
        :raises CrossfadeError: for every answer but a success, see `failures`.
        """
        parameters: dict[str, Any] = {
            "path_params": dict(names or {}),
            "query_params": list(query),
            "header_params": {"Accept": "application/json", **(headers or {})},
            "body": body,
        }
        api = self._api
        try:
            return self._send(api, method, path, parameters, read_seconds, person)
        except BadCredentials:
            if not self._renew(api):
                raise
        return self._send(self._api, method, path, parameters, read_seconds, person)

    def _send(
        self,
        api: ApiClient,
        method: str,
        path: str,
        parameters: dict[str, Any],
        read_seconds: float,
        person: Person | None,
    ) -> HTTPResponse:
        try:
            with self._access.credentials:
                verb, url, headers, body, form = api.param_serialize(
                    method, path, auth_settings=["BearerToken"], **parameters
                )
        except (ConfigException, OSError) as error:
            raise BadCredentials(f"This dashboard's credentials can't be read again: {error}") from error
        try:
            answer = api.call_api(
                verb, url, in_name_of(person, headers), body, form, _request_timeout=(CONNECT_SECONDS, read_seconds)
            )
        except HTTPError as error:
            close_lost_socket(error)
            raise no_connection(error, self.host, read_seconds=read_seconds) from error
        except ApiException as error:
            # The kubernetes client makes this of a TLS error, and keeps the error itself only as the context.
            raise no_connection(error.__context__ or error, self.host, read_seconds=read_seconds) from error
        response: HTTPResponse = answer.response
        if response.status < 500:
            self.heard_at = self._clock()
        if not 200 <= response.status < 300:
            with closing(response):
                raise refusal(response.status, status_of(self._read(response, read_seconds)))
        return response

    def read(self, method: str, path: str, *, read_seconds: float = READ_SECONDS, **options: Any) -> bytes:
        """Send one request and return the answer's body; parameters and errors as for `open`."""
        with closing(self.open(method, path, read_seconds=read_seconds, **options)) as response:
            return self._read(response, read_seconds)

    def json(self, method: str, path: str, *, read_seconds: float = READ_SECONDS, **options: Any) -> Any:
        """Send one request and return the answer's JSON; parameters and errors as for `open`."""
        data = self.read(method, path, read_seconds=read_seconds, **options)
        try:
            return json.loads(data)
        except ValueError as error:
            raise not_json(self.host) from error

    def read_some(self, response: HTTPResponse, *, read_seconds: float) -> bytes:
        """Wait for the next bytes of an answer and return what is there; empty at the end."""
        try:
            data = response.read1(65536)
        except (HTTPError, OSError, ValueError) as error:
            raise no_answer(error, self.host, read_seconds=read_seconds) from error
        self.heard_at = self._clock()
        return data

    def _read(self, response: HTTPResponse, read_seconds: float) -> bytes:
        try:
            data = response.read(MOST_BYTES)
        except (HTTPError, OSError, ValueError) as error:
            raise no_answer(error, self.host, read_seconds=read_seconds) from error
        if len(data) == MOST_BYTES:
            raise ClusterError(f"The API server's answer is larger than {MOST_BYTES // 2**20} MiB.")
        return data

    def interrupt(self) -> None:
        """Break off all connections; a thread that waits on one gets ClusterUnavailable at once."""
        with self._guard:
            connections = list(self._connections)
        for connection in connections:
            # The plain socket's own method: the one of TLS would take the state away from under the reader.
            with suppress(OSError, TypeError):
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connections that lie idle; those in use are closed by their users."""
        self._api.close()  # type: ignore[no-untyped-call]

    def _renew(self, refused: ApiClient) -> bool:
        """Tell whether there are other credentials than the refused ones by now; they are used from now on."""
        configuration = self._access.renew(refused.configuration)
        if configuration is refused.configuration:
            return False
        with self._guard:
            if self._api is refused:
                self._api = self._made_with(configuration)
        refused.close()  # type: ignore[no-untyped-call]
        return True

    def _made_with(self, configuration: Configuration) -> ApiClient:
        api = ApiClient(configuration)
        api.user_agent = f"crossfade/{__version__}"
        api.rest_client.pool_manager.pool_classes_by_scheme = {
            "http": self._remembering(HTTPConnectionPool),
            "https": self._remembering(HTTPSConnectionPool),
        }
        return api

    def _remembering(self, pool_class: type[HTTPConnectionPool]) -> Any:
        """Return a maker of pools whose connections `interrupt` can find: urllib3 itself knows only idle ones."""

        def make_pool(*arguments: Any, **options: Any) -> HTTPConnectionPool:
            pool = pool_class(*arguments, **options)
            connect: Callable[..., Any] = pool.ConnectionCls

            def remember(**options: Any) -> Any:
                connection = connect(**options)
                with self._guard:
                    self._connections.add(connection)
                return connection

            pool.ConnectionCls = remember  # type: ignore[assignment]
            return pool

        return make_pool


class Impersonating:
    """A client all of whose requests are sent in one person's name."""

    def __init__(self, client: Client, person: Person) -> None:
        self._client, self._person = client, person

    @property
    def host(self) -> str:
        """The API server's address."""
        return self._client.host

    def json(self, method: str, path: str, **options: Any) -> Any:
        """Send one request and return the answer's JSON; parameters and errors as for `Client.json`."""
        return self._client.json(method, path, person=self._person, **options)


def in_name_of(person: Person | None, headers: Mapping[str, str]) -> Mapping[str, str]:
    """Add to a request's headers in whose name it is sent: each group is a header of its own.

    https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/
    """
    if person is None:
        return headers
    named = HTTPHeaderDict(headers)
    # http.client writes headers in latin-1.
    named["Impersonate-User"] = person.name.encode().decode("latin-1")
    for group in person.groups:
        named.add("Impersonate-Group", group.encode().decode("latin-1"))
    return named


def close_lost_socket(error: BaseException | None) -> None:
    """Close the socket that CPython 3.11 loses hold of when the peer resets the connection just before TLS begins.

    `ssl.SSLSocket._create` raises without closing it; only the traceback still knows it.
    """
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            lost = frame.f_locals.get("self") if frame.f_code.co_name == "_create" else None
            if isinstance(lost, ssl.SSLSocket):
                lost.close()
        error = error.__context__
