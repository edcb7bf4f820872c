"""What a route says beside its weights: mirrors, ports, claims, faults, what is out of date, what TLS and TCP hide."""

from __future__ import annotations

from typing import Any

import pytest

from tests.istio.builders import (
    Raw,
    destination,
    destination_rule,
    endpoint_slice,
    front,
    gateway,
    http_route,
    pod,
    service,
    service_entry,
    split,
    virtual_service,
    workload,
)
from tests.istio.noted import Case, check, notes_by_page

PAGE = "VirtualService shop/web"
EDGE = [gateway("edge"), pod("edge-1", namespace="istio-system", istio="ingress"), front()]
MESH = [*workload(v1=(1, 1), v2=(1, 1)), destination_rule("web", "v1", "v2"), *EDGE]
TWO_PORTS = [{"number": 80, "name": "http", "protocol": "HTTP"}, {"number": 443, "name": "https", "protocol": "HTTPS"}]
OUTSIDE = service_entry("api.example", spec={"ports": TWO_PORTS})
SEEN_AT_HOME = service_entry("api.example", namespace="other", spec={"exportTo": ["."]})


def route(**fields: Any) -> list[Raw]:
    """A split in the mesh with these fields."""
    return [*MESH, virtual_service(split(90, 10, **fields), hosts=["web"])]


def to(raw: Raw, *more: Raw) -> list[Raw]:
    return [*MESH, *more, virtual_service(http_route(raw), hosts=["api.shop.example"])]


def port_of(raw: Raw, number: int) -> Raw:
    return raw | {"destination": raw["destination"] | {"port": {"number": number}}}


def noted(id_: str, raws: list[Raw], code: str, text: str, ist: str = "", level: str = "info") -> Case:
    return Case(id_, raws, PAGE, code, text, ist, level)


CLAIM = {"headers": {"@request.auth.claims.group": {"exact": "a"}}}
AT_EDGE = virtual_service(http_route(destination("web")), hosts=["web.example"], gateways=["edge"])
IN_THE_MESH = virtual_service(split(90, 10), hosts=["web"], name="inside")

BACK = "api.back.svc.cluster.local"
FOR_CALLERS = [
    service("api", namespace="back"),
    pod("a", namespace="back", app="api", version="v1"),
    endpoint_slice("api", {"a": True}, namespace="back"),
    destination_rule(BACK, "v1"),
]


def through_both(**fields: Any) -> list[Raw]:
    """A route to another namespace's service, by a rule that callers in this one see, and gateways don't."""
    routes = http_route(destination(BACK, "v1"), **fields)
    return [*MESH, *FOR_CALLERS, virtual_service(routes, hosts=["web.example"], gateways=["edge", "mesh"])]


CASES = [
    noted(
        "a-rule-that-the-gateway-does-not-see",
        through_both(),
        "rule-not-seen",
        "The gateway's pods in istio-system see no DestinationRule that defines the subset v1 of api.back.svc",
        level="warning",
    ),
    noted(
        "mirror-host",
        route(mirror={"host": "gone"}),
        "mirror-not-found",
        "The mesh has no service gone, so the copies of this route's requests go nowhere.",
        "IST0101",
        "warning",
    ),
    noted(
        "mirrors-subset",
        route(mirrors=[{"destination": {"host": "web", "subset": "v9"}}]),
        "mirror-not-found",
        "No DestinationRule for web defines the subset v9",
        "IST0101",
        "warning",
    ),
    noted(
        "mirror-port",
        route(mirror={"host": "web", "port": {"number": 81}}),
        "port-not-found",
        "Service shop/web has no port 81, only 80.",
        "IST0101",
        "warning",
    ),
    noted(
        "no-such-port",
        to(port_of(destination("web"), 81)),
        "port-not-found",
        "Service shop/web has no port 81",
        "IST0101",
        "warning",
    ),
    noted(
        "no-such-port-outside",
        to(port_of(destination("api.example"), 81), OUTSIDE),
        "port-not-found",
        "ServiceEntry shop/outside has no port 81, only 80, 443.",
        "IST0101",
        "warning",
    ),
    noted(
        "which-port-outside",
        to(destination("api.example"), OUTSIDE),
        "port-not-named",
        "ServiceEntry shop/outside has several ports (80, 443) and the route names none",
        "IST0112",
    ),
    noted(
        "not-exported",
        to(destination("api.example"), SEEN_AT_HOME),
        "service-not-exported",
        "other/api.example is exported to . alone: proxies in shop don't know it.",
        "IST0101",
    ),
    noted(
        "a-claim",
        [*MESH, virtual_service(split(90, 10, match=[CLAIM]), hosts=["web.example"], gateways=["edge"])],
        "claims",
        "It asks for claims of a signed token",
        "IST0149",
    ),
    noted(
        "delay-by-percent",
        route(fault={"delay": {"fixedDelay": "1s", "percent": 5}}),
        "field-out-of-date",
        "fault.delay.percent is out of date.",
        "IST0002",
    ),
    noted(
        "mirror-by-percent",
        route(mirror={"host": "web", "subset": "v2"}, mirrorPercent=5),
        "field-out-of-date",
        "mirrorPercent is out of date.",
        "IST0133",
    ),
    noted(
        "abort-with-nothing",
        route(fault={"abort": {"percentage": {"value": 5}}}),
        "abort-without-status",
        "Its fault aborts with no status, so nothing is aborted.",
        "IST0133",
    ),
    noted(
        "a-large-answer",
        [
            *MESH,
            virtual_service({"directResponse": {"status": 200, "body": {"string": "x" * 150_000}}}, hosts=["web"]),
        ],
        "large-body",
        "has 146 KB",
        "IST0133",
    ),
    noted(
        "a-split-that-the-gateway-passes-by",
        [*MESH, AT_EDGE, IN_THE_MESH],
        "split-passed-by",
        "VirtualService shop/inside divides web.shop.svc.cluster.local by subsets for callers inside of the mesh.",
        "IST0140",
    ),
    noted(
        "a-gateways-older-name",
        [*MESH, virtual_service(http_route(destination("web", "v1")), gateways=["edge.shop.svc.cluster.local"])],
        "gateway-name",
        "edge.shop.svc.cluster.local is an older way to name the Gateway shop/edge.",
        "IST0133",
    ),
    noted(
        "one-match-twice",
        route(match=[{"uri": {"prefix": "/a"}, "name": "x"}, {"uri": {"prefix": "/a"}}]),
        "match-repeated",
        "It names one match more than once (path starts with /a).",
        "IST0131",
    ),
]

FINE = {
    "a-rule-for-callers-in-the-mesh-and-a-route-for-them": through_both(match=[{"gateways": ["mesh"], "port": 80}]),
    "a-mirror": route(mirror={"host": "web", "subset": "v2"}, mirrorPercentage={"value": 5}),
    "a-mirror-outside": [*route(mirror={"host": "api.example", "port": {"number": 443}}), OUTSIDE],
    "a-fault": route(fault={"abort": {"httpStatus": 500}, "delay": {"fixedDelay": "1s", "percentage": {"value": 5}}}),
    "a-small-answer": [*MESH, virtual_service({"directResponse": {"status": 200, "body": {"string": "x"}}})],
    "one-split-for-both": [
        *MESH,
        virtual_service(split(90, 10), hosts=["web", "web.example"], gateways=["edge", "mesh"]),
    ],
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_one_thing_is_wrong(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("id_", FINE)
def test_nothing_is_wrong(id_: str) -> None:
    assert notes_by_page(*FINE[id_])[PAGE] == ()
