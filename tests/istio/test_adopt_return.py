"""The way back: exactly what was made and added, and nothing that somebody has changed since."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tests.istio.adopting import KEY, World, shown
from tests.istio.builders import (
    destination,
    destination_rule,
    http_route,
    pod,
    split,
    virtual_service,
)
from webapp.istio.adopt.give_back import plan_return
from webapp.istio.adopt.record import ADOPTED, lasting, records
from webapp.istio.parse import parse_virtual_service

HOST = "web.shop.svc.cluster.local"
BARE = http_route(destination())


def test_what_was_made_carries_its_mark() -> None:
    world = World()
    world.adopt()
    for kind in ("DestinationRule", "VirtualService"):
        metadata = world.raws[kind, "shop", "web"]["metadata"]
        assert metadata["labels"] == {"app.kubernetes.io/managed-by": "crossfade"}
        assert json.loads(metadata["annotations"][ADOPTED])["shop/web"].keys() == {"made"}


def test_two_services_of_one_virtual_service_are_given_back_each_by_itself() -> None:
    other = http_route(destination("api"), name="api")
    world = World(virtual_service(http_route(destination(), name="web"), other))
    world.raws["VirtualService", "shop", "web"]["metadata"]["annotations"] = {
        ADOPTED: json.dumps({"shop/api": {"routes": [{"route": "api", "section": "http", "index": 1}]}})
    }
    before = copy.deepcopy(world.istio)
    world.adopt()
    assert json.loads(world.annotations("VirtualService")[ADOPTED]).keys() == {"shop/api", "shop/web"}
    world.give_back()
    assert json.loads(world.annotations("VirtualService")[ADOPTED]).keys() == {"shop/api"}
    assert world.spec("VirtualService") == before["VirtualService", "shop", "web"]["spec"]


def change_nothing(world: World) -> None:
    """Leave all as it is."""


def change_route(world: World) -> None:
    world.spec("VirtualService")["http"][0]["route"][0]["destination"]["host"] = "elsewhere"


def remove_route(world: World) -> None:
    world.spec("VirtualService")["http"][0]["match"] = [{"uri": {"prefix": "/other"}}]


def add_timeout(world: World) -> None:
    world.spec("VirtualService")["http"][0]["timeout"] = "3s"


def insert_route(world: World) -> None:
    world.spec("VirtualService")["http"].insert(0, split(1, name="first"))


def shift(world: World) -> None:
    for each, weight in zip(world.spec("VirtualService")["http"][0]["route"], (1, 99), strict=True):
        each["weight"] = weight


def use_elsewhere(world: World) -> None:
    pinned = virtual_service(http_route(destination(subset="v2")), name="theirs")
    world.raws["VirtualService", "shop", "theirs"] = pinned


def mirror_elsewhere(world: World) -> None:
    copied = http_route(destination("api"), mirror={"host": "web", "subset": "v2"})
    world.raws["VirtualService", "shop", "theirs"] = virtual_service(copied, name="theirs")


def change_subset(world: World) -> None:
    world.spec("DestinationRule")["subsets"][0]["trafficPolicy"] = {"tls": {"mode": "DISABLE"}}


WHOLE = ["VirtualService", "DestinationRule"]


@pytest.mark.parametrize(
    ("meddle", "own", "others", "words"),
    [
        pytest.param(change_nothing, WHOLE, WHOLE, "", id="nothing"),
        pytest.param(shift, WHOLE, WHOLE, "", id="weights-are-ours-to-move"),
        pytest.param(insert_route, [], WHOLE, "", id="another-route-before-it"),
        pytest.param(change_route, [], ["DestinationRule"], "changed since", id="another-destination"),
        pytest.param(remove_route, [], [], "changed since", id="another-match"),
        pytest.param(add_timeout, [], WHOLE, "", id="a-timeout-beside-it"),
        pytest.param(use_elsewhere, ["VirtualService"], WHOLE, "by shop/theirs", id="named-elsewhere"),
        pytest.param(mirror_elsewhere, ["VirtualService"], WHOLE, "by shop/theirs", id="mirrored-to"),
        pytest.param(change_subset, ["VirtualService"], WHOLE, "changed since", id="a-subset"),
    ],
)
@pytest.mark.parametrize("made", [True, False], ids=["made", "extended"])
def test_what_somebody_changed_since_is_left_and_said(
    meddle: Any, own: list[str], others: list[str], words: str, made: bool
) -> None:
    """What is taken back: of `own` kinds where Crossfade made the objects, of `others` where it extended somebody's."""
    world = World() if made else World(virtual_service(BARE), destination_rule("web"))
    before = copy.deepcopy(world.istio)
    world.adopt()
    meddle(world)
    meddled = copy.deepcopy(world.istio)
    plan = world.give_back()
    taken = [step.kind for step in plan.steps]
    assert taken == (own if made else others)
    if words:
        assert words in " ".join(plan.left)
    for name, raw in meddled.items():
        if name[0] not in taken:
            assert world.raws[name] == raw
    if meddle in {use_elsewhere, mirror_elsewhere}:
        # Of two subsets the one that is still named stays, and of a whole rule both.
        names = [each["name"] for each in world.spec("DestinationRule")["subsets"]]
        assert names == (["v1", "v2"] if made else ["v2"])
    if meddle in {change_nothing, shift} and made:
        assert world.istio == before


def test_a_gateway_that_others_use_stays() -> None:
    world = World(pod("gateway-1", istio="ingress"))
    world.adopt(mesh=False, gateway="new", host="a.example", selector="istio=ingress", gateway_name="edge")
    other = virtual_service(http_route(destination("api")), name="theirs", hosts=["b.example"], gateways=["edge"])
    world.raws["VirtualService", "shop", "theirs"] = other
    plan = world.give_back()
    assert shown(plan) == ["delete VirtualService web", "delete DestinationRule web"]
    assert "Gateway shop/edge stays: shop/theirs uses it." in plan.left


@pytest.mark.parametrize("written", ["", "{", "[]", "7", '{"shop/web": 7}', '{"shop/web": {}}', "[" * 100_000])
def test_a_record_that_people_have_spoilt_is_none(written: str) -> None:
    raw = virtual_service(BARE, annotations={ADOPTED: written})
    assert records(parse_virtual_service(raw).metadata) == {}
    assert plan_return(World(raw).snapshot, KEY).steps == ()


@pytest.mark.parametrize(
    "record",
    [
        {"routes": 7},
        {"routes": [7, {}, {"route": [], "index": "0", "section": None}]},
        {"added": [{"destination": 7}]},
        {"subsets": "v1"},
        {"subsets": [7, {"name": []}]},
        {"made": 7},
    ],
)
def test_a_record_of_odd_shape_takes_nothing(record: Any) -> None:
    annotations = {ADOPTED: json.dumps({"shop/web": record})}
    raws = [virtual_service(BARE, annotations=annotations), destination_rule("web", "v1", annotations=annotations)]
    assert plan_return(World(*raws).snapshot, KEY).steps == ()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"response": {"set": {"x-crossfade-version": "v1"}}}, None),
        ({"response": {"set": {"x-crossfade-version": "v1", "a": "b"}}}, {"response": {"set": {"a": "b"}}}),
        ({"response": {"set": {"x-crossfade-version": "v1"}, "remove": ["c"]}}, {"response": {"remove": ["c"]}}),
        ({"request": {}, "response": {"set": {"x-crossfade-version": "v1"}}}, {"request": {}}),
        ({"response": {"set": {}}}, {"response": {"set": {}}}),
        ("odd", "odd"),
    ],
)
def test_the_tag_does_not_count_as_a_change(headers: Any, expected: Any) -> None:
    raw = {"destination": {"host": "web"}, "weight": 7, "headers": headers}
    rest = {} if expected is None else {"headers": expected}
    assert lasting([copy.deepcopy(raw)]) == [{"destination": {"host": "web"}, **rest}]
