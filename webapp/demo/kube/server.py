"""The HTTPS door of the embedded API: `KubeApi`.

HTTPS because kubectl keeps tokens to itself over plain HTTP.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import ssl
from pathlib import Path
from threading import Event
from types import TracebackType

import trustme

from webapp.demo.kube.api import Api
from webapp.demo.kube.connections import HttpsServer
from webapp.demo.kube.faults import Faults
from webapp.demo.kube.request import Request
from webapp.demo.kube.store import Store


class KubeApi:
    """A Kubernetes API server on 127.0.0.1; as a context manager it runs for as long as the block.

    It can be stopped and started again: port, certificate, token and store stay.

    :param store: the objects; a new store with the namespace `default` where it is None.
    :param port: 0 takes a free one at the first start.
    :param bookmark_seconds: how often watches get bookmarks; a minute is what the real one does.
    """

    def __init__(self, store: Store | None = None, *, port: int = 0, bookmark_seconds: float = 60.0) -> None:
        self.store = store or Store()
        self.faults = Faults(self.store)
        self.token = secrets.token_urlsafe(24)
        authority = trustme.CA()
        self.ca_pem = authority.cert_pem.bytes().decode()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.set_alpn_protocols(["http/1.1"])
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(self._tls)
        self._stopping = Event()
        self._api = Api(
            self.store,
            self.faults,
            token=self.token,
            is_stopping=self._stopping.is_set,
            bookmark_seconds=bookmark_seconds,
        )
        self._port = port
        self._server: HttpsServer | None = None
        if self.store.read("namespaces", ("", "default")) is None:
            default = {"metadata": {"name": "default", "labels": {"kubernetes.io/metadata.name": "default"}}}
            self.store.put("namespaces", default | {"status": {"phase": "Active"}}, manager="kube-apiserver")

    @property
    def url(self) -> str:
        """The server's address; known from the first start on."""
        if not self._port:
            raise RuntimeError("the API server's port is chosen when it starts")
        return f"https://127.0.0.1:{self._port}"

    @property
    def requests(self) -> list[Request]:
        """The last hundred requests, oldest first."""
        return list(self._api.requests)

    def start(self) -> None:
        """Listen; OSError where the port is taken."""
        self._stopping.clear()
        self._server = HttpsServer(self._port, self._tls, self._api)
        self._port = self._server.server_address[1]
        self._server.start()

    def stop(self) -> None:
        """End open watches and waiting requests at once, close every connection, free the port."""
        self._stopping.set()
        self.store.wake()
        if self._server:
            self._server.stop()
        self._server = None

    def __enter__(self) -> KubeApi:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def write_kubeconfig(self, path: str | Path) -> None:
        """Write a kubeconfig for this server, readable by its owner alone (JSON, which is YAML too)."""
        name = "crossfade-demo"
        authority = base64.b64encode(self.ca_pem.encode()).decode()
        kubeconfig = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": {"server": self.url, "certificate-authority-data": authority}}],
            "users": [{"name": name, "user": {"token": self.token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": "default"}}],
            "current-context": name,
        }
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(kubeconfig, file, indent=2)
