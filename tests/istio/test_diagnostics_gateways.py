"""What is wrong with a Gateway, as the page of a VirtualService that names it says it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.istio.builders import Raw, destination, front, gateway, http_route, pod, server, virtual_service, workload
from tests.istio.noted import Case, check, notes_by_page

POD = pod("edge-1", namespace="istio-system", istio="ingress")
REST = [POD, *workload(v1=(1, 1)), virtual_service(http_route(destination("web")), gateways=["edge"])]
PAGE = "VirtualService shop/web"
FILES = {"serverCertificate": "/etc/tls.crt", "privateKey": "/etc/tls.key"}


def https(number: int = 443, *hosts: str, **tls: Any) -> Raw:
    return server(number, "HTTPS", *hosts, tls={"mode": "SIMPLE", **FILES} | tls)


def mesh(*servers: Raw, others: tuple[Raw, ...] = (), before: Raw | None = None) -> list[Raw]:
    """A Gateway with a plain server and these, the pods, a Service before them, and what leads through it."""
    return [gateway("edge", server(), *servers), *others, before or front(), *REST]


def noted(id_: str, raws: list[Raw], code: str, text: str, ist: str = "", level: str = "info") -> Case:
    return Case(id_, raws, PAGE, code, text, ist, level)


SETTINGS = ("gateway-settings", "IST0133")
OTHER = gateway("other", server(80, "HTTP"))
ON_SOME_PODS = gateway("other", https(443, "*"), selector={"istio": "ingress", "zone": "a"})
BOUND_ELSEWHERE = gateway("other", server(bind="10.0.0.1"))
ELSEWHERE = gateway("other", server(), selector={"istio": "another"})
KUBERNETES = pod("k-1", namespace="istio-system", istio="ingress", gateway__networking__k8s__io="x")
KUBERNETES["metadata"]["labels"] = {"istio": "ingress", "gateway.networking.k8s.io/gateway-name": "front"}

CASES = [
    noted(
        "no-pods",
        [gateway("edge"), *REST[1:]],
        "gateway-without-pods",
        "Gateway shop/edge selects pods labelled istio=ingress, and there are none.",
        "IST0101",
        "warning",
    ),
    noted(
        "port-that-no-service-opens",
        mesh(server(81)),
        "gateway-port-not-open",
        "No Service leads to port 81 of the pods of Gateway shop/edge.",
        "IST0162",
    ),
    noted("no-service-at-all", [gateway("edge"), *REST], "gateway-port-not-open", "leads to port 80 of", "IST0162"),
    noted(
        "plain-servers-are-merged",
        mesh(others=(OTHER,)),
        "gateways-share",
        "in common with shop/other, on the same pods: these servers are merged",
        "IST0145",
    ),
    noted(
        "of-tls-servers-one-is-taken",
        mesh(https(443, "*"), others=(ON_SOME_PODS,)),
        "gateways-in-conflict",
        "of servers in conflict Istio takes one, as a rule the oldest",
        "IST0145",
        "warning",
    ),
    noted(
        "of-http-and-tcp-one-is-taken",
        mesh(others=(gateway("other", server(80, "TCP")),)),
        "gateways-in-conflict",
        "in common with shop/other",
        "IST0145",
        "warning",
    ),
    noted(
        "certificate-in-two",
        mesh(https(443, "a.example"), others=(gateway("other", https(443, "b.example")),)),
        "certificate-shared",
        "shop/edge and shop/other have the certificate /etc/tls.crt in common",
        "IST0138",
    ),
    noted(
        "secret-in-two",
        mesh(
            server(443, "HTTPS", "a.example", tls={"mode": "SIMPLE", "credentialName": "pair"}),
            others=(gateway("o", server(443, "HTTPS", "b.x", tls={"mode": "SIMPLE", "credentialName": "pair"})),),
        ),
        "certificate-shared",
        "have the certificate pair in common",
        "IST0138",
    ),
    noted(
        "redirect-of-what-is-not-http",
        mesh(https(443, "*", httpsRedirect=True)),
        SETTINGS[0],
        "port 443: httpsRedirect has no meaning for HTTPS.",
        SETTINGS[1],
    ),
    noted(
        "old-tls-without-suites",
        mesh(https(minProtocolVersion="TLSV1_1")),
        SETTINGS[0],
        "TLS below 1.2 needs cipherSuites",
        SETTINGS[1],
    ),
    noted(
        "suites-that-nobody-knows",
        mesh(https(cipherSuites=["AES128-SHA", "ROT13", "-ALL"])),
        SETTINGS[0],
        "are ignored (ROT13)",
        SETTINGS[1],
    ),
    noted(
        "suites-twice",
        mesh(https(cipherSuites=["AES128-SHA", "AES128-SHA"])),
        SETTINGS[0],
        "a cipher suite is named twice",
        SETTINGS[1],
    ),
    noted(
        "certificates-that-nobody-uses",
        mesh(server(443, "TLS", "*", tls={"mode": "PASSTHROUGH", "credentialName": "pair"})),
        SETTINGS[0],
        "PASSTHROUGH uses no certificates",
        SETTINGS[1],
    ),
    noted(
        "pods-of-a-kubernetes-gateway",
        [*mesh(), KUBERNETES],
        "kubernetes-gateway",
        "are those of the Kubernetes Gateway front too: HTTPRoutes",
    ),
]

FINE = {
    "one": mesh(),
    "https-beside": mesh(https(443, "*")),
    "another-bind": mesh(others=(BOUND_ELSEWHERE,)),
    "other-hosts": mesh(others=(gateway("other", server(80, "HTTP", "b.example")),)),
    "other-pods": mesh(others=(ELSEWHERE,)),
    "suites": mesh(https(minProtocolVersion="TLSV1_0", cipherSuites=["ECDHE-RSA-AES128-SHA", "+HIGH", "ALL"])),
    "the-pods-own-port": [gateway("edge", server(8080)), *REST, front("istio-system", 80, 8080)],
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_one_thing_is_wrong(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("id_", FINE)
def test_nothing_is_wrong(id_: str) -> None:
    assert not [note for note in notes_by_page(*FINE[id_])[PAGE] if note.code.startswith(("gateway", "certificate"))]
