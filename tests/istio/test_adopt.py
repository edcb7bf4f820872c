"""Taking control, rule by rule: labels, proposals, plans, the way back, and versions that appear later."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tests.istio.adopting import KEY, World, shown
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
from webapp.istio.adopt.give_back import plan_return
from webapp.istio.adopt.labels import subset_name, tellings
from webapp.istio.adopt.newcomer import newcomers, plan_newcomer
from webapp.istio.adopt.record import ADOPTED, lasting, records
from webapp.istio.adopt.steps import FORGET_SECONDS, LEARN_SECONDS, settle_seconds
from webapp.istio.parse import parse_pod, parse_virtual_service

HOST = "web.shop.svc.cluster.local"
BARE = http_route(destination())


def pods(*labels: dict[str, str]) -> list[Any]:
    return [parse_pod(pod(f"p-{number}", **each)) for number, each in enumerate(labels)]


# Labels


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


# Proposals


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


# Plans


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


# Who else owns it


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


# The way back


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


# Versions that appear later


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
