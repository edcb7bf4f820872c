"""Versions that appear later: who is new, how they are added at 0, and how they are taken out again."""

from __future__ import annotations

import copy

import pytest

from tests.istio.adopting import KEY, World, shown
from tests.istio.builders import (
    Raw,
    destination,
    destination_rule,
    http_route,
    split,
    virtual_service,
)
from webapp.errors import Conflict
from webapp.istio.adopt.newcomer import newcomers, plan_newcomer

HOST = "web.shop.svc.cluster.local"
BARE = http_route(destination())


MORE = {"v1": (3, 3), "v2": (1, 1), "v3": (1, 2)}


def grow(world: World) -> None:
    world.raws |= World(pods=MORE).raws


@pytest.mark.parametrize(
    ("routes", "rule", "expected"),
    [
        pytest.param([split(90, 10)], destination_rule("web", "v1", "v2"), ["v3"], id="a-split"),
        pytest.param([split(90, 10), BARE], destination_rule("web", "v1", "v2"), ["v3"], id="not-a-bare-route"),
        pytest.param(
            [http_route(destination(subset="v1")), split(90, 10)],
            destination_rule("web", "v1", "v2"),
            ["v3"],
            id="not-a-pinned-one-beside-it",
        ),
        pytest.param(
            [http_route(destination(subset="v1"))], destination_rule("web", "v1"), ["v2", "v3"], id="a-pinned-one"
        ),
        pytest.param([split(1, 1, 1)], destination_rule("web", "v1", "v2", "v3"), [], id="all-have-one"),
        pytest.param([split(90, 10)], destination_rule("web"), [], id="undefined-subsets-tell-nothing"),
        pytest.param(
            [split(90, 10)],
            destination_rule("web", "v1", {"name": "v2", "labels": {"track": "x"}}),
            [],
            id="not-one-label",
        ),
        pytest.param([BARE], destination_rule("web", "v1", "v2"), [], id="nothing-split"),
    ],
)
def test_who_is_new(routes: list[Raw], rule: Raw, expected: list[str]) -> None:
    world = World(virtual_service(*routes), rule, pods=MORE)
    assert [each.subset.name for each in newcomers(world.snapshot, KEY)] == expected


def test_a_newcomer_of_somebodys_split_is_added_and_taken_out_at_0_alone() -> None:
    world = World(virtual_service(split(90, 10)), destination_rule("web", "v1", "v2"), pods=MORE)
    before = copy.deepcopy(world.istio)
    [found] = newcomers(world.snapshot, KEY)
    assert (found.ready, found.total) == (1, 2)
    plan = plan_newcomer(world.snapshot, KEY, found)
    assert shown(plan) == ["patch DestinationRule web", "patch VirtualService web"]
    world.carry_out(plan.steps)
    route = world.spec("VirtualService")["http"][0]["route"]
    assert [each["weight"] for each in route] == [90, 10, 0]
    route[0]["weight"], route[2]["weight"] = 50, 40
    assert "has the weight 40 now" in " ".join(world.give_back().left)
    assert len(world.spec("VirtualService")["http"][0]["route"]) == 3
    route = world.spec("VirtualService")["http"][0]["route"]
    route[0]["weight"], route[2]["weight"] = 90, 0
    world.give_back()
    assert {name: raw["spec"] for name, raw in world.istio.items()} == {k: raw["spec"] for k, raw in before.items()}


def test_beside_a_newcomer_the_lone_one_says_what_it_takes() -> None:
    world = World(virtual_service(http_route(destination(subset="v2"))), destination_rule("web", "v1", "v2"))
    before = copy.deepcopy(world.spec("VirtualService"))
    [found] = newcomers(world.snapshot, KEY)
    plan = plan_newcomer(world.snapshot, KEY, found)
    assert shown(plan) == ["patch VirtualService web"]
    world.carry_out(plan.steps)
    assert world.spec("VirtualService")["http"][0]["route"] == [
        destination(subset="v2", weight=100),
        destination(subset="v1", weight=0),
    ]
    world.give_back()
    assert world.spec("VirtualService") == before


def test_a_newcomer_is_tagged_where_all_are() -> None:
    world = World(virtual_service(BARE))
    world.adopt(tag=True)
    grow(world)
    [found] = newcomers(world.snapshot, KEY)
    world.carry_out(plan_newcomer(world.snapshot, KEY, found).steps)
    last = world.spec("VirtualService")["http"][0]["route"][-1]
    assert last["headers"]["response"]["set"] == {"x-crossfade-version": "v3"}


def test_without_a_rule_of_its_own_nothing_can_be_added() -> None:
    rule = destination_rule("web", "v1", "v2")
    rule["spec"]["workloadSelector"] = {"matchLabels": {"app": "caller"}}
    world = World(virtual_service(split(90, 10)), rule, pods=MORE)
    [found] = newcomers(world.snapshot, KEY)
    with pytest.raises(Conflict, match="no subset can be added"):
        plan_newcomer(world.snapshot, KEY, found)
