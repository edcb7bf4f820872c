"""Which route takes this request, rule by rule."""

from __future__ import annotations

from typing import Any

import pytest

from tests.istio.builders import destination, gateway, http_route, pod, server, service, virtual_service
from tests.istio.builders import snapshot as snapshot_of
from webapp.istio.explain import Explanation, Request, explain

Raw = dict[str, Any]
EDGE = ("shop", "edge")
GATEWAY = [gateway("edge"), pod("edge-1", istio="ingress")]
REQUEST = Request(host="web.example")


def to(version: str, *match: Raw, **fields: Any) -> Raw:
    return http_route(destination("web", version), **({"match": list(match)} if match else {}), **fields)


def at_edge(*routes: Raw, name: str = "web", **fields: Any) -> Raw:
    return virtual_service(*routes, name=name, gateways=["edge"], **fields)


def told(*raws: Raw, request: Request = REQUEST, at: Any = EDGE) -> Explanation:
    return explain(snapshot_of(*GATEWAY, *raws), request, gateway=at)


def outcome(explanation: Explanation) -> str:
    if explanation.taken is None:
        return ""
    owner, route = explanation.taken
    return f"{owner.metadata.name} {route.index}"


JASON = {"headers": {"end-user": {"exact": "jason"}}}


def test_the_first_route_that_matches_takes_the_request() -> None:
    explanation = told(at_edge(to("v2", JASON), to("v1"), to("v3")))
    assert outcome(explanation) == "web 1"
    assert [(step.http_route, step.taken) for step in explanation.steps] == [(None, True), (0, False), (1, True)]
    assert explanation.steps[0].because == "host web.example is web.example"
    assert explanation.steps[2].because == "it has no match, so it takes everything"
    assert (explanation.certain, explanation.because) == (True, "Route 1 of shop/web takes the request.")


def test_alternatives_say_why_none_of_them_fits() -> None:
    explanation = told(at_edge(to("v2", JASON, {"uri": {"exact": "/a"}})))
    assert explanation.steps[1].because == (
        "header end-user is jason: the request has none; path is /a: the request has /"
    )
    assert (explanation.taken, explanation.because) == (None, "No route takes the request, so it is answered 404.")


def test_what_cannot_be_decided_is_not_hidden_behind_the_outcome() -> None:
    explanation = told(at_edge(to("v2", {"port": 81}), to("v1")))
    assert outcome(explanation) == "web 1"
    assert not explanation.certain
    assert explanation.because == "Route 1 of shop/web takes the request, unless route 0 of shop/web does."


ANY = at_edge(to("v1"), name="any", hosts=["*"])
WIDE = at_edge(to("v1"), name="wide", hosts=["*.example"])
WIDER = at_edge(to("v1"), name="longer", hosts=["*.b.example"])
EXACT = at_edge(to("v1"), name="exact", hosts=["web.example", "*.web.example"])


@pytest.mark.parametrize(
    ("host", "taken"),
    [
        pytest.param("web.example", "exact 0", id="exact"),
        pytest.param("WEB.example:8080", "exact 0", id="case-and-port-do-not-count"),
        pytest.param("a.b.example", "longer 0", id="the-longest-suffix"),
        pytest.param("a.example", "wide 0", id="a-shorter-suffix"),
        pytest.param("x.org", "any 0", id="any"),
        pytest.param("", "any 0", id="no-host"),
        pytest.param("[fd00::1]:80", "any 0", id="an-address"),
    ],
)
def test_the_most_specific_host_is_chosen(host: str, taken: str) -> None:
    assert outcome(told(ANY, WIDE, WIDER, EXACT, request=Request(host=host))) == taken


def test_the_others_are_told_why_not() -> None:
    steps = told(ANY, EXACT, at_edge(to("v1"), name="elsewhere", hosts=["x.org"])).steps
    assert [(step.virtual_service[1], step.because) for step in steps[:2]] == [
        ("any", "host *: web.example of another is more specific"),
        ("exact", "host web.example is web.example"),
    ]
    assert len(steps) == 3


OLD = at_edge(to("v1", {"uri": {"prefix": "/a"}}), to("v2"), name="old", creationTimestamp="T1")
YOUNG = at_edge(to("v3", {"uri": {"prefix": "/b"}}), to("v4"), name="young", creationTimestamp="T2")


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        pytest.param("/a", "old 0", id="of-the-older"),
        pytest.param("/b", "young 0", id="of-the-younger-although-the-older-takes-everything"),
        pytest.param("/c", "old 1", id="everything-goes-to-the-older"),
    ],
)
def test_a_gateway_merges_virtual_services_of_one_host_by_age(path: str, taken: str) -> None:
    assert outcome(told(YOUNG, OLD, request=Request(host="web.example", path=path))) == taken


def test_behind_everything_nothing_of_the_same_virtual_service_is_asked() -> None:
    behind = at_edge(to("v1"), to("v9", {"uri": {"prefix": "/b"}}), name="first", creationTimestamp="T0")
    request = Request(host="web.example", path="/b")
    assert outcome(told(behind, YOUNG, request=request)) == "young 0"


MESH_OLD = virtual_service(to("v1"), name="old", hosts=["web"], creationTimestamp="T1")
MESH_YOUNG = virtual_service(to("v2"), name="young", hosts=["web.shop.svc.cluster.local"], creationTimestamp="T2")
FRONT = virtual_service(
    to("v3"), name="front", namespace="front", hosts=["web.shop.svc.cluster.local"], creationTimestamp="T9"
)


@pytest.mark.parametrize(
    ("raws", "caller", "host", "taken"),
    [
        pytest.param([MESH_YOUNG, MESH_OLD], "shop", "web", "old 0", id="a-sidecar-takes-the-oldest-alone"),
        pytest.param([MESH_OLD, FRONT], "front", "web.shop", "front 0", id="the-callers-own-first"),
        pytest.param([MESH_OLD], "", "web.shop.svc:80", "old 0", id="a-shorter-name"),
        pytest.param([MESH_OLD], "front", "web", "", id="a-short-name-is-the-callers"),
        pytest.param([ANY], "shop", "web", "", id="of-a-gateway-alone"),
    ],
)
def test_inside_of_the_mesh(raws: list[Raw], caller: str, host: str, taken: str) -> None:
    request = Request(host=host, source_namespace=caller)
    assert outcome(told(*raws, service(), request=request, at="mesh")) == taken


def private(raw: Raw, *export_to: str) -> Raw:
    return raw | {"spec": raw["spec"] | {"exportTo": list(export_to)}}


@pytest.mark.parametrize(
    ("export_to", "taken"),
    [
        pytest.param(["."], "", id="its-own-namespace-is-not-the-gateways"),
        pytest.param(["istio-system"], "web 0", id="the-gateways-namespace"),
        pytest.param(["*"], "web 0", id="all"),
        pytest.param(["~"], "", id="nobody"),
    ],
)
def test_export_to_is_about_the_namespace_of_the_gateways_pods(export_to: list[str], taken: str) -> None:
    raws = [gateway("far", selector={"a": "b"}), pod("far-1", namespace="istio-system", a="b")]
    raw = private(virtual_service(to("v1"), gateways=["far"]), *export_to)
    assert outcome(told(*raws, raw, at=("shop", "far"))) == taken


ROOT = at_edge(
    {"match": [{"uri": {"prefix": "/a"}}], "delegate": {"name": "team", "namespace": "b"}}, to("v1"), name="root"
)
TEAM = virtual_service(to("v2", JASON), to("v3"), name="team", namespace="b", hosts=[])


@pytest.mark.parametrize(
    ("raws", "request_", "taken"),
    [
        pytest.param([ROOT, TEAM], Request(path="/a"), "team 1", id="both-match"),
        pytest.param([ROOT, TEAM], Request(path="/b"), "root 1", id="the-root-does-not"),
        pytest.param([ROOT], Request(path="/a"), "root 1", id="no-such-delegate"),
        pytest.param([ROOT, private(TEAM, ".")], Request(path="/a"), "root 1", id="not-exported-to-the-root"),
        pytest.param(
            [ROOT, virtual_service(to("v2"), name="team", namespace="b", hosts=["x"])],
            Request(path="/a"),
            "root 1",
            id="with-hosts-of-its-own",
        ),
    ],
)
def test_delegates(raws: list[Raw], request_: Request, taken: str) -> None:
    assert outcome(told(*raws, request=Request(host="web.example", path=request_.path))) == taken


def test_a_delegates_route_says_through_which_root() -> None:
    steps = told(ROOT, TEAM, request=Request(host="web.example", path="/a")).steps
    assert steps[2].virtual_service == ("b", "team")
    assert steps[2].because.endswith("takes everything, by delegation from shop/root route 0")


@pytest.mark.parametrize(
    ("raws", "at", "because"),
    [
        pytest.param([], ("shop", "gone"), "Gateway shop/gone does not exist.", id="no-gateway"),
        pytest.param(
            [gateway("one", server(80, "HTTP", "x.org"))],
            ("shop", "one"),
            "No server of Gateway shop/one has the host web.example: it answers 404.",
            id="no-server",
        ),
        pytest.param(
            [],
            EDGE,
            "No VirtualService that gateway shop/edge carries has the host web.example: it answers 404.",
            id="no-virtual-service",
        ),
        pytest.param(
            [],
            "mesh",
            "No VirtualService for callers in the mesh has the host web.example: its Service is called directly.",
            id="no-virtual-service-in-the-mesh",
        ),
    ],
)
def test_nothing_to_ask(raws: list[Raw], at: Any, because: str) -> None:
    assert told(*raws, at=at) == Explanation((), None, because)
