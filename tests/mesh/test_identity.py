"""Writes in people's names on a real API server: its RBAC decides what each may see and shift."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.rights import IMPERSONATE_RIGHTS, OLDER_IMPERSONATE_RIGHTS
from tests.mesh.api import MERGE_PATCH, Raw, read_objects
from tests.mesh.bare import RBAC_API
from tests.mesh.dashboard import Dashboard, dashboards_account, running_dashboard
from tests.mesh.mesh import RealMesh
from tests.mesh.objects import raw
from tests.mesh.patient import NAME, reviews
from tests.mesh.processes import wait_until
from tests.mesh.workloads import Workloads
from tests.test_identity import GATEWAY, POD, element
from webapp.cluster.access import load_access
from webapp.cluster.client import Client
from webapp.errors import CrossfadeError, Forbidden
from webapp.identity import Person
from webapp.istio.parse import parse_virtual_service
from webapp.istio.routes import destinations_digest, route_key
from webapp.istio.timed import RETURN, returned_by
from webapp.settings import Settings

PORT = 8300
ANA, BOB, EVE = "ana@example.org", "bob@example.org", "eve@example.org"
READERS = "größe:readers"
SEES = [
    {"apiGroups": ["networking.istio.io"], "resources": ["virtualservices"], "verbs": ["get", "list"]},
    {"apiGroups": [""], "resources": ["services"], "verbs": ["get", "list"]},
]
SHIFTS = [*SEES, {"apiGroups": ["networking.istio.io"], "resources": ["virtualservices"], "verbs": ["patch"]}]
SETTINGS = {
    "CROSSFADE_IDENTITY_HEADER": "x-crossfade-user",
    "CROSSFADE_GROUPS_HEADER": "x-crossfade-groups",
    "CROSSFADE_GATEWAY_IDENTITY": GATEWAY,
    "CROSSFADE_IMPERSONATE": "1",
}
BY_GATEWAY = {"X-Forwarded-Client-Cert": element(GATEWAY)}


def grant(mesh: RealMesh, rules: list[Raw], kind: str, name: str, *, namespace: str) -> None:
    """Give somebody rights in one namespace."""
    role = uuid.uuid4().hex[:8]
    subject = {"apiGroup": RBAC_API, "kind": kind, "name": name}
    reference = {"apiGroup": RBAC_API, "kind": "Role", "name": role}
    mesh.api.apply(
        raw(f"{RBAC_API}/v1", "Role", role, namespace=namespace, rules=rules),
        raw(f"{RBAC_API}/v1", "RoleBinding", role, namespace=namespace, subjects=[subject], roleRef=reference),
    )


@pytest.fixture(scope="module")
def namespaces(mesh: RealMesh) -> Iterator[list[str]]:
    """Two with the same service in each: Ana shifts in the first; who is one of the readers sees both."""
    names = [f"who-{each}-{uuid.uuid4().hex[:6]}" for each in "ab"]
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(Workloads(mesh.api, name)).apply(*reviews(name)[1:])
            grant(mesh, SEES, "Group", READERS, namespace=name)
        grant(mesh, SHIFTS, "User", ANA, namespace=names[0])
        yield names


@pytest.fixture(scope="module")
def kubeconfig(mesh: RealMesh, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The dashboard's account with the rights of deploy/overlays/impersonate."""
    account = dashboards_account(mesh)
    granted = read_objects(IMPERSONATE_RIGHTS)
    mesh.api.apply(*granted)
    yield account.write_kubeconfig(tmp_path_factory.mktemp("who") / "kubeconfig")
    mesh.api.delete(*granted)


@pytest.fixture(scope="module")
def dashboard(mesh: RealMesh, namespaces: list[str], kubeconfig: Path) -> Iterator[Dashboard]:
    """As the gateway asks it; who has signed in is named by each test."""
    headers = {**BY_GATEWAY, "x-crossfade-user": EVE}
    with running_dashboard(
        mesh, kubeconfig.parent, kubeconfig=kubeconfig, port=PORT, headers=headers, **SETTINGS
    ) as dashboard:
        yield dashboard


def signed_in(dashboard: Dashboard, name: str, groups: str = "") -> Dashboard:
    # http.client writes headers in latin-1; a token's claims come as UTF-8.
    groups = groups.encode().decode("latin-1")
    return dashboard.with_headers(**{"x-crossfade-user": name, "x-crossfade-groups": groups})


def page_of(namespace: str) -> str:
    return f"/virtual-services/{namespace}/{NAME}"


def path_of(namespace: str) -> str:
    return f"/apis/networking.istio.io/v1/namespaces/{namespace}/virtualservices/{NAME}"


def shift(dashboard: Dashboard, namespace: str, *weights: int, seen: str = "") -> tuple[int, Any]:
    digest = seen or dashboard.route(page_of(namespace))["route_digest"]
    return dashboard.post(f"{page_of(namespace)}/http/0/weights", weight=list(weights), route_digest=digest)


def listed(dashboard: Dashboard) -> list[str]:
    status, view = dashboard.get("/")
    assert status == 200, view
    return [each["namespace"] for each in view["services"]]


def test_lists_and_pages_are_those_of_the_person(dashboard: Dashboard, namespaces: list[str]) -> None:
    first, second = namespaces
    ana = signed_in(dashboard, ANA)
    assert listed(ana) == [first]
    assert ANA in ana.get("/")[1]["cluster"]["scope"]
    for path in (page_of(second), f"/services/{second}/{NAME}", f"/stream?virtual_service={second}/{NAME}"):
        status, view = ana.get(path)
        assert (status, view["error"]["code"]) == (403, "forbidden")
        assert ANA in view["error"]["message"]
    assert listed(signed_in(dashboard, BOB, f"other, {READERS}")) == namespaces
    assert listed(signed_in(dashboard, BOB)) == []
    assert listed(dashboard) == []


def test_a_person_shifts_what_that_person_may(dashboard: Dashboard, mesh: RealMesh, namespaces: list[str]) -> None:
    first, second = namespaces
    ana = signed_in(dashboard, ANA)
    assert ana.get(page_of(first))[1]["may_not"] == ""
    status, view = shift(ana, first, 60, 40)
    assert (status, view["http_routes"][0]["history"][0]["by"]) == (200, ANA)
    # As the readers see it she may look at the second one, too, and no more.
    reader = signed_in(dashboard, ANA, READERS)
    assert reader.get(page_of(second))[1]["may_not"].startswith(f"You ({ANA}) may not patch virtualservices")
    status, view = shift(reader, second, 60, 40)
    assert (status, view["error"]["code"]) == (403, "forbidden")
    assert f'User "{ANA}" cannot patch resource "virtualservices"' in view["error"]["message"]
    weights = [
        [each["weight"] for each in mesh.api.done("GET", path_of(each))["spec"]["http"][0]["route"]]
        for each in namespaces
    ]
    assert weights == [[60, 40], [90, 10]]


def test_a_name_that_another_pod_says_counts_nothing(dashboard: Dashboard, namespaces: list[str]) -> None:
    ana = signed_in(dashboard, ANA)
    seen = ana.route(page_of(namespaces[0]))["route_digest"]
    for xfcc in (element(POD), f"{element(GATEWAY)},{element(POD)}"):
        forging = ana.with_headers(**{"X-Forwarded-Client-Cert": xfcc})
        status, view = shift(forging, namespaces[0], 1, 99, seen=seen)
        assert (status, view["error"]["code"]) == (403, "forged_identity")
        assert POD in view["error"]["message"]


def test_a_way_back_is_carried_out_by_the_dashboard_itself(
    dashboard: Dashboard, mesh: RealMesh, namespaces: list[str]
) -> None:
    """In the second namespace, where Ana herself may not patch (any more)."""
    path = path_of(namespaces[1])
    found = parse_virtual_service(mesh.api.done("GET", path))
    route = found.http[0]
    due = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    places = {"route": route_key(route), "destinations": destinations_digest(route)}
    entry = {**places, "after": [90, 10], "before": [100, 0], "at": due, "by": ANA}
    annotations = {"metadata": {"annotations": {RETURN: json.dumps([entry])}}}
    mesh.api.done("PATCH", path, annotations, content_type=MERGE_PATCH)
    reader = signed_in(dashboard, BOB, READERS)

    def newest() -> str:
        return str(reader.route(page_of(namespaces[1]))["history"][0]["by"])

    wait_until(lambda: newest() == returned_by(ANA), "the way back", seconds=5.0)


def refused(kubeconfig: Path, method: str, path: str, person: Person, **options: Any) -> str:
    """Ask in somebody's name with the dashboard's own account; return why not, empty where it was done."""
    client = Client(load_access(Settings(kubeconfig=str(kubeconfig))))
    try:
        client.json(method, path, person=person, **options)
    except CrossfadeError as error:
        assert isinstance(error, Forbidden), error.message
        return error.message
    finally:
        client.close()
    return ""


ADMIN = Person("admin", ("system:masters",))
SECRETS = "/api/v1/namespaces/istio-system/secrets"


def test_the_role_lets_nobody_else_be_or_do_anything_else(
    mesh: RealMesh, kubeconfig: Path, namespaces: list[str]
) -> None:
    grant(
        mesh, [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}], "User", ANA, namespace=namespaces[0]
    )
    own = f"/api/v1/namespaces/{namespaces[0]}/secrets"
    assert "impersonate" in refused(kubeconfig, "GET", own, Person(ANA))
    assert refused(kubeconfig, "GET", path_of(namespaces[0]), Person(ANA)) == ""
    for person in (ADMIN, Person("system:node:node-1"), Person("system:serviceaccount:kube-system:admin")):
        assert refused(kubeconfig, "GET", path_of(namespaces[0]), person) != ""


def test_the_role_for_older_clusters_lets_people_do_the_same(
    mesh: RealMesh, namespaces: list[str], tmp_path: Path
) -> None:
    [older] = [each["rules"] for each in read_objects(OLDER_IMPERSONATE_RIGHTS) if each["kind"] == "ClusterRole"]
    without = mesh.account_with("without-names", []).write_kubeconfig(tmp_path / "without")
    assert "impersonate" in refused(without, "GET", path_of(namespaces[0]), Person(ANA))
    kubeconfig = mesh.account_with("older-names", older).write_kubeconfig(tmp_path / "older")
    readers = Person(BOB, ("other", READERS))
    wait_until(lambda: not refused(kubeconfig, "GET", path_of(namespaces[0]), readers), "the older role", seconds=5.0)
    assert BOB in refused(kubeconfig, "GET", path_of(namespaces[0]), Person(BOB))
    # Which is why there is a newer one.
    assert refused(kubeconfig, "GET", SECRETS, ADMIN) == ""
