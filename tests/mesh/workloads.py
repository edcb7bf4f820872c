"""What runs in a namespace: pods that answer at their own addresses, made as a Deployment's controllers would."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Event, Thread
from types import TracebackType
from typing import Any

from tests.mesh.api import Api, Raw
from tests.mesh.objects import endpoint_slice, pod, raw, service

PORT = 8080
SLOW_SECONDS = 1.0
CLEARED = (
    *(f"/apis/networking.istio.io/v1/{{}}/{each}" for each in ("virtualservices", "gateways", "destinationrules")),
    "/apis/networking.istio.io/v1/{}/serviceentries",
    "/apis/discovery.k8s.io/v1/{}/endpointslices",
    "/apis/apps/v1/{}/deployments",
    "/api/v1/{}/pods",
    "/api/v1/{}/services",
)
"""What a test may leave in its namespace. Deleting the namespace itself would delete nothing: no controller runs."""


def _addresses() -> Iterator[str]:
    return (f"10.244.{number // 250 + 1}.{number % 250 + 1}" for number in count())


ADDRESSES = _addresses()


class Pod(ThreadingHTTPServer):
    """Answers with JSON of what it was asked, and its version; `/slow` takes a second, `/fail` is a 503."""

    daemon_threads = True
    request_queue_size = 128
    # Its port is the gateway's too, which listens at all addresses; the kernel prefers the one that is named.
    allow_reuse_port = True

    def __init__(self, name: str, version: str, address: str) -> None:
        super().__init__((address, PORT), _Handler)
        self.name, self.version, self.address = name, version, address
        self.ending = Event()
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, name=name)
        self._thread.start()

    def end(self) -> None:
        """Stop listening."""
        self.ending.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer is one write, at once: two would wait 40 ms for the other side's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Pod

    def answer(self) -> None:
        if self.path.startswith("/slow"):
            self.server.ending.wait(SLOW_SECONDS)
        length = int(self.headers.get("Content-Length", 0))
        self.rfile.read(length)
        headers = {name.lower(): ",".join(self.headers.get_all(name, ())) for name in self.headers}
        facts = {"version": self.server.version, "method": self.command, "path": self.path, "headers": headers}
        body = json.dumps(facts).encode()
        self.send_response(503 if self.path.startswith("/fail") else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-app-version", self.server.version)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Workloads:
    """A namespace and what runs in it; leaving it ends the pods and deletes the objects."""

    def __init__(self, api: Api, name: str) -> None:
        self.api, self.name = api, name
        self.pods: dict[str, Pod] = {}

    def __enter__(self) -> Workloads:
        self.api.apply(raw("v1", "Namespace", self.name))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for each in CLEARED:
            self.api.done("DELETE", each.format(f"namespaces/{self.name}"), gracePeriodSeconds="0")
        for server in self.pods.values():
            server.end()

    def apply(self, *objects: Raw) -> list[Raw]:
        """Create or change objects, which are of this namespace unless they name another."""
        for each in objects:
            each["metadata"].setdefault("namespace", self.name)
        return self.api.apply(*objects)

    def run(self, name: str, versions: Mapping[str, int], *, port: int = 80) -> Raw:
        """Run a Service with pods of each version; return the Service."""
        made = service(
            name,
            namespace=self.name,
            selector={"app": name},
            ports=[{"name": "http", "port": port, "targetPort": PORT}],
        )
        self.run_pods(made, versions)
        return made

    def run_pods(self, made: Raw, versions: Mapping[str, int], *, not_ready: Collection[str] = ()) -> None:
        """Run pods of each version behind a Service, which is created or brought up to date with its endpoints.

        :param not_ready: versions whose pods are not.
        """
        metadata, selector = made["metadata"], made["spec"]["selector"]
        pods = []
        for version, number in versions.items():
            for index in range(number):
                name = f"{metadata['name']}-{version}-{index}"
                server = self.pods.get(name) or Pod(name, version, next(ADDRESSES))
                self.pods[name] = server
                labels = {**selector, "version": version}
                ready = version not in not_ready
                pods.append(pod(name, namespace=self.name, labels=labels, address=server.address, ready=ready))
        self.api.apply(made, *pods, endpoint_slice(made, pods, port=PORT))
