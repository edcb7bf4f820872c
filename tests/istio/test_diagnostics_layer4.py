"""TLS and TCP routes: which connections earlier routes take away, and names and hosts that lead nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from tests.istio.builders import (
    Raw,
    destination,
    destination_rule,
    front,
    gateway,
    http_route,
    pod,
    server,
    service,
    virtual_service,
    workload,
)
from tests.istio.noted import Case, check, notes_by_page

PAGE = "VirtualService shop/web"
EDGE = [gateway("edge"), pod("edge-1", namespace="istio-system", istio="ingress"), front()]
MESH = [*workload(v1=(1, 1)), destination_rule("web", "v1"), *EDGE]


def layer4(section: str, *matches: list[Raw] | None) -> list[Raw]:
    """Routes of TLS or TCP with these matches, all to one place."""
    found = [{"route": [destination("web", "v1")]} | ({} if match is None else {"match": match}) for match in matches]
    routes: dict[str, Any] = {section: found}
    return [*MESH, virtual_service(hosts=["web", "*.example", "192.0.2.7"], **routes)]


def noted(id_: str, raws: list[Raw], code: str, text: str, ist: str, level: str = "warning") -> Case:
    return Case(id_, raws, PAGE, code, text, ist, level)


def sni(*names: str, **more: Any) -> Raw:
    return {"sniHosts": [*names], **more}


CASES = [
    noted(
        "tcp-behind-everything",
        layer4("tcp", None, [{"port": 80}]),
        "route-not-reached",
        "Route 0 (everything) stands before it and takes every connection.",
        "IST0130",
    ),
    noted(
        "tcp-behind-its-like",
        layer4("tcp", [{"port": 80}], [{"port": 80}, {"port": 81}]),
        "match-not-reached",
        "Route 0 (port 80) stands before it and takes what matches port 80.",
        "IST0131",
        "info",
    ),
    noted(
        "tls-behind-its-like",
        layer4("tls", [sni("web", "a.example")], [sni("web")]),
        "route-not-reached",
        "takes every connection that this one matches.",
        "IST0130",
    ),
    noted(
        "an-address-for-a-name",
        layer4("tls", [sni("192.0.2.7")]),
        "sni-address",
        "hardly anybody is taken by the address 192.0.2.7.",
        "IST0133",
        "info",
    ),
    noted(
        "no-such-host-by-tcp",
        [*MESH, virtual_service(hosts=["web"], tcp=[{"route": [destination("gone")]}])],
        "host-not-found",
        "The mesh has no service gone",
        "IST0101",
    ),
]

AT_8443 = {"destination": {"host": "sealed", "port": {"number": 8443}}}
FINE = {
    "tls-for-more-special-names": layer4("tls", [sni("*.example")], [sni("a.example")]),
    "tls-for-other-networks": layer4(
        "tls", [sni("web", destinationSubnets=["10.0.0.0/8"])], [sni("web", destinationSubnets=["10.1.0.0/16"])]
    ),
    "tcp-at-other-ports": layer4("tcp", [{"port": 80}], [{"port": 81}], None),
    "http-before-tcp": [
        *MESH,
        virtual_service(
            http_route(destination("web", "v1")), hosts=["web"], tcp=[{"route": [destination("web", "v1")]}]
        ),
    ],
    "a-passed-on-name": [
        *MESH,
        gateway("tls", server(443, "TLS", "a.example", tls={"mode": "PASSTHROUGH"})),
        service("sealed", ports=[{"name": "tls", "port": 8443}]),
        *workload("sealed", v1=(1, 1))[1:],
        virtual_service(
            hosts=["a.example"],
            gateways=["tls"],
            tls=[{"match": [sni("a.example")], "route": [AT_8443]}],
        ),
    ],
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_one_thing_is_wrong(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("id_", FINE)
def test_nothing_is_wrong(id_: str) -> None:
    notes = notes_by_page(*FINE[id_])[PAGE]
    assert not [note for note in notes if not note.code.startswith("port-not-")]
