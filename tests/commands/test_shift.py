"""`crossfade shift` on the running demo: what it says, and its exit code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jsonpatch
import pytest
from kubernetes.client import ApiClient, CustomObjectsApi
from kubernetes.config import new_client_from_config

from tests.mesh.processes import wait_until
from tests.running import RunningDemo, running_demo
from webapp.commands.shift import choose_route, read_order, weights_in_order
from webapp.errors import InvalidInput, NotFound
from webapp.istio.parse import parse_virtual_service

PLACE = "default/aspnetcore-virtualservice"


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    with running_demo() as demo:
        yield demo


@pytest.fixture
def api(demo: RunningDemo) -> Iterator[ApiClient]:
    with new_client_from_config(str(demo.kubeconfig)) as client:
        yield client


def crossfade(demo: RunningDemo, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"CROSSFADE_KUBECONFIG": str(demo.kubeconfig)}
    command = [sys.executable, "-m", "webapp", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=50, check=False)


def virtual_service(api: ApiClient) -> dict[str, object]:
    found: dict[str, object] = CustomObjectsApi(api).get_namespaced_custom_object(
        "networking.istio.io", "v1", "default", "virtualservices", "aspnetcore-virtualservice"
    )
    return found


def weights(api: ApiClient) -> list[int]:
    route = parse_virtual_service(virtual_service(api)).http[0]
    return list(route.weights)


def test_a_verified_shift_prints_the_receipt(demo: RunningDemo) -> None:
    done = crossfade(demo, "shift", PLACE, "v2=100", "--verify")
    assert (done.returncode, done.stderr) == (0, "")
    assert "* from: v1 90, v2 10\n* to: v1 0, v2 100\n" in done.stdout
    assert "**The answers match 0/100.** In effect after 0." in done.stdout


def test_an_unverified_shift_says_so(demo: RunningDemo) -> None:
    done = crossfade(demo, "shift", PLACE, "v1=70", "v2=30")
    assert (done.returncode, done.stderr) == (0, "")
    assert "The gateway was not asked" in done.stdout


def test_a_timed_shift_is_brought_back_by_the_dashboard(demo: RunningDemo, api: ApiClient) -> None:
    done = crossfade(demo, "shift", PLACE, "v1=20", "v2=80", "--return", "5")
    assert (done.returncode, done.stderr) == (0, "")
    assert "* from: v1 70, v2 30\n* to: v1 20, v2 80\n" in done.stdout
    wait_until(lambda: weights(api) == [70, 30], "the way back")


def test_where_answers_differ_the_exit_code_says_it(demo: RunningDemo, api: ApiClient) -> None:
    """The subset v2 selects pods of v1 by mistake: half of the traffic goes where nobody wants it."""
    place = ("networking.istio.io", "v1", "default", "destinationrules", "aspnetcore-destinationrule")
    rules = CustomObjectsApi(api)
    before = rules.get_namespaced_custom_object(*place)
    wrong = [each | {"labels": before["spec"]["subsets"][0]["labels"]} for each in before["spec"]["subsets"]]
    patch = jsonpatch.make_patch(before["spec"], before["spec"] | {"subsets": wrong})
    assert patch
    rules.patch_namespaced_custom_object(*place, body={"spec": {"subsets": wrong}})
    try:
        done = crossfade(demo, "shift", PLACE, "v1=50", "v2=50", "--verify")
    finally:
        rules.patch_namespaced_custom_object(*place, body={"spec": {"subsets": before["spec"]["subsets"]}})
    assert done.returncode == 1, done.stdout + done.stderr
    assert "**The answers differ from 50/50: v1 " in done.stdout


def test_what_cannot_be_told_in_time_is_not_claimed(demo: RunningDemo) -> None:
    done = crossfade(demo, "shift", PLACE, "v1=60", "v2=40", "--verify", "--within", "0.5")
    assert done.returncode == 2, done.stdout + done.stderr


def test_an_object_that_somebody_manages_is_a_conflict_until_consent(demo: RunningDemo, api: ApiClient) -> None:
    place = ("networking.istio.io", "v1", "default", "virtualservices", "aspnetcore-virtualservice")
    label = {"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}}}
    CustomObjectsApi(api).patch_namespaced_custom_object(*place, body=label)
    refused = crossfade(demo, "shift", PLACE, "v1=100")
    assert refused.returncode == 3
    assert "Helm" in refused.stderr
    assert crossfade(demo, "shift", PLACE, "v1=100", "--consent", "Helm").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["default/nobody", "v1=1"], "nobody", id="no-such-object"),
        pytest.param([PLACE, "v1=50", "v3=50"], "v3 is no destination of this route; it has v1, v2.", id="stranger"),
        pytest.param([PLACE, "v1=50", "v2=60"], "the weights have to add up to 100", id="sum"),
        pytest.param([PLACE, "v1=100", "--return", "2"], "a whole number of seconds from 5 to 3600", id="return"),
        pytest.param([PLACE, "v1"], "'v1' is not of the form VERSION=WEIGHT.", id="form"),
        pytest.param(["nowhere", "v1=1"], "'nowhere' is not of the form NAMESPACE/NAME.", id="place"),
    ],
)
def test_bad_input_is_told_and_nothing_is_written(
    demo: RunningDemo, api: ApiClient, arguments: list[str], words: str
) -> None:
    before = virtual_service(api)
    done = crossfade(demo, "shift", *arguments)
    assert done.returncode == 4
    assert words in done.stderr
    assert done.stdout == ""
    assert virtual_service(api) == before


def test_the_mesh_is_printed(demo: RunningDemo) -> None:
    done = crossfade(demo, "status", "shop")
    assert (done.returncode, done.stderr) == (0, "")
    header, *lines = done.stdout.splitlines()
    assert header.split() == ["SERVICE", "VERSIONS", "TRAFFIC", "NOW", "REACHED", "AT", "NOTES"]
    ratings = next(line for line in lines if line.startswith("shop/ratings "))
    cells = [cell.strip() for cell in re.split("  +", ratings)]
    assert cells == ["shop/ratings", "v1 3/3 v2 1/1", "no split: about by pods, 75/25", "not exposed", "-"]
    assert all(line.startswith("shop/") for line in lines)


def test_a_cluster_that_is_not_there_is_told(demo: RunningDemo, tmp_path: Path) -> None:
    gone = tmp_path / "kubeconfig"
    gone.write_text(re.sub(r"https://127\.0\.0\.1:\d+", "https://127.0.0.1:1", demo.kubeconfig.read_text()))
    done = crossfade(replace(demo, kubeconfig=gone), "status")
    assert (done.returncode, done.stdout) == (4, "")
    assert "refused" in done.stderr


def routes(*each: dict[str, object]) -> object:
    return parse_virtual_service({"metadata": {"namespace": "a", "name": "b"}, "spec": {"http": list(each)}})


def route(*weights: int, **more: object) -> dict[str, object]:
    destinations = [
        {"destination": {"host": "a", "subset": f"v{place}"}, "weight": weight} for place, weight in enumerate(weights)
    ]
    return {"route": destinations, **more}


def test_the_only_weighted_route_needs_no_name() -> None:
    found = routes(route(100), route(1, 99))
    assert choose_route(found, "").index == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "index"), [pytest.param("1", 1, id="by-index"), pytest.param("canary", 2, id="by-name")]
)
def test_a_route_is_chosen(wanted: str, index: int) -> None:
    found = routes(route(1, 99), route(2, 98), route(3, 97, name="canary"))
    assert choose_route(found, wanted).index == index  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        pytest.param("", r"has several routes to shift, name one with --route \(0: everything", id="several"),
        pytest.param("nobody", "has no HTTP route named nobody", id="unknown"),
        pytest.param("twice", "has 2 HTTP routes named twice", id="twice"),
    ],
)
def test_a_route_that_could_be_several_is_asked_for(wanted: str, words: str) -> None:
    found = routes(route(1, 99), route(2, 98), route(3, 97, name="twice"), route(4, 96, name="twice"))
    with pytest.raises(NotFound, match=words):
        choose_route(found, wanted)  # type: ignore[arg-type]


def test_weights_are_put_in_the_routes_order() -> None:
    found = choose_route(routes(route(1, 0, 99)), "")  # type: ignore[arg-type]
    assert weights_in_order(found, {"v2": "30", "v0": "70"}) == (70, 0, 30)


def test_a_version_is_given_once() -> None:
    with pytest.raises(InvalidInput, match="v1 is given twice"):
        read_order("a/b", ["v1=1", "v1=2"], route="", within_seconds=None, consent="")
