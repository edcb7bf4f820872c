"""The versions of a service, and the pods behind them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.istio.builders import destination_rule, endpoint_slice, pod, service, service_entry, workload
from tests.istio.builders import snapshot as snapshot_of
from webapp.istio.mesh import destination_pods, pods_of, subsets_for_host, versions_of
from webapp.istio.objects import Destination

WEB = ("shop", "web")
HOST = "web.shop.svc.cluster.local"

Brief = tuple[str, str | None, int, int]
"""Name, subset, ready, all; its place is the mark."""


def briefly(*raws: dict[str, Any], key: tuple[str, str] = WEB) -> list[Brief]:
    versions = versions_of(snapshot_of(*raws), key)
    assert [version.mark for version in versions] == list(range(len(versions)))
    return [(version.name, version.subset, version.ready, version.total) for version in versions]


def label(name: str, version: str) -> dict[str, Any]:
    return {"name": name, "labels": {"version": version}}


ONE = workload(v1=(1, 1))
TWO = workload(v1=(1, 1), v2=(0, 2))
OTHER_LABEL = {"app.kubernetes.io__version": "1.2"}


@pytest.mark.parametrize(
    ("raws", "expected"),
    [
        pytest.param(
            [*TWO, destination_rule("web", "v1", "v2")], [("v1", "v1", 1, 1), ("v2", "v2", 0, 2)], id="subsets"
        ),
        pytest.param(workload(v10=(1, 1), v9=(1, 1)), [("v9", None, 1, 1), ("v10", None, 1, 1)], id="natural-order"),
        pytest.param(
            workload(**{"v1": (1, 1), "v02": (1, 1), "v1-a": (1, 1), "v1.10": (1, 1), "v1.9": (1, 1)}),
            [(name, None, 1, 1) for name in ("v1", "v1-a", "v1.9", "v1.10", "v02")],
            id="numbers-within-names",
        ),
        pytest.param([*TWO, destination_rule("web", "v1")], [("v1", "v1", 1, 1), ("v2", None, 0, 2)], id="not-covered"),
        pytest.param([*ONE, destination_rule("web", label("a", "v1"))], [("a", "a", 1, 1)], id="by-another-name"),
        pytest.param(
            [*ONE, destination_rule("web", {"name": "all"})],
            [("all", "all", 1, 1), ("v1", None, 1, 1)],
            id="a-subset-without-labels-covers-none",
        ),
        pytest.param([service(), destination_rule("web", "v1")], [("v1", "v1", 0, 0)], id="a-subset-without-pods"),
        pytest.param([service(), pod("a", app="web")], [], id="pods-without-a-version"),
        pytest.param([service(), pod("a", app="web", version="")], [], id="an-empty-version"),
        pytest.param([service(), pod("a", app="web", **OTHER_LABEL)], [("1.2", None, 0, 1)], id="the-other-label"),
        pytest.param(
            [service(), pod("a", app="web", version="v2", **OTHER_LABEL)],
            [("v2", None, 0, 1)],
            id="the-first-label-counts",
        ),
        pytest.param([service(), pod("a", app="api", version="v1")], [], id="pods-of-another-service"),
        pytest.param([service(), pod("a", namespace="b", app="web", version="v1")], [], id="pods-of-another-namespace"),
        pytest.param([], [], id="no-such-service"),
    ],
)
def test_versions_of(raws: list[dict[str, Any]], expected: list[Brief]) -> None:
    assert briefly(*raws) == expected


def test_a_pod_in_two_slices_counts_once() -> None:
    again = endpoint_slice("web", {"web-v1-0": True, "web-v1-1": True}, name="ipv6")
    assert briefly(*ONE, again) == [("v1", None, 1, 1)]


def test_hosts_of_service_entries_have_versions_without_pods() -> None:
    raws = [service_entry("api.example"), destination_rule("api.example", "v1")]
    assert briefly(*raws, key=("shop", "api.example")) == [("v1", "v1", 0, 0)]


def test_subsets_of_rules_for_the_same_host_add_up() -> None:
    snapshot = snapshot_of(
        destination_rule("web", "v1", name="one", creationTimestamp="T1"),
        destination_rule(HOST, "v2", {"name": "v1", "labels": {}}, name="two", creationTimestamp="T2"),
        destination_rule("*.shop.svc.cluster.local", "v3", name="wide"),
        destination_rule(HOST, "v4", name="far", namespace="istio-system"),
    )
    subsets = subsets_for_host(snapshot, HOST)
    assert list(subsets) == ["v1", "v2"]
    assert subsets["v1"].labels == {"version": "v1"}


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        pytest.param(Destination("web", "v2"), (0, 2), id="subset"),
        pytest.param(Destination("web"), (1, 3), id="all"),
        pytest.param(Destination(HOST, "v1"), (1, 1), id="full-host"),
        pytest.param(Destination("web", "v9"), (0, 0), id="a-subset-that-no-rule-defines"),
        pytest.param(Destination("other"), None, id="no-service"),
        pytest.param(Destination("api.example"), None, id="service-entry"),
        pytest.param(Destination("alias"), None, id="external-name"),
        pytest.param(Destination(""), None, id="no-host"),
    ],
)
def test_destination_pods(to: Destination, expected: tuple[int, int] | None) -> None:
    alias = service("alias", {}, type="ExternalName", externalName="api.example")
    raws = [*TWO, destination_rule("web", "v1", "v2"), service_entry("api.example"), alias]
    assert destination_pods(snapshot_of(*raws), to, "shop") == expected


def test_a_subset_never_reaches_beyond_its_service() -> None:
    raws = [*ONE, *workload("api", v1=(1, 1)), destination_rule("web", "v1")]
    assert destination_pods(snapshot_of(*raws), Destination("web", "v1"), "shop") == (1, 1)


def test_pods_of_a_service_with_their_versions() -> None:
    raws = [*workload(v1=(1, 2), v2=(1, 1)), pod("web-10", app="web"), destination_rule("web", label("stable", "v1"))]
    found = [(each.metadata.name, version, ready) for each, version, ready in pods_of(snapshot_of(*raws), WEB)]
    assert found == [
        ("web-10", None, False),
        ("web-v1-0", "stable", True),
        ("web-v1-1", "stable", False),
        ("web-v2-0", "v2", True),
    ]


def test_what_is_worked_out_is_remembered_for_one_snapshot() -> None:
    one, other = snapshot_of(*ONE), snapshot_of(*TWO)
    assert versions_of(one, WEB) is versions_of(one, WEB)
    assert versions_of(one, WEB) != versions_of(other, WEB)
    assert subsets_for_host(one, HOST) is not subsets_for_host(one, HOST, namespace="front")
