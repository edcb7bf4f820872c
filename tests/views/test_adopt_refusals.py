"""Bad forms, lacking rights and denials: each is named in its place, and nothing is half written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.views.adopting import (
    HTML,
    JSON,
    PAGE,
    adopt,
    form_of,
    objects,
    run,
    spec,
    view,
    wait_for_pods,
)
from tests.views.conftest import wait_for, wait_until_live
from tests.views.objects import OBJECTS
from webapp import create_app
from webapp.composition import Adapters, build_adapters
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings


@pytest.fixture
def adapters(api: KubeApi, settings: Settings, adapters: Adapters, monkeypatch: pytest.MonkeyPatch) -> Adapters:
    """Adapters that see three pods of v1 and one of v2, and wait for no proxies."""
    monkeypatch.setattr(adapters.cluster._objects, "_wait", lambda seconds: None)
    run(api, v1=3, v2=1)
    wait_for_pods(adapters, 4)
    return adapters


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
