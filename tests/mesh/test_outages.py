"""istiod or the gateway is gone: the dashboard stays up, says so in words, and is well again soon."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mesh.dashboard import Dashboard, Stream, running_dashboard
from tests.mesh.mesh import RealMesh
from tests.mesh.patient import RECOVERY_SECONDS
from tests.mesh.processes import wait_until
from tests.mesh.tutorial import NAME, NAMESPACE, running_tutorial

PAGE = f"/virtual-services/{NAMESPACE}/{NAME}"
ROUTE = f"{PAGE}/http/0"
PORT = 8300


@pytest.fixture(scope="module")
def dashboard(mesh: RealMesh, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """One that knows the tutorial."""
    with (
        running_tutorial(mesh),
        running_dashboard(mesh, tmp_path_factory.mktemp("dashboard"), port=PORT) as dashboard,
    ):
        yield dashboard


def shift(dashboard: Dashboard, *weights: int) -> tuple[int, str]:
    """Return the status, and the words where it is not 200."""
    digest = dashboard.route(PAGE)["route_digest"]
    status, view = dashboard.post(f"{ROUTE}/weights", weight=list(weights), route_digest=digest)
    return status, view["error"]["message"] if status != 200 else ""


def test_without_istiod_nothing_is_written_and_its_webhook_is_named(dashboard: Dashboard, mesh: RealMesh) -> None:
    before = [each["weight"] for each in dashboard.route(PAGE)["destinations"]]
    mesh.istiod.stop()
    try:
        status, words = shift(dashboard, 40, 60)
        assert status == 502
        assert "A validating webhook of the cluster does not answer, so nothing can be written" in words
        assert "rev.validation.istio.io" in words
        assert "istiod.istio-system.svc" in words
        assert [each["weight"] for each in dashboard.route(PAGE)["destinations"]] == before
        status, view = dashboard.get("/")
        assert (status, view["cluster"]["state"], view["cluster"]["problems"]) == (200, "live", [])
        assert dashboard.probe("/healthz")[0] == 200
    finally:
        mesh.istiod.start()
    wait_until(lambda: shift(dashboard, 40, 60)[0] == 200, "a shift", seconds=RECOVERY_SECONDS)


def test_without_the_gateway_the_panel_says_that_nothing_is_there(dashboard: Dashboard, mesh: RealMesh) -> None:
    assert dashboard.post(f"{ROUTE}/sampling", action="start", rate=50)[0] == 200
    try:
        with dashboard.stream(f"{NAMESPACE}/{NAME}") as stream:
            assert kinds(stream, "ok")
            mesh.gateway.stop()
            try:
                assert "connection refused" in kinds(stream, "refused")
                assert dashboard.get(PAGE)[0] == dashboard.probe("/healthz")[0] == 200
            finally:
                mesh.gateway.start()
            kinds(stream, "ok")
    finally:
        dashboard.post(f"{ROUTE}/sampling", action="pause")


def kinds(stream: Stream, wanted: str) -> str:
    """Wait for answers of a kind, which come twice a second; return what the panel shows then."""
    for _ in range(round(2 * RECOVERY_SECONDS)):
        told = stream.next("answers")
        if told["window"] and told["window"][-1][3] == wanted:
            return str(told["html"])
    raise AssertionError(f"no answer of kind {wanted} within {RECOVERY_SECONDS:.0f} s: {told}")
