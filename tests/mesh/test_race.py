"""Twenty people at one slider of the real thing: real API server, real webhook, dashboards under gunicorn."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.cluster.racing import CLIENTS, SECONDS, TOTAL, race
from tests.mesh.dashboard import Dashboard, running_dashboard
from tests.mesh.mesh import RealMesh
from tests.mesh.objects import raw
from tests.mesh.processes import wait_until
from tests.mesh.workloads import Workloads

NAME = "raced"
PORTS = 8400, 8410
WHO = "crossfade"
"""By whom a shift is said to be where nobody is signed in."""


class Script:
    """One who shifts over HTTP, on a connection that stays open."""

    by = WHO

    def __init__(self, dashboard: Dashboard, page: str) -> None:
        self._page = page
        self._connection = HTTPConnection("127.0.0.1", dashboard.port, timeout=SECONDS)
        self._seen = ""

    def look(self) -> str:
        """Return what the last answer showed; at first, what the page does."""
        if not self._seen:
            status, view = self._send("GET", self._page)
            assert status == 200, view
            self._seen = str(view["http_routes"][0]["route_digest"])
        return self._seen

    def shift(self, weights: tuple[int, int], seen: str) -> tuple[int, ...] | Mapping[str, Any]:
        """Post the form."""
        status, view = self._send("POST", f"{self._page}/http/0/weights", weight=weights, route_digest=seen)
        if status == 200:
            [route] = view["http_routes"]
            self._seen = str(route["route_digest"])
            return tuple(each["weight"] for each in route["destinations"])
        assert (status, view["error"]["code"]) == (409, "conflict"), view
        detail: Mapping[str, Any] = view["error"]["detail"]
        self._seen = str(detail["route_digest"])
        return detail

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _send(self, method: str, path: str, **form: Any) -> tuple[int, Any]:
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request(method, path, body=urlencode(form, doseq=True) if form else None, headers=headers)
        response = self._connection.getresponse()
        return response.status, json.loads(response.read())


@pytest.fixture
def page(namespace: Workloads) -> str:
    """A VirtualService whose weights sum to as many as there are shifts."""
    route = [{"destination": {"host": NAME, "subset": "v1"}, "weight": TOTAL}, {"destination": {"host": NAME}}]
    namespace.apply(
        raw("networking.istio.io/v1", "VirtualService", NAME, spec={"hosts": [NAME], "http": [{"route": route}]})
    )
    return f"/virtual-services/{namespace.name}/{NAME}"


@pytest.fixture(scope="module")
def dashboards(mesh: RealMesh, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Dashboard]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(running_dashboard(mesh, tmp_path_factory.mktemp("racing"), port=port)) for port in PORTS
        ]


def knows(dashboard: Dashboard, page: str) -> bool:
    return dashboard.get(page)[0] == 200


@pytest.mark.parametrize("number", [1, 2], ids=["one dashboard", "two dashboards"])
def test_of_a_thousand_shifts_each_is_stored_in_order_or_refused(
    dashboards: list[Dashboard], mesh: RealMesh, namespace: Workloads, page: str, number: int
) -> None:
    asked = dashboards[:number]
    for each in asked:
        wait_until(partial(knows, each, page), "what is raced for")
    with ExitStack() as stack:
        scripts = [Script(asked[turn % number], page) for turn in range(CLIENTS)]
        for script in scripts:
            stack.callback(script.close)
        run = race(str(mesh.kubeconfig), (namespace.name, NAME), scripts)
    print(f"{number} dashboards: {len(run.accepted)} accepted, {len(run.refused)} refused")
    run.check()
    for dashboard in asked:
        weights = tuple(each["weight"] for each in dashboard.route(page)["destinations"])
        assert weights == run.versions[-1].http[0].weights
