"""Which proxies take a VirtualService, through which Gateways, and who has the same hosts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.istio.builders import (
    destination,
    front,
    gateway,
    http_route,
    pod,
    server,
    service_entry,
    split,
    virtual_service,
    workload,
)
from tests.istio.builders import snapshot as snapshot_of
from webapp.istio.diagnostics import Note, virtual_service_notes

Raw = dict[str, Any]
PODS = [pod("edge-1", namespace="istio-system", istio="ingress"), front(), *workload(v1=(1, 1), v2=(1, 1))]
MESH = [gateway("edge"), *PODS]
FULL = "web.shop.svc.cluster.local"
PAGES = "https://istio.io/latest/docs/reference/config/analysis/"
BOTH = ["web", "web.example"]
ONE = http_route(destination("web", "v1"))


def bound(*routes: Raw, hosts: list[str] | None = None, export_to: list[str] | None = None, **fields: Any) -> Raw:
    """A VirtualService that covers gateway and mesh, unless a case says otherwise."""
    if hosts != []:  # a delegate has no gateways
        fields.setdefault("gateways", ["edge", "mesh"])
    raw = virtual_service(*(routes or (split(90, 10),)), hosts=BOTH if hosts is None else hosts, **fields)
    return raw if export_to is None else raw | {"spec": raw["spec"] | {"exportTo": export_to}}


def notes_of(*raws: Raw, mesh: list[Raw] = MESH) -> tuple[Note, ...]:
    """Give the notes of the first of the VirtualServices."""
    snapshot = snapshot_of(*mesh, *raws)
    metadata = raws[0]["metadata"]
    return virtual_service_notes(snapshot, snapshot.virtual_services[metadata["namespace"], metadata["name"]])


def only(host: str, *servers: Raw) -> list[Raw]:
    return [gateway("edge", *(servers or [server(80, "HTTP", host)])), *PODS]


HTTPS = {"tls": {"mode": "SIMPLE", "serverCertificate": "/etc/tls.crt", "privateKey": "/etc/tls.key"}}
PASSTHROUGH = {"tls": {"mode": "PASSTHROUGH"}}
AT_EDGE = bound(gateways=["edge"], hosts=["web.example"])
PRIVATE = bound(name="o", namespace="b", hosts=[FULL], export_to=["."], gateways=["mesh"])
NO_PROXY = "No proxy takes this VirtualService:"
NO_MESH = "Callers inside of the mesh that call"


WRONG = [
    pytest.param(
        [bound()],
        [gateway("edge"), *PODS[2:]],
        "warning",
        "gateway-without-pods",
        "Gateway shop/edge selects pods labelled istio=ingress, and there are none.",
        "IST0101",
        id="gateway-without-pods",
    ),
    pytest.param(
        [bound(ONE, hosts=["web.example"], gateways=["edge"])],
        only("x.org"),
        "warning",
        "host-not-in-gateway",
        "Gateway shop/edge has no server for web.example, so it answers 404 there.",
        "IST0132",
        id="host-not-in-gateway",
    ),
    pytest.param(
        [bound(ONE, hosts=["web.example"], gateways=["edge"])],
        only("front/*"),
        "warning",
        "host-not-in-gateway",
        "Gateway shop/edge has no server for web.example, so it answers 404 there.",
        "IST0132",
        id="host-for-another-namespace",
    ),
    pytest.param(
        [bound(ONE, hosts=["web.example", "x.org"], gateways=["edge"])],
        only("x.org"),
        "info",
        "host-not-in-gateway",
        "Gateway shop/edge has no server for web.example, so it answers 404 there.",
        "IST0132",
        id="one-host-of-two",
    ),
    pytest.param(
        [bound()],
        only("", server(443, "HTTPS", "*", **HTTPS)),
        "info",
        "gateway-tls-only",
        "Gateway shop/edge serves these hosts by HTTPS alone: plain HTTP finds no route there.",
        "",
        id="https-alone",
    ),
    pytest.param(
        [bound()],
        only("", server(443, "TLS", "*", **PASSTHROUGH)),
        "warning",
        "gateway-passes-through",
        "Gateway shop/edge passes these hosts on without opening their TLS, so HTTP routes are never asked.",
        "",
        id="tls-that-is-passed-on",
    ),
    pytest.param(
        [bound(export_to=["~"])],
        MESH,
        "warning",
        "no-proxy",
        f"{NO_PROXY} exportTo (~) names no namespace.",
        "",
        id="exported-to-nobody",
    ),
    pytest.param(
        [bound(ONE, gateways=["edge"], export_to=[".", "front"])],
        MESH,
        "warning",
        "no-proxy",
        f"{NO_PROXY} its gateways' pods are in namespaces that exportTo (., front) leaves out.",
        "",
        id="not-exported-to-the-gateways-pods",
    ),
    pytest.param(
        [bound(ONE, hosts=[], name="alone")],
        MESH,
        "warning",
        "no-proxy",
        "It has no hosts, and no VirtualService that may delegates to it: no proxy takes its routes.",
        "",
        id="a-delegate-that-nobody-names",
    ),
    pytest.param(
        [bound(hosts=[], name="team"), bound({"delegate": {"name": "team"}}, name="root")],
        MESH,
        "info",
        "delegated",
        "These routes are reached by delegation from shop/root route 0 (everything).",
        "",
        id="a-delegate",
    ),
    pytest.param(
        [bound(gateways=["mesh"], creationTimestamp="T1"), bound(name="other", hosts=[FULL], gateways=["mesh"])],
        MESH,
        "warning",
        "host-in-conflict",
        f"shop/other has the host {FULL} for callers inside of the mesh too. A sidecar takes the routes of one of "
        "them: the oldest, shop/other, unless the caller's namespace has one of its own.",
        "IST0109",
        id="two-for-one-host-in-the-mesh",
    ),
    pytest.param(
        [
            bound(ONE, gateways=["edge"], hosts=["a.b"], creationTimestamp="T1"),
            bound(name="other", hosts=["A.b"], creationTimestamp="T2"),
        ],
        MESH,
        "info",
        "host-shared",
        "shop/other has the host a.b at gateway shop/edge too: the routes are merged, and Istio promises no order "
        "between them.",
        "",
        id="two-for-one-host-at-a-gateway",
    ),
    pytest.param(
        [bound(gateways=["edge"])],
        MESH,
        "info",
        "mesh-not-covered",
        f"{NO_MESH} {FULL} are not covered by these routes, for gateways lacks mesh: what they are answered is "
        "spread by pods.",
        "",
        id="callers-in-the-mesh-without-the-gateway-mesh",
    ),
    pytest.param(
        [bound(hosts=["web.example"])],
        MESH,
        "info",
        "mesh-not-covered",
        f"{NO_MESH} {FULL} are not covered by these routes, for hosts lacks that name: what they are answered is "
        "spread by pods.",
        "",
        id="callers-in-the-mesh-without-the-services-host",
    ),
]


@pytest.mark.parametrize(("raws", "mesh", "level", "code", "text", "ist"), WRONG)
def test_one_thing_is_wrong(raws: list[Raw], mesh: list[Raw], level: str, code: str, text: str, ist: str) -> None:
    (note,) = notes_of(*raws, mesh=mesh)
    assert (note.level, note.code, note.text, note.ist) == (level, code, text, ist)
    assert note.link == (f"{PAGES}{ist.lower()}/" if ist else "")
    assert note.cure or code == "delegated"


FINE = [
    pytest.param([bound()], MESH, id="gateway-and-mesh"),
    pytest.param([bound()], only("web.example"), id="the-services-own-name-is-for-the-mesh"),
    pytest.param([AT_EDGE, bound(hosts=["web"], name="in")], MESH, id="two-parts"),
    pytest.param([bound(hosts=["*.example", "*.svc.cluster.local"])], MESH, id="a-wildcard-covers-the-service"),
    pytest.param([bound(ONE, gateways=["edge"])], MESH, id="no-split-no-matter"),
    pytest.param(
        [bound(http_route(destination("api.x", None, 1), destination("api.x", "a", 99)), gateways=["edge"])],
        [*MESH, service_entry("api.x")],
        id="a-host-outside-of-the-mesh",
    ),
    pytest.param([bound(export_to=["."]), PRIVATE], MESH, id="nobody-sees-both"),
    pytest.param([bound()], only("", server(443, "HTTPS", "*", **HTTPS), server()), id="plain-http-beside-https"),
]


@pytest.mark.parametrize(("raws", "mesh"), FINE)
def test_nothing_is_wrong(raws: list[Raw], mesh: list[Raw]) -> None:
    assert notes_of(*raws, mesh=mesh) == ()


def test_no_gateway_that_exists_and_no_mesh() -> None:
    codes = [note.code for note in notes_of(bound(ONE, gateways=["gone"]))]
    assert codes == ["gateway-not-found", "no-proxy"]


def test_of_many_that_share_a_host_three_are_named() -> None:
    many = [bound(name=f"o{number}", hosts=["web"], gateways=["mesh"]) for number in range(9)]
    (note,) = notes_of(bound(hosts=["web"], gateways=["mesh"]), *many)
    assert note.text.startswith(f"shop/o0, shop/o1, shop/o2 and more have the host {FULL} ")
