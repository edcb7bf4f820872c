"""How requests spread behind a route: hashes, affinity, pods, sidecars, ports, as a VirtualService's page says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.istio.builders import (
    Raw,
    destination,
    destination_rule,
    endpoint_slice,
    http_route,
    pod,
    raw_object,
    service,
    split,
    virtual_service,
    workload,
)
from tests.istio.noted import Case, check, notes_by_page

PAGE = "VirtualService shop/web"
PODS = workload(v1=(1, 1), v2=(1, 1))
SPLIT, WHOLE = split(90, 10), http_route(destination("web"))
SUBSETS = [{"name": name, "labels": {"version": name}} for name in ("v1", "v2")]


def mesh(route: Raw, *, before: Raw | None = None, pods: list[Raw] | None = None, **policy: Any) -> list[Raw]:
    """Pods of two versions, a rule with subsets and this policy, and a VirtualService of the mesh with one route."""
    spec = {"host": "web", "subsets": SUBSETS} | ({"trafficPolicy": policy} if policy else {})
    rule = raw_object("DestinationRule", "web", spec=spec)
    return [before or PODS[0], *(pods or PODS[1:]), rule, virtual_service(route, hosts=["web"])]


def hashed(**by: Any) -> dict[str, Any]:
    return {"loadBalancer": {"consistentHash": by}}


def with_ports(*ports: Mapping[str, Any]) -> Raw:
    return service("web", ports=list(ports))


def injected(name: str, version: str, **metadata: Any) -> Raw:
    made = pod(name, app="web", version=version)
    return made | {"metadata": made["metadata"] | metadata}


def noted(id_: str, raws: list[Raw], code: str, text: str, ist: str = "", level: str = "info") -> Case:
    return Case(id_, raws, PAGE, code, text, ist, level)


MUTUAL: dict[str, Any] = {"tls": {"mode": "ISTIO_MUTUAL"}}
SIDECAR = {"annotations": {"sidecar.istio.io/status": "{}"}}
AMBIENT = {"annotations": {"ambient.istio.io/redirection": "enabled"}}
NODES = {"labels": {"app": "web", "version": "v2", "security.istio.io/tlsMode": "istio"}}
READY = endpoint_slice("web", {"a": True, "b": True, "c": True})
WITH_SIDECARS = [injected("a", "v1", **SIDECAR), injected("b", "v2", **AMBIENT), injected("c", "v2", **NODES), READY]
IN_A_SUBSET = destination_rule("web", SUBSETS[0], SUBSETS[1] | {"trafficPolicy": MUTUAL})

CASES = [
    noted(
        "hash-of-a-header",
        mesh(SPLIT, **hashed(httpHeaderName="x-user")),
        "sticky",
        "DestinationRule shop/web keeps callers at one pod by the header x-user, but the split is drawn anew",
    ),
    noted(
        "hash-of-a-cookie",
        mesh(SPLIT, **hashed(httpCookie={"name": "user", "ttl": "0s"})),
        "sticky",
        "by the cookie user, but",
    ),
    noted("hash-of-a-query", mesh(SPLIT, **hashed(httpQueryParameterName="u")), "sticky", "by the query parameter u,"),
    noted(
        "hash-without-a-split",
        mesh(WHOLE, **hashed(useSourceIp=True)),
        "sticky",
        "by their address, so the shares of pods and versions are those of the callers: lumpy where these are few.",
    ),
    noted(
        "session-affinity",
        mesh(SPLIT, before=service("web", sessionAffinity="ClientIP")),
        "session-affinity",
        "Service shop/web has sessionAffinity ClientIP: callers without a sidecar stay with one pod",
    ),
    noted(
        "by-pods",
        mesh(WHOLE),
        "by-pods",
        "each version's share is about that of its ready pods (v1 1, v2 1): the balancer is LEAST_REQUEST.",
    ),
    noted("by-pods-of-a-balancer", mesh(WHOLE, loadBalancer={"simple": "RANDOM"}), "by-pods", "balancer is RANDOM."),
    noted(
        "mutual-tls-without-sidecars",
        mesh(http_route(destination("web", "v1")), **MUTUAL),
        "mutual-tls-without-sidecar",
        "asks for ISTIO_MUTUAL, and v1 has pods without a sidecar (web-v1-0): what is sent to them is answered 503.",
        level="warning",
    ),
    noted(
        "mutual-tls-of-a-subset",
        [*PODS, IN_A_SUBSET, virtual_service(SPLIT, hosts=["web"])],
        "mutual-tls-without-sidecar",
        "and v2 has pods without a sidecar (web-v2-0)",
        level="warning",
    ),
    noted(
        "port-for-tcp",
        mesh(SPLIT, before=with_ports({"name": "tcp-a", "port": 80})),
        "port-not-http",
        "Port 80 of Service shop/web is named tcp-a: Istio takes it for TCP, so HTTP routes don't hold",
        level="warning",
    ),
    noted(
        "port-of-a-known-number",
        mesh(SPLIT, before=with_ports({"port": 3306})),
        "port-not-http",
        "Port 3306 of Service shop/web is without a name: Istio takes it for TCP",
        level="warning",
    ),
    noted(
        "port-that-may-be-anything",
        mesh(SPLIT, before=with_ports({"name": "web", "port": 80})),
        "port-not-http",
        "Port 80 of Service shop/web is named web: Istio finds out by the first bytes whether it is HTTP.",
        "IST0118",
    ),
    noted(
        "which-of-several-ports",
        mesh(SPLIT, before=with_ports({"name": "http", "port": 80}, {"name": "http-b", "port": 81})),
        "port-not-named",
        "Service shop/web has several ports (80, 81) and the route names none",
        "IST0112",
    ),
    noted(
        "tcp-routes-to-a-port-for-http",
        [*PODS, virtual_service(hosts=["web"], tcp=[{"route": [destination("web")]}])],
        "port-not-tcp",
        "Istio takes it for HTTP, so TCP routes don't hold",
        level="warning",
    ),
]

BY_ANOTHER_NAME = virtual_service(http_route(destination("web", None)), hosts=["other.example"])
FINE = {
    "a-split": mesh(SPLIT),
    "another-balancer": mesh(SPLIT, loadBalancer={"simple": "ROUND_ROBIN"}),
    "sidecars-and-mutual-tls": mesh(SPLIT, pods=WITH_SIDECARS, **MUTUAL),
    "no-mutual-tls": mesh(SPLIT, tls={"mode": "DISABLE"}),
    "one-version": [*workload(v1=(2, 2)), virtual_service(WHOLE, hosts=["web"])],
    "app-protocol": mesh(SPLIT, before=with_ports({"name": "tcp", "port": 80, "appProtocol": "kubernetes.io/h2c"})),
    "another-hosts-port": [*workload(v1=(1, 1))[1:], with_ports({"name": "tcp", "port": 80}), BY_ANOTHER_NAME],
    "grpc-web": mesh(SPLIT, before=with_ports({"name": "grpc-web-a", "port": 80})),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_one_thing_is_to_be_known(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("id_", FINE)
def test_nothing_is(id_: str) -> None:
    assert notes_by_page(*FINE[id_])[PAGE] == ()


def test_of_many_pods_three_are_named() -> None:
    (note,) = notes_by_page(*mesh(http_route(destination("web", "v1")), pods=workload(v1=(9, 9))[1:], **MUTUAL))[PAGE]
    assert "(web-v1-0, web-v1-1, web-v1-2 and 6 more)" in note.text
