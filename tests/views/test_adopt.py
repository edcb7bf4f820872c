"""Taking control in the browser's words: what is proposed, judged, written, given back, and every way it can fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.views.conftest import wait_for, wait_until_live
from tests.views.objects import ISTIO, OBJECTS, endpoint_slice, pod
from webapp import create_app
from webapp.composition import Adapters, build_adapters
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings

JSON = {"Accept": "application/json"}
HTML = {"Accept": "text/html"}
PAGE = "/services/shop/inner/adopt"
KINDS = ("destinationrules", "virtualservices", "gateways")


def run(api: KubeApi, **versions: int) -> None:
    """Let pods of versions stand behind shop/inner, all of them ready."""
    addresses = {}
    for version, count in versions.items():
        for number in range(count):
            name = f"inner-{version}-{number}"
            api.store.put("pods", pod("shop", name, {"app": "inner", "version": version}), manager="kubelet")
            addresses[name] = f"10.244.1.{len(addresses) + 1}"
    api.store.put("endpointslices", endpoint_slice("shop", "inner", addresses), manager="controller")


def bare_route(**fields: Any) -> dict[str, Any]:
    """A VirtualService of somebody's that leads everything to shop/inner."""
    return {
        "apiVersion": ISTIO,
        "kind": "VirtualService",
        "metadata": {"namespace": "shop", "name": "inner-door", **fields},
        "spec": {
            "hosts": ["inner.example"],
            "gateways": ["edge"],
            "http": [{"timeout": "3s", "route": [{"destination": {"host": "inner"}}]}],
        },
    }


@pytest.fixture
def adapters(api: KubeApi, settings: Settings, adapters: Adapters, monkeypatch: pytest.MonkeyPatch) -> Adapters:
    """Adapters that see three pods of v1 and one of v2, and wait for no proxies."""
    monkeypatch.setattr(adapters.cluster._objects, "_wait", lambda seconds: None)
    run(api, v1=3, v2=1)
    wait_for_pods(adapters, 4)
    return adapters


def wait_for_pods(adapters: Adapters, count: int) -> None:
    """Wait until so many pods, all of them ready, are known: pods and endpoints come by two watches."""
    key = ("shop", "inner")
    wait_for(adapters, lambda s: len(s.ready_pods(key)) == len(s.pods_by_service.get(key, ())) == count)


@pytest.fixture
def routed(api: KubeApi, adapters: Adapters, client: FlaskClient) -> FlaskClient:
    """A client that sees somebody's route to shop/inner."""
    put_route(api, adapters, bare_route())
    return client


def put_route(api: KubeApi, adapters: Adapters, raw: dict[str, Any], manager: str = "kubectl-edit") -> None:
    version = api.store.put("virtualservices", raw, manager=manager)["metadata"]["resourceVersion"]
    key = (raw["metadata"]["namespace"], raw["metadata"]["name"])

    def is_seen(snapshot: Any) -> bool:
        found = snapshot.virtual_services.get(key)
        return bool(found) and found.metadata.resource_version == version

    wait_for(adapters, is_seen)


def view(client: FlaskClient) -> Any:
    response = client.get(PAGE, headers=JSON)
    assert response.status_code == 200, response.get_json()
    return response.get_json()


def form_of(found: Any, **changed: Any) -> dict[str, Any]:
    """Send what the page shows, as a browser would."""
    form, plan = found["form"], found["plan"]
    sent: dict[str, Any] = {
        "subset": [each["subset"] for each in form["subsets"]],
        "labels": [each["labels"] for each in form["subsets"]],
        "weight": [each["weight"] for each in form["subsets"]],
        "route": [each["name"] for each in form["routes"] if each["chosen"]],
        "step": "apply",
        "plan_digest": plan["digest"] if plan else "",
        "seen": plan["seen"] if plan else [],
        **{name: form[name] for name in ("rule", "gateway", "host", "port", "virtual_service")},
        **{name: form[name] for name in ("gateway_name", "gateway_port", "selector")},
    }
    sent |= {name: "on" for name in ("mesh", "tag") if form[name]}
    sent |= changed
    return {name: value for name, value in sent.items() if value is not None}


def preview(client: FlaskClient, **changed: Any) -> Any:
    """Ask for the plan of a changed form."""
    answer = client.post(PAGE, data=form_of(view(client), **changed, step="preview"), headers=JSON)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def adopt(client: FlaskClient, **changed: Any) -> Any:
    """Look, choose, look again, and take control."""
    found = preview(client, **changed)
    return client.post(PAGE, data=form_of(found, **changed), headers=JSON)


def give_back(client: FlaskClient, **changed: Any) -> Any:
    plan = view(client)["give_back"]
    form = {"plan_digest": plan["digest"], "seen": plan["seen"], **changed}
    return client.post(f"{PAGE}/give-back", data=form, headers=JSON)


def objects(api: KubeApi) -> dict[str, Any]:
    """Every object of Istio's with its spec, and annotations where there are any."""
    found = {}
    for kind in KINDS:
        for raw in api.store.list(kind):
            metadata = raw["metadata"]
            annotations = metadata.get("annotations") or None
            found[f"{kind}/{metadata['name']}"] = (raw["spec"], metadata.get("labels"), annotations)
    return found


def spec(api: KubeApi, kind: str, name: str) -> Any:
    found = api.store.get(kind, namespace="shop", name=name)
    return None if found is None else found["spec"]


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


BAD_FORMS = [
    pytest.param({"subset": ["V 1", "v2"]}, "subset-0", "does not fit", id="subset-name"),
    pytest.param({"subset": ["v1", ""]}, "subset-1", "an empty name", id="no-subset-name"),
    pytest.param({"subset": ["v1", "v1"]}, "subset-1", "Two subsets", id="same-names"),
    pytest.param({"subset": ["v1", "v" * 64]}, "subset-1", "63", id="long-name"),
    pytest.param({"labels": ["version=v1", "version=v9"]}, "labels-1", "No pod of shop/inner", id="no-pods"),
    pytest.param({"labels": ["version=v1", "app=inner"]}, "labels-1", "already", id="same-pods"),
    pytest.param({"labels": ["version=v1", "version"]}, "labels-1", "no equals sign", id="no-equals"),
    pytest.param({"labels": ["version=v1", "ver sion=v2"]}, "labels-1", "no such label", id="bad-label"),
    pytest.param({"labels": ["version=v1", ""]}, "labels-1", "Write the labels", id="no-labels"),
    pytest.param({"weight": ["75", "24"]}, "weight", "add up to 100", id="sum"),
    pytest.param({"weight": ["x", "24"]}, "weight", "whole number", id="no-number"),
    pytest.param({"subset": ["v1"], "labels": ["version=v1"], "weight": ["100"]}, "subset", "2 to 10", id="one-row"),
    pytest.param({"rule": "Inner_Rule"}, "rule", "Kubernetes would refuse", id="rule-name"),
    pytest.param({"rule": "../../x"}, "rule", "Kubernetes would refuse", id="rule-path"),
    pytest.param({"rule": "web"}, "rule", "There is a DestinationRule shop/web already", id="rule-taken"),
    pytest.param({"virtual_service": "web"}, "virtual_service", "shop/web already", id="virtual-service-taken"),
    pytest.param({"virtual_service": "-x"}, "virtual_service", "Kubernetes would refuse", id="virtual-service-name"),
    pytest.param({"mesh": None}, "route", "Choose what is split", id="nothing-chosen"),
    pytest.param({"route": "shop/nobody/http/0"}, "route", "deleted in the meantime", id="route-gone"),
    pytest.param({"gateway": "shop/nobody", "host": "a.example"}, "gateway", "no Gateway", id="no-gateway"),
    pytest.param({"gateway": "shop/edge", "host": ""}, "host", "Name the host", id="no-host"),
    pytest.param({"gateway": "shop/edge", "host": "a b"}, "host", "Name the host", id="bad-host"),
    pytest.param({"gateway": "shop/edge", "host": "*"}, "host", "Callers in the mesh", id="any-host-in-the-mesh"),
    pytest.param({"gateway": "shop/edge", "host": "shop.example"}, "host", "shop/web answers", id="host-taken"),
    pytest.param({"gateway": "new", "host": "a.example", "gateway_port": "0"}, "gateway_port", "1 to 65535", id="port"),
    pytest.param(
        {"gateway": "new", "host": "a.example", "selector": "istio=none"}, "selector", "No pod", id="selector"
    ),
    pytest.param({"gateway": "new", "host": "a.example", "gateway_name": "edge"}, "gateway_name", "shop/edge", id="gw"),
]


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FlaskClient, KubeApi]]:
    """A client of one mesh for all bad forms: none of them may change it."""
    with KubeApi() as api:
        for resource, raw in OBJECTS:
            api.store.put(resource, raw, manager="kubectl-client-side-apply")
        run(api, v1=3, v2=1)
        kubeconfig = tmp_path_factory.mktemp("untouched") / "kubeconfig"
        api.write_kubeconfig(kubeconfig)
        adapters = build_adapters(Settings(kubeconfig=str(kubeconfig)))
        adapters.start()
        try:
            wait_until_live(adapters)
            yield create_app(adapters).test_client(), api
        finally:
            adapters.stop()


@pytest.mark.parametrize(("changed", "field", "words"), BAD_FORMS)
def test_a_bad_form_is_named_beside_its_field(
    untouched: tuple[FlaskClient, KubeApi], changed: dict[str, Any], field: str, words: str
) -> None:
    client, api = untouched
    before = objects(api)
    form = form_of(view(client), **changed)
    answer = client.post(PAGE, data=form, headers=JSON)
    assert answer.status_code == 400
    error = answer.get_json()["error"]
    assert error["detail"]["field"] == field
    assert words in error["detail"]["problems"][field]
    page = client.post(PAGE, data=form, headers=HTML)
    assert page.status_code == 400
    assert f'id="adopt-{field}-problem"' in page.text
    assert objects(api) == before


def test_what_was_typed_is_still_there(client: FlaskClient) -> None:
    form = form_of(view(client), subset=["<b>", "v2"], host="x.example", gateway="new", tag="on")
    text = client.post(PAGE, data=form, headers=HTML).text
    assert 'value="&lt;b&gt;"' in text
    assert 'value="x.example"' in text
    assert '<option value="new" selected>' in text


def test_a_service_that_has_just_gone(client: FlaskClient, api: KubeApi, adapters: Adapters) -> None:
    form = form_of(view(client))
    api.store.delete("services", namespace="shop", name="inner")
    wait_for(adapters, lambda snapshot: ("shop", "inner") not in snapshot.services)
    for answer in (client.post(PAGE, data=form, headers=JSON), client.get(PAGE, headers=JSON)):
        assert answer.status_code == 404
        assert "shop/inner" in answer.get_json()["error"]["message"]
    assert spec(api, "destinationrules", "inner") is None


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


def test_what_was_not_shown_yet_is_not_written(client: FlaskClient, api: KubeApi) -> None:
    answer = client.post(PAGE, data=form_of(view(client), weight=["50", "50"]), headers=JSON)
    assert answer.status_code == 409
    assert "not yet what was shown" in answer.get_json()["error"]["message"]
    assert spec(api, "destinationrules", "inner") is None


def test_without_a_digest_nothing_is_written(client: FlaskClient, api: KubeApi) -> None:
    answer = client.post(PAGE, data=form_of(view(client), plan_digest=""), headers=JSON)
    assert answer.status_code == 400 and answer.get_json()["error"]["detail"]["field"] == "plan_digest"
    assert client.post(PAGE, data={"step": "leap"}, headers=JSON).status_code == 400


def test_a_lacking_right_is_said_beside_the_button_and_by_the_server(
    client: FlaskClient, api: KubeApi, settings: Settings
) -> None:
    api.faults.forbid("create", "destinationrules", namespace="shop")
    found = view(client)
    assert "may not create destinationrules in namespace shop" in found["plan"]["may_not"]
    page = client.get(PAGE, headers=HTML).text
    assert 'disabled aria-describedby="adopt-hindrance"' in page
    answer = client.post(PAGE, data=form_of(found), headers=JSON)
    assert answer.status_code == 403
    assert "May not create destinationrules" in answer.get_json()["error"]["message"]
    refused = client.post(PAGE, data=form_of(found), headers=HTML)
    assert refused.status_code == 422 and "May not create destinationrules" in refused.text
    assert spec(api, "virtualservices", "inner") is None


def test_what_the_webhook_says_is_shown_and_nothing_is_half_written(client: FlaskClient, api: KubeApi) -> None:
    api.faults.reject("freeze until Monday", resource="virtualservices")
    answer = adopt(client)
    assert answer.status_code == 422
    assert "VirtualService shop/inner: " in (message := answer.get_json()["error"]["message"])
    assert "freeze until Monday" in message and "Nothing was written" in message
    assert spec(api, "destinationrules", "inner") is None


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


def fail_after_dry_runs(api: KubeApi) -> None:
    """Let the webhook's denial pass by dry runs: what changes between the two can't be known."""
    admit = api.faults.admit

    def late(request: Any) -> None:
        if not request.query.get("dryRun"):
            admit(request)

    api.faults.admit = late  # type: ignore[method-assign]


@pytest.fixture
def owned(api: KubeApi, adapters: Adapters, client: FlaskClient) -> FlaskClient:
    put_route(api, adapters, bare_route(annotations={"argocd.argoproj.io/tracking-id": "shop:x"}))
    return client


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


def test_read_only_refuses_every_write(api: KubeApi, settings: Settings, adapters: Adapters) -> None:
    reading = build_adapters(replace(settings, read_only=True))
    reading.start()
    try:
        wait_until_live(reading)
        client = create_app(reading).test_client()
        assert "This dashboard is read-only." in client.get(PAGE, headers=HTML).text
        for path in (PAGE, f"{PAGE}/give-back", f"{PAGE}/add"):
            answer = client.post(path, data={"step": "apply"}, headers=JSON)
            assert (answer.status_code, answer.get_json()["error"]["code"]) == (403, "read_only")
        # To look is no write.
        assert client.post(PAGE, data={"step": "preview"}, headers=JSON).status_code == 200
    finally:
        reading.stop()


@pytest.mark.parametrize(
    ("versions", "words"),
    [
        pytest.param({"v1": 2}, "look like one version", id="one-version"),
        pytest.param({}, "No pod has the labels", id="no-pods"),
    ],
)
def test_with_nothing_to_split_it_says_why(
    api: KubeApi, adapters: Adapters, client: FlaskClient, versions: dict[str, int], words: str
) -> None:
    for raw in api.store.list("pods", namespace="shop"):
        if raw["metadata"]["name"].startswith("inner"):
            api.store.delete("pods", namespace="shop", name=raw["metadata"]["name"])
    run(api, **versions)
    wait_for(adapters, lambda s: len(s.pods_by_service.get(("shop", "inner"), ())) == sum(versions.values()))
    assert words in view(client)["reason"]
    assert words in client.get(PAGE, headers=HTML).text
    answer = client.post(PAGE, data={"step": "apply", "plan_digest": "x"}, headers=JSON)
    assert answer.status_code == 409 and words in answer.get_json()["error"]["message"]
