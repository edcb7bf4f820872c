"""What the mesh page says where there is nothing to shift yet, step by step until there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.views.conftest import wait_for
from tests.views.objects import ISTIO, pod, service
from webapp.composition import Adapters
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings

JSON = {"Accept": "application/json"}
GATEWAY = {
    "apiVersion": ISTIO,
    "kind": "Gateway",
    "metadata": {"namespace": "shop", "name": "public"},
    "spec": {
        "selector": {"istio": "ingressgateway"},
        "servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
    },
}


@pytest.fixture
def api() -> Iterator[KubeApi]:
    with KubeApi() as api:
        yield api


def put(adapters: Adapters, api: KubeApi, resource: str, obj: dict[str, Any]) -> None:
    before = adapters.cluster.snapshot().revision
    api.store.put(resource, obj, manager="kubectl-client-side-apply")
    wait_for(adapters, lambda snapshot: snapshot.revision > before)


def mesh(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/", headers=JSON).get_json()
    return found


def test_an_empty_cluster_is_led_to_its_first_split(adapters: Adapters, api: KubeApi, client: FlaskClient) -> None:
    assert "Apply a Deployment and a Service" in mesh(client)["empty"]
    assert mesh(client)["next_step"] == ""
    web = service("shop", "web", {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]})
    put(adapters, api, "services", web)
    put(adapters, api, "pods", pod("shop", "web-1", {"app": "web", "version": "v1"}))
    assert mesh(client)["empty"] == ""
    assert "No service has two versions yet" in mesh(client)["next_step"]
    put(adapters, api, "pods", pod("shop", "web-2", {"app": "web", "version": "v2"}))
    assert "There is no Istio Gateway" in mesh(client)["next_step"]
    assert "There is no Istio Gateway" in client.get("/").text
    put(adapters, api, "gateways", GATEWAY)
    assert mesh(client)["next_step"] == ""


def test_the_service_before_a_gateway_is_the_way_in_and_no_workload(
    adapters: Adapters, api: KubeApi, client: FlaskClient
) -> None:
    way_in = service(
        "istio-system", "ingress", {"selector": {"istio": "ingressgateway"}, "ports": [{"name": "http2", "port": 80}]}
    )
    put(adapters, api, "services", way_in)
    put(adapters, api, "pods", pod("istio-system", "gw-1", {"istio": "ingressgateway"}))
    (row,) = mesh(client)["services"]
    assert (row["split"]["text"], row["reached_at"]) == ("no split", "not exposed")
    put(adapters, api, "gateways", GATEWAY)
    (row,) = mesh(client)["services"]
    assert (row["split"]["text"], row["reached_at"]) == ("the way in, by shop/public", "as a gateway")
    page = client.get("/services/istio-system/ingress", headers=JSON).get_json()
    assert page["reached_at"] == "as a gateway"


def test_a_filter_that_nothing_fits_is_not_an_empty_cluster(
    adapters: Adapters, api: KubeApi, client: FlaskClient
) -> None:
    put(adapters, api, "services", service("shop", "web", {"ports": [{"port": 80}]}))
    assert client.get("/?search=nothing", headers=JSON).get_json()["empty"] == "No service fits this filter."


class TestOneNamespace:
    """A smaller scope is no obstacle: what can be read there is whole."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, namespaces=("shop",))

    def test_it_says_that_nothing_is_there(self, adapters: Adapters, client: FlaskClient) -> None:
        assert "Apply a Deployment and a Service" in mesh(client)["empty"]
