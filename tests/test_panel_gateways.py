"""How the panel asks a gateway that has several pods, and what it says of that."""

from __future__ import annotations

from typing import Any

import pytest

from tests.istio import builders
from webapp.istio.parse import parse_virtual_service
from webapp.panel import Panel, panel_of
from webapp.settings import Settings

DOOR = builders.service(
    "gw", namespace="istio-system", type="LoadBalancer", status={"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
)


def panel(pods: int, *, in_cluster: bool, gateway_url: str = "") -> Panel:
    """Give the panel of a route behind a gateway with so many pods."""
    names = [f"gw-{number}" for number in range(1, pods + 1)]
    endpoints = [
        {
            "addresses": [f"10.244.0.{number}"],
            "conditions": {"ready": True},
            "targetRef": {"kind": "Pod", "name": name},
        }
        for number, name in enumerate(names, 1)
    ]
    ports = [{"name": "http", "port": 8080}]
    slice_ = builders.endpoint_slice("gw", {}, namespace="istio-system", ports=ports) | {"endpoints": endpoints}
    raws: list[dict[str, Any]] = [
        builders.pod(each, namespace="istio-system", istio="ingress", app="gw") for each in names
    ]
    virtual_service = parse_virtual_service(builders.virtual_service(builders.split(90, 10), gateways=["edge"]))
    snapshot = builders.snapshot(*raws, DOOR, slice_, builders.gateway("edge"))
    settings = Settings(gateway_url=gateway_url)
    return panel_of(snapshot, virtual_service, virtual_service.http[0], settings=settings, in_cluster=in_cluster)


MIXED = (
    "The gateway has 3 pods, which are seen mixed from here: a connection that is kept alive stays with one of them, "
    "fresh ones spread over them."
)


@pytest.mark.parametrize(
    ("made", "asked", "words"),
    [
        pytest.param(panel(1, in_cluster=True), ["10.244.0.1:8080"], "", id="one"),
        pytest.param(
            panel(3, in_cluster=True),
            [f"10.244.0.{number}:8080" for number in (1, 2, 3)],
            "The gateway's 3 pods are asked in turn, each by its own address.",
            id="in-the-cluster",
        ),
        pytest.param(
            panel(12, in_cluster=True),
            [f"10.244.0.{number}:8080" for number in (1, 10, 11, 12, 2, 3, 4, 5)],
            "8 of the gateway's 12 pods are asked in turn, each by its own address.",
            id="more-than-are-asked",
        ),
        pytest.param(panel(3, in_cluster=False), [], MIXED, id="from-outside"),
        pytest.param(panel(3, in_cluster=True, gateway_url="http://192.0.2.9:80"), [], MIXED, id="an-address-is-set"),
        pytest.param(panel(1, in_cluster=False), [], "", id="one-from-outside"),
    ],
)
def test_which_pods_are_asked_and_what_is_said_of_it(made: Panel, asked: list[str], words: str) -> None:
    assert made.target is not None, made.reason
    assert [each.address for each in made.target.gateways] == asked
    assert made.gateways == words
