"""The one request function: what is sent, and what becomes of connections."""

from __future__ import annotations

import gc
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kubernetes.client import Configuration
from kubernetes.config import ConfigException

from webapp.cluster.access import load_access
from webapp.cluster.client import Client, close_lost_socket
from webapp.cluster.failures import BadCredentials, NoAnswer, Unreachable
from webapp.cluster.worker import Worker
from webapp.demo.kube.server import KubeApi
from webapp.errors import ClusterError, ClusterUnavailable, NotFound
from webapp.settings import Settings
from webapp.version import __version__


@pytest.fixture
def client(api: KubeApi, settings: Settings) -> Iterator[Client]:
    client = Client(load_access(settings))
    yield client
    client.interrupt()
    client.close()


def kubeconfig_for(path: Path, server: str) -> Settings:
    """Write a kubeconfig for a server without certificate or credentials."""
    path.write_text(
        "{current-context: a, contexts: [{name: a, context: {cluster: a}}], "
        f"clusters: [{{name: a, cluster: {{server: '{server}'}}}}]}}"
    )
    return Settings(kubeconfig=str(path))


class Answering:
    """A plain HTTP server that gives each connection the same bytes and closes it."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(self._answer)

    def close(self) -> None:
        self._thread.join(5.0)
        self._listener.close()


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Callable[[bytes], Client]]:
    opened: list[Answering] = []
    clients: list[Client] = []

    def start(answer: bytes) -> Client:
        opened.append(Answering(answer))
        clients.append(Client(load_access(kubeconfig_for(tmp_path / "plain", opened[-1].url), environment={})))
        return clients[-1]

    yield start
    for each in (*clients, *opened):
        each.close()


def test_a_request_carries_who_asks_and_for_what(api: KubeApi, client: Client) -> None:
    api.store.put("pods", {"metadata": {"namespace": "a", "name": "b"}}, manager="test")
    found = client.json(
        "GET", "/api/v1/namespaces/{namespace}/pods/{name}", names={"namespace": "a", "name": "b"}, query=[("x", "1 &")]
    )
    assert found["metadata"]["name"] == "b"
    request = api.requests[-1]
    assert (request.path, request.query) == ("/api/v1/namespaces/a/pods/b", {"x": "1 &"})
    assert request.headers["authorization"] == f"Bearer {api.token}"
    assert request.headers["user-agent"] == f"crossfade/{__version__}"
    assert request.headers["accept"] == "application/json"


def test_names_are_escaped(api: KubeApi, client: Client) -> None:
    client.json("GET", "/api/v1/namespaces/{namespace}/pods", names={"namespace": "a/../../b?c"})
    assert api.requests[-1].path == "/api/v1/namespaces/a%2F..%2F..%2Fb%3Fc/pods"


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_failure_is_not_repeated(api: KubeApi, client: Client, code: int) -> None:
    api.faults.answer(code, times=1)
    with pytest.raises((ClusterError, ClusterUnavailable)):
        client.json("GET", "/version")
    assert len(api.requests) == 1


def test_one_connection_serves_many_requests(api: KubeApi, client: Client) -> None:
    for _ in range(3):
        client.json("GET", "/version")
    assert len(client._connections) == 1


def test_hearing_is_remembered_but_errors_of_the_server_are_no_word(api: KubeApi, client: Client) -> None:
    api.faults.answer(500)
    with pytest.raises(ClusterError):
        client.json("GET", "/version")
    assert client.heard_at is None
    with pytest.raises(NotFound):
        client.json("GET", "/nowhere")
    assert client.heard_at is not None


def test_a_server_that_is_away_is_named(api: KubeApi, client: Client) -> None:
    api.stop()
    with pytest.raises(Unreachable, match=f"^The API server at {api.url} does not answer: connection refused.$"):
        client.json("GET", "/version")


def test_a_silent_server_is_given_up(api: KubeApi, client: Client) -> None:
    api.faults.stall()
    with pytest.raises(NoAnswer, match="did not answer within 0.2 s"):
        client.json("GET", "/version", read_seconds=0.2)


def test_a_name_that_does_not_exist_is_said(tmp_path: Path) -> None:
    client = Client(load_access(kubeconfig_for(tmp_path / "kubeconfig", "https://nowhere.invalid"), environment={}))
    with pytest.raises(Unreachable, match="its name can't be resolved"):
        client.json("GET", "/version")


def test_a_certificate_that_is_not_trusted_is_said(api: KubeApi, tmp_path: Path) -> None:
    client = Client(load_access(kubeconfig_for(tmp_path / "kubeconfig", api.url), environment={}))
    with pytest.raises(Unreachable, match="can't be spoken to: unable to get local issuer certificate"):
        client.json("GET", "/version")


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", ClusterError, "not JSON", id="no JSON"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", NoAnswer, "connection broke", id="half"),
        pytest.param(b"", NoAnswer, "connection broke", id="nothing"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", NoAnswer, "connection broke", id="no HTTP"),
        pytest.param(b"HTTP/1.1 502 Bad\r\nContent-Length: 3\r\n\r\nbad", ClusterError, "502: bad", id="proxy"),
        pytest.param(b"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n", ClusterError, "status 302", id="login page"),
    ],
)
def test_what_is_no_api_server_is_said(
    answering: Callable[[bytes], Client], answer: bytes, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        answering(answer).json("GET", "/version")


def test_credentials_that_can_not_be_read_again_are_said(settings: Settings) -> None:
    def read_again(configuration: Configuration) -> None:
        raise ConfigException("Token file exists but empty.")

    access = load_access(settings)
    access.configuration.refresh_api_key_hook = read_again
    with pytest.raises(BadCredentials, match="credentials can't be read again: Token file exists but empty"):
        Client(access).json("GET", "/version")


def test_waiting_can_be_broken_off(api: KubeApi, client: Client) -> None:
    api.faults.stall()
    raised: list[BaseException] = []

    def ask(stop: threading.Event) -> None:
        try:
            client.json("GET", "/version", read_seconds=30.0)
        except ClusterUnavailable as error:
            raised.append(error)

    worker = Worker("asks", client, ask)
    worker.start()
    deadline = time.monotonic() + 5.0
    while not api.requests:
        assert time.monotonic() < deadline
        api.store.wait_for_change(api.store.revision, 0.01)
    worker.ask_to_stop()
    worker.join()
    assert not worker.is_alive()
    assert isinstance(raised[0], NoAnswer)


def test_a_socket_that_was_reset_before_tls_is_closed() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    plain = socket.create_connection(listener.getsockname())
    listener.close()
    with pytest.raises(OSError, match="reset") as raised:
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")
    close_lost_socket(raised.value)
    del raised
    gc.collect()  # a socket left open would be a warning now, which fails the test
