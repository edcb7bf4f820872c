"""Applications behind the gateway that say what they were asked, and the gateway on top of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import quote

import urllib3

from tests.demo.objects import Raw, destination_rule, gateway_objects, put, service
from webapp.demo.bootstrap import find_envoy
from webapp.demo.gateway import Gateway
from webapp.demo.kube.store import Store

DEADLINE_SECONDS = 10.0
SLOW_SECONDS = 1.0
PODS = [("web-1", "v1", "10.244.1.1"), ("web-2", "v2", "10.244.1.2"), ("web-3", "v3", "10.244.1.3")]
CLOSED = ("10.244.1.4", ("127.0.0.1", 1))
"""A pod that refuses connections."""


class Backend(ThreadingHTTPServer):
    """Answers with JSON of what it was asked; `/slow` takes a while, `/fail` is a 503."""

    daemon_threads = True

    def __init__(self, version: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.version = version
        self.asked: list[str] = []
        self.ending = Event()
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def end(self) -> None:
        self.ending.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Backend

    def answer(self) -> None:
        self.server.asked.append(self.path)
        if self.path.startswith("/slow"):
            self.server.ending.wait(SLOW_SECONDS)
        status = 503 if self.path.startswith("/fail") else 200
        headers = {name.lower(): ",".join(self.headers.get_all(name, ())) for name in self.headers}
        facts = {"version": self.server.version, "method": self.command, "path": self.path, "headers": headers}
        body = json.dumps(facts).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-app-version", self.server.version)
        self.send_header("x-from-app", "1")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_HEAD = answer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Answer:
    """`asked` is what the application was asked, empty where the gateway answered itself."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    asked: Mapping[str, Any]

    @property
    def version(self) -> str | None:
        return self.headers.get("x-app-version")


class World:
    """A gateway before three versions of one Service, which has its DestinationRule."""

    def __init__(self, directory: Path) -> None:
        self.backends = {version: Backend(version) for _, version, _ in PODS}
        self.addresses = {
            address: ("127.0.0.1", self.backends[version].server_port) for _, version, address in PODS
        } | dict([CLOSED])
        self.store = Store()
        self.gateway = Gateway(self.store, find_envoy(), directory, addresses=lambda: self.addresses)
        self.pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=DEADLINE_SECONDS), maxsize=8)
        self.gateway.start()
        self.gateway.wait_ready()
        self.reset()

    def reset(self) -> None:
        for resource in (
            "virtualservices",
            "gateways",
            "serviceentries",
            "destinationrules",
            "endpointslices",
            "services",
        ):
            for each in self.store.list(resource):
                self.store.delete(resource, namespace=each["metadata"]["namespace"], name=each["metadata"]["name"])
        self.put(*gateway_objects(), *service("web", *PODS), destination_rule("web", "v1", "v2", "v3"))

    def put(self, *objects: Raw) -> None:
        """Write objects and wait until Envoy uses them."""
        put(self.store, *objects)
        self.settle()

    def settle(self) -> None:
        assert self.gateway.follower.wait_for(self.store.revision, DEADLINE_SECONDS), self.gateway.follower.failure

    def ask(self, path: str = "/", *, host: str = "web.example", method: str = "GET", **headers: str) -> Answer:
        given = {"Host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = self.pool.request(method, self.gateway.envoy.url + path, headers=given, redirect=False)
        from_app = "x-from-app" in answer.headers and answer.data
        return Answer(answer.status, dict(answer.headers), answer.data, json.loads(answer.data) if from_app else {})

    def counter(self, name: str) -> int:
        """One of Envoy's own counters, 0 where it does not exist."""
        pattern = quote(f"^{re.escape(name)}$")
        stats = json.loads(self.gateway.envoy.admin(f"/stats?format=json&filter={pattern}"))["stats"]
        return next((each["value"] for each in stats if each.get("name") == name), 0)

    def end(self) -> None:
        self.pool.clear()
        self.gateway.stop()
        for backend in self.backends.values():
            backend.end()
