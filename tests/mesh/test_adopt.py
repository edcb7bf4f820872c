"""Taking control on the real mesh: judged by its API server, and without one failed request at its gateway."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import urllib3

from tests.mesh.api import Raw, path_of
from tests.mesh.asking import Asking
from tests.mesh.dashboard import Dashboard, running_dashboard
from tests.mesh.mesh import RealMesh
from tests.mesh.objects import raw
from tests.mesh.processes import wait_until
from tests.mesh.workloads import Workloads
from webapp.istio.adopt.steps import creation

ISTIO = "networking.istio.io/v1"
NAME = "ledger"
REQUESTS = 5_000
ASKERS = 10
ASKED_EACH_SECOND = 20
LONGEST_SECONDS = 50.0

RIGHTS: list[Raw] = [
    {"apiGroups": [""], "resources": ["services", "pods"], "verbs": ["list", "watch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    {"apiGroups": ["networking.istio.io"], "resources": ["serviceentries"], "verbs": ["list", "watch"]},
    {
        "apiGroups": ["networking.istio.io"],
        "resources": ["virtualservices", "destinationrules"],
        "verbs": ["list", "watch", "get", "create", "patch", "delete"],
    },
    {
        "apiGroups": ["networking.istio.io"],
        "resources": ["gateways"],
        "verbs": ["list", "watch", "get", "create", "delete"],
    },
]
"""All that taking control needs, and no more."""


@pytest.fixture(scope="module")
def dashboard(mesh: RealMesh, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    directory: Path = tmp_path_factory.mktemp("adopting")
    account = mesh.account_with("adopter", RIGHTS)
    kubeconfig = account.write_kubeconfig(directory / "kubeconfig")
    with running_dashboard(mesh, directory, kubeconfig=kubeconfig, port=8100) as dashboard:
        yield dashboard


@pytest.fixture
def service(namespace: Workloads, dashboard: Dashboard) -> Workloads:
    """A service of two versions that no route leads to, known to the dashboard."""
    namespace.run(NAME, {"v1": 3, "v2": 1})
    wait_until(lambda: bool(ready(dashboard, namespace) == [3, 1]), "the pods on the dashboard")
    return namespace


@pytest.fixture
def door(service: Workloads, dashboard: Dashboard) -> Iterator[str]:
    """The Host by which somebody's own route leads to the service through the gateway."""
    host = f"{service.name}.example"
    server = {"port": {"number": 8080, "name": "http", "protocol": "HTTP"}, "hosts": [host]}
    gateway = raw(ISTIO, "Gateway", "door", spec={"selector": {"istio": "ingressgateway"}, "servers": [server]})
    route = {"name": "all", "timeout": "4s", "route": [{"destination": {"host": NAME}}]}
    spec = {"hosts": [host], "gateways": ["door"], "http": [route]}
    service.apply(gateway, raw(ISTIO, "VirtualService", "door", spec=spec))
    with Asking() as gateway_:
        wait_until(lambda: gateway_.status(Host=host) == 200, "the route through the gateway")
    wait_until(lambda: len(view(dashboard, service)["form"]["routes"]) == 1, "the route on the dashboard")
    yield host


def page(namespace: Workloads) -> str:
    return f"/services/{namespace.name}/{NAME}/adopt"


def view(dashboard: Dashboard, namespace: Workloads) -> Any:
    status, found = dashboard.get(page(namespace))
    return found if status == 200 else {"form": None, "error": found}


def ready(dashboard: Dashboard, namespace: Workloads) -> list[int]:
    form = view(dashboard, namespace)["form"]
    return [each["ready"] for each in form["subsets"]] if form else []


def take_control(dashboard: Dashboard, namespace: Workloads, **fields: Any) -> Any:
    """Look at the plan that the fields make, then carry it out."""
    status, found = dashboard.post(page(namespace), step="preview", **fields)
    assert status == 200, found
    assert {step["verdict"] for step in found["plan"]["steps"]} == {"accepted"}, found["plan"]["steps"]
    status, found = dashboard.post(
        page(namespace), step="apply", plan_digest=found["plan"]["digest"], seen=found["plan"]["seen"], **fields
    )
    assert status == 200, found
    return found


def give_back(dashboard: Dashboard, namespace: Workloads) -> Any:
    plan = view(dashboard, namespace)["give_back"]
    status, found = dashboard.post(f"{page(namespace)}/give-back", plan_digest=plan["digest"], seen=plan["seen"])
    assert status == 200, found
    assert found["outcome"]["left"] == []
    return found


def istio_objects(mesh: RealMesh, namespace: Workloads) -> dict[str, Raw]:
    """The namespace's objects of Istio's without what the API server counts and keeps."""
    found = {}
    for resource in ("destinationrules", "virtualservices", "gateways"):
        for each in mesh.api.done("GET", f"/apis/{ISTIO}/namespaces/{namespace.name}/{resource}")["items"]:
            kept = {name: each["metadata"].get(name) for name in ("labels", "annotations")}
            found[f"{resource}/{each['metadata']['name']}"] = {"spec": each["spec"], **kept}
    return found


def test_the_api_server_judges_each_object_and_keeps_none(
    dashboard: Dashboard, mesh: RealMesh, service: Workloads
) -> None:
    fields = {"subset": ["v1", "v2"], "labels": ["version=v1", "version=v2"], "weight": [75, 25], "mesh": "on"}
    status, found = dashboard.post(page(service), step="preview", gateway="new", host="a.example", **fields)
    assert status == 200, found
    assert [(step["kind"], step["verdict"]) for step in found["plan"]["steps"]] == [
        ("Gateway", "accepted"),
        ("DestinationRule", "accepted"),
        ("VirtualService", "accepted"),
    ]
    assert istio_objects(mesh, service) == {}


def test_a_strict_dry_run_finds_what_no_schema_has(mesh: RealMesh, service: Workloads) -> None:
    made = creation("VirtualService", (service.name, "x"), {"hosts": ["a.b"], "htp": []}, annotations={}, why="").after
    path = path_of(dict(made or {})).rpartition("/")[0]
    answer = mesh.api.call("POST", path, made, dryRun="All", fieldValidation="Strict")
    assert answer.status == 400 and 'unknown field "spec.htp"' in answer.body["message"]


def test_what_is_made_is_taken_away_again(dashboard: Dashboard, mesh: RealMesh, service: Workloads) -> None:
    fields = {"subset": ["v1", "v2"], "labels": ["version=v1", "version=v2"], "weight": [60, 40], "tag": "on"}
    found = take_control(dashboard, service, gateway="new", host=f"{service.name}.example", gateway_port=8080, **fields)
    assert [each["made"] for each in found["adopted"]] == [True, True, True]
    host = f"{service.name}.example"
    with Asking() as gateway:
        wait_until(lambda: gateway.status(Host=host) == 200, "the new way in")
        told = Counter(gateway.ask(headers={"Host": host}).headers["x-crossfade-version"] for _ in range(100))
    assert told.keys() == {"v1", "v2"}
    give_back(dashboard, service)
    assert istio_objects(mesh, service) == {}


def test_a_deletion_is_of_what_was_seen(dashboard: Dashboard, mesh: RealMesh, service: Workloads) -> None:
    take_control(dashboard, service)
    plan = view(dashboard, service)["give_back"]
    path = f"/apis/{ISTIO}/namespaces/{service.name}/virtualservices/{NAME}"
    changed = mesh.api.patch(path, [{"op": "add", "path": "/spec/http/0/timeout", "value": "5s"}])
    assert changed.status == 200, changed.body
    # Whether the watch has told by then or not: nothing of theirs is deleted.
    form = {"plan_digest": plan["digest"], "seen": plan["seen"]}
    status, found = dashboard.post(f"{page(service)}/give-back", **form)
    assert status == 409, found
    assert mesh.api.done("GET", path)["spec"]["http"][0]["timeout"] == "5s"


class Load:
    """Askers of the gateway, each over a connection of its own, at a steady pace; every answer is counted."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._stop = Event()
        self._counts: list[Counter[str]] = [Counter() for _ in range(ASKERS)]
        self._threads = [Thread(target=self._ask, args=(counts,)) for counts in self._counts]

    @property
    def answers(self) -> Counter[str]:
        """What came back: a version, or what went wrong."""
        return sum((counts.copy() for counts in self._counts), Counter())

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, counts: Counter[str]) -> None:
        due = time.monotonic()
        with Asking() as gateway:
            while not self._stop.wait(max(0.0, due - time.monotonic())):
                due += 1 / ASKED_EACH_SECOND
                try:
                    answer = gateway.ask(headers={"Host": self._host})
                    counts[answer.version or "gateway" if answer.status == 200 else str(answer.status)] += 1
                except urllib3.exceptions.HTTPError as error:
                    counts[type(error).__name__] += 1


@pytest.mark.timeout(120)
def test_no_request_fails_on_the_way_there_and_back(
    dashboard: Dashboard, mesh: RealMesh, service: Workloads, door: str
) -> None:
    before = istio_objects(mesh, service)
    route = f"/virtual-services/{service.name}/door"
    rounds = 0
    with Load(door) as load:
        ends_at = time.monotonic() + LONGEST_SECONDS
        while load.answers.total() < REQUESTS and time.monotonic() < ends_at:
            take_control(dashboard, service)
            for weights in ([50, 50], [0, 100], [90, 10]):
                digest = dashboard.route(route)["route_digest"]
                status, found = dashboard.post(f"{route}/http/0/weights", weight=weights, route_digest=digest)
                assert status == 200, found
            give_back(dashboard, service)
            rounds += 1
    print(f"{rounds} rounds, {dict(load.answers)}")
    assert load.answers.total() >= REQUESTS
    assert load.answers.keys() == {"v1", "v2"}
    # Of the object that was somebody's, the history of its shifts alone is new.
    after = istio_objects(mesh, service)
    assert after["virtualservices/door"]["annotations"].keys() == {"crossfade/history"}
    after["virtualservices/door"]["annotations"] = None
    assert after == before
