"""The dashboard as a cluster runs it: gunicorn, and a ServiceAccount with the rights that deploy/ ships."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.mesh.api import Api, read_objects
from tests.mesh.bare import BareCluster
from tests.mesh.objects import raw
from tests.mesh.processes import Program, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
RIGHTS = ROOT / "deploy" / "base" / "rbac.yaml"
PAGES = 8000
"""Where pages are served; the probes' port is the next."""
TIMEOUT_SECONDS = 15.0
OURS = "CROSSFADE_"
NAMESPACE, ACCOUNT = "crossfade", "crossfade"


class Dashboard:
    """A running dashboard, asked as scripts ask it: JSON by the Accept header.

    :param headers: of every request.
    """

    def __init__(self, program: Program, port: int = PAGES, headers: Mapping[str, str] | None = None) -> None:
        self.program, self.port, self.headers = program, port, dict(headers or {})

    def with_headers(self, **headers: str) -> Dashboard:
        """Give the same dashboard to somebody who sends further headers."""
        return Dashboard(self.program, self.port, {**self.headers, **headers})

    def get(self, path: str) -> tuple[int, Any]:
        """Return (status, JSON)."""
        return self._send("GET", path, port=self.port)

    def probe(self, path: str) -> tuple[int, Any]:
        """Ask as the kubelet does, at the probes' port; return (status, JSON)."""
        return self._send("GET", path, port=self.port + 1)

    def post(self, path: str, **form: Any) -> tuple[int, Any]:
        """Send a form; a list is a field that comes several times. Return (status, JSON)."""
        return self._send("POST", path, port=self.port, body=urlencode(form, doseq=True))

    def route(self, page: str, index: int = 0) -> Any:
        """Return one HTTP route of a VirtualService's page."""
        status, view = self.get(page)
        assert status == 200, view
        return view["http_routes"][index]

    @contextmanager
    def stream(self, virtual_service: str) -> Iterator[Stream]:
        """Open the page's stream of events."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        connection.request("GET", f"/stream?virtual_service={virtual_service}", headers=self.headers)
        response = connection.getresponse()
        try:
            assert response.status == 200
            yield Stream(response)
        finally:
            response.close()
            connection.close()

    def _send(self, method: str, path: str, *, port: int, body: str | None = None) -> tuple[int, Any]:
        headers = {"Accept": "application/json", **self.headers}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null")
        finally:
            connection.close()


class Stream:
    """Events of one stream, in order; the connection's time-out bounds each wait."""

    def __init__(self, response: HTTPResponse) -> None:
        self._response = response

    def next(self, name: str) -> Any:
        """Return the data of the next event of that name."""
        event = ""
        for line in self._response:
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "event":
                event = value
            elif field == "data" and event == name:
                return json.loads(value)
        raise AssertionError(f"the stream ended before {name}")


def dashboards_account(cluster: BareCluster) -> Api:
    """Return the API server as the dashboard's ServiceAccount sees it, with the rights that deploy/ ships."""
    cluster.api.apply(raw("v1", "Namespace", NAMESPACE), *read_objects(RIGHTS))
    return cluster.account(namespace=NAMESPACE, name=ACCOUNT)


@contextmanager
def running_dashboard(
    cluster: BareCluster,
    directory: Path,
    *,
    kubeconfig: Path | None = None,
    port: int = PAGES,
    headers: Mapping[str, str] | None = None,
    **settings: str,
) -> Iterator[Dashboard]:
    """Serve it until the block ends; gives it once its picture of the mesh is live.

    :param kubeconfig: its way to the API server, if not by the account above.
    :param headers: of every request.
    """
    if kubeconfig is None:
        kubeconfig = dashboards_account(cluster).write_kubeconfig(directory / "kubeconfig")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    environment |= {
        "PYTHONPATH": str(ROOT),
        "CROSSFADE_KUBECONFIG": str(kubeconfig),
        "CROSSFADE_BIND": f"127.0.0.1:{port}",
        "CROSSFADE_PROBE_BIND": f"127.0.0.1:{port + 1}",
        **settings,
    }
    command = [sys.executable, "-m", "webapp", "serve"]

    def is_ready() -> bool:
        return dashboard.probe("/readyz")[0] == 200

    program = Program("dashboard", command, directory=directory, environment=environment, is_ready=is_ready)
    dashboard = Dashboard(program, port, headers)
    try:
        program.start()
        wait_until(lambda: dashboard.get("/")[1]["cluster"]["state"] == "live", "the dashboard's first list")
        yield dashboard
    finally:
        program.stop()
