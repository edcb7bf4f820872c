"""The objects that the demo starts with say what they are meant to say."""

from __future__ import annotations

import pytest

from tests.demo.test_controller import Runner
from webapp.demo.controller import Controller
from webapp.demo.kube.store import Store
from webapp.demo.sample_mesh import WALK, helloworld, load_objects, set_gateway_port, tutorial_objects
from webapp.demo.snapshot import snapshot_of
from webapp.demo.translate import translate
from webapp.istio.gateways import GatewayAddress, NoGateway, gateway_address
from webapp.istio.mesh import versions_of
from webapp.istio.snapshot import Snapshot


def loaded(*, empty: bool) -> tuple[Store, Controller]:
    store = Store()
    load_objects(store, empty=empty)
    set_gateway_port(store, 40_000)
    controller = Controller(store, Runner())
    controller.reconcile()
    return store, controller


@pytest.fixture(scope="module")
def mesh() -> Snapshot:
    return snapshot_of(loaded(empty=False)[0])


def test_everything_is_translated() -> None:
    store, controller = loaded(empty=False)
    translation = translate(snapshot_of(store), controller.addresses)
    assert translation.notes == {}
    assert [each["domains"] for each in translation.route_config["virtual_hosts"]] == [
        ["*"],
        *([f"{name}.shop.example"] for name in ("app", "catalog", "quotes", "reviews")),
        ["shop.example"],
    ]


def test_empty_is_the_gateway_alone() -> None:
    store, controller = loaded(empty=True)
    assert [each["metadata"]["name"] for each in store.list("namespaces")] == ["default", "istio-system"]
    assert [each["metadata"]["name"] for each in store.list("services")] == ["istio-ingressgateway"]
    assert translate(snapshot_of(store), controller.addresses).route_config["virtual_hosts"] == []


@pytest.mark.parametrize("name", ["storefront", "reviews", "catalog", "app", "quotes"])
def test_the_shop_is_reached_at_the_gateway(mesh: Snapshot, name: str) -> None:
    found = gateway_address(mesh.virtual_services["shop", name], mesh, in_cluster=False)
    assert isinstance(found, GatewayAddress)
    assert (found.url, found.gateway, len(found.pods)) == ("http://127.0.0.1:40000", "shop/shop-gateway", 1)


def test_one_is_for_the_mesh_only(mesh: Snapshot) -> None:
    found = gateway_address(mesh.virtual_services["shop", "recommendations"], mesh, in_cluster=False)
    assert isinstance(found, NoGateway)


def test_versions_and_their_pods(mesh: Snapshot) -> None:
    def pods(namespace: str, name: str) -> list[tuple[str, int, int]]:
        return [(each.name, each.ready, each.total) for each in versions_of(mesh, (namespace, name))]

    assert pods("default", "aspnetcore-service") == [("v1", 1, 1), ("v2", 1, 1)]
    assert pods("shop", "reviews") == [("v1", 2, 2), ("v2", 2, 2), ("v3", 0, 1)]
    assert pods("shop", "ratings") == [("v1", 3, 3), ("v2", 1, 1)]


@pytest.mark.parametrize(
    ("key", "weights"),
    [
        (("default", "aspnetcore-virtualservice"), (90, 10)),
        (("shop", "reviews"), (80, 20, 0)),
        (("shop", "app"), (95, 5)),
        (("shop", "recommendations"), (50, 50)),
    ],
)
def test_weights(mesh: Snapshot, key: tuple[str, str], weights: tuple[int, ...]) -> None:
    assert mesh.virtual_services[key].http[0].weights == weights


def test_the_tutorial_is_the_walk_with_a_split(mesh: Snapshot) -> None:
    assert all((helloworld() / name).is_file() for name in WALK)
    kinds = [(each["kind"], each["metadata"]["name"]) for each in tutorial_objects()]
    assert kinds == [
        ("Service", "aspnetcore-service"),
        ("Deployment", "aspnetcore-v1"),
        ("Gateway", "aspnetcore-gateway"),
        ("Deployment", "aspnetcore-v2"),
        ("DestinationRule", "aspnetcore-destinationrule"),
        ("VirtualService", "aspnetcore-virtualservice"),
    ]
    assert all(pod.has_proxy for key, pod in mesh.pods.items() if key[0] == "default")


def test_every_service_has_an_address_of_its_own(mesh: Snapshot) -> None:
    addresses = [each.cluster_ip for each in mesh.services.values()]
    assert all(addresses)
    assert len(set(addresses)) == len(addresses)


def test_every_pod_is_behind_a_service(mesh: Snapshot) -> None:
    lonely = [pod.metadata.name for pod in mesh.pods.values() if not list(mesh.services_selecting(pod))]
    assert lonely == []
