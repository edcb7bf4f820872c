"""What is proposed: labels that tell pods apart, names, weights, routes that can become splits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.istio.adopting import World
from tests.istio.builders import (
    Raw,
    destination,
    destination_rule,
    gateway,
    http_route,
    pod,
    server,
    split,
    virtual_service,
)
from webapp.istio.adopt.labels import subset_name, tellings
from webapp.istio.parse import parse_pod

HOST = "web.shop.svc.cluster.local"
BARE = http_route(destination())


def pods(*labels: dict[str, str]) -> list[Any]:
    return [parse_pod(pod(f"p-{number}", **each)) for number, each in enumerate(labels)]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param([{"version": "v1"}, {"version": "v2"}], ["version"], id="version"),
        pytest.param(
            [{"version": "v1", "track": "stable", "app": "a"}, {"version": "v2", "track": "canary", "app": "a"}],
            ["version", "track"],
            id="version-before-track",
        ),
        pytest.param(
            [{"colour": "blue", "release": "r1"}, {"colour": "green", "release": "r2"}],
            ["release", "colour"],
            id="known-before-unknown",
        ),
        pytest.param(
            [{"version": "v1", "track": "a"}, {"version": "v2", "track": "b"}, {"track": "b"}],
            ["track", "version"],
            id="what-all-have-first",
        ),
        pytest.param([{"pod-template-hash": "1"}, {"pod-template-hash": "2"}], [], id="never-by-hash"),
        pytest.param(
            [{"topology.kubernetes.io/zone": "a"}, {"topology.kubernetes.io/zone": "b"}], [], id="never-by-place"
        ),
        pytest.param([{"version": "v1"}, {"version": "v1"}], [], id="one-version"),
        pytest.param([{"number": str(number)} for number in range(11)], [], id="too-many-to-be-versions"),
        pytest.param([{"version": "v1"}, {"version": ""}], [], id="empty-is-none"),
        pytest.param([], [], id="no-pods"),
    ],
)
def test_labels_that_tell_pods_apart(labels: list[dict[str, str]], expected: list[str]) -> None:
    assert [each.label for each in tellings(pods(*labels))] == expected


def test_values_stand_in_natural_order() -> None:
    [found] = tellings(pods(*({"version": each} for each in ("v10", "v2", "v1"))))
    assert (found.values, found.missing) == (("v1", "v2", "v10"), 0)


@pytest.mark.parametrize(
    ("value", "taken", "expected"),
    [
        ("v1", [], "v1"),
        ("1.2.3", [], "1-2-3"),
        ("1.2.3", ["1-2-3", "1-2-3-2"], "1-2-3-3"),
        ("V1_beta", [], "v1-beta"),
        ("---", [], "version"),
        ("x" * 63, ["x" * 63], f"{'x' * 59}-2"),
        (f"{'x' * 62}.y", [], "x" * 62),
    ],
)
def test_a_value_becomes_a_name(value: str, taken: list[str], expected: str) -> None:
    assert subset_name(value, taken) == expected
    assert len(expected) <= 63


def test_why_there_is_nothing_to_propose() -> None:
    assert "look like one version" in World(pods={"v1": (2, 2)}).propose().reason
    assert "No pod has the labels" in World(pods={}).propose().reason
    world = World(pods={"v1": (2, 2)})
    for number, raw in enumerate(raw for name, raw in world.raws.items() if name[0] == "Pod"):
        raw["metadata"]["labels"]["pod-template-hash"] = str(number)
    assert "Only pod-template-hash" in world.propose().reason


@pytest.mark.parametrize(
    ("ready", "weights"),
    [
        ({"v1": (3, 3), "v2": (1, 1)}, [75, 25]),
        ({"v1": (1, 1), "v2": (1, 1), "v3": (1, 1)}, [34, 33, 33]),
        ({"v1": (2, 2), "v2": (0, 3)}, [100, 0]),
        ({"v1": (0, 1), "v2": (0, 1)}, [50, 50]),
        ({"v1": (6, 6), "v2": (1, 1), "v3": (0, 1)}, [86, 14, 0]),
    ],
)
def test_weights_follow_the_ready_pods(ready: dict[str, tuple[int, int]], weights: list[int]) -> None:
    found = World(pods=ready).propose().subsets
    assert [each.weight for each in found] == weights
    assert sum(weights) == 100


def test_a_subset_that_is_there_keeps_its_name() -> None:
    world = World(destination_rule("web", {"name": "stable", "labels": {"version": "v1"}}))
    assert [each.name for each in world.propose().subsets] == ["stable", "v2"]
    world = World(destination_rule("web", {"name": "v1", "labels": {"track": "x"}}))
    assert [each.name for each in world.propose().subsets] == ["v1-2", "v2"]


def test_another_label_can_be_chosen() -> None:
    world = World()
    for name, raw in world.raws.items():
        if name[0] == "Pod":
            labels = raw["metadata"]["labels"]
            labels["track"] = "canary" if labels["version"] == "v2" else "stable"
    assert [each.labels for each in world.propose(label="track").subsets] == [{"track": "canary"}, {"track": "stable"}]
    assert world.propose(label="nonsense").label == "version"


def test_pods_in_no_subset_are_counted() -> None:
    world = World()
    del world.raws["Pod", "shop", "web-v1-0"]["metadata"]["labels"]["version"]
    found = world.propose()
    assert (found.missing, found.unmatched) == (1, 1)


def test_a_new_gateway_is_like_those_that_are_there() -> None:
    there = [gateway("a", server(8080), selector={"istio": "x"}), gateway("b", server(8080), selector={"istio": "x"})]
    found = World(*there, gateway("c", server(80))).propose()
    assert (found.selector, found.gateway_port) == ({"istio": "x"}, 8080)
    assert World().propose().selector == {"istio": "ingressgateway"}
    assert World().propose().gateway_port == 80


@pytest.mark.parametrize(
    ("route", "is_candidate"),
    [
        pytest.param(BARE, True, id="bare"),
        pytest.param(http_route(destination(HOST, weight=100)), True, id="full-name-and-weight"),
        pytest.param(http_route(destination(subset="v1")), False, id="pinned"),
        pytest.param(split(50, 50), False, id="split"),
        pytest.param(http_route(destination(), destination("api", weight=5)), False, id="two-hosts"),
        pytest.param(http_route(redirect={"uri": "/"}), False, id="redirect"),
        pytest.param(http_route(destination("other")), False, id="another-service"),
    ],
)
def test_which_routes_can_become_splits(route: Raw, is_candidate: bool) -> None:
    assert bool(World(virtual_service(route)).propose().candidates) is is_candidate


def test_callers_in_the_mesh_have_one_virtual_service_alone() -> None:
    assert World(virtual_service(BARE, hosts=["web"])).propose().mesh_reason
    assert World(virtual_service(split(1, 1), hosts=["*.shop.svc.cluster.local"])).propose().mesh_reason
    assert not World(virtual_service(BARE, hosts=["web"], gateways=["edge"])).propose().mesh_reason
