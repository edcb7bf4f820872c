"""Timed shifts on a real (embedded) API: asked for, shown, kept, returned by hand, by a replica, by any replica."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.views.conftest import wait_for, wait_until_live
from tests.views.objects import virtual_service
from tests.views.test_shifts import FLAGGER, JSON, PAGE, ROUTE, digest, stored, stored_weights
from webapp import create_app
from webapp.composition import Adapters, build_adapters
from webapp.demo.kube.server import KubeApi
from webapp.istio.parse import parse_virtual_service
from webapp.istio.routes import destinations_digest
from webapp.istio.timed import RETURN, returned_by
from webapp.settings import Settings

HISTORY = "crossfade/history"


def shift(client: FlaskClient, *weights: str, seconds: str = "60", **more: str) -> Any:
    form = {"weight": list(weights), "route_digest": digest(client), "return_seconds": seconds, **more}
    return client.post(f"{ROUTE}/weights", data=form, headers=JSON)


def forgotten(name: str = "web", **metadata: Any) -> dict[str, Any]:
    """A route at 40/60 that was to return to 90/10 a minute ago."""
    raw = virtual_service((40, 60))
    at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    destinations = destinations_digest(parse_virtual_service(raw).http[0])
    entry = {"route": "main", "after": [40, 60], "before": [90, 10], "at": at, "by": "ann"}
    annotations = {RETURN: json.dumps([entry | {"destinations": destinations}])}
    raw["metadata"] |= {"name": name, "annotations": annotations, **metadata}
    return raw


def put(api: KubeApi, raw: dict[str, Any]) -> None:
    api.store.put("virtualservices", raw, manager="crossfade")


def route_of(client: FlaskClient, **headers: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(PAGE, headers=JSON | headers).get_json()["http_routes"][0]
    return found


def at_90_10(name: str = "web") -> Any:
    return lambda snapshot: snapshot.virtual_services["shop", name].http[0].weights == (90, 10)


def test_a_timed_shift_says_when_it_returns_and_keep_ends_that(client: FlaskClient, api: KubeApi) -> None:
    assert route_of(client)["return"] is None
    route = shift(client, "40", "60").get_json()["http_routes"][0]
    assert route["return"] | {"at": "", "seconds": 0} == {
        "at": "",
        "weights": [90, 10],
        "seconds": 0,
        "by": "crossfade",
    }
    assert 50 < route["return"]["seconds"] <= 61
    page = client.get(PAGE).text
    assert "Returns to <b>90/10</b> in <time" in page
    kept = client.post(f"{ROUTE}/keep", data={"route_digest": route["route_digest"]}, headers=JSON)
    assert kept.status_code == 200
    assert kept.get_json()["http_routes"][0]["return"] is None
    assert set(stored(api)["metadata"]["annotations"]) == {HISTORY}
    assert stored_weights(api) == [40, 60]
    # Two people press Keep: the second has nothing left to write, and no error to read.
    version = stored(api)["metadata"]["resourceVersion"]
    again = client.post(f"{ROUTE}/keep", data={"route_digest": route["route_digest"]}, headers=JSON)
    assert (again.status_code, stored(api)["metadata"]["resourceVersion"]) == (200, version)


def test_return_now_goes_to_where_it_would_go_by_itself(client: FlaskClient, api: KubeApi) -> None:
    shift(client, "40", "60")
    shift(client, "0", "100")
    back = client.post(f"{ROUTE}/return", data={"route_digest": digest(client)}, headers=JSON)
    assert back.status_code == 200
    assert stored_weights(api) == [90, 10]
    assert set(stored(api)["metadata"]["annotations"]) == {HISTORY}


@pytest.mark.parametrize(
    ("action", "status"), [pytest.param("keep", 409, id="keep"), pytest.param("return", 409, id="return")]
)
def test_who_saw_another_route_decides_nothing(client: FlaskClient, api: KubeApi, action: str, status: int) -> None:
    seen = digest(client)
    shift(client, "40", "60")
    assert client.post(f"{ROUTE}/{action}", data={"route_digest": seen}, headers=JSON).status_code == status
    assert client.post(f"{ROUTE}/{action}", data={}, headers=JSON).status_code == 400
    assert RETURN in stored(api)["metadata"]["annotations"]


def test_where_nothing_waits_there_is_no_return(client: FlaskClient, api: KubeApi) -> None:
    answer = client.post(f"{ROUTE}/return", data={"route_digest": digest(client)}, headers=JSON)
    assert answer.status_code == 409
    assert "somebody kept it" in answer.get_json()["error"]["message"]


@pytest.mark.parametrize("seconds", ["4", "3601", "soon"])
def test_bad_seconds_are_refused_and_nothing_is_written(client: FlaskClient, api: KubeApi, seconds: str) -> None:
    answer = shift(client, "40", "60", seconds=seconds)
    assert (answer.status_code, answer.get_json()["error"]["detail"]["field"]) == (400, "return_seconds")
    assert stored_weights(api) == [90, 10]


def test_flagger_is_not_annotated(client: FlaskClient, api: KubeApi) -> None:
    api.store.put("virtualservices", virtual_service(ownerReferences=[FLAGGER]), manager="flagger")
    assert client.post(f"{ROUTE}/undo", data={"route_digest": digest(client)}).status_code == 409
    answer = shift(client, "40", "60", consent="Flagger")
    assert answer.status_code == 400
    assert "Flagger" in answer.get_json()["error"]["message"]
    assert (stored_weights(api), stored(api)["metadata"].get("annotations")) == ([90, 10], None)
    assert 'name="return_seconds"' not in client.get(PAGE).text


def test_what_expired_while_nobody_ran_is_carried_out_at_the_start(api: KubeApi, settings: Settings) -> None:
    put(api, forgotten())
    adapters = build_adapters(settings)
    adapters.start()
    try:
        wait_until_live(adapters)
        assert set(adapters.threads()) == {"cluster", "live", "returns"}
        wait_for(adapters, at_90_10())
    finally:
        adapters.stop()
    annotations: dict[str, str] = stored(api)["metadata"]["annotations"]
    assert [each["by"] for each in json.loads(annotations[HISTORY])] == [returned_by("ann")]
    assert RETURN not in annotations


def test_replicas_do_not_fight(api: KubeApi, settings: Settings) -> None:
    names = [f"web-{number}" for number in range(8)]
    with ExitStack() as stack:
        replicas = [build_adapters(settings) for _ in range(3)]
        for each in replicas:
            each.start()
            stack.callback(each.stop)
        for each in replicas:
            wait_until_live(each)
        for name in names:
            put(api, forgotten(name))
        for each in replicas:
            wait_for(each, lambda snapshot: {("shop", name) for name in names} <= snapshot.virtual_services.keys())
            for name in names:
                wait_for(each, at_90_10(name))
    for name in names:
        found = api.store.read("virtualservices", ("shop", name))
        assert found
        annotations: dict[str, str] = found["metadata"]["annotations"]
        assert RETURN not in annotations
        # One of them did it, once.
        assert [each["by"] for each in json.loads(annotations[HISTORY])] == [returned_by("ann")]


def test_a_refused_return_is_tried_again(api: KubeApi, adapters: Adapters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.returns.RETRY_SECONDS", 0.2)
    api.faults.reject("freeze until Monday")
    put(api, forgotten())
    refused = 'crossfade_writes_total{action="return",outcome="refused"} '
    while refused not in adapters.metrics.text().decode():
        assert adapters.threads()["returns"]
        adapters.cluster.wait_for_change(adapters.cluster.snapshot().revision, 0.05)
    api.faults.clear()
    wait_for(adapters, at_90_10())


def test_a_read_only_replica_carries_nothing_out_and_offers_nothing(api: KubeApi, settings: Settings) -> None:
    put(api, forgotten())
    adapters = build_adapters(replace(settings, read_only=True))
    adapters.start()
    try:
        wait_until_live(adapters)
        assert set(adapters.threads()) == {"cluster", "live"}
        page = create_app(adapters).test_client().get(PAGE).text
        assert "Returns to <b>90/10</b>" in page
        assert 'id="route-0-keep"' not in page and 'name="return_seconds"' not in page
    finally:
        adapters.stop()
    assert stored_weights(api) == [40, 60]


@pytest.mark.parametrize(
    ("host", "proposed", "chosen"),
    [
        pytest.param("shop.example", 30, '<option value="30" selected>', id="the-route-by-which-the-page-came"),
        pytest.param("shop.example:8080", 30, '<option value="30" selected>', id="with-a-port"),
        pytest.param("localhost", 0, '<option value="30">', id="another-way"),
    ],
)
def test_for_its_own_route_it_is_proposed(
    api: KubeApi, settings: Settings, host: str, proposed: int, chosen: str
) -> None:
    adapters = build_adapters(replace(settings, own_service="shop/web", trusted_hosts=("shop.example", "localhost")))
    adapters.start()
    try:
        wait_until_live(adapters)
        client = create_app(adapters).test_client()
        assert route_of(client, Host=host)["return_seconds"] == proposed
        assert chosen in client.get(PAGE, headers={"Host": host}).text
        form = {"weight": ["40", "60"], "route_digest": digest(client), "return_seconds": "60"}
        page = client.post(f"{ROUTE}/weights", data=form, headers={"Host": host}).text
        assert (f'data-own="{PAGE}"' in page) == bool(proposed)
    finally:
        adapters.stop()
