"""The demo's own faults: what each scene does, what the stage says is on, and that only the demo has a stage."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from tests.running import ROOT
from webapp.demo.kube import KubeApi
from webapp.demo.sample_mesh import load_objects
from webapp.demo.stage import CANARY, LOST_SECONDS, ROUTE, SCENES, Stage, StageError
from webapp.demo.stage_door import StageDoor, ask_stage

ALL = [scene.name for scene in SCENES]


@pytest.fixture
def api() -> Iterator[KubeApi]:
    with KubeApi() as api:
        load_objects(api.store, empty=False)
        yield api


@pytest.fixture
def stage(api: KubeApi) -> Stage:
    return Stage(api)


def switches(api: KubeApi) -> dict[str, str]:
    stored = api.store.read("deployments", CANARY) or {}
    return stored["metadata"].get("annotations", {})


def reached(api: KubeApi) -> bool:
    with urllib3.PoolManager(ca_cert_data=api.ca_pem, retries=False, timeout=5.0) as pool:
        try:
            return (
                pool.request("GET", f"{api.url}/livez", headers={"Authorization": f"Bearer {api.token}"}).status == 200
            )
        except urllib3.exceptions.HTTPError:
            return False


@pytest.mark.parametrize(
    ("scene", "thrown"),
    [
        ("good-canary", {}),
        ("bad-canary", {"crossfade.demo/error-share": "0.5"}),
        ("slow-canary", {"crossfade.demo/latency-ms": "800", "crossfade.demo/jitter-ms": "200"}),
        ("normal", {}),
    ],
)
def test_a_scene_takes_the_place_of_whatever_was_thrown_before(
    api: KubeApi, stage: Stage, scene: str, thrown: dict[str, str]
) -> None:
    canary = api.store.get("deployments", namespace=CANARY[0], name=CANARY[1])
    assert canary
    noted = {"crossfade.demo/crash": "true", "team": "blue"}
    api.store.put("deployments", canary | {"metadata": canary["metadata"] | {"annotations": noted}}, manager="kubectl")
    stage.play(scene)
    assert switches(api) == thrown | {"team": "blue"}
    assert stage.now()["on"] == [scene if scene != "normal" else "good-canary"]


def test_what_kubectl_has_annotated_is_said(api: KubeApi, stage: Stage) -> None:
    canary = api.store.get("deployments", namespace=CANARY[0], name=CANARY[1])
    assert canary
    noted = {"annotations": {"crossfade.demo/error-share": "0.3"}}
    api.store.put("deployments", canary | {"metadata": canary["metadata"] | noted}, manager="kubectl")
    assert (stage.now()["on"], stage.now()["switches"]) == ([], {"error-share": "0.3"})


def test_the_foreign_hand_writes_as_kubectl_does_and_always_moves_something(api: KubeApi, stage: Stage) -> None:
    seen = []
    for _ in range(3):
        stage.play("foreign-hand")
        seen.append(stage.now()["weights"])
    assert seen == [[25, 75], [75, 25], [25, 75]]
    request = api.requests[-1]
    assert (request.verb, request.query["fieldManager"]) == ("patch", "kubectl-edit")
    managed = (api.store.read("virtualservices", ROUTE) or {})["metadata"]["managedFields"]
    assert "kubectl-edit" in {each["manager"] for each in managed}


def test_a_lost_api_server_is_back_in_time_or_at_once_by_normal(api: KubeApi, stage: Stage) -> None:
    assert reached(api)
    stage.play("lost-api")
    assert not reached(api)
    now = stage.now()
    assert "lost-api" in now["on"] and 0 < now["lost_seconds"] <= LOST_SECONDS
    with pytest.raises(StageError, match="bring everything back to normal"):
        stage.play("foreign-hand")
    stage.play("bad-canary")
    stage.play("normal")
    assert reached(api)
    assert (stage.now()["on"], stage.now()["lost_seconds"]) == (["good-canary"], 0)


def test_normal_brings_the_split_back(stage: Stage) -> None:
    stage.play("foreign-hand")
    stage.play("normal")
    assert stage.now()["weights"] == [90, 10]


def test_before_anything_is_applied_a_scene_says_what_is_missing() -> None:
    with KubeApi() as api:
        load_objects(api.store, empty=True)
        stage = Stage(api)
        with pytest.raises(StageError, match="no Deployment default/aspnetcore-v2 yet"):
            stage.play("bad-canary")
        with pytest.raises(StageError, match="no route with two destinations"):
            stage.play("foreign-hand")
        assert stage.now() == {"on": [], "switches": None, "lost_seconds": 0, "weights": []}


def test_the_door_carries_scenes_and_refusals(stage: Stage, tmp_path: Path) -> None:
    door = StageDoor(tmp_path / "stage", stage)
    door.start()
    try:
        assert ask_stage(tmp_path / "stage")["on"] == ["good-canary"]
        assert ask_stage(tmp_path / "stage", "bad-canary")["on"] == ["bad-canary"]
        assert ask_stage(tmp_path / "stage", "encore")["error"] == "There is no scene called encore."
    finally:
        door.stop()
    with pytest.raises(OSError):
        ask_stage(tmp_path / "stage")


def test_scenes_say_what_the_room_sees() -> None:
    assert len(set(ALL)) == len(ALL) == 6
    assert all(scene.room.endswith(".") and scene.title for scene in SCENES)


SERVED = """
import json, sys
from webapp import wsgi
from webapp.settings import Settings

made = []
create_app = wsgi.create_app
wsgi.create_app = lambda adapters: made.append(create_app(adapters)) or made[0]
wsgi.BaseApplication.run = lambda server: server.load()
settings = Settings(kubeconfig=sys.argv[1], bind="127.0.0.1:0", probe_bind="127.0.0.1:0")
wsgi.serve(settings)
print(json.dumps({
    "rules": [str(rule) for rule in made[0].url_map.iter_rules()],
    "linked": "stage_manager" in made[0].jinja_env.globals,
    "demo": [name for name in sys.modules if name.startswith("webapp.demo")],
    "status": made[0].test_client().get("/stage-manager").status_code,
}))
"""


def test_serve_has_no_stage(api: KubeApi, tmp_path: Path) -> None:
    api.write_kubeconfig(tmp_path / "kubeconfig")
    command = [sys.executable, "-c", SERVED, str(tmp_path / "kubeconfig")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    served = json.loads(done.stdout)
    assert [rule for rule in served["rules"] if "stage" in rule] == []
    assert (served["linked"], served["demo"], served["status"]) == (False, [], 404)
