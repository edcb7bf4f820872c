"""A Snapshot after a change tells what one that is built anew tells, and works out again only what changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.istio import builders
from tests.istio.builders import destination, http_route
from tests.istio.large import large_snapshot
from tests.istio.strategies import steady
from tests.istio.test_large import calls_of, draw_everything
from webapp.istio import memory, parse
from webapp.istio.bound import bound_by_gateway, bound_by_host
from webapp.istio.diagnostics import route_notes, service_notes, virtual_service_notes
from webapp.istio.gateways import gateway_address, gateway_pods
from webapp.istio.mesh import carried_reaching, pods_of, report_names, routes_reaching, service_keys, versions_of
from webapp.istio.objects import HttpRoute, Pod
from webapp.istio.snapshot import Snapshot, remembered

NAMESPACES = st.sampled_from(["a", "b"])
NAMES = st.sampled_from(["web", "api"])
VERSIONS = st.sampled_from(["v1", "v2", ""])
HOSTS = st.sampled_from(["web", "api", "web.a.svc.cluster.local", "*.a.svc.cluster.local", "x.example"])


@st.composite
def services(draw: st.DrawFn) -> Any:
    selector = draw(st.sampled_from([{"app": "web"}, {"app": "api"}, {"app": "web", "version": "v1"}, {}]))
    return parse.parse_service(builders.service(draw(NAMES), selector, namespace=draw(NAMESPACES)))


@st.composite
def pods(draw: st.DrawFn) -> Any:
    labels = {"app": draw(NAMES), draw(st.sampled_from(["version", "app.kubernetes.io__version"])): draw(VERSIONS)}
    labels |= draw(st.sampled_from([{}, {"istio": "ingress"}]))
    return parse.parse_pod(builders.pod(draw(st.sampled_from("pqrs")), namespace=draw(NAMESPACES), **labels))


@st.composite
def endpoint_slices(draw: st.DrawFn) -> Any:
    ready = draw(st.dictionaries(st.sampled_from("pqrs"), st.booleans()))
    raw = builders.endpoint_slice(draw(NAMES), ready, name=draw(st.sampled_from("xy")), namespace=draw(NAMESPACES))
    return parse.parse_endpoint_slice(raw)


@st.composite
def virtual_services(draw: st.DrawFn) -> Any:
    routes = [
        http_route(*(destination(draw(HOSTS), draw(VERSIONS) or None, weight) for weight in weights))
        for weights in draw(st.lists(st.sampled_from([[100], [90, 10]]), max_size=2))
    ]
    delegate = {"delegate": {"name": draw(NAMES), "namespace": draw(NAMESPACES)}}
    raw = builders.virtual_service(
        *routes,
        *draw(st.sampled_from([[], [delegate]])),
        name=draw(NAMES),
        namespace=draw(NAMESPACES),
        hosts=draw(st.lists(HOSTS, max_size=2)),
        gateways=draw(st.sampled_from([["mesh"], ["edge"], ["a/edge", "mesh"], None])),
        creationTimestamp=draw(st.sampled_from(["T1", "T2"])),
    )
    return parse.parse_virtual_service(raw)


@st.composite
def destination_rules(draw: st.DrawFn) -> Any:
    raw = builders.destination_rule(draw(HOSTS), "v1", "v2", name=draw(NAMES), namespace=draw(NAMESPACES))
    return parse.parse_destination_rule(raw)


KINDS: dict[str, st.SearchStrategy[Any]] = {
    "services": services(),
    "pods": pods(),
    "endpoint_slices": endpoint_slices(),
    "virtual_services": virtual_services(),
    "destination_rules": destination_rules(),
    "gateways": NAMESPACES.map(lambda each: parse.parse_gateway(builders.gateway("edge", namespace=each))),
    "service_entries": NAMESPACES.map(
        lambda each: parse.parse_service_entry(builders.service_entry("x.example", namespace=each))
    ),
}


def objects_of(kind: str) -> st.SearchStrategy[dict[Any, Any]]:
    return st.lists(KINDS[kind], max_size=6).map(lambda found: {each.metadata.key: each for each in found})


def news_of(before: Mapping[Any, Any], drawn: Mapping[Any, Any]) -> dict[Any, Any]:
    """Take one half of what there is away, and put in what was drawn."""
    return {key: None for place, key in enumerate(before) if place % 2} | dict(drawn)


changes = st.sampled_from(sorted(KINDS)).flatmap(lambda kind: st.tuples(st.just(kind), objects_of(kind)))
meshes = st.fixed_dictionaries({kind: objects_of(kind) for kind in KINDS})


def all_that_is_told(snapshot: Snapshot) -> list[Any]:
    told: list[Any] = [service_keys(snapshot), snapshot.rule_wildcard_lengths, snapshot.service_entry_by_host]
    told += [dict(snapshot.virtual_services_by_destination), dict(bound_by_gateway(snapshot))]
    told += [dict(bound_by_host(snapshot)), dict(snapshot.rules_by_host)]
    for _, gateway in sorted(snapshot.gateways.items()):
        told.append(sorted(pod.metadata.key for pod in gateway_pods(snapshot, gateway)))
    for key in service_keys(snapshot):
        told += [versions_of(snapshot, key), pods_of(snapshot, key), snapshot.ready_pods(key)]
        told += [service_notes(snapshot, key), carried_reaching(snapshot, key)]
    for _, owner in sorted(snapshot.virtual_services.items()):
        told += [gateway_address(owner, snapshot, in_cluster=False), virtual_service_notes(snapshot, owner)]
        for route in owner.routes:
            told.append(route_notes(snapshot, owner, route))
            if isinstance(route, HttpRoute):
                told.append(report_names(snapshot, owner, route))
    return told


@steady
@given(meshes, st.lists(changes, min_size=1, max_size=4))
def test_a_successor_tells_what_a_new_snapshot_tells(mesh: dict[str, Any], edits: list[tuple[str, Any]]) -> None:
    snapshot = Snapshot(**mesh)
    for number, (kind, drawn) in enumerate(edits):
        all_that_is_told(snapshot)
        news = news_of(mesh[kind], drawn)
        mesh[kind] = {key: each for key, each in (mesh[kind] | news).items() if each is not None}
        snapshot = snapshot.successor(number + 1, {kind: news})
        assert all_that_is_told(snapshot) == all_that_is_told(Snapshot(**mesh))


def pod_relabelled(snapshot: Snapshot) -> dict[str, Any]:
    pod: Pod = snapshot.pods["team-0", "app-0-0"]
    changed = replace(pod, metadata=replace(pod.metadata, labels={**pod.metadata.labels, "version": "v3"}))
    return {"pods": {pod.metadata.key: changed}}


def pod_gone(_: Snapshot) -> dict[str, Any]:
    return {"pods": {("team-0", "app-0-0"): None}}


def pod_unready(snapshot: Snapshot) -> dict[str, Any]:
    (found,) = snapshot.endpoint_slices_by_service["team-0", "app-0"]
    endpoints = tuple(replace(each, ready=False) for each in found.endpoints)
    return {"endpoint_slices": {found.metadata.key: replace(found, endpoints=endpoints)}}


def shifted(snapshot: Snapshot) -> dict[str, Any]:
    found = snapshot.virtual_services["team-0", "app-0"]
    return {"virtual_services": {found.metadata.key: replace(found, conditions=({},))}}


@pytest.mark.parametrize("change", [pod_relabelled, pod_gone, pod_unready, shifted])
def test_news_of_one_service_cost_as_much_as_one_service(change: Callable[[Snapshot], dict[str, Any]]) -> None:
    snapshot = large_snapshot(100)
    first = calls_of(lambda: [service_notes(snapshot, key) for key in service_keys(snapshot)])
    after = snapshot.successor(1, change(snapshot))
    again = calls_of(lambda: [service_notes(after, key) for key in service_keys(after)])
    looking = calls_of(lambda: [service_notes(after, key) for key in service_keys(after)])
    assert again - looking < first / 50
    assert again > looking


def test_a_snapshot_may_have_two_successors() -> None:
    snapshot, key = large_snapshot(2), ("team-0", "app-0")
    before = versions_of(snapshot, key)
    for after in [snapshot.successor(1, pod_gone(snapshot)) for _ in range(2)]:
        assert versions_of(after, key) != before


def test_an_index_that_is_made_of_two_kinds_follows_both() -> None:
    @remembered
    def names(snapshot: Snapshot) -> list[str]:
        return [pod.metadata.name for pod in snapshot.pods_by_service.get(("shop", "web"), ())]

    snapshot = builders.snapshot(
        builders.service("web"), builders.pod("one", app="web"), builders.pod("two", app="api")
    )
    assert names(snapshot) == ["one"]
    service = parse.parse_service(builders.service("web", {"app": "api"}))
    assert names(snapshot.successor(1, {"services": {service.metadata.key: service}})) == ["two"]


def test_answers_to_endless_questions_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_ANSWERS", 10)
    asked: list[int] = []

    @remembered
    def double(snapshot: Snapshot, number: int) -> int:
        asked.append(number)
        return 2 * number

    snapshot = Snapshot()
    for number in range(11):
        assert double(snapshot, 0) == 0
        assert double(snapshot, number) == 2 * number
        snapshot = snapshot.successor(number, {"pods": {}})
    assert asked.count(0) == 2
    assert asked.count(10) == 1


def test_everything_is_drawn_right_after_a_change() -> None:
    snapshot = large_snapshot(20)
    draw_everything(snapshot)
    after = snapshot.successor(1, pod_relabelled(snapshot))
    draw_everything(after)
    assert [each.name for each in versions_of(after, ("team-0", "app-0"))] == ["v1", "v2", "v3"]
    assert routes_reaching(after, ("team-0", "app-0")) == routes_reaching(snapshot, ("team-0", "app-0"))
