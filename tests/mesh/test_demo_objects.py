"""The demo's own objects: its shop answers alike through both gateways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import webapp.demo
from tests.mesh.api import Raw, read_objects
from tests.mesh.both import Both, both_gateways
from tests.mesh.mesh import RealMesh
from tests.mesh.workloads import Workloads

OBJECTS = Path(webapp.demo.__file__).parent / "objects"
NAMESPACE = "shop"
REQUESTS = 400
NEAR = 60
"""Of 400: further apart than this are two equal splits in less than one run in 10,000."""


def labels_of(deployment: Raw) -> Raw:
    found: Raw = deployment["spec"]["template"]["metadata"]["labels"]
    return found


@pytest.fixture(scope="module")
def both(mesh: RealMesh, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    shop = [*read_objects(OBJECTS / "shop-services.yaml"), *read_objects(OBJECTS / "shop.yaml")]
    deployments = [each for each in shop if each["kind"] == "Deployment"]
    with Workloads(mesh.api, NAMESPACE) as workloads:
        for service in (each for each in shop if each["kind"] == "Service"):
            selected = [labels_of(each) for each in deployments]
            selector = service["spec"]["selector"].items()
            versions = {each.get("version", "v1"): 1 for each in selected if selector <= each.items()}
            not_ready = {"v3"} if service["metadata"]["name"] == "reviews" else set()
            workloads.run_pods(service, versions, not_ready=not_ready)
        workloads.apply(*(each for each in shop if each["kind"] != "Namespace"))
        with both_gateways(mesh.api, NAMESPACE, tmp_path_factory.mktemp("envoy"), port=8080) as both:
            yield both


@pytest.mark.parametrize(
    ("host", "path", "headers"),
    [
        pytest.param("shop", "/basket", {}, id="redirect"),
        pytest.param("shop", "/cart/items?a=b", {}, id="rewrite"),
        pytest.param("shop", "/search", {}, id="prefix"),
        pytest.param("shop", "/", {}, id="home"),
        pytest.param("catalog.shop", "/", {"end-user": "jason"}, id="tester-by-header"),
        pytest.param("catalog.shop", "/", {"cookie": "a=b; beta=1"}, id="tester-by-cookie"),
        pytest.param("nobody.shop", "/", {}, id="no-such-host"),
    ],
)
def test_the_shop_answers_alike(both: Both, host: str, path: str, headers: dict[str, str]) -> None:
    found = both.differences(path, headers={"Host": f"{host}.example", **headers})
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", ["reviews", "catalog", "app"])
def test_the_shop_shares_alike(both: Both, name: str) -> None:
    embedded, real = (
        Counter(each.ask(headers={"Host": f"{name}.shop.example"}).version for _ in range(REQUESTS))
        for each in (both.embedded, both.real)
    )
    assert embedded.keys() == real.keys()
    assert all(abs(embedded[version] - real[version]) < NEAR for version in real)


def test_nothing_is_left_out(both: Both) -> None:
    assert both.notes == {}
