"""Objects from JSON: what is read, and that nothing in them can break the reading."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.istio import builders
from tests.istio.strategies import json_values, steady, virtual_services
from webapp.istio import parse
from webapp.istio.objects import HttpMatch, StringMatch

PARSERS: list[Any] = [
    parse.parse_virtual_service,
    parse.parse_destination_rule,
    parse.parse_gateway,
    parse.parse_service_entry,
    parse.parse_service,
    parse.parse_pod,
    parse.parse_endpoint_slice,
]
MEMBERS = st.sampled_from(
    [
        "metadata",
        "name",
        "spec",
        "status",
        "labels",
        "annotations",
        "managedFields",
        "ownerReferences",
        "conditions",
        "hosts",
    ]
    + ["gateways", "http", "match", "route", "destination", "port", "subsets", "servers", "tls", "selector", "ports"]
    + ["endpoints", "targetRef", "loadBalancer", "ingress", "headers", "uri", "weight", "sourceLabels"]
)
OBJECTS = st.dictionaries(
    MEMBERS,
    st.recursive(json_values, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(MEMBERS, inner, max_size=4)),
)


@steady
@given(raw=OBJECTS)
def test_nothing_that_json_can_say_breaks_a_parser(raw: dict[str, Any]) -> None:
    metadata = raw.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    for parse_one in PARSERS:
        assert parse_one(raw).metadata.name == (name if isinstance(name, str) else "")


@steady
@given(raw=virtual_services())
def test_places_in_lists_are_kept(raw: dict[str, Any]) -> None:
    virtual_service = parse.parse_virtual_service(raw)
    assert [len(route.route) for route in virtual_service.http] == [
        len(route["route"]) for route in raw["spec"]["http"]
    ]
    assert [route.index for route in virtual_service.http] == list(range(len(raw["spec"]["http"])))
    assert virtual_service.raw is raw


@pytest.mark.parametrize("odd", [True, False, "10", 10.0, None, [10], {}], ids=repr)
def test_a_weight_of_another_type_counts_as_absent(odd: Any) -> None:
    raw = builders.http_route(builders.destination(weight=90), builders.destination() | {"weight": odd})
    route = builders.parsed_route(raw)
    assert route.route[1].weight is None
    assert route.weights == (90, 0)


def test_an_entry_that_is_no_object_keeps_its_place() -> None:
    raw = builders.virtual_service("odd", builders.http_route(None, builders.destination(weight=5)))  # type: ignore[arg-type]
    first, second = parse.parse_virtual_service(raw).http
    assert first.route == ()
    assert (second.index, second.route[0].destination.host, second.route[1].weight) == (1, "", 5)


def test_a_virtual_service_in_full() -> None:
    raw = builders.virtual_service(
        builders.split(90, 10, name="main", timeout="2s", retries={"attempts": 2}, mirrorPercentage={"value": 5}),
        gateways=["edge"],
        annotations={"team": "a", "odd": 1},
        managedFields=[
            {"manager": "kubectl-edit", "operation": "Update", "time": "2026-01-02T03:04:05Z", "fieldsV1": {}}
        ],
        ownerReferences=[{"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": "web", "controller": True}],
        conditions=[{"type": "Reconciled", "status": "False"}],
    )
    raw["spec"] |= {"tls": [{}], "tcp": [{}, {}], "exportTo": ["."]}
    virtual_service = parse.parse_virtual_service(raw)
    assert virtual_service.metadata.full_name == "shop/web"
    assert virtual_service.metadata.annotations == {"team": "a"}
    assert virtual_service.metadata.managed_fields[0].manager == "kubectl-edit"
    assert virtual_service.metadata.owner_references[0].controller is True
    assert (virtual_service.gateways, len(virtual_service.tls), len(virtual_service.tcp)) == (("edge",), 1, 2)
    assert virtual_service.conditions[0]["type"] == "Reconciled"
    route = virtual_service.http[0]
    assert (route.name, route.timeout, route.retries, route.fault) == ("main", "2s", {"attempts": 2}, None)
    assert [each.destination.subset for each in route.route] == ["v1", "v2"]


def test_without_gateways_it_holds_in_the_mesh() -> None:
    assert builders.parsed().gateways == ("mesh",)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param({"uri": {"exact": "/a"}}, HttpMatch(uri=StringMatch("exact", "/a")), id="exact"),
        pytest.param(
            {"uri": {"prefix": "/"}, "ignoreUriCase": True},
            HttpMatch(uri=StringMatch("prefix", "/"), ignore_uri_case=True),
            id="prefix",
        ),
        pytest.param(
            {"headers": {"a": {}, "b": {"regex": "*"}}},
            HttpMatch(headers={"a": StringMatch("present"), "b": StringMatch("present")}),
            id="presence",
        ),
        pytest.param({"uri": {}, "method": None}, HttpMatch(), id="an-empty-condition-asks-for-nothing"),
        pytest.param(
            {"port": 80, "gateways": ["edge"], "statPrefix": "x", "name": "n"},
            HttpMatch(name="n", port=80, gateways=("edge",)),
            id="others",
        ),
        pytest.param({"uri": {"suffix": "/a"}}, HttpMatch(unknown=("uri",)), id="unknown-kind"),
        pytest.param({"uri": {"exact": "/a", "prefix": "/"}}, HttpMatch(unknown=("uri",)), id="two-kinds"),
        pytest.param({"headers": {"a": {"exact": 1}}}, HttpMatch(unknown=("headers.a",)), id="a-value-of-another-type"),
        pytest.param({"cookies": {"a": {}}}, HttpMatch(unknown=("cookies",)), id="unknown-field"),
        pytest.param({"port": True}, HttpMatch(unknown=("port",)), id="a-port-that-is-none"),
        pytest.param({"sourceLabels": {"app": 1}}, HttpMatch(unknown=("sourceLabels",)), id="labels-that-are-none"),
        pytest.param({"gateways": "edge"}, HttpMatch(unknown=("gateways",)), id="gateways-that-are-no-list"),
        pytest.param("odd", HttpMatch(unknown=("match",)), id="no-object"),
    ],
)
def test_a_match_drops_nothing_that_it_can_not_read(raw: Any, expected: HttpMatch) -> None:
    assert builders.parsed_route({"match": [raw]}).match == (expected,)


def test_a_match_that_is_no_list_is_not_everything() -> None:
    assert builders.parsed_route({"match": {"uri": {"exact": "/"}}}).match == (HttpMatch(unknown=("match",)),)


def test_a_service_with_its_addresses() -> None:
    raw = builders.service(
        type="LoadBalancer",
        externalIPs=["192.0.2.9"],
        ports=[{"port": 80, "name": "http", "targetPort": "web", "nodePort": 31080}],
        status={"loadBalancer": {"ingress": [{"hostname": "lb.example"}, {}, {"ip": "192.0.2.1"}]}},
    )
    service = parse.parse_service(raw)
    assert service.external_addresses == ("lb.example", "192.0.2.1", "192.0.2.9")
    assert (service.ports[0].target_port, service.ports[0].node_port, service.ports[0].protocol) == (
        "web",
        31080,
        "TCP",
    )


def test_an_endpoint_that_does_not_say_so_is_ready() -> None:
    raw = builders.endpoint_slice("web", {"a": True, "b": False})
    raw["endpoints"] += [
        {"addresses": ["10.0.0.1"]},
        {"conditions": {"ready": None}, "targetRef": {"kind": "Node", "name": "n"}},
    ]
    parsed = parse.parse_endpoint_slice(raw)
    assert parsed.service == "web"
    assert [(each.pod, each.ready) for each in parsed.endpoints] == [("a", True), ("b", False), ("", True), ("", True)]


def test_a_gateway_and_its_servers() -> None:
    raw = builders.gateway(
        "edge", builders.server(443, "https", "a.example", tls={"mode": "SIMPLE", "httpsRedirect": False})
    )
    server = parse.parse_gateway(raw).servers[0]
    assert (server.port, server.protocol, server.hosts, server.tls_mode) == (443, "HTTPS", ("a.example",), "SIMPLE")
    assert server.https_redirect is False
