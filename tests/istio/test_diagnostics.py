"""Why a weight would not do what it says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.istio import builders
from tests.istio.builders import (
    destination,
    destination_rule,
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
from tests.istio.builders import snapshot as snapshot_of
from webapp.istio.diagnostics import Note, route_notes, service_notes, virtual_service_notes
from webapp.istio.parse import parse_virtual_service

EDGE = [gateway("edge"), pod("edge-1", istio="ingress"), front("shop")]
MESH = [*workload(v1=(1, 1), v2=(1, 1), v3=(0, 2)), destination_rule("web", "v1", "v2", "v3", "v4"), *EDGE]
WEB = ("shop", "web")
IST0171 = ("IST0171", "https://istio.io/latest/docs/reference/config/analysis/ist0171/")


def notes_of_route(*routes: dict[str, Any], raws: list[dict[str, Any]] = MESH) -> tuple[Note, ...]:
    owner = builders.parsed(*routes)
    return route_notes(snapshot_of(*raws), owner, owner.http[-1])


def notes_of_object(raw: dict[str, Any]) -> tuple[Note, ...]:
    return virtual_service_notes(snapshot_of(*MESH), parse_virtual_service(raw))


QUIET = [
    pytest.param(split(90, 10), id="a-split"),
    pytest.param(http_route(destination("web", "v1")), id="a-single-one"),
    pytest.param(http_route(destination("web", "v1", 100)), id="a-single-one-that-says-100"),
    pytest.param({"redirect": {"uri": "/b"}}, id="a-redirect"),
]


@pytest.mark.parametrize("raw", QUIET)
def test_nothing_to_note(raw: dict[str, Any]) -> None:
    assert notes_of_route(raw) == ()
    assert notes_of_object(virtual_service(raw, hosts=["web.example", "web"], gateways=["edge", "mesh"])) == ()


def two(second: dict[str, Any]) -> dict[str, Any]:
    return http_route(destination("web", "v1", 80), second)


ROUTES = [
    pytest.param(
        two(destination("web", "v9", 20)),
        "warning",
        "subset-not-defined",
        "No DestinationRule for web defines the subset v9, so its 20 % of the requests are answered 503.",
        id="subset",
    ),
    pytest.param(
        two(destination("other", None, 20)),
        "warning",
        "host-not-found",
        "The mesh has no service other, so its 20 % of the requests are answered 503.",
        id="host",
    ),
    pytest.param(
        two(destination("web", "v3", 20)),
        "warning",
        "no-ready-pods",
        "v3: none of its 2 pods is ready, so its 20 % of the requests are answered 503.",
        id="no-ready-pod",
    ),
    pytest.param(
        two(destination("web", "v4", 20)),
        "warning",
        "no-ready-pods",
        "v4: it has no pods, so its 20 % of the requests are answered 503.",
        id="no-pod",
    ),
    pytest.param(
        http_route(destination("web", "v1", 100), destination("web", "v3", 0)),
        "info",
        "no-ready-pods",
        "v3: none of its 2 pods is ready.",
        id="no-ready-pod-and-no-weight",
    ),
    pytest.param(
        http_route(destination("web", "v1", 30)),
        "info",
        "single-destination",
        "A single destination takes all traffic, whatever its weight (30) says.",
        id="single-destination",
    ),
    pytest.param(
        split(100, 50),
        "info",
        "weights-not-100",
        "The weights add up to 150, not to 100: each means its part of that sum.",
        id="another-sum",
    ),
    pytest.param(
        split(0, None),
        "warning",
        "weights-all-zero",
        "All weights are 0, so this route has nowhere to send its requests.",
        id="all-zero",
    ),
]


@pytest.mark.parametrize(("raw", "level", "code", "text"), ROUTES)
def test_route_notes(raw: dict[str, Any], level: str, code: str, text: str) -> None:
    (note,) = notes_of_route(raw)
    assert (note.level, note.code, note.text) == (level, code, text)


@pytest.mark.parametrize(
    ("host", "cure"),
    [
        pytest.param("web.shop", "write web.shop.svc.cluster.local.", id="half-a-name"),
        pytest.param("other", "create the Service or ServiceEntry.", id="no-such-service"),
    ],
)
def test_the_cure_for_a_host_that_is_not_found(host: str, cure: str) -> None:
    (note,) = notes_of_route(http_route(destination(host)))
    assert note.code == "host-not-found"
    assert note.cure.endswith(cure)


def test_hosts_outside_of_the_mesh_have_no_pods_to_miss() -> None:
    alias = service("alias", {}, type="ExternalName")
    raw = http_route(destination("api.example", None, 50), destination("alias", None, 50))
    assert notes_of_route(raw, raws=[service_entry("api.example"), alias]) == ()


EVERYTHING_BEFORE = [
    pytest.param({}, "everything", id="no-match"),
    pytest.param({"match": [{"uri": {"prefix": "/"}}]}, "path starts with /", id="every-path"),
    pytest.param({"match": [{"port": 81}, {"name": "all"}]}, "port 81 or ", id="one-of-the-alternatives"),
]


@pytest.mark.parametrize(("earlier", "words"), EVERYTHING_BEFORE)
def test_a_route_behind_one_that_takes_everything_is_never_reached(earlier: dict[str, Any], words: str) -> None:
    (note,) = notes_of_route(split(1, 99, **earlier), split(90, 10))
    assert (note.level, note.code) == ("warning", "route-not-reached")
    assert note.text.startswith("Route 0 (")


SOME_BEFORE = [
    pytest.param({"uri": {"prefix": "/a"}}, id="some-paths"),
    pytest.param({"uri": {"prefix": "/"}, "headers": {"x-a": {}}}, id="with-a-header"),
    pytest.param({"uri": {"prefix": "/"}, "gateways": ["edge"]}, id="at-a-gateway"),
    pytest.param({"port": 81}, id="at-a-port"),
    pytest.param({"cookies": {}}, id="not-understood"),
]


@pytest.mark.parametrize("match", SOME_BEFORE)
def test_a_route_behind_one_that_takes_some_is_reached(match: dict[str, Any]) -> None:
    assert notes_of_route(split(1, 99, match=[match]), split(90, 10)) == ()


def test_what_follows_does_not_matter() -> None:
    owner = builders.parsed(split(90, 10), split(1, 99))
    assert route_notes(snapshot_of(*MESH), owner, owner.http[0]) == ()


REDIRECT = {"redirect": {"uri": "/b"}}
OBJECTS = [
    pytest.param(
        virtual_service(REDIRECT, gateways=["front/edge", "mesh"]),
        Note(
            "warning",
            "gateway-not-found",
            "Gateway front/edge does not exist, so nothing reaches these routes through it.",
            "Create it, or name another one in spec.gateways.",
            "IST0101",
            "https://istio.io/latest/docs/reference/config/analysis/ist0101/",
        ),
        id="gateway",
    ),
    pytest.param(
        virtual_service(REDIRECT, labels={"kustomize.toolkit.fluxcd.io/name": "apps"}),
        Note(
            "owner",
            "owner",
            "Flux (apps) manages this object. Flux puts Git's weights back at its next reconciliation.",
        ),
        id="owner",
    ),
    pytest.param(
        virtual_service(REDIRECT, conditions=[{"type": "Reconciled", "status": "False", "message": "no such host"}]),
        Note("warning", "condition-false", "Reconciled: no such host", "", *IST0171),
        id="condition",
    ),
    pytest.param(
        virtual_service(REDIRECT, conditions=[{"status": "False"}, {"type": "Ready", "status": "True"}]),
        Note("warning", "condition-false", "A condition: no further word", "", *IST0171),
        id="condition-without-words",
    ),
]


@pytest.mark.parametrize(("raw", "note"), OBJECTS)
def test_virtual_service_notes(raw: dict[str, Any], note: Note) -> None:
    assert notes_of_object(raw) == (note,)


def codes(*raws: dict[str, Any]) -> list[tuple[str, str]]:
    return [(note.level, note.code) for note in service_notes(snapshot_of(*raws), WEB)]


def test_a_service_says_what_its_routes_say_and_each_thing_once() -> None:
    flux = {"kustomize.toolkit.fluxcd.io/name": "apps"}
    route = http_route(destination("web", "v1", 80), destination("web", "v3", 20))
    owned = virtual_service(route, route | {"match": [{"port": 81}]}, name="a", labels=flux)
    assert codes(*MESH, owned) == [("owner", "owner"), ("warning", "no-ready-pods"), ("warning", "route-not-reached")]


def test_a_service_without_routes_says_which_versions_have_no_pods() -> None:
    found = service_notes(snapshot_of(*MESH), WEB)
    assert [(note.level, note.text) for note in found] == [
        ("info", "v3: none of its 2 pods is ready."),
        ("info", "v4: it has no pods."),
    ]


def test_what_is_no_service_of_pods_has_nothing_to_say() -> None:
    snapshot = snapshot_of(service_entry("api.example"), destination_rule("api.example", "v1"), service("alias", {}))
    assert service_notes(snapshot, ("shop", "api.example")) == ()
    assert service_notes(snapshot, ("shop", "alias")) == ()
