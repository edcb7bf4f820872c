"""Taking control and giving it back, for any objects that may be there: what was, is again; nothing else is touched."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.istio.adopting import KEY, World
from tests.istio.builders import raw_object
from tests.istio.strategies import json_values, oddities, steady, unknown_fields, virtual_services
from webapp.istio.adopt.newcomer import newcomers, plan_newcomer
from webapp.istio.adopt.record import ADOPTED

HOST = "web.shop.svc.cluster.local"
NAMES = st.sampled_from(["web", HOST])


@st.composite
def bare_routes(draw: st.DrawFn) -> dict[str, Any]:
    """A route with the service alone, and whatever else people write beside it."""
    lone = draw(unknown_fields) | {"destination": draw(unknown_fields) | {"host": draw(NAMES)}}
    for field in draw(st.sets(st.sampled_from(["weight", "headers"]))):
        lone[field] = draw(st.sampled_from([100, 0, 7])) if field == "weight" else draw(oddities)
    raw = draw(unknown_fields) | {"route": [lone]}
    for field in draw(st.sets(st.sampled_from(["name", "match", "timeout", "retries", "mirror"]))):
        raw[field] = draw(oddities)
    return raw


@st.composite
def routed(draw: st.DrawFn) -> dict[str, Any]:
    """A VirtualService with routes of all sorts, at least one of them bare.

    None names a subset that is added: a route that led nowhere before would keep it from being taken away.
    """
    raw = draw(virtual_services())
    for route in (route for section in ("http", "tls", "tcp") for route in raw["spec"].get(section, [])):
        for each in route["route"]:
            each["destination"]["subset"] += "-of-old"
    http = raw["spec"]["http"]
    http.insert(draw(st.integers(0, len(http))), draw(bare_routes()))
    return raw


@st.composite
def destination_rules(draw: st.DrawFn) -> dict[str, Any]:
    spec = draw(unknown_fields) | {"host": draw(NAMES)}
    if draw(st.booleans()):
        given_names = st.sampled_from(["v1", "v2", "old", "canary"])
        subset = st.builds(
            lambda name, labels, more: more | {"name": name, "labels": labels},
            given_names,
            st.sampled_from([{"version": "v1"}, {"version": "v2"}, {"track": "old"}, {}]),
            st.sampled_from([{}, {"trafficPolicy": {"tls": {"mode": "DISABLE"}}}]),
        )
        spec["subsets"] = draw(st.lists(subset, max_size=3))
    if draw(st.booleans()):
        spec["trafficPolicy"] = draw(json_values)
    metadata = {"annotations": draw(st.dictionaries(st.sampled_from(["team", "a~b/c"]), st.just("x")))}
    return raw_object("DestinationRule", "web", spec=spec, resourceVersion="3", **metadata)


def without_ours(raw: dict[str, Any]) -> dict[str, Any]:
    """An object as it is compared: the API server keeps no empty annotations, and counts versions by itself."""
    raw = copy.deepcopy(raw)
    metadata = raw["metadata"]
    metadata.pop("resourceVersion", None)
    if not isinstance(metadata.get("annotations"), dict) or not metadata["annotations"]:
        metadata.pop("annotations", None)
    return raw


@steady
@given(
    virtual_service=st.none() | routed(), rule=st.none() | destination_rules(), mesh=st.booleans(), tag=st.booleans()
)
def test_what_was_given_back_is_as_it_was(
    virtual_service: dict[str, Any] | None, rule: dict[str, Any] | None, mesh: bool, tag: bool
) -> None:
    raws = [copy.deepcopy(each) for each in (virtual_service, rule) if each]
    world = World(*copy.deepcopy(raws))
    before = {name: without_ours(raw) for name, raw in world.istio.items()}
    reason = world.propose().mesh_reason
    world.adopt(mesh=(mesh or virtual_service is None) and not reason, tag=tag)
    assert {name: without_ours(raw) for name, raw in world.istio.items()} != before
    plan = world.give_back()
    assert plan.left == ()
    assert {name: without_ours(raw) for name, raw in world.istio.items()} == before


@steady
@given(virtual_service=routed(), rule=destination_rules(), tag=st.booleans())
def test_nothing_is_changed_but_what_is_planned(
    virtual_service: dict[str, Any], rule: dict[str, Any], tag: bool
) -> None:
    world = World(copy.deepcopy(virtual_service), copy.deepcopy(rule))
    plan = world.adopt(tag=tag)
    chosen = {(each.route.section, each.route.index) for each in World(virtual_service, rule).propose().candidates}
    for step in plan.steps:
        # What was shown is what is stored.
        stored = world.raws[step.kind, step.namespace, step.name]
        assert stored["spec"] == dict(step.after or {})["spec"]
        assert stored["metadata"].get("annotations") == dict(step.after or {})["metadata"]["annotations"]
    after = copy.deepcopy(world.spec("VirtualService"))
    expected = copy.deepcopy(virtual_service["spec"])
    for section, index in chosen:
        del after[section][index]["route"], expected[section][index]["route"]
    assert after == expected
    subsets = world.spec("DestinationRule").get("subsets", [])
    known = rule["spec"].get("subsets", [])
    assert subsets[: len(known)] == known
    assert {**world.spec("DestinationRule"), "subsets": []} == {**rule["spec"], "subsets": []}


@steady
@given(virtual_service=routed(), rule=destination_rules())
def test_every_split_adds_up(virtual_service: dict[str, Any], rule: dict[str, Any]) -> None:
    world = World(virtual_service, rule)
    chosen = world.propose().candidates
    world.adopt()
    for each in chosen:
        route = world.spec("VirtualService")[each.route.section][each.route.index]["route"]
        assert [destination["weight"] for destination in route] == [75, 25]


@steady
@given(weights=st.lists(st.integers(0, 100), min_size=2, max_size=2).filter(any), virtual_service=routed())
def test_shifts_in_between_do_not_matter(weights: list[int], virtual_service: dict[str, Any]) -> None:
    world = World(copy.deepcopy(virtual_service))
    chosen = world.propose().candidates
    world.adopt()
    for each in chosen:
        route = world.spec("VirtualService")[each.route.section][each.route.index]["route"]
        for destination, weight in zip(route, weights, strict=True):
            destination["weight"] = weight
    assert world.give_back().left == ()
    assert world.spec("VirtualService") == virtual_service["spec"]


@steady
@given(virtual_service=routed(), rule=st.none() | destination_rules())
def test_a_newcomer_goes_with_the_rest(virtual_service: dict[str, Any], rule: dict[str, Any] | None) -> None:
    raws = [each for each in (virtual_service, rule) if each]
    world = World(*copy.deepcopy(raws))
    before = {name: without_ours(raw) for name, raw in world.istio.items()}
    world.adopt()
    world.raws |= World(pods={"v1": (3, 3), "v2": (1, 1), "v3": (1, 1)}).raws
    while found := newcomers(world.snapshot, KEY):
        world.carry_out(plan_newcomer(world.snapshot, KEY, found[0]).steps)
    world.give_back()
    assert {name: without_ours(raw) for name, raw in world.istio.items()} == before
    assert ADOPTED not in str(world.istio)
