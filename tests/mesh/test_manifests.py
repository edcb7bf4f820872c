"""Every overlay of deploy/: it renders, a real API server takes each object, and it grants what it says."""

from __future__ import annotations

import copy
import re
import shutil
from pathlib import Path

import pytest

from tests.deploy.rights import ADOPT_USES, IN_NAMES, USES, granted, used
from tests.mesh.api import Raw, path_of
from tests.mesh.in_cluster import BASE, DEPLOY, OVERLAYS, only, render
from tests.mesh.mesh import RealMesh
from tests.mesh.objects import raw
from webapp.settings import Settings
from webapp.version import __version__

RIGHTS = {
    "base": used(USES),
    "read-only": {each for each in used(USES) if each.verb in {"list", "watch"}},
    "single-namespace": used(USES),
    "adopt": used(USES) | used(ADOPT_USES),
    "path-prefix": used(USES),
    "sign-in": used(USES),
    "impersonate": used(USES) | IN_NAMES,
}


@pytest.fixture(params=[BASE, *OVERLAYS], ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture
def objects(folder: Path) -> list[Raw]:
    return render(folder)


def test_the_api_server_takes_each_object_strictly(mesh: RealMesh, objects: list[Raw]) -> None:
    mesh.api.apply(*(raw("v1", "Namespace", each) for each in ("crossfade", "shop")))
    for each in objects:
        # Under another name: what is there already can't be created.
        judged = copy.deepcopy(each)
        judged["metadata"]["name"] += "-judged"
        path = path_of(judged).rpartition("/")[0]
        answer = mesh.api.call("POST", path, judged, dryRun="All", fieldValidation="Strict")
        assert answer.status == 201, f"{each['kind']}: {answer.body}"


def test_it_grants_what_it_says_and_nothing_cluster_wide_but_that(folder: Path, objects: list[Raw]) -> None:
    assert granted(objects) == RIGHTS[folder.name]
    cluster_wide = any(each["kind"].startswith("ClusterRole") for each in objects)
    assert cluster_wide is (folder.name != "single-namespace")


def test_its_settings_are_settings(objects: list[Raw]) -> None:
    [container] = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    settings = Settings.from_environment({each["name"]: each["value"] for each in container["env"]})
    assert settings.log_format == "json"
    hosts = only(objects, "VirtualService")["spec"]["hosts"]
    assert list(settings.trusted_hosts) == hosts
    assert [server["hosts"] for server in only(objects, "Gateway")["spec"]["servers"]] == [hosts] * len(
        only(objects, "Gateway")["spec"]["servers"]
    )


@pytest.mark.parametrize("name", ["sign-in", "impersonate"])
def test_who_signs_in_is_told_by_the_gateway_alone(name: str) -> None:
    objects = render(DEPLOY / "overlays" / name)
    [container] = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    settings = Settings.from_environment({each["name"]: each["value"] for each in container["env"]})
    assert settings.impersonate is (name == "impersonate")
    headers = {settings.identity_header, settings.groups_header}
    [rule] = only(objects, "RequestAuthentication")["spec"]["jwtRules"]
    assert {each["header"] for each in rule["outputClaimToHeaders"]} == headers
    for route in only(objects, "VirtualService")["spec"]["http"]:
        assert set(route["headers"]["request"]["remove"]) == headers
    [allowed, _] = only(objects, "AuthorizationPolicy")["spec"]["rules"]
    principals = allowed["from"][0]["source"]["principals"]
    assert [f"spiffe://{each}" for each in principals] == list(settings.gateway_identity)


def test_the_version_is_the_programs(objects: list[Raw]) -> None:
    template = only(objects, "Deployment")["spec"]["template"]
    assert template["spec"]["containers"][0]["image"] == f"crossfade:{__version__}"
    assert template["metadata"]["labels"]["app.kubernetes.io/version"] == __version__


def test_its_pods_keep_to_the_restricted_standard(mesh: RealMesh, objects: list[Raw]) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    mesh.api.apply(raw("v1", "Namespace", "strict", labels=labels))
    template = only(objects, "Deployment")["spec"]["template"]
    pod = raw("v1", "Pod", "judged", namespace="strict", spec=template["spec"])
    path = path_of(pod).rpartition("/")[0]
    assert mesh.api.call("POST", path, pod, dryRun="All").status == 201
    careless = copy.deepcopy(pod)
    careless["spec"]["containers"][0].pop("securityContext")
    assert mesh.api.call("POST", path, careless, dryRun="All").status == 403


def test_the_documentations_own_overlay_renders(tmp_path: Path) -> None:
    text = (DEPLOY.parent / "docs" / "deploy.md").read_text()
    [example] = re.findall(r"```yaml\n(# kustomization\.yaml.*?)```", text, re.DOTALL)
    # kustomize follows no link and no absolute path out of a folder.
    shutil.copytree(DEPLOY, tmp_path / "crossfade" / "deploy")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "kustomization.yaml").write_text(example)
    objects = render(tmp_path / "mine")
    assert "crossfade.example.com" not in str(objects)
    assert (
        only(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["image"] != f"crossfade:{__version__}"
    )
