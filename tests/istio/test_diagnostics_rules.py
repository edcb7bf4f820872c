"""What is wrong with DestinationRules, Services and ServiceEntries, as the pages of services and routes say it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.istio.builders import (
    Raw,
    destination,
    destination_rule,
    http_route,
    raw_object,
    service,
    service_entry,
    split,
    virtual_service,
    workload,
)
from tests.istio.noted import Case, check, notes_by_page

WEB = "Service shop/web"
MESH = workload(v1=(1, 1))


def rule(**policy: Any) -> list[Raw]:
    return [*MESH, raw_object("DestinationRule", "web", spec={"host": "web", "trafficPolicy": policy})]


def in_subset(**policy: Any) -> list[Raw]:
    return [*MESH, destination_rule("web", {"name": "v1", "labels": {"version": "v1"}, "trafficPolicy": policy})]


def with_selector(selector: Raw, **policy: Any) -> list[Raw]:
    spec = {"host": "web", "workloadSelector": selector, "trafficPolicy": policy}
    return [*MESH, raw_object("DestinationRule", "web", spec=spec)]


def port(name: str, number: int = 80, **fields: Any) -> list[Raw]:
    spec = [{"name": name, "port": number, **fields}] if name else [{"port": number, **fields}]
    return [service("web", ports=spec), *MESH[1:]]


def external(name: str) -> list[Raw]:
    ports = [{"name": name, "port": 443}]
    return [service("web", {}, type="ExternalName", externalName="outside.example", clusterIP="", ports=ports)]


def waypoint(**metadata: Any) -> list[Raw]:
    made = service("web")
    return [made | {"metadata": made["metadata"] | metadata}, *MESH[1:]]


def bound(status: str, message: str) -> list[Raw]:
    told = {"type": "istio.io/WaypointBound", "status": status, "reason": "r", "message": message}
    condition = told | {"lastTransitionTime": "2026-01-02T12:00:00Z"}
    return [service("web", status={"conditions": [condition]}), *MESH[1:]]


def noted(id_: str, raws: list[Raw], code: str, text: str, ist: str = "", level: str = "info", page: str = WEB) -> Case:
    return Case(id_, raws, page, code, text, ist, level)


def settings(id_: str, raws: list[Raw], text: str) -> Case:
    return noted(id_, raws, "rule-settings", f"DestinationRule shop/web: {text}", "IST0133")


PORT_80 = {"port": {"number": 80}}
MYSQL = {"number": 3306, "name": "tcp", "protocol": "TCP"}
SIMPLE = {"tls": {"mode": "SIMPLE"}}
FAILOVER = {"localityLbSetting": {"failover": [{"from": "a", "to": "b"}]}}
TO_WEB = virtual_service(split(90, 10), hosts=["web"])
STRAY = destination_rule("wob", "v1", "v2")
STRAY_SHORT = destination_rule("web", "v1", namespace="istio-system")

CASES = [
    noted(
        "tls-without-authorities",
        rule(**SIMPLE),
        "server-not-verified",
        "DestinationRule shop/web starts TLS (SIMPLE) and names no caCertificates",
        "IST0128",
    ),
    noted(
        "tls-at-a-port-without-authorities",
        rule(portLevelSettings=[PORT_80 | {"tls": {"mode": "MUTUAL", "credentialName": "pair"}}]),
        "server-not-verified",
        "starts TLS at port 80 (MUTUAL)",
        "IST0129",
    ),
    settings("errors", rule(outlierDetection={"consecutiveErrors": 3}), "consecutiveErrors is out of date"),
    settings(
        "errors-of-a-subset", in_subset(outlierDetection={"consecutiveErrors": 3}), "consecutiveErrors is out of date"
    ),
    settings(
        "errors-of-a-port",
        rule(portLevelSettings=[PORT_80 | {"outlierDetection": {"consecutiveErrors": 3}}]),
        "consecutiveErrors is out of date",
    ),
    settings(
        "ring",
        rule(loadBalancer={"consistentHash": {"useSourceIp": True, "minimumRingSize": 7}}),
        "minimumRingSize is out of date",
    ),
    settings("failover", rule(loadBalancer={"simple": "RANDOM", **FAILOVER}), "failover needs outlierDetection"),
    settings("no-labels", with_selector({}, loadBalancer={"simple": "RANDOM"}), "its workloadSelector has no labels"),
    noted(
        "a-subset-that-no-pod-has",
        [*MESH, destination_rule("web", "v1", "v9")],
        "no-ready-pods",
        "v9: it has no pods.",
        "IST0173",
    ),
    noted(
        "a-rule-for-another-host",
        [*MESH, STRAY, service("api"), virtual_service(http_route(destination("wob", "v1")), hosts=["api"])],
        "rule-without-service",
        "DestinationRule shop/wob is for wob.shop.svc.cluster.local, and the mesh has no such service.",
        "IST0174",
        page="VirtualService shop/web",
    ),
    noted(
        "a-short-host-in-the-root-namespace",
        [*MESH, STRAY_SHORT],
        "rule-without-service",
        "DestinationRule istio-system/web is for web.istio-system.svc.cluster.local",
        "IST0174",
    ),
    noted(
        "a-short-host-and-its-route",
        [*MESH, STRAY_SHORT, virtual_service(http_route(destination("web", "v1")), hosts=["web"])],
        "rule-without-service",
        "DestinationRule istio-system/web is for",
        "IST0174",
        page="VirtualService shop/web",
    ),
    noted(
        "a-port-of-no-known-name",
        port("admin"),
        "port-not-http",
        "Port 80 of Service shop/web is named admin: Istio finds out",
        "IST0118",
    ),
    noted("a-port-without-a-name", port(""), "port-not-http", "is without a name", "IST0118"),
    noted(
        "an-external-name-by-tcp",
        external("tcp"),
        "external-name-port",
        "is an ExternalName, and its port 443 is named tcp",
        "IST0150",
    ),
    noted("an-external-name-by-another-name", external("x"), "external-name-port", "is named x", "IST0150"),
    noted(
        "tcp-without-addresses",
        [service_entry("db.example", spec={"ports": [MYSQL], "resolution": "NONE"})],
        "addresses-missing",
        "ServiceEntry shop/outside has the TCP port 3306 and no addresses",
        "IST0134",
        page="Service shop/db.example",
    ),
    noted(
        "a-waypoint",
        waypoint(labels={"istio.io/use-waypoint": "way"}),
        "waypoint",
        "The waypoint shop/way stands before shop/web and routes its callers' requests. An HTTPRoute there may",
    ),
    noted(
        "a-waypoint-elsewhere",
        waypoint(labels={"istio.io/use-waypoint": "way", "istio.io/use-waypoint-namespace": "ops"}),
        "waypoint",
        "The waypoint ops/way",
    ),
    noted(
        "a-waypoint-by-its-namespace",
        bound("True", "Successfully attached to waypoint shop/all"),
        "waypoint",
        "The waypoint shop/all stands before shop/web",
    ),
    noted(
        "a-waypoint-of-a-host-outside",
        [service_entry("api.example", labels={"istio.io/use-waypoint": "way"})],
        "waypoint",
        "stands before shop/api.example",
        page="Service shop/api.example",
    ),
    noted(
        "a-waypoint-that-is-not-there",
        bound("False", "waypoint shop/way is not there"),
        "waypoint-not-bound",
        "istio.io/WaypointBound of shop/web: waypoint shop/way is not there",
        "IST0171",
        "warning",
    ),
    noted(
        "a-waypoint-before-a-route",
        [*waypoint(labels={"istio.io/use-waypoint": "way"}), destination_rule("web", "v1", "v2"), TO_WEB],
        "waypoint",
        "The waypoint shop/way stands before shop/web",
        page="VirtualService shop/web",
    ),
]

FINE = {
    "plain": rule(loadBalancer={"simple": "RANDOM"}),
    "tls-with-authorities": rule(tls={"mode": "SIMPLE", "caCertificates": "system"}),
    "tls-of-selected-callers": with_selector(
        {"matchLabels": {"app": "a"}}, tls=SIMPLE["tls"] | {"credentialName": "c"}
    ),
    "tls-of-the-mesh": rule(tls={"mode": "DISABLE"}),
    "failover-with-detection": rule(loadBalancer=FAILOVER, outlierDetection={"interval": "1s"}),
    "a-wildcard": [*MESH, destination_rule("*.shop.svc.cluster.local")],
    "a-rule-elsewhere-for-its-own": [*MESH, destination_rule("web", "v1", namespace="other")],
    "known-ports": [service("web", ports=[{"name": "http-a", "port": 80}, {"name": "tcp", "port": 81}]), *MESH[1:]],
    "app-protocol": port("admin", appProtocol="http"),
    "external-by-https": external("https"),
    "tcp-with-addresses": [
        service_entry(
            "db.example", spec={"ports": [{"number": 1, "name": "t", "protocol": "TCP"}], "addresses": ["192.0.2.1"]}
        )
    ],
    "no-waypoint": waypoint(labels={"istio.io/use-waypoint": "none"}),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_one_thing_is_wrong(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("id_", FINE)
def test_nothing_is_wrong(id_: str) -> None:
    assert not any(notes_by_page(*FINE[id_]).values())
