"""End to end: the dashboard under gunicorn with the rights that deploy/ ships, judged by the gateway's own counters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.mesh.api import Raw, read_objects
from tests.mesh.asking import Asking
from tests.mesh.dashboard import RIGHTS, Dashboard, running_dashboard
from tests.mesh.gateway import upstream_requests
from tests.mesh.mesh import RealMesh
from tests.mesh.processes import wait_until
from tests.mesh.tutorial import HOST, NAME, NAMESPACE, running_tutorial, weights_patch

PAGE = f"/virtual-services/{NAMESPACE}/{NAME}"
ROUTE = f"{PAGE}/http/0"


@pytest.fixture(scope="module")
def dashboard(mesh: RealMesh, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    with running_dashboard(mesh, tmp_path_factory.mktemp("dashboard")) as dashboard:
        yield dashboard


@pytest.fixture
def path(mesh: RealMesh, dashboard: Dashboard) -> Iterator[str]:
    """The tutorial at 90/10, known to the dashboard."""
    with running_tutorial(mesh) as path:
        wait_until(lambda: seen(dashboard) == [90, 10], "the tutorial on the dashboard")
        yield path
    wait_until(lambda: dashboard.get(PAGE)[0] == 404, "the tutorial's end on the dashboard")


def seen(dashboard: Dashboard) -> list[int] | None:
    """The weights on the page, None where there is no page."""
    status, view = dashboard.get(PAGE)
    return weights_of(view) if status == 200 else None


def weights_of(view: Raw) -> list[int]:
    return [each["weight"] for each in view["http_routes"][0]["destinations"]]


def stored(mesh: RealMesh, path: str) -> Raw:
    return mesh.api.done("GET", path)


def stored_weights(mesh: RealMesh, path: str) -> list[int]:
    return [each["weight"] for each in stored(mesh, path)["spec"]["http"][0]["route"]]


def shift(dashboard: Dashboard, *weights: int) -> tuple[int, Raw]:
    digest = dashboard.route(PAGE)["route_digest"]
    return dashboard.post(f"{ROUTE}/weights", weight=list(weights), route_digest=digest)


def test_the_rights_are_the_least() -> None:
    (role,) = [each for each in read_objects(RIGHTS) if each["kind"] == "ClusterRole"]
    granted = {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    writes = {each for each in granted if each[2] not in {"get", "list", "watch"}}
    assert writes == {("networking.istio.io", "virtualservices", "patch")}
    assert not any("*" in each for each in granted)
    assert not any(resource in {"secrets", "configmaps"} for _, resource, _ in granted)


def test_the_mesh_is_listed(dashboard: Dashboard, path: str) -> None:
    status, view = dashboard.get("/")
    assert (status, view["cluster"]["state"], view["cluster"]["problems"]) == (200, "live", [])
    status, view = dashboard.get(f"/services/{NAMESPACE}/aspnetcore-service")
    assert status == 200
    destinations = dashboard.route(PAGE)["destinations"]
    assert [(each["subset"], each["weight"], each["ready"], each["total"]) for each in destinations] == [
        ("v1", 90, 1, 1),
        ("v2", 10, 1, 1),
    ]


def test_the_gateways_address_is_found(dashboard: Dashboard, path: str) -> None:
    assert dashboard.route(PAGE)["sampling"]["gateway_url"] == "http://203.0.113.80:8080"


def test_a_shift_is_stored_and_the_gateways_counters_follow(dashboard: Dashboard, mesh: RealMesh, path: str) -> None:
    status, view = shift(dashboard, 0, 100)
    assert (status, weights_of(view)) == (200, [0, 100])
    after = stored(mesh, path)
    assert stored_weights(mesh, path) == [0, 100]
    assert "crossfade" in {each["manager"] for each in after["metadata"]["managedFields"]}
    assert after["metadata"]["annotations"].keys() == {"crossfade/history"}
    with Asking() as gateway:
        wait_until(lambda: gateway.count(20) == {"v2": 20}, "the shift at the gateway", seconds=10.0)
        counted = {subset: upstream_requests(HOST, subset) for subset in ("v1", "v2")}
        assert gateway.count(100) == {"v2": 100}
    assert {subset: upstream_requests(HOST, subset) - counted[subset] for subset in counted} == {"v1": 0, "v2": 100}


def test_undo_goes_back(dashboard: Dashboard, mesh: RealMesh, path: str) -> None:
    _, view = shift(dashboard, 50, 50)
    route = view["http_routes"][0]
    assert (route["undo"]["available"], route["undo"]["weights"]) == (True, [90, 10])
    status, view = dashboard.post(f"{ROUTE}/undo", route_digest=route["route_digest"])
    assert (status, weights_of(view)) == (200, [90, 10])
    assert stored_weights(mesh, path) == [90, 10]


def test_a_foreign_change_comes_by_the_stream(dashboard: Dashboard, mesh: RealMesh, path: str) -> None:
    with dashboard.stream(f"{NAMESPACE}/{NAME}") as stream:
        revision = stream.next("mesh")["revision"]
        query = {"fieldManager": "kubectl-edit"}
        mesh.api.done("PATCH", path, weights_patch(30, 70), content_type="application/json-patch+json", **query)
        told = stream.next("shift")
        assert (told["before"], told["weights"], told["by"]) == ([90, 10], [30, 70], "kubectl-edit")
        assert stream.next("mesh")["revision"] > revision
    assert seen(dashboard) == [30, 70]


def test_a_split_that_is_no_longer_the_one_seen_is_a_conflict(dashboard: Dashboard, mesh: RealMesh, path: str) -> None:
    digest = dashboard.route(PAGE)["route_digest"]
    assert mesh.api.patch(path, weights_patch(30, 70)).status == 200
    status, view = dashboard.post(f"{ROUTE}/weights", weight=[50, 50], route_digest=digest)
    assert (status, view["error"]["code"]) == (409, "conflict")
    assert view["error"]["detail"]["weights"] == [30, 70]
    assert stored_weights(mesh, path) == [30, 70]


def test_a_change_elsewhere_in_the_object_troubles_nobody(dashboard: Dashboard, mesh: RealMesh, path: str) -> None:
    digest = dashboard.route(PAGE)["route_digest"]
    for number in range(5):
        label = [{"op": "add", "path": "/metadata/labels", "value": {"number": str(number)}}]
        assert mesh.api.patch(path, label).status == 200
        status, view = dashboard.post(f"{ROUTE}/weights", weight=[50 + number, 50 - number], route_digest=digest)
        assert (status, stored_weights(mesh, path)) == (200, [50 + number, 50 - number])
        digest = view["http_routes"][0]["route_digest"]


def test_the_live_panel_counts_what_the_gateway_answers(dashboard: Dashboard, path: str) -> None:
    with dashboard.stream(f"{NAMESPACE}/{NAME}") as stream:
        status, _ = dashboard.post(f"{ROUTE}/sampling", action="start", rate=50)
        assert status == 200
        answers: list[list[Any]] = []
        while len(answers) < 20:
            told = stream.next("answers")
            answers = told["window"] if told["reset"] else answers + told["window"]
        dashboard.post(f"{ROUTE}/sampling", action="pause")
    assert {each[2] for each in answers} <= {"v1", "v2"}
    assert {each[3] for each in answers} == {"ok"}
