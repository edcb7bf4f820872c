"""The services of the mesh, the rules for them and the routes that reach them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.istio import builders
from tests.istio.builders import destination, destination_rule, http_route, service, service_entry, split, workload
from tests.istio.builders import snapshot as snapshot_of
from webapp.istio.mesh import (
    answer_marks,
    key_of_host,
    report_names,
    route_marks,
    routes_reaching,
    rules_for_host,
    service_keys,
)

WEB = ("shop", "web")
HOST = "web.shop.svc.cluster.local"


def test_service_keys() -> None:
    web, api, kubernetes = service("web"), service("api", namespace="a"), service("kubernetes")
    api_server = service("kubernetes", namespace="default")
    entry = service_entry("B.example", HOST, "*.c.example")
    expected = (("a", "api"), ("shop", "*.c.example"), ("shop", "b.example"), ("shop", "kubernetes"), WEB)
    assert service_keys(snapshot_of(web, api, kubernetes, api_server, entry)) == expected


@pytest.mark.parametrize(
    ("host", "key"),
    [
        pytest.param(HOST, WEB, id="service"),
        pytest.param("other.shop.svc.cluster.local", None, id="no-service"),
        pytest.param("b.example", ("shop", "b.example"), id="entry"),
        pytest.param("x.y.c.example", ("shop", "*.c.example"), id="entry-with-a-wildcard"),
        pytest.param("c.example", None, id="not-the-wildcards-domain"),
        pytest.param("", None, id="none"),
    ],
)
def test_key_of_host(host: str, key: Any) -> None:
    assert key_of_host(snapshot_of(service("web"), service_entry("b.example", "*.c.example")), host) == key


def rule(host: str, name: str, namespace: str = "shop", created: str = "T1") -> dict[str, Any]:
    return destination_rule(host, name, name=name, namespace=namespace, creationTimestamp=created)


CLIENT, ELSEWHERE = rule(HOST, "client", "front"), rule(HOST, "elsewhere", "other")
SERVICE, ROOT = rule("web", "service"), rule(HOST, "root", "istio-system")
ANY, WIDER, WIDE = rule("*", "any"), rule("*.local", "wider"), rule("*.shop.svc.cluster.local", "wide")
CLIENT_WIDE, YOUNG = rule("*.local", "client", "front"), rule("web", "young", created="T2")
UNRELATED = [rule("web", "their-web", "other"), rule("api", "api"), rule("*.other.svc.cluster.local", "their-all")]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param([SERVICE, CLIENT], ["client", "service"], id="the-client-goes-first"),
        pytest.param([ROOT, SERVICE], ["service", "root"], id="then-the-service"),
        pytest.param([ELSEWHERE, ROOT], ["root"], id="then-the-root-and-no-other"),
        pytest.param([WIDE, SERVICE], ["service", "wide"], id="the-exact-host"),
        pytest.param([WIDER, ANY, WIDE], ["wide", "wider", "any"], id="the-longest-wildcard"),
        pytest.param([SERVICE, CLIENT_WIDE], ["client", "service"], id="the-namespace-before-the-host"),
        pytest.param([YOUNG, SERVICE], ["service", "young"], id="the-oldest"),
        pytest.param(UNRELATED, [], id="others"),
    ],
)
def test_rules_for_host(rules: list[dict[str, Any]], expected: list[str]) -> None:
    found = rules_for_host(snapshot_of(*rules), HOST, namespace="front")
    assert [each.metadata.name for each in found] == expected


V1, V2, V3, V9 = (destination("web", name) for name in ("v1", "v2", "v3", "v9"))
ALL = destination("web")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(http_route(V3, V2), (2, 1), id="those-of-the-versions"),
        pytest.param(http_route(V3, V9), (2, 3), id="an-unknown-subset-gets-a-free-one"),
        pytest.param(http_route(V1, V2), (0, 1), id="a-version-that-only-pods-tell-of"),
        pytest.param(http_route(ALL, V2, ALL), (3, 1, 4), id="without-subsets"),
        pytest.param(http_route(V3, destination("api", "v3")), (0, 1), id="hosts-have-their-place"),
        pytest.param(http_route(V3, destination(HOST, "v2")), (2, 1), id="one-host-written-twice"),
        pytest.param(http_route(destination("gone", "v3"), destination("gone", "v2")), (0, 1), id="an-unknown-host"),
        pytest.param({"redirect": {}}, (), id="no-destinations"),
    ],
)
def test_route_marks(raw: dict[str, Any], expected: tuple[int, ...]) -> None:
    snapshot = snapshot_of(*workload(v1=(1, 1), v2=(1, 1), v3=(1, 1)), destination_rule("web", "v2", "v3"))
    owner = builders.parsed(raw)
    assert route_marks(snapshot, owner, owner.http[0]) == expected


def labelled(**subsets: str) -> dict[str, Any]:
    return destination_rule("web", *({"name": name, "labels": {"version": subsets[name]}} for name in subsets))


SPLIT = split(90, 10)
OLD_NEW = http_route(destination("old"), destination("new"))
A_B = workload(a=(1, 1), b=(1, 1))
TWO_SERVICES = [*workload("old", a=(1, 1)), *workload("new", a=(1, 1), b=(1, 1))]
CROSSED = [*workload(v1=(1, 1), v2=(1, 1)), labelled(v1="v2", v2="v1")]


@pytest.mark.parametrize(
    ("raws", "raw", "expected"),
    [
        pytest.param([], SPLIT, {"v1": "v1", "v2": "v2"}, id="their-own-names"),
        pytest.param(
            [*A_B, labelled(v1="a", v2="b")],
            SPLIT,
            {"v1": "v1", "v2": "v2", "a": "v1", "b": "v2"},
            id="what-pods-are-labelled",
        ),
        pytest.param(TWO_SERVICES, OLD_NEW, {"old": "old", "new": "new", "b": "new"}, id="not-what-two-have"),
        pytest.param(CROSSED, SPLIT, {"v1": "v1", "v2": "v2"}, id="a-name-is-a-name"),
        pytest.param(A_B, http_route(ALL), {"a": "a", "b": "b"}, id="the-service's-own-where-nothing-splits"),
        pytest.param(workload(a=(1, 1)), http_route(ALL), {"a": "a"}, id="the-only-version-by-its-name"),
        pytest.param(
            [*A_B, labelled(v1="a", v2="b")],
            http_route(ALL),
            {"v1": "v1", "v2": "v2", "a": "v1", "b": "v2"},
            id="subsets-where-nothing-splits",
        ),
        pytest.param([service_entry("x.org")], http_route(destination("x.org")), {"x": "x"}, id="no-pods"),
    ],
)
def test_report_names(raws: list[dict[str, Any]], raw: dict[str, Any], expected: Mapping[str, str]) -> None:
    owner = builders.parsed(raw)
    assert report_names(snapshot_of(*raws), owner, owner.http[0]) == expected


@pytest.mark.parametrize(
    ("raws", "raw", "expected"),
    [
        pytest.param(A_B, http_route(ALL), {"a": 0, "b": 1}, id="nothing-splits"),
        pytest.param([*A_B, labelled(v1="a", v2="b")], SPLIT, {"v1": 0, "v2": 1}, id="a-split"),
        pytest.param(workload(a=(1, 1)), http_route(ALL), {"a": 0}, id="one-version"),
    ],
)
def test_answer_marks(raws: list[dict[str, Any]], raw: dict[str, Any], expected: Mapping[str, int]) -> None:
    owner = builders.parsed(raw)
    assert answer_marks(snapshot_of(*raws), owner, owner.http[0]) == expected


def test_routes_reaching_a_service_in_order_of_their_names() -> None:
    full = http_route(destination(HOST))
    snapshot = snapshot_of(
        builders.virtual_service(SPLIT, {"redirect": {}}, full, name="b"),
        builders.virtual_service(http_route(ALL), name="a", namespace="other"),
        builders.virtual_service(http_route(destination("api"), destination(HOST)), name="c", namespace="other"),
        service("web"),
    )
    found = [(owner.metadata.full_name, route.index) for owner, route in routes_reaching(snapshot, WEB)]
    assert found == [("other/c", 0), ("shop/b", 0), ("shop/b", 2)]
    assert routes_reaching(snapshot, ("shop", "none")) == ()
