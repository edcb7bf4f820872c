"""Who asks: a forged identity is refused everywhere, and who has signed in is in the history and on the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.test_identity import GATEWAY, POD, element
from tests.views.signing_in import ANA, GROUPS, HEADER, XFCC, in_their_name, signing_in
from tests.views.test_shifts import JSON, PAGE, ROUTE, shift, stored_weights
from webapp import create_app
from webapp.composition import Adapters
from webapp.demo.kube.server import KubeApi
from webapp.istio.timed import RETURN
from webapp.settings import Settings

STREAM = "/stream?virtual_service=shop/web"
ADOPT = "/services/shop/web/adopt"
READS = ["/", PAGE, f"{PAGE}/explain", "/services/shop/web", ADOPT, f"{ROUTE}/answers", f"{ROUTE}/answers.csv", STREAM]
WRITES = [
    *(f"{ROUTE}/{each}" for each in ("weights", "undo", "keep", "return", "tag", "sampling")),
    *(f"{ADOPT}{each}" for each in ("", "/give-back", "/add")),
]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return signing_in(settings)


@pytest.fixture
def impersonating(settings: Settings) -> Iterator[FlaskClient]:
    with in_their_name(settings) as client:
        yield client


FORGED = [
    pytest.param({HEADER: "ana@example.org"}, id="no-xfcc"),
    pytest.param({HEADER: "ana@example.org", XFCC: ""}, id="empty-xfcc"),
    pytest.param({HEADER: "ana@example.org", XFCC: element(POD)}, id="another-pod"),
    pytest.param({**ANA, XFCC: f"{element(GATEWAY)},{element(POD)}"}, id="gateway-first-another-last"),
    pytest.param({**ANA, XFCC: f'X="{element(GATEWAY)},{element(POD)}'}, id="open-quote"),
    pytest.param({**ANA, HEADER: "ana@example.org,eve@example.org"}, id="two-names"),
    pytest.param({**ANA, HEADER: "system:admin"}, id="a-name-of-the-clusters-own"),
    pytest.param({GROUPS: "admins", XFCC: element(POD)}, id="groups-alone"),
    pytest.param({**ANA, GROUPS: "a,system:masters"}, id="a-group-of-the-clusters-own"),
]


@pytest.mark.parametrize("headers", FORGED)
def test_a_forged_identity_is_refused_everywhere(
    client: FlaskClient, adapters: Adapters, api: KubeApi, headers: dict[str, str]
) -> None:
    asked = [client.get(each, headers=JSON | headers) for each in READS]
    asked += [client.post(each, data={"route_digest": "x"}, headers=JSON | headers) for each in WRITES]
    told = {(each.status_code, each.get_json()["error"]["code"]) for each in asked}
    assert told == {(403, "forged_identity")}
    page = client.get(PAGE, headers=headers)
    assert (page.status_code, "This request" in page.text) == (403, True)
    assert stored_weights(api) == [90, 10]
    refused = float(len(asked) + 1)
    assert f"crossfade_refused_identities_total {refused}" in adapters.metrics.text().decode()


@pytest.mark.parametrize("headers", [ANA, {**ANA, XFCC: f"{element(POD)},{element(GATEWAY)}"}], ids=["alone", "last"])
def test_the_gateways_word_is_in_the_history_and_on_the_page(client: FlaskClient, headers: dict[str, str]) -> None:
    shifted = shift(client, "70", "30", **headers)
    assert shifted.status_code == 200
    assert shifted.get_json()["http_routes"][0]["history"][0]["by"] == "ana@example.org"
    page = client.get(PAGE, headers=headers)
    assert page.text.count(">ana@example.org</span>") == 1
    assert "ana@example.org" not in client.get("/").text


def test_undo_and_a_timed_shift_name_the_person(client: FlaskClient, api: KubeApi) -> None:
    seen = shift(client, "70", "30").get_json()["http_routes"][0]
    assert seen["history"][0]["by"] == "crossfade"
    form: dict[str, Any] = {"route_digest": seen["route_digest"]}
    undone = client.post(f"{ROUTE}/undo", data=form, headers=JSON | ANA).get_json()["http_routes"][0]
    assert undone["history"][0]["by"] == "ana@example.org"
    form = {"route_digest": undone["route_digest"], "weight": ["50", "50"], "return_seconds": "3600"}
    timed = client.post(f"{ROUTE}/weights", data=form, headers=JSON | ANA).get_json()["http_routes"][0]
    assert timed["return"]["by"] == "ana@example.org"
    assert RETURN in api.store.get("virtualservices", namespace="shop", name="web")["metadata"]["annotations"]


def test_without_the_setting_nobody_signs_in(adapters: Adapters) -> None:
    app = create_app(replace(adapters, settings=replace(adapters.settings, identity_header="")))
    answer = app.test_client().get(PAGE, headers={HEADER: "ana@example.org"})
    assert answer.status_code == 200
    assert "ana@example.org" not in answer.text


def named(api: KubeApi, verb: str) -> list[str]:
    return [each.headers.get("impersonate-user", "") for each in api.requests if each.verb == verb]


def test_writes_are_made_in_the_persons_name(impersonating: FlaskClient, api: KubeApi) -> None:
    digest = impersonating.get(PAGE, headers=JSON | ANA).get_json()["http_routes"][0]["route_digest"]
    form: dict[str, Any] = {"weight": ["70", "30"], "route_digest": digest}
    stored = impersonating.post(f"{ROUTE}/weights", data=form, headers={**JSON, **ANA, GROUPS: "shop,ops"})
    assert (stored.status_code, stored_weights(api)) == (200, [70, 30])
    assert named(api, "patch") == ["ana@example.org"]


def test_nobody_may_do_anything_in_nobodys_name(impersonating: FlaskClient, api: KubeApi) -> None:
    asked = [impersonating.get(each, headers=JSON) for each in READS]
    asked += [impersonating.post(each, headers=JSON) for each in WRITES]
    assert {(each.status_code, each.get_json()["error"]["code"]) for each in asked} == {(403, "not_signed_in")}
    assert named(api, "patch") == []


def test_that_page_has_its_look_all_the_same(impersonating: FlaskClient) -> None:
    assert "Nobody has signed in" in impersonating.get(PAGE).text
    with impersonating.get("/static/css/crossfade.css") as style:
        assert style.status_code == 200


def test_what_a_person_may_not_see_is_not_there(impersonating: FlaskClient, api: KubeApi) -> None:
    api.faults.forbid("list", "services")
    api.faults.forbid("list", "virtualservices")
    view = impersonating.get("/", headers=JSON | ANA).get_json()
    assert (view["services"], view["service_count"]) == ([], 0)
    assert view["cluster"]["scope"] == (
        "Only what ana@example.org may list is shown: services in 0 of 2 namespaces, "
        "virtualservices in 0 of 1 namespaces."
    )
    paths = [*(each for each in READS if each != "/"), "/watch/shop/web", "/present/shop/web"]
    answers = [impersonating.get(each, headers=JSON | ANA) for each in paths]
    assert {(each.status_code, each.get_json()["error"]["code"]) for each in answers} == {(403, "forbidden")}
    message = impersonating.get(PAGE, headers=JSON | ANA).get_json()["error"]["message"]
    assert message == "You (ana@example.org) may not list virtualservices in namespace shop."


def test_an_open_stream_ends_with_the_right_to_see_it(
    impersonating: FlaskClient, api: KubeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.cluster.reviews.FRESH_SECONDS", 0.0)
    stream = impersonating.get(STREAM, headers=ANA, buffered=False)
    events = iter(stream.response)
    assert next(events)
    api.faults.forbid("get", "virtualservices")
    assert list(events) == []
    stream.close()


def test_routes_that_may_not_be_seen_are_not_made_twice(impersonating: FlaskClient, api: KubeApi) -> None:
    api.faults.forbid("list", "virtualservices")
    view = impersonating.get(ADOPT, headers=JSON | ANA).get_json()
    assert view["form"] is None
    assert "you may not see them" in view["reason"]


@pytest.mark.parametrize(
    ("who", "words"),
    [
        pytest.param({}, "This dashboard may not patch virtualservices in namespace shop: its role", id="its-role"),
        pytest.param(ANA, "You (ana@example.org) may not patch virtualservices in namespace shop: ask", id="a-person"),
    ],
)
def test_controls_say_why_they_can_not_be_used(
    request: pytest.FixtureRequest, api: KubeApi, who: dict[str, str], words: str
) -> None:
    api.faults.forbid("patch", "virtualservices")
    client: FlaskClient = request.getfixturevalue("impersonating" if who else "client")
    assert client.get(PAGE, headers=JSON | who).get_json()["may_not"].startswith(words)
    text = client.get(PAGE, headers=who).text
    assert words in text
    assert 'data-part="apply"' not in text
    controls = [
        each.partition(">")[0] for each in text.split("<")[1:] if each.startswith(("button", "input", "select"))
    ]
    usable = [each for each in controls if not any(word in each for word in ("disabled", "readonly", "hidden"))]
    # What is left writes nothing.
    assert {each for each in usable if "data-" in each or "name=" in each} == set()
    assert 'data-presenter="no"' in client.get("/present/shop/web", headers=who).text


def test_what_can_not_be_told_disables_nothing(client: FlaskClient, api: KubeApi) -> None:
    api.faults.forbid("create", "selfsubjectaccessreviews")
    assert client.get(PAGE, headers=JSON).get_json()["may_not"] == ""
    assert 'data-part="apply"' in client.get(PAGE).text
    assert shift(client, "70", "30").status_code == 200


def test_the_server_refuses_all_the_same(client: FlaskClient, api: KubeApi) -> None:
    api.faults.forbid("patch", "virtualservices")
    refused = shift(client, "70", "30")
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (403, "forbidden")
    assert stored_weights(api) == [90, 10]
