"""Where the ingress gateway is reached."""

from __future__ import annotations

from typing import Any

import pytest

from tests.istio import builders
from webapp.istio.gateways import GatewayAddress, NoGateway, gateway_address
from webapp.istio.parse import parse_virtual_service

GATEWAY = builders.gateway("edge")
POD = builders.pod("gw-1", namespace="istio-system", istio="ingress", app="gw")
VIRTUAL_SERVICE = builders.virtual_service(gateways=["edge"])


def door(**fields: Any) -> dict[str, Any]:
    """The Service before the gateway's pods."""
    return builders.service("gw", namespace="istio-system", **fields)


def load_balancer(*addresses: str, **fields: Any) -> dict[str, Any]:
    ingress = [{"ip": address} for address in addresses]
    return door(type="LoadBalancer", status={"loadBalancer": {"ingress": ingress}}, **fields)


def found(
    *raws: dict[str, Any], virtual_service: dict[str, Any] = VIRTUAL_SERVICE, in_cluster: bool = False
) -> GatewayAddress | NoGateway:
    return gateway_address(parse_virtual_service(virtual_service), builders.snapshot(*raws), in_cluster=in_cluster)


def https(**tls: Any) -> dict[str, Any]:
    return builders.server(443, "HTTPS", tls=tls)


NAMED_PORTS = [{"port": 81, "name": "status", "targetPort": "s"}, {"port": 82, "name": "web", "targetPort": "w"}]
NUMBERS = [{"name": "status", "port": 15021}, {"name": "web", "port": 8080}]
BOTH_PORTS = [{"port": 80}, {"port": 443}]
BALANCER = load_balancer("192.0.2.1")
BALANCER_BY_NAME = load_balancer("192.0.2.1", ports=NAMED_PORTS)
BALANCER_OF_BOTH = load_balancer("192.0.2.1", ports=BOTH_PORTS)
SLICE = builders.endpoint_slice("gw", {}, namespace="istio-system", ports=NUMBERS)
SECOND = BALANCER | {"metadata": {"namespace": "istio-system", "name": "second"}}
ON_8080 = builders.gateway("edge", builders.server(8080))
HTTPS_AND_HTTP = builders.gateway("edge", https(mode="SIMPLE"), builders.server())
MUTUAL_AND_SIMPLE = builders.gateway("edge", https(mode="MUTUAL"), builders.server(80, "HTTPS", tls={"mode": "SIMPLE"}))
REDIRECT_AND_HTTPS = builders.gateway("edge", builders.server(tls={"httpsRedirect": True}), https(mode="SIMPLE"))


@pytest.mark.parametrize(
    ("raws", "url"),
    [
        pytest.param([GATEWAY, load_balancer("192.0.2.1", "192.0.2.2")], "http://192.0.2.1:80", id="external"),
        pytest.param([GATEWAY, load_balancer("2001:db8::1")], "http://[2001:db8::1]:80", id="ipv6"),
        pytest.param([GATEWAY, door(externalIPs=["192.0.2.9"])], "http://192.0.2.9:80", id="external-ips"),
        pytest.param([ON_8080, BALANCER], "http://192.0.2.1:80", id="the-gateway-names-the-pods-port"),
        pytest.param([ON_8080, BALANCER_BY_NAME, SLICE], "http://192.0.2.1:82", id="the-pods-port-has-a-name"),
        pytest.param([HTTPS_AND_HTTP, BALANCER_OF_BOTH], "http://192.0.2.1:80", id="plain-http-first"),
        pytest.param([REDIRECT_AND_HTTPS, BALANCER_OF_BOTH], "https://192.0.2.1:443", id="not-what-only-redirects"),
        pytest.param([MUTUAL_AND_SIMPLE, BALANCER_OF_BOTH], "https://192.0.2.1:80", id="not-what-wants-a-certificate"),
        pytest.param([GATEWAY, door(), SECOND], "http://192.0.2.1:80", id="the-most-open-service"),
    ],
)
def test_address_from_outside(raws: list[dict[str, Any]], url: str) -> None:
    assert found(POD, *raws) == GatewayAddress(url, "shop/edge")


def test_address_from_inside() -> None:
    assert found(POD, GATEWAY, BALANCER, in_cluster=True) == GatewayAddress("http://10.96.0.7:80", "shop/edge")


def behind(number: int, *addresses: str, ready: bool = True, name: str = "gw", port: str = "http") -> dict[str, Any]:
    """An EndpointSlice of the door's pods `gw-1`, `gw-2`, … at these addresses and a port."""
    endpoints = [
        {
            "addresses": [address],
            "conditions": {"ready": ready},
            "targetRef": {"kind": "Pod", "name": f"gw-{place}"},
        }
        for place, address in enumerate(addresses, 1)
    ]
    made = builders.endpoint_slice("gw", {}, namespace="istio-system", ports=[{"name": port, "port": number}])
    return made | {"endpoints": endpoints, "metadata": made["metadata"] | {"name": name}}


SECOND_POD = builders.pod("gw-2", namespace="istio-system", istio="ingress", app="gw")
OF_ANOTHER_GATEWAY = builders.pod("gw-2", namespace="istio-system", istio="other", app="gw")


@pytest.mark.parametrize(
    ("raws", "pods"),
    [
        pytest.param(
            [SECOND_POD, behind(8080, "10.244.0.2", "10.244.0.3")],
            (("gw-1", "10.244.0.2:8080"), ("gw-2", "10.244.0.3:8080")),
            id="each-at-the-pods-own-port",
        ),
        pytest.param(
            [OF_ANOTHER_GATEWAY, behind(80, "10.244.0.2", "10.244.0.3")],
            (("gw-1", "10.244.0.2:80"),),
            id="not-those-of-another-gateway-behind-the-same-service",
        ),
        pytest.param([behind(80, "10.244.0.2", ready=False)], (), id="not-ready"),
        pytest.param([behind(80, "10.244.0.2", port="status")], (), id="another-port"),
        pytest.param(
            [behind(80, "2001:db8::2", name="a"), behind(80, "10.244.0.2", name="b")],
            (("gw-1", "10.244.0.2:80"),),
            id="once-in-the-services-own-family",
        ),
        pytest.param([behind(80, "2001:db8::2")], (("gw-1", "[2001:db8::2]:80"),), id="ipv6-in-brackets"),
        pytest.param([], (), id="no-endpoints"),
    ],
)
def test_pods_behind_the_address(raws: list[dict[str, Any]], pods: tuple[tuple[str, str], ...]) -> None:
    for in_cluster in (True, False):
        address = found(POD, GATEWAY, BALANCER, *raws, in_cluster=in_cluster)
        assert isinstance(address, GatewayAddress)
        assert address.pods == pods


NO_SERVER = "Gateway shop/edge has no HTTP server for web.example: add the host to one of its servers."
NO_DOOR = "No Service leads to port 80 of the pods labelled istio=ingress (Gateway shop/edge)."
NODE_PORT = (
    "Service istio-system/gw is reached at port 31080 of every node, and no node's address is known here: "
    "set `CROSSFADE_GATEWAY_URL=http://NODE:31080`."
)
PORT_FORWARD = (
    "Service istio-system/gw has no address outside of the cluster: run "
    "`kubectl -n istio-system port-forward service/gw 8080:80` and set `CROSSFADE_GATEWAY_URL=http://127.0.0.1:8080`."
)
OTHER_HOST = builders.gateway("edge", builders.server(80, "HTTP", "a.example"))
OTHER_PROTOCOL = builders.gateway("edge", builders.server(80, "TCP"))
PASSTHROUGH = builders.gateway("edge", https(mode="PASSTHROUGH"))
ON_NODES = [{"port": 80, "nodePort": 31080}]


@pytest.mark.parametrize(
    ("raws", "reason"),
    [
        pytest.param([POD, OTHER_HOST], NO_SERVER, id="another-host"),
        pytest.param([POD, OTHER_PROTOCOL], NO_SERVER, id="another-protocol"),
        pytest.param([POD, PASSTHROUGH], NO_SERVER, id="passthrough"),
        pytest.param([POD, GATEWAY], NO_DOOR, id="no-service"),
        pytest.param([POD, GATEWAY, door(ports=[{"port": 81}])], NO_DOOR, id="no-port"),
        pytest.param([POD, GATEWAY, door(type="NodePort", ports=ON_NODES)], NODE_PORT, id="node-port"),
        pytest.param([POD, GATEWAY, load_balancer(ports=ON_NODES)], NODE_PORT, id="load-balancer-without-address"),
        pytest.param([POD, GATEWAY, door()], PORT_FORWARD, id="cluster-ip"),
        pytest.param(
            [],
            "Gateway shop/edge does not exist: create it, or name another one in spec.gateways.",
            id="no-gateway",
        ),
        pytest.param(
            [GATEWAY, BALANCER],
            "Gateway shop/edge selects pods labelled istio=ingress, and there are none: is it running?",
            id="no-pod",
        ),
        pytest.param(
            [POD, BALANCER, builders.gateway("edge", selector={})],
            "Gateway shop/edge has no selector, so it can't be told which pods it configures.",
            id="no-selector",
        ),
    ],
)
def test_no_address_says_why(raws: list[dict[str, Any]], reason: str) -> None:
    assert found(*raws) == NoGateway(reason)


def test_no_address_inside_says_why() -> None:
    answer = found(POD, GATEWAY, door(clusterIP="None"), in_cluster=True)
    sentence = "Service istio-system/gw has no cluster IP: set CROSSFADE_GATEWAY_URL to an address of the gateway."
    assert answer == NoGateway(sentence)


@pytest.mark.parametrize("gateways", [pytest.param(None, id="none-named"), pytest.param(["mesh"], id="mesh")])
def test_mesh_only(gateways: list[str] | None) -> None:
    answer = found(GATEWAY, POD, BALANCER, virtual_service=builders.virtual_service(gateways=gateways))
    assert isinstance(answer, NoGateway)
    assert "mesh only" in answer.reason


def test_the_first_gateway_with_an_address_counts() -> None:
    other = builders.gateway("other", namespace="front")
    virtual_service = builders.virtual_service(gateways=["mesh", "missing", "front/other"])
    answer = found(other, POD, BALANCER, virtual_service=virtual_service)
    assert answer == GatewayAddress("http://192.0.2.1:80", "front/other")


@pytest.mark.parametrize(
    ("pattern", "hosts", "fits"),
    [
        pytest.param("*", ["web.example"], True, id="any"),
        pytest.param("*.example", ["web.example"], True, id="wildcard-of-the-server"),
        pytest.param("web.example", ["*.example"], True, id="wildcard-of-the-route"),
        pytest.param("shop/*", ["web.example"], True, id="own-namespace"),
        pytest.param("*/web.example", ["web.example"], True, id="every-namespace"),
        pytest.param("other/*", ["web.example"], False, id="another-namespace"),
        pytest.param("./*", ["web.example"], True, id="the-gateways-namespace"),
        pytest.param("web.shop.svc.cluster.local", ["web"], True, id="a-short-host-is-completed"),
        pytest.param("api.example", ["web.example"], False, id="another-host"),
    ],
)
def test_a_server_is_for_certain_hosts(pattern: str, hosts: list[str], fits: bool) -> None:
    gateway = builders.gateway("edge", builders.server(80, "HTTP", pattern))
    virtual_service = builders.virtual_service(gateways=["edge"], hosts=hosts)
    answer = found(gateway, POD, BALANCER, virtual_service=virtual_service)
    assert isinstance(answer, GatewayAddress) is fits


def test_a_server_for_its_own_namespace_is_not_for_others() -> None:
    gateway = builders.gateway("edge", builders.server(80, "HTTP", "./*"), namespace="front")
    virtual_service = builders.virtual_service(gateways=["front/edge"])
    assert isinstance(found(gateway, POD, BALANCER, virtual_service=virtual_service), NoGateway)
