"""Writes: what is stored, what is refused, and that nothing is half written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.views.conftest import wait_for
from tests.views.objects import virtual_service
from webapp import create_app
from webapp.composition import build_adapters
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings

JSON = {"Accept": "application/json"}
PAGE = "/virtual-services/shop/web"
ROUTE = f"{PAGE}/http/0"


def stored(api: KubeApi) -> Any:
    return api.store.get("virtualservices", namespace="shop", name="web")


def stored_weights(api: KubeApi) -> list[int]:
    return [each["weight"] for each in stored(api)["spec"]["http"][0]["route"]]


def digest(client: FlaskClient, **headers: str) -> str:
    return str(client.get(PAGE, headers=JSON | headers).get_json()["http_routes"][0]["route_digest"])


def shift(client: FlaskClient, *weights: str, seen: str | None = None, **headers: str) -> Any:
    form = {"weight": list(weights), "route_digest": digest(client, **headers) if seen is None else seen}
    return client.post(f"{ROUTE}/weights", data=form, headers=JSON | headers)


def test_a_shift_changes_weights_and_our_annotation_alone(client: FlaskClient, api: KubeApi) -> None:
    before = stored(api)
    response = shift(client, "70", "30")
    after = stored(api)
    assert response.status_code == 200
    # Answered from what the API server stored, not from a cache that may be behind.
    assert [each["weight"] for each in response.get_json()["http_routes"][0]["destinations"]] == [70, 30]
    assert stored_weights(api) == [70, 30]
    expected = json.loads(json.dumps(before["spec"]))
    expected["http"][0]["route"][0]["weight"], expected["http"][0]["route"][1]["weight"] = 70, 30
    assert after["spec"] == expected
    assert set(after["metadata"].get("annotations", {})) == {"crossfade/history"}
    assert "crossfade" in {entry["manager"] for entry in after["metadata"]["managedFields"]}


def test_the_page_that_answers_a_form_shows_the_new_weights(client: FlaskClient) -> None:
    form = {"weight": ["60", "40"], "route_digest": digest(client)}
    response = client.post(f"{ROUTE}/weights", data=form, headers={"Accept": "text/html", "HX-Request": "true"})
    assert response.status_code == 200
    assert 'value="60"' in response.text


def test_two_shifts_in_a_row_need_the_new_digest_and_no_waiting(client: FlaskClient, api: KubeApi) -> None:
    first = shift(client, "70", "30").get_json()["http_routes"][0]["route_digest"]
    assert shift(client, "50", "50", seen=first).status_code == 200
    assert stored_weights(api) == [50, 50]


def test_undo_goes_back_and_undo_of_undo_forward(client: FlaskClient, api: KubeApi) -> None:
    seen = shift(client, "70", "30").get_json()["http_routes"][0]["route_digest"]
    back = client.post(f"{ROUTE}/undo", data={"route_digest": seen}, headers=JSON)
    assert stored_weights(api) == [90, 10]
    seen = back.get_json()["http_routes"][0]["route_digest"]
    client.post(f"{ROUTE}/undo", data={"route_digest": seen}, headers=JSON)
    assert stored_weights(api) == [70, 30]


def test_undo_without_a_history_says_so(client: FlaskClient, api: KubeApi) -> None:
    response = client.post(f"{ROUTE}/undo", data={"route_digest": digest(client)}, headers=JSON)
    assert response.status_code == 409
    assert stored_weights(api) == [90, 10]


def test_somebody_elses_change_is_a_conflict_that_names_it(client: FlaskClient, api: KubeApi) -> None:
    seen = digest(client)
    api.store.put("virtualservices", virtual_service((25, 75)), manager="kubectl-edit")
    response = shift(client, "70", "30", seen=seen)
    assert response.status_code == 409
    error = response.get_json()["error"]
    assert error["code"] == "conflict"
    assert "25/75" in error["message"] and "kubectl-edit" in error["message"]
    assert error["detail"]["weights"] == [25, 75]
    assert stored_weights(api) == [25, 75]


def test_a_change_elsewhere_in_the_object_troubles_nobody(client: FlaskClient, api: KubeApi) -> None:
    seen = digest(client)
    api.store.put("virtualservices", virtual_service(labels={"team": "shop"}), manager="kubectl-label")
    assert shift(client, "70", "30", seen=seen).status_code == 200
    assert stored(api)["metadata"]["labels"] == {"team": "shop"}
    assert stored_weights(api) == [70, 30]


def test_the_same_weights_again_write_nothing(client: FlaskClient, api: KubeApi) -> None:
    version = stored(api)["metadata"]["resourceVersion"]
    assert shift(client, "90", "10").status_code == 200
    assert stored(api)["metadata"]["resourceVersion"] == version


BAD_FORMS = [
    pytest.param({"weight": ["100"]}, 400, id="too-few-weights"),
    pytest.param({"weight": ["50", "25", "25"]}, 400, id="too-many-weights"),
    pytest.param({}, 400, id="no-weights"),
    pytest.param({"weight": ["ninety", "10"]}, 400, id="text"),
    pytest.param({"weight": ["-10", "110"]}, 400, id="negative"),
    pytest.param({"weight": ["89.5", "10.5"]}, 400, id="fraction"),
    pytest.param({"weight": ["90", ""]}, 400, id="empty"),
    pytest.param({"weight": ["90", "20"]}, 400, id="over-the-sum"),
    pytest.param({"weight": ["0", "0"]}, 400, id="all-zero"),
    pytest.param({"weight": ["9" * 5000, "1"]}, 400, id="beyond-every-integer"),
    pytest.param({"weight": ["\u0663\u0660", "70"]}, 400, id="other-digits"),
    pytest.param({"weight": ["70", "30"], "route_digest": ""}, 400, id="no-digest"),
    pytest.param({"weight": ["70", "30"], "route_digest": "0" * 16}, 409, id="stale-digest"),
    pytest.param({"weight": ["70", "30"], "route_digest": "\x00\u202e'\""}, 409, id="nonsense-digest"),
]


@pytest.mark.parametrize(("form", "status"), BAD_FORMS)
def test_a_bad_form_is_refused_in_words_and_writes_nothing(
    client: FlaskClient, api: KubeApi, form: dict[str, Any], status: int
) -> None:
    version = stored(api)["metadata"]["resourceVersion"]
    whole = {"route_digest": digest(client)} | form
    answer = client.post(f"{ROUTE}/weights", data=whole, headers=JSON)
    page = client.post(f"{ROUTE}/weights", data=whole, headers={"Accept": "text/html"})
    assert answer.status_code == page.status_code == status
    message = answer.get_json()["error"]["message"]
    assert len(message.split()) > 4
    assert 'id="error"' in page.text
    assert stored(api)["metadata"]["resourceVersion"] == version


@pytest.mark.parametrize(
    ("path", "form"),
    [
        pytest.param("/virtual-services/shop/nobody/http/0/weights", {"weight": ["1", "99"]}, id="unknown-object"),
        pytest.param(f"{PAGE}/http/9/weights", {"weight": ["70", "30"]}, id="route-out-of-range"),
        pytest.param(f"{PAGE}/http/99999999999999999999/undo", {}, id="route-far-out-of-range"),
        pytest.param(f"{PAGE}/http/x/weights", {"weight": ["70", "30"]}, id="route-not-a-number"),
    ],
)
def test_a_write_to_what_is_not_there_is_404(client: FlaskClient, path: str, form: dict[str, Any]) -> None:
    response = client.post(path, data=form | {"route_digest": digest(client)}, headers=JSON)
    assert response.status_code == 404
    assert len(response.get_json()["error"]["message"].split()) > 3


def test_a_webhooks_denial_is_shown_in_its_own_words(client: FlaskClient, api: KubeApi) -> None:
    api.faults.reject("freeze until Monday")
    response = shift(client, "70", "30")
    assert response.status_code == 422
    assert "freeze until Monday" in response.get_json()["error"]["message"]
    assert stored_weights(api) == [90, 10]


def test_a_missing_right_names_verb_and_resource(client: FlaskClient, api: KubeApi) -> None:
    api.faults.forbid("patch", "virtualservices")
    response = shift(client, "70", "30")
    assert response.status_code == 403
    message = response.get_json()["error"]["message"]
    assert "patch" in message and "virtualservices" in message


def test_the_tag_is_put_on_and_taken_off_without_a_trace(client: FlaskClient, api: KubeApi) -> None:
    spec = stored(api)["spec"]
    on = client.post(f"{ROUTE}/tag", data={"tag": "on", "route_digest": digest(client)}, headers=JSON)
    headers = [each["headers"]["response"]["set"] for each in stored(api)["spec"]["http"][0]["route"]]
    assert headers == [{"x-crossfade-version": "v1"}, {"x-crossfade-version": "v2"}]
    route = on.get_json()["http_routes"][0]
    assert route["sampling"]["tag"] is True
    client.post(f"{ROUTE}/tag", data={"tag": "off", "route_digest": route["route_digest"]}, headers=JSON)
    assert stored(api)["spec"] == spec


@pytest.mark.parametrize(
    "form",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"rate": "0"}, id="rate-zero"),
        pytest.param({"rate": "51"}, id="rate-over"),
        pytest.param({"rate": "fast"}, id="rate-text"),
        pytest.param({"action": "explode"}, id="action-unknown"),
    ],
)
def test_bad_sampling_is_refused(client: FlaskClient, api: KubeApi, form: dict[str, str]) -> None:
    assert client.post(f"{ROUTE}/sampling", data=form, headers=JSON).status_code == 400
    assert "annotations" not in stored(api)["metadata"]


def test_sampling_is_remembered_on_the_object(client: FlaskClient, api: KubeApi) -> None:
    response = client.post(f"{ROUTE}/sampling", data={"action": "start", "rate": "20"}, headers=JSON)
    sampling = response.get_json()["http_routes"][0]["sampling"]
    assert (sampling["state"], sampling["rate"]) == ("running", 20)
    client.post(f"{ROUTE}/sampling", data={"action": "pause"}, headers=JSON)
    assert json.loads(stored(api)["metadata"]["annotations"]["crossfade/sampling"]) == {
        "main": {"rate": 20, "running": False}
    }


def test_read_only_holds_on_the_server(api: KubeApi, settings: Settings) -> None:
    adapters = build_adapters(Settings(kubeconfig=settings.kubeconfig, read_only=True))
    adapters.start()
    try:
        wait_for(adapters, lambda snapshot: ("shop", "web") in snapshot.virtual_services)
        client = create_app(adapters).test_client()
        assert shift(client, "70", "30").status_code == 403
    finally:
        adapters.stop()
    assert stored_weights(api) == [90, 10]


def test_history_can_be_switched_off(api: KubeApi, settings: Settings) -> None:
    adapters = build_adapters(Settings(kubeconfig=settings.kubeconfig, history=False))
    adapters.start()
    try:
        wait_for(adapters, lambda snapshot: ("shop", "web") in snapshot.virtual_services)
        assert shift(create_app(adapters).test_client(), "70", "30").status_code == 200
    finally:
        adapters.stop()
    assert stored_weights(api) == [70, 30]
    assert "annotations" not in stored(api)["metadata"]


FLAGGER = {"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": "web", "uid": "1", "controller": True}
ARGO_CD = {"argocd.argoproj.io/tracking-id": "shop:networking.istio.io/VirtualService:shop/web"}


@pytest.mark.parametrize(
    ("metadata", "tool", "keeps_history"),
    [
        pytest.param({"ownerReferences": [FLAGGER]}, "Flagger", False, id="flagger"),
        pytest.param({"annotations": ARGO_CD}, "Argo CD", True, id="argo-cd"),
        pytest.param({"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}}, "Flux", True, id="flux"),
    ],
)
def test_what_another_tool_manages_is_written_only_by_consent(
    client: FlaskClient, api: KubeApi, metadata: dict[str, Any], tool: str, keeps_history: bool
) -> None:
    api.store.put("virtualservices", virtual_service(**metadata), manager="controller")
    refused = shift(client, "70", "30")
    error = refused.get_json()["error"]
    assert (refused.status_code, error["code"], error["detail"]["owner"]) == (409, "owned", tool)
    assert tool in error["message"]
    assert stored_weights(api) == [90, 10]
    form = {"weight": ["70", "30"], "route_digest": digest(client), "consent": tool}
    assert client.post(f"{ROUTE}/weights", data=form, headers=JSON).status_code == 200
    assert stored_weights(api) == [70, 30]
    assert ("crossfade/history" in stored(api)["metadata"].get("annotations", {})) == keeps_history


def test_the_page_asks_for_consent_where_another_tool_manages_the_object(client: FlaskClient, api: KubeApi) -> None:
    api.store.put("virtualservices", virtual_service(annotations=ARGO_CD), manager="controller")
    posted = client.post(f"{ROUTE}/undo", data={"route_digest": digest(client), "consent": ""}, headers=JSON)
    assert posted.get_json()["error"]["code"] == "owned"
    assert 'name="consent" value="Argo CD"' in client.get(PAGE).text


def test_flagger_is_not_annotated_for_sampling(client: FlaskClient, api: KubeApi) -> None:
    api.store.put("virtualservices", virtual_service(ownerReferences=[FLAGGER]), manager="flagger")
    assert client.post(f"{ROUTE}/sampling", data={"rate": "20"}, headers=JSON).status_code == 409
    assert "annotations" not in stored(api)["metadata"]
