"""A dashboard that may see two namespaces and no more, by a kubeconfig with a credential plugin."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.mesh.api import Api, Raw, read_objects
from tests.mesh.bare import RBAC_API
from tests.mesh.dashboard import RIGHTS, Dashboard, running_dashboard
from tests.mesh.mesh import RealMesh
from tests.mesh.objects import raw
from tests.mesh.patient import NAME, reviews
from tests.mesh.processes import wait_until
from tests.mesh.workloads import Workloads

PORT = 8200
EXEC_API = "client.authentication.k8s.io/v1"
ACCOUNT = "narrow"


@pytest.fixture(scope="module")
def namespaces(mesh: RealMesh) -> Iterator[list[str]]:
    """Three, with the same service in each."""
    names = [f"team-{each}-{uuid.uuid4().hex[:6]}" for each in "abc"]
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(Workloads(mesh.api, name)).apply(*reviews(name)[1:])
        yield names


@pytest.fixture(scope="module")
def account(mesh: RealMesh, namespaces: list[str]) -> Api:
    """A ServiceAccount with the rights that deploy/ ships, but as Roles of the first two namespaces."""
    [shipped] = [each for each in read_objects(RIGHTS) if each["kind"] == "ClusterRole"]
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespaces[0]}
    reference = {"apiGroup": RBAC_API, "kind": "Role", "name": ACCOUNT}
    mesh.api.apply(raw("v1", "ServiceAccount", ACCOUNT, namespace=namespaces[0]))
    for each in namespaces[:2]:
        mesh.api.apply(
            raw(f"{RBAC_API}/v1", "Role", ACCOUNT, namespace=each, rules=shipped["rules"]),
            raw(f"{RBAC_API}/v1", "RoleBinding", ACCOUNT, namespace=each, subjects=[subject], roleRef=reference),
        )
    return mesh.account(namespace=namespaces[0], name=ACCOUNT)


@pytest.fixture(scope="module")
def kubeconfig(account: Api, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of two contexts: the current one leads nowhere, the other asks a plugin who we are."""
    folder = tmp_path_factory.mktemp("narrow")
    credential = {"apiVersion": EXEC_API, "kind": "ExecCredential", "status": {"token": account.token}}
    (folder / "credential").write_text(json.dumps(credential))
    plugin = {
        "apiVersion": EXEC_API,
        "command": "cat",
        "args": [str(folder / "credential")],
        "interactiveMode": "Never",
    }
    path = account.write_kubeconfig(folder / "narrow", user={"exec": plugin})
    content: Raw = json.loads(path.read_text())
    content["clusters"].append({"name": "gone", "cluster": {"server": "https://127.0.0.1:1"}})
    content["contexts"].append({"name": "gone", "context": {"cluster": "gone", "user": "narrow"}})
    path.write_text(json.dumps(content | {"current-context": "gone"}))
    return path


@pytest.fixture(scope="module")
def dashboard(mesh: RealMesh, namespaces: list[str], kubeconfig: Path) -> Iterator[Dashboard]:
    settings = {"CROSSFADE_CONTEXT": "narrow", "CROSSFADE_NAMESPACES": " ".join(namespaces[:2])}
    with running_dashboard(mesh, kubeconfig.parent, kubeconfig=kubeconfig, port=PORT, **settings) as dashboard:
        yield dashboard


def test_two_namespaces_are_shown_and_shifted(dashboard: Dashboard, mesh: RealMesh, namespaces: list[str]) -> None:
    first, second, secret = namespaces
    status, view = dashboard.get("/")
    assert (status, view["cluster"]["name"]) == (200, "narrow")
    assert [(each["namespace"], each["name"]) for each in view["services"]] == [(first, NAME), (second, NAME)]
    said = f"Only the namespaces {first} and {second} are watched: "
    assert view["cluster"]["scope"].startswith(said)
    assert view["cluster"]["problems"] == []
    assert dashboard.probe("/healthz")[0] == 200
    assert dashboard.get(f"/virtual-services/{secret}/{NAME}")[0] in {403, 404}
    for each in (first, second):
        page = f"/virtual-services/{each}/{NAME}"
        digest = dashboard.route(page)["route_digest"]
        status, view = dashboard.post(f"{page}/http/0/weights", weight=[30, 70], route_digest=digest)
        assert status == 200, view
        path = f"/apis/networking.istio.io/v1/namespaces/{each}/virtualservices/{NAME}"
        assert [one["weight"] for one in mesh.api.done("GET", path)["spec"]["http"][0]["route"]] == [30, 70]


def test_a_change_in_one_of_them_arrives(dashboard: Dashboard, mesh: RealMesh, namespaces: list[str]) -> None:
    for each in namespaces:
        mesh.api.apply(raw("v1", "Service", "late", namespace=each, spec={"ports": [{"name": "http", "port": 80}]}))

    def shown() -> list[str]:
        return [each["namespace"] for each in dashboard.get("/")[1]["services"] if each["name"] == "late"]

    wait_until(lambda: shown() == namespaces[:2], "what is new in both", seconds=5.0)
