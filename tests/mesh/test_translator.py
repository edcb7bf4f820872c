"""Verified translator: what the demo's Envoy answers, the istiod-fed Envoy answers too."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import pytest

from tests.mesh.api import Raw
from tests.mesh.both import Both, both_gateways
from tests.mesh.cases import Case
from tests.mesh.cases_actions import ACTIONS, DESTINATIONS, FAULTS, HEADERS
from tests.mesh.cases_matches import HOSTS, MATCHES
from tests.mesh.mesh import RealMesh
from tests.mesh.objects import raw
from tests.mesh.workloads import Workloads

CASES = [*MATCHES, *HOSTS, *DESTINATIONS, *HEADERS, *ACTIONS, *FAULTS]

NETWORKING = "networking.istio.io/v1"


def objects() -> list[Raw]:
    """Return the Gateway, the rule and a VirtualService for each case."""
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    subsets = [{"name": version, "labels": {"version": version}} for version in ("v1", "v2", "v3")]
    return [
        raw(NETWORKING, "Gateway", "public", spec={"selector": {"istio": "ingressgateway"}, "servers": [server]}),
        raw(NETWORKING, "DestinationRule", "web", spec={"host": "web", "subsets": subsets}),
        *(
            raw(
                NETWORKING,
                "VirtualService",
                case.id,
                spec={"hosts": list(case.hosts or (case.host,)), "gateways": ["public"], "http": deepcopy(case.http)},
            )
            for case in CASES
        ),
    ]


@pytest.fixture(scope="module")
def both(mesh: RealMesh, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with Workloads(mesh.api, "translated") as workloads:
        workloads.run("web", {"v1": 1, "v2": 1})
        workloads.run("refusing", {"v1": 1})
        workloads.pods["refusing-v1-0"].end()
        workloads.apply(*objects())
        with both_gateways(mesh.api, workloads.name, tmp_path_factory.mktemp("envoy"), port=80) as both:
            yield both


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_both_answer_alike(both: Both, case: Case) -> None:
    found: list[str] = []
    for asked in case.asks:
        headers = {"Host": asked.host or case.host, **asked.headers}
        found += [f"{asked}: {each}" for each in both.differences(asked.path, method=asked.method, headers=headers)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_nothing_is_left_out(both: Both, case: Case) -> None:
    assert both.notes.get(case.id, ()) == ()
