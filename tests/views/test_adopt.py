"""Taking control in the browser's words: what is proposed, judged, written and given back."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.views.adopting import (
    HTML,
    JSON,
    PAGE,
    adopt,
    bare_route,
    fail_after_dry_runs,
    form_of,
    give_back,
    objects,
    preview,
    put_route,
    run,
    spec,
    view,
    wait_for_pods,
)
from webapp.composition import Adapters
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings


@pytest.fixture
def adapters(api: KubeApi, settings: Settings, adapters: Adapters, monkeypatch: pytest.MonkeyPatch) -> Adapters:
    """Adapters that see three pods of v1 and one of v2, and wait for no proxies."""
    monkeypatch.setattr(adapters.cluster._objects, "_wait", lambda seconds: None)
    run(api, v1=3, v2=1)
    wait_for_pods(adapters, 4)
    return adapters


@pytest.fixture
def routed(api: KubeApi, adapters: Adapters, client: FlaskClient) -> FlaskClient:
    """A client that sees somebody's route to shop/inner."""
    put_route(api, adapters, bare_route())
    return client


@pytest.fixture
def owned(api: KubeApi, adapters: Adapters, client: FlaskClient) -> FlaskClient:
    put_route(api, adapters, bare_route(annotations={"argocd.argoproj.io/tracking-id": "shop:x"}))
    return client


def test_the_service_has_a_way_there(client: FlaskClient, adapters: Adapters) -> None:
    assert f'href="{PAGE}"' in client.get("/services/shop/inner", headers=HTML).text


def test_without_any_route_callers_in_the_mesh_are_proposed(client: FlaskClient) -> None:
    found = view(client)
    assert [(each["subset"], each["labels"], each["weight"], each["ready"]) for each in found["form"]["subsets"]] == [
        ("v1", "version=v1", "75", 3),
        ("v2", "version=v2", "25", 1),
    ]
    assert [(step["verb"], step["kind"], step["name"]) for step in found["plan"]["steps"]] == [
        ("create", "DestinationRule", "inner"),
        ("create", "VirtualService", "inner"),
    ]
    assert found["plan"]["settle_seconds"] > 0
    assert "host: inner.shop.svc.cluster.local" in found["plan"]["steps"][1]["yaml"]


def test_a_look_writes_nothing(client: FlaskClient, api: KubeApi) -> None:
    before = objects(api)
    found = preview(client)
    assert [step["verdict"] for step in found["plan"]["steps"]] == ["accepted", "accepted"]
    assert objects(api) == before


def test_control_of_callers_in_the_mesh_and_the_way_back(client: FlaskClient, api: KubeApi) -> None:
    before = objects(api)
    response = adopt(client)
    assert response.status_code == 200, response.get_json()
    outcome = response.get_json()["outcome"]
    assert outcome["done"] == ["DestinationRule shop/inner was made.", "VirtualService shop/inner was made."]
    host = "inner.shop.svc.cluster.local"
    assert spec(api, "virtualservices", "inner") == {
        "hosts": [host],
        "http": [
            {
                "route": [
                    {"destination": {"host": host, "subset": "v1"}, "weight": 75},
                    {"destination": {"host": host, "subset": "v2"}, "weight": 25},
                ]
            }
        ],
    }
    # At once, whatever the watch has shown by then.
    assert [each["name"] for each in response.get_json()["adopted"]] == [
        "DestinationRule shop/inner",
        "VirtualService shop/inner",
    ]
    assert give_back(client).status_code == 200
    assert objects(api) == before
    assert view(client)["adopted"] == []


def test_somebodys_route_is_split_and_put_back(routed: FlaskClient, api: KubeApi) -> None:
    before = objects(api)
    found = adopt(routed, tag="on").get_json()
    [route] = spec(api, "virtualservices", "inner-door")["http"]
    assert route["timeout"] == "3s"
    assert [each["weight"] for each in route["route"]] == [75, 25]
    assert route["route"][1]["headers"] == {"response": {"set": {"x-crossfade-version": "v2"}}}
    assert [(each["name"], each["made"]) for each in found["adopted"]] == [
        ("DestinationRule shop/inner", True),
        ("VirtualService shop/inner-door", False),
    ]
    # A shift in between is none of its business.
    door = "/virtual-services/shop/inner-door"
    digest = routed.get(door, headers=JSON).get_json()["http_routes"][0]["route_digest"]
    shifted = {"weight": ["10", "90"], "route_digest": digest}
    assert routed.post(f"{door}/http/0/weights", data=shifted, headers=JSON).status_code == 200
    assert give_back(routed).status_code == 200
    after = objects(api)
    history = after["virtualservices/inner-door"][2].pop("crossfade/history")
    assert "[10,90]" in history
    assert after | {"virtualservices/inner-door": (*after["virtualservices/inner-door"][:2], None)} == before


def test_a_gateway_only_if_it_is_asked_for(client: FlaskClient, api: KubeApi) -> None:
    response = adopt(client, mesh=None, gateway="new", host="inner.example")
    assert response.status_code == 200, response.get_json()
    assert spec(api, "gateways", "inner-gateway") == {
        "selector": {"istio": "ingressgateway"},
        "servers": [{"port": {"number": 80, "name": "http-80", "protocol": "HTTP"}, "hosts": ["inner.example"]}],
    }
    assert spec(api, "virtualservices", "inner")["gateways"] == ["inner-gateway"]
    assert spec(api, "virtualservices", "inner")["hosts"] == ["inner.example"]
    assert give_back(client).status_code == 200
    assert spec(api, "gateways", "inner-gateway") is None


def test_a_gateway_that_is_there_beside_the_mesh(client: FlaskClient, api: KubeApi) -> None:
    assert adopt(client, gateway="shop/edge", host="inner.example").status_code == 200
    made = spec(api, "virtualservices", "inner")
    assert made["gateways"] == ["edge", "mesh"]
    assert made["hosts"] == ["inner.example", "inner.shop.svc.cluster.local"]


def test_a_script_may_leave_the_form_out(client: FlaskClient, api: KubeApi) -> None:
    digest = view(client)["plan"]["digest"]
    response = client.post(PAGE, data={"step": "apply", "plan_digest": digest}, headers=JSON)
    assert response.status_code == 200
    assert spec(api, "destinationrules", "inner") is not None


def test_a_route_that_somebody_changed_meanwhile_is_named(
    routed: FlaskClient, api: KubeApi, adapters: Adapters
) -> None:
    form = form_of(view(routed))
    changed = bare_route()
    changed["spec"]["http"][0]["timeout"] = "9s"
    put_route(api, adapters, changed)
    answer = routed.post(PAGE, data=form, headers=JSON)
    assert answer.status_code == 409
    message = answer.get_json()["error"]["message"]
    assert "VirtualService shop/inner-door was changed by kubectl-edit" in message and "Nothing was written" in message
    page = routed.post(PAGE, data=form, headers=HTML)
    assert page.status_code == 409 and "kubectl-edit" in page.text
    # The page that says so shows the plan for what is there now.
    assert view(routed)["plan"]["digest"] in page.text and form["plan_digest"] not in page.text
    assert spec(api, "destinationrules", "inner") is None


def test_a_label_elsewhere_troubles_nobody(routed: FlaskClient, api: KubeApi, adapters: Adapters) -> None:
    form = form_of(view(routed))
    put_route(api, adapters, bare_route(labels={"team": "shop"}))
    assert routed.post(PAGE, data=form, headers=JSON).status_code == 200


def test_half_way_it_says_what_stands_and_can_be_taken_back(client: FlaskClient, api: KubeApi) -> None:
    before = objects(api)
    found = view(client)
    # The dry runs pass; what comes after them does not.
    api.faults.reject("too late", verb="create", resource="virtualservices", webhook="late.example")
    fail_after_dry_runs(api)
    answer = client.post(PAGE, data=form_of(found), headers=HTML)
    assert answer.status_code == 422
    assert "It went half way" in answer.text and "too late" in answer.text
    assert "DestinationRule shop/inner was made." in answer.text
    assert "Give back" in answer.text
    assert spec(api, "destinationrules", "inner") is not None
    api.faults.clear()
    assert give_back(client).status_code == 200
    assert objects(api) == before


def test_another_tools_object_is_written_by_consent_alone(owned: FlaskClient, api: KubeApi) -> None:
    found = view(owned)
    assert [each["tool"] for each in found["plan"]["owners"]] == ["Argo CD"]
    assert 'name="consent" value="Argo CD"' in owned.get(PAGE, headers=HTML).text
    answer = owned.post(PAGE, data=form_of(found), headers=JSON)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (409, "owned")
    assert spec(api, "destinationrules", "inner") is None
    assert owned.post(PAGE, data=form_of(found, consent="Argo CD"), headers=JSON).status_code == 200


def test_flagger_takes_annotations_for_changes(api: KubeApi, adapters: Adapters, client: FlaskClient) -> None:
    owner = {"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": "inner", "uid": "1"}
    put_route(api, adapters, bare_route(ownerReferences=[owner]))
    answer = client.post(PAGE, data=form_of(view(client), consent="Flagger"), headers=JSON)
    assert answer.status_code == 409 and "Flagger" in answer.get_json()["error"]["message"]
    assert len(spec(api, "virtualservices", "inner-door")["http"][0]["route"]) == 1


def test_what_somebody_changed_since_is_left_and_said(routed: FlaskClient, api: KubeApi, adapters: Adapters) -> None:
    assert adopt(routed).status_code == 200
    raw = api.store.get("virtualservices", namespace="shop", name="inner-door")
    assert raw
    raw["spec"]["http"][0]["route"][0]["destination"]["port"] = {"number": 80}
    put_route(api, adapters, dict(raw))
    plan = view(routed)["give_back"]
    assert plan["steps"] == []
    assert "was changed since, last by kubectl-edit" in " ".join(plan["left"])
    assert "keeps the subset" in " ".join(plan["left"])
    give_back(routed)
    assert spec(api, "virtualservices", "inner-door") == raw["spec"]
    assert spec(api, "destinationrules", "inner") is not None


def test_a_version_that_appears_later_is_offered_at_0(client: FlaskClient, api: KubeApi, adapters: Adapters) -> None:
    before = objects(api)
    assert adopt(client).status_code == 200
    assert view(client)["newcomers"] == []
    run(api, v1=3, v2=1, v3=1)
    wait_for_pods(adapters, 5)
    [newcomer] = view(client)["newcomers"]
    assert (newcomer["version"], newcomer["ready"], newcomer["total"]) == ("v3", 1, 1)
    assert "v3 is new" in client.get(PAGE, headers=HTML).text
    form = {"newcomer": newcomer["name"], "plan_digest": newcomer["plan"]["digest"], "seen": newcomer["plan"]["seen"]}
    assert client.post(f"{PAGE}/add", data=form, headers=JSON).status_code == 200
    route = spec(api, "virtualservices", "inner")["http"][0]["route"]
    assert [(each["destination"]["subset"], each["weight"]) for each in route] == [("v1", 75), ("v2", 25), ("v3", 0)]
    assert [each["name"] for each in spec(api, "destinationrules", "inner")["subsets"]] == ["v1", "v2", "v3"]
    # Twice is once.
    again = client.post(f"{PAGE}/add", data=form, headers=JSON)
    assert again.status_code == 409 and "by now" in again.get_json()["error"]["message"]
    assert give_back(client).status_code == 200
    assert objects(api) == before
