"""The panel counts what the gateway counts, with every fault switched on: kind by kind, and nothing twice.

All routes are reached by a port that nobody else asks, so that the listener's counters are the sampler's doing alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mesh.api import Raw
from tests.mesh.dashboard import Dashboard, running_dashboard
from tests.mesh.gateway import EXTERNAL_ADDRESS, GATEWAY_LABELS, counters
from tests.mesh.mesh import RealMesh
from tests.mesh.objects import raw
from tests.mesh.processes import wait_until
from tests.mesh.stage import ISTIO
from tests.mesh.workloads import Workloads

PORT = 8085
DASHBOARD_PORT = 8500
ENOUGH = 12
LISTENER = rf"http\.outbound_0\.0\.0\.0_{PORT};?\."


def to(*subsets: str) -> list[Raw]:
    return [{"destination": {"host": "web", "subset": each}, "weight": 100 // len(subsets)} for each in subsets]


def abort(status: int, percentage: int = 100) -> Raw:
    return {"abort": {"httpStatus": status, "percentage": {"value": percentage}}}


ROUTES: dict[str, tuple[Raw, set[str]]] = {
    "good": ({"route": to("v1", "v2")}, {"ok"}),
    "aborted": ({"route": to("v1"), "fault": abort(503, 50)}, {"ok", "gateway_error"}),
    "limited": ({"route": to("v1"), "fault": abort(429)}, {"rate_limited"}),
    "denied": ({"route": to("v1"), "fault": abort(403)}, {"denied"}),
    "half-dead": ({"route": to("v1", "dead")}, {"ok", "no_healthy_upstream"}),
    "no-cluster": ({"route": to("unknown")}, {"no_healthy_upstream"}),
    "broken-app": ({"route": to("v2"), "rewrite": {"uri": "/fail"}}, {"app_error"}),
    "slow-app": ({"route": to("v1"), "rewrite": {"uri": "/slow"}, "timeout": "0.2s"}, {"upstream_timeout"}),
}
"""By name: the route, and the kinds that its answers are of."""


def objects() -> list[Raw]:
    server = {"port": {"number": PORT, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    subsets = [{"name": each, "labels": {"version": each}} for each in ("v1", "v2", "dead")]
    http = [{"match": [{"uri": {"prefix": f"/{name}"}}], "name": name} | route for name, (route, _) in ROUTES.items()]
    return [
        raw(ISTIO, "Gateway", "own", spec={"selector": {"istio": GATEWAY_LABELS["istio"]}, "servers": [server]}),
        raw(ISTIO, "DestinationRule", "web", spec={"host": "web", "subsets": subsets}),
        raw(ISTIO, "VirtualService", "web", spec={"hosts": ["*"], "gateways": ["own"], "http": http}),
    ]


@pytest.fixture
def dashboard(mesh: RealMesh, namespace: Workloads, tmp_path: Path) -> Iterator[Dashboard]:
    namespace.run("web", {"v1": 1, "v2": 1})
    namespace.apply(*objects())
    url = f"http://{EXTERNAL_ADDRESS}:{PORT}"
    with running_dashboard(mesh, tmp_path, port=DASHBOARD_PORT, CROSSFADE_GATEWAY_URL=url) as dashboard:
        yield dashboard


def test_the_panels_totals_are_the_gateways_counters(
    mesh: RealMesh, dashboard: Dashboard, namespace: Workloads
) -> None:
    routes = [f"/virtual-services/{namespace.name}/web/http/{index}" for index in range(len(ROUTES))]

    def totals() -> dict[str, Counter[str]]:
        """Return what each route's panel has counted by kind; asking keeps the sampler going."""
        found = {}
        for name, route in zip(ROUTES, routes, strict=True):
            by_version = dashboard.get(f"{route}/answers")[1]["totals"]
            found[name] = sum((Counter(each) for each in by_version.values()), Counter[str]())
        return found

    # Its counters begin anew with it, so that every request that it has ever seen there is one of the sampler's.
    mesh.gateway.stop()
    try:
        for route in routes:
            assert dashboard.post(f"{route}/sampling", action="start", rate=10)[0] == 200
        wait_until(lambda: all(each["refused"] > 2 for each in totals().values()), "what nobody answers")
    finally:
        mesh.gateway.start()
    wanted = [(name, kind) for name, (_, kinds) in ROUTES.items() for kind in kinds]
    wait_until(lambda: (found := totals()) and all(found[name][kind] > ENOUGH for name, kind in wanted), "every kind")

    for route in routes:
        assert dashboard.post(f"{route}/sampling", action="pause")[0] == 200
    # Drained: a panel says paused once its last answer is in.
    wait_until(
        lambda: {dashboard.get(f"{each}/answers")[1]["state"] for each in routes} == {"paused"}, "the last answer"
    )
    found = totals()
    kinds: Counter[str] = sum(found.values(), Counter[str]())
    gateway = {name.rpartition(".")[2]: value for name, value in counters(LISTENER).items()}

    # The way to a pod may not have been known in the gateway's first moments.
    early = {"refused", "no_route", "no_healthy_upstream"}
    assert {name: kinds_of(each) - early - ROUTES[name][1] for name, each in found.items()} == {
        name: set() for name in ROUTES
    }
    # What never reached it is counted apart; the rest is there one by one.
    reached = kinds.total() - kinds["refused"]
    assert kinds["refused"] > 2 * len(ROUTES)
    assert reached == gateway["downstream_rq_total"] == gateway["downstream_rq_completed"]
    classes: dict[str, list[Any]] = {
        "2xx": ["ok"],
        "4xx": ["rate_limited", "denied", "no_route"],
        "5xx": ["gateway_error", "no_healthy_upstream", "app_error", "upstream_timeout"],
    }
    assert {name: sum(kinds[each] for each in members) for name, members in classes.items()} == {
        name: gateway[f"downstream_rq_{name}"] for name in classes
    }
    assert kinds["gateway_error"] + kinds["rate_limited"] + kinds["denied"] == gateway["aborts_injected"]
    assert found["no-cluster"]["no_healthy_upstream"] == gateway["no_cluster"]


def kinds_of(counted: Counter[str]) -> set[str]:
    return {kind for kind, number in counted.items() if number}
