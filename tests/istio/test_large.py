"""A large mesh costs as much more as it is larger, and no more than that."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tests.istio.large import PODS_PER_SERVICE, large_snapshot
from webapp.istio.diagnostics import route_notes, service_notes, virtual_service_notes
from webapp.istio.gateways import GatewayAddress, gateway_address
from webapp.istio.mesh import (
    destination_pods,
    pods_of,
    report_names,
    route_marks,
    routes_reaching,
    service_keys,
    versions_of,
)
from webapp.istio.snapshot import Snapshot


def draw_everything(snapshot: Snapshot) -> int:
    """Ask for all that the mesh page and every other page would show; give the number of services."""
    keys = service_keys(snapshot)
    for key in keys:
        versions_of(snapshot, key)
        pods_of(snapshot, key)
        service_notes(snapshot, key)
        for owner, route in routes_reaching(snapshot, key):
            virtual_service_notes(snapshot, owner)
            route_notes(snapshot, owner, route)
            route_marks(snapshot, owner, route)
            report_names(snapshot, owner, route)
            gateway_address(owner, snapshot, in_cluster=False)
            for each in route.route:
                destination_pods(snapshot, each.destination, owner.metadata.namespace)
    return len(keys)


def calls_of(work: Callable[[], Any]) -> int:
    """Count the calls that a piece of work makes: a measure that a busy machine does not change."""
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls


def test_work_grows_with_the_mesh_and_not_with_its_square() -> None:
    small, large = large_snapshot(20), large_snapshot(80)
    assert calls_of(lambda: draw_everything(large)) < 5 * calls_of(lambda: draw_everything(small))


def test_a_thousand_services_are_drawn_right() -> None:
    snapshot = large_snapshot(1000)
    assert (len(snapshot.virtual_services), len(snapshot.pods)) == (1000, 1000 * PODS_PER_SERVICE + 1)
    assert draw_everything(snapshot) == 1001
    last = ("team-9", "app-999")
    assert [(each.name, each.ready, each.total) for each in versions_of(snapshot, last)] == [("v1", 4, 4), ("v2", 1, 1)]
    assert service_notes(snapshot, last) == ()
    ((owner, route),) = routes_reaching(snapshot, last)
    assert gateway_address(owner, snapshot, in_cluster=False) == GatewayAddress(
        "http://192.0.2.1:80", "istio-system/edge"
    )
    assert route_marks(snapshot, owner, route) == (0, 1)
