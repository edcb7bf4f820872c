"""What is written: in which order, what stays as it is, and what is refused."""

from __future__ import annotations

import copy

import pytest

from tests.istio.adopting import World, shown
from tests.istio.builders import (
    Raw,
    destination,
    destination_rule,
    gateway,
    http_route,
    pod,
    raw_object,
    server,
    split,
    virtual_service,
)
from webapp.errors import Conflict, Owned
from webapp.istio.adopt.consequences import FATAL, consequences
from webapp.istio.adopt.steps import FORGET_SECONDS, LEARN_SECONDS, settle_seconds

HOST = "web.shop.svc.cluster.local"
BARE = http_route(destination())


def test_the_order_breaks_nothing() -> None:
    world = World(virtual_service(BARE, gateways=["edge"]), gateway("edge", server(80, "HTTP", "web.example")))
    plan = world.plan(mesh=True)
    assert shown(plan) == ["create DestinationRule web", "patch VirtualService web", "create VirtualService web-2"]
    assert settle_seconds(plan.steps[0], plan.steps[1]) == LEARN_SECONDS
    world.carry_out(plan.steps)
    back = world.give_back()
    assert shown(back) == ["patch VirtualService web", "delete VirtualService web-2", "delete DestinationRule web"]
    assert settle_seconds(back.steps[1], back.steps[2]) == FORGET_SECONDS
    assert settle_seconds(back.steps[0], back.steps[1]) == settle_seconds(back.steps[2], None) == 0


def test_a_split_is_what_the_lone_destination_was() -> None:
    lone = destination("web", None, 100, headers={"request": {"set": {"a": "b"}}}, **{"x-new": 1})
    lone["destination"]["port"] = {"number": 80}
    world = World(virtual_service(http_route(lone, timeout="3s", name="n", match=[{"uri": {"prefix": "/"}}])))
    world.adopt()
    expected = [
        {
            "destination": {"host": "web", "port": {"number": 80}, "subset": subset},
            "weight": weight,
            "headers": {"request": {"set": {"a": "b"}}},
            "x-new": 1,
        }
        for subset, weight in (("v1", 75), ("v2", 25))
    ]
    route = world.spec("VirtualService")["http"][0]
    assert route == {"route": expected, "timeout": "3s", "name": "n", "match": [{"uri": {"prefix": "/"}}]}


def test_the_tag_stands_beside_other_headers() -> None:
    lone = destination(headers={"response": {"set": {"a": "b"}, "remove": ["c"]}})
    world = World(virtual_service(http_route(lone)))
    world.adopt(tag=True)
    first = world.spec("VirtualService")["http"][0]["route"][0]
    assert first["headers"] == {"response": {"set": {"a": "b", "x-crossfade-version": "v1"}, "remove": ["c"]}}


def test_the_policy_that_holds_now_goes_on_holding() -> None:
    policy = {"tls": {"mode": "ISTIO_MUTUAL"}}
    wildcard = raw_object(
        "DestinationRule",
        "all",
        namespace="istio-system",
        spec={"host": "*.svc.cluster.local", "trafficPolicy": policy},
    )
    world = World(wildcard)
    plan = world.adopt()
    assert world.spec("DestinationRule") == {
        "host": HOST,
        "trafficPolicy": policy,
        "subsets": [{"name": "v1", "labels": {"version": "v1"}}, {"name": "v2", "labels": {"version": "v2"}}],
    }
    assert "istio-system/all" in plan.steps[0].why


def test_a_rule_for_some_callers_alone_is_not_extended() -> None:
    rule = destination_rule("web", "v1", "v2")
    rule["spec"]["workloadSelector"] = {"matchLabels": {"app": "caller"}}
    assert World(rule).propose().rule is None


def test_subsets_that_no_gateway_would_see_are_fatal() -> None:
    hidden = destination_rule("web")
    hidden["spec"]["exportTo"] = ["."]
    front = [
        gateway("edge", server(80), selector={"istio": "ingress"}),
        pod("gateway-1", namespace="istio-system", istio="ingress"),
    ]
    world = World(hidden, virtual_service(BARE, gateways=["edge"]), *front)
    found = consequences(world.snapshot, world.plan())
    assert {note.code for note in found} & FATAL
    del hidden["spec"]["exportTo"]
    assert not consequences(world.snapshot, world.plan())


def test_subsets_that_a_nearer_rule_would_hide_are_fatal() -> None:
    nearer = raw_object("DestinationRule", "web", namespace="front", spec={"host": HOST})
    door = virtual_service(http_route(destination(HOST)), name="door", namespace="front")
    world = World(nearer, door)
    assert {note.code for note in consequences(world.snapshot, world.plan())} & FATAL
    del world.raws["DestinationRule", "front", "web"]
    assert not consequences(world.snapshot, world.plan())


def test_routes_of_all_kinds_and_places() -> None:
    tcp = [{"match": [{"port": 9000}], "route": [{"destination": {"host": "web"}}]}]
    world = World(virtual_service(split(1, 1), BARE, http_route(redirect={}), tcp=tcp))
    before = copy.deepcopy(world.spec("VirtualService"))
    world.adopt(tag=True)
    after = world.spec("VirtualService")
    assert [each["weight"] for each in after["tcp"][0]["route"]] == [75, 25]
    assert "headers" not in after["tcp"][0]["route"][0]
    assert (after["http"][0], after["http"][2]) == (before["http"][0], before["http"][2])
    assert world.propose().candidates == ()


def test_several_ports_are_told_to_the_gateway() -> None:
    ports = [{"name": "http", "port": 80}, {"name": "http-admin", "port": 81}, {"name": "redis", "port": 6379}]
    world = World(gateway("edge", server(80)))
    world.raws["Service", "shop", "web"]["spec"]["ports"] = ports
    assert world.propose().ports == (80, 81)
    chosen = {"gateway": "shop/edge", "host": "a.example", "port": "81"}
    assert "mesh" in world.problems(mesh=True, **chosen)
    assert "port" in world.problems(mesh=False, **chosen | {"port": "6379"})
    world.adopt(mesh=False, **chosen)
    assert world.spec("VirtualService")["http"][0]["route"][0]["destination"]["port"] == {"number": 81}


def test_without_a_port_for_http_no_http_route_is_made() -> None:
    world = World()
    world.raws["Service", "shop", "web"]["spec"]["ports"] = [{"name": "redis", "port": 6379}]
    assert "HTTP" in world.problems()["mesh"]


def test_an_overlong_record_is_refused() -> None:
    body = {"headers": {"request": {"set": {f"x-{number}": "y" * 40 for number in range(100)}}}}
    world = World(virtual_service(*(http_route(destination(**body), name=f"r{number}") for number in range(10))))
    with pytest.raises(Conflict, match="record would grow too long"):
        world.plan()


def test_an_unreadable_list_of_subsets_is_left_alone() -> None:
    rule = destination_rule("web")
    rule["spec"]["subsets"] = {"v1": {}}
    with pytest.raises(Conflict, match="can't be read"):
        World(rule, virtual_service(BARE)).plan()


@pytest.mark.parametrize(
    ("metadata", "consents", "is_let"),
    [
        pytest.param({}, [], True, id="nobodys"),
        pytest.param({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, [], False, id="helm-without-consent"),
        pytest.param({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, ["Helm"], True, id="helm-with-consent"),
        pytest.param({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, ["Flux"], False, id="another-consent"),
        pytest.param(
            {"ownerReferences": [{"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": "web"}]},
            ["Flagger"],
            False,
            id="flagger-takes-no-annotation",
        ),
    ],
)
def test_consent_is_asked_for_each_owner(metadata: Raw, consents: list[str], is_let: bool) -> None:
    plan = World(virtual_service(BARE, **metadata)).plan()
    if is_let:
        plan.expect_consents(consents)
    else:
        with pytest.raises(Owned):
            plan.expect_consents(consents)
