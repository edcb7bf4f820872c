"""The guide for versions that can't be told apart: what it proposes, and what choosing one remembers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.views.test_asked import remembered, written
from webapp import create_app
from webapp.composition import Adapters
from webapp.demo.kube.server import KubeApi
from webapp.traffic.targets import Target

JSON = {"Accept": "application/json"}
PAGE = "/virtual-services/shop/web"
GUIDE = f"{PAGE}/http/0/identify"
NAMED = {"by": "header", "what": "x-build", "value": ["abc", "def"], "version": ["v1", "v2"]}


@pytest.fixture
def answered(client: FlaskClient, adapters: Adapters) -> FlaskClient:
    """Have had ten answers of two builds, each with what nobody else may see."""
    asked = Target("shop", "web", 0, "http://192.0.2.1")
    for number in range(10):
        build = "abc" if number % 3 else "def"
        headers = {"x-build": build, "set-cookie": f"secret-{build}", "x-request-id": str(number)}
        adapters.prober.evidence.take(asked, headers=headers, body=b"hello", version=None)
    return client


def told_by(client: FlaskClient) -> str:
    found: str = client.get(PAGE, headers=JSON).get_json()["http_routes"][0]["sampling"]["identified_by"]
    return found


def test_without_answers_it_says_what_to_do(client: FlaskClient) -> None:
    page = client.get(GUIDE).text
    assert "No answer has been looked at yet" in page
    # The exact way goes first.
    assert page.index("Tag the responses") < page.index("What differs between the answers")


def test_what_differs_is_proposed_with_its_groups(answered: FlaskClient) -> None:
    view = answered.get(GUIDE, headers=JSON).get_json()
    assert (view["looked_at"], view["identified"], view["versions"]) == (10, 0, ["v1", "v2"])
    assert view["candidates"] == [
        {
            "by": "header",
            "what": "x-build",
            "words": "header x-build",
            "groups": [
                {"value": "abc", "answers": 6, "version": ""},
                {"value": "def", "answers": 4, "version": ""},
            ],
            "without": 0,
        }
    ]
    page = answered.get(GUIDE).text
    assert "abc (6), def (4)" in page
    assert "secret" not in page


def test_named_groups_are_remembered_and_tell_versions(answered: FlaskClient, api: KubeApi, adapters: Adapters) -> None:
    page = answered.post(GUIDE, data=NAMED)
    assert (page.status_code, "the header x-build" in page.text) == (200, True)
    assert remembered(api) == {
        "running": False,
        "rate": 10,
        "told_by": {"header": "x-build", "names": {"abc": "v1", "def": "v2"}},
    }
    written(api, adapters)
    assert told_by(answered) == "the header x-build"
    groups = answered.get(GUIDE, headers=JSON).get_json()["candidates"][0]["groups"]
    assert [each["version"] for each in groups] == ["v1", "v2"]
    assert answered.post(GUIDE, data={"by": "default"}, headers=JSON).status_code == 200
    written(api, adapters)
    assert told_by(answered) == "the header x-app-version, the JSON field version"


def test_a_group_that_nobody_names_stays_unknown(answered: FlaskClient, api: KubeApi) -> None:
    answered.post(GUIDE, data=NAMED | {"version": ["v1", ""]})
    assert remembered(api)["told_by"]["names"] == {"abc": "v1"}


@pytest.mark.parametrize(
    ("form", "field", "word"),
    [
        pytest.param({"by": "cookie"}, "by", "header, json_field, pattern", id="another-way"),
        pytest.param({"by": ""}, "by", "Choose", id="no-way"),
        pytest.param({"what": ""}, "what", "Name the header", id="nothing"),
        pytest.param({"what": "x build"}, "what", "not a name", id="no-header"),
        pytest.param({"by": "pattern", "what": "(a+)+$"}, "what", "might take long", id="an-expensive-expression"),
        pytest.param({"version": ["v1", "v9"]}, "names", "Line 2: v9 is no version", id="another-version"),
        pytest.param({"value": ["abc", "abc"]}, "names", "abc is v1 already", id="a-value-twice"),
        pytest.param({"value": ["x" * 121, "def"]}, "names", "at most 120", id="a-value-too-long"),
        pytest.param({"names": "abc"}, "names", "value = version", id="a-line-without-a-version"),
        pytest.param({"names": "\n".join(f"{n} = v1" for n in range(33))}, "names", "At most 32", id="too-many"),
    ],
)
def test_a_mistake_is_named_beside_its_field_and_nothing_is_written(
    answered: FlaskClient, api: KubeApi, form: dict[str, Any], field: str, word: str
) -> None:
    error = answered.post(GUIDE, data=NAMED | form, headers=JSON)
    assert error.status_code == 400
    assert error.get_json()["error"]["detail"]["field"] == field
    assert word in error.get_json()["error"]["message"]
    page = answered.post(GUIDE, data=NAMED | form)
    assert page.status_code == 400
    assert f'id="{field}-problem"' in page.text
    assert remembered(api) is None


def test_a_read_only_dashboard_shows_and_keeps(answered: FlaskClient, adapters: Adapters, api: KubeApi) -> None:
    client = create_app(replace(adapters, settings=replace(adapters.settings, read_only=True))).test_client()
    assert "abc (6)" in client.get(GUIDE).text
    assert client.post(GUIDE, data=NAMED, headers=JSON).status_code == 403
    assert remembered(api) is None
