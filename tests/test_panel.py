"""What a route's own choice makes of the question and of its answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.istio import builders
from webapp.istio.sample import SampleRequest
from webapp.istio.sampling import SAMPLING, SamplingChoice, ToldBy, record_sampling
from webapp.panel import Panel, panel_of
from webapp.settings import Settings
from webapp.traffic.identify import version_of
from webapp.traffic.targets import TAG_HEADER

SETTINGS = Settings(gateway_url="http://192.0.2.1:80")


def panel(choice: SamplingChoice | None, *routes: dict[str, Any]) -> Panel:
    """Give the panel of the first route, for which this was chosen."""
    given = list(routes or [builders.split(90, 10)])
    before = builders.parsed(*given, gateways=["edge"])
    noted = {"annotations": {SAMPLING: record_sampling(before, before.http[0], choice)}} if choice else {}
    raw = builders.virtual_service(*given, gateways=["edge"], **noted)
    mesh = builders.snapshot(raw, builders.gateway("edge"), *builders.workload(v1=(1, 1), v2=(1, 1)))
    found = mesh.virtual_services["shop", "web"]
    return panel_of(mesh, found, found.http[0], settings=SETTINGS, in_cluster=False)


def told(told_by: ToldBy, headers: dict[str, str], body: bytes = b"") -> str | None:
    target = panel(SamplingChoice(True, 10, told_by=told_by)).target
    assert target
    return version_of(headers=headers, body=body, target=target)


NAMED = ToldBy("header", "X-Build", {"abc": "v1", "def": "v2", "ghi": "v9", "v2": "v1"})


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        pytest.param({"x-build": "abc"}, "v1", id="a-named-group"),
        pytest.param({"x-build": "xyz"}, None, id="a-group-that-nobody-named"),
        pytest.param({"x-build": "ghi"}, None, id="a-version-that-is-gone"),
        pytest.param({"x-build": "v1"}, "v1", id="a-versions-own-name"),
        pytest.param({"x-build": "v2"}, "v1", id="a-name-means-what-was-said"),
        pytest.param({"x-app-version": "v1"}, None, id="the-settings-do-not-count"),
        pytest.param({TAG_HEADER: "v2", "x-build": "abc"}, "v2", id="the-tag-goes-first-and-means-itself"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_a_choice_goes_before_the_settings(headers: dict[str, str], version: str | None) -> None:
    assert told(NAMED, headers) == version


def test_fields_and_expressions_can_be_chosen() -> None:
    assert told(ToldBy("json_field", "build.id", {"7": "v2"}), {}, b'{"build": {"id": 7}}') == "v2"
    assert told(ToldBy("pattern", "build ([a-z]{3})", {"def": "v2"}), {}, b"<p>build def</p>") == "v2"


def test_an_example_and_the_way_to_ask_are_the_targets() -> None:
    example = SampleRequest("HEAD", "web.example", "/a", {"Cookie": "a=1"})
    found = panel(SamplingChoice(True, 10, example=example, connection="fresh", follow_redirects=True)).target
    assert found
    assert (found.method, found.host, found.path, found.headers) == ("HEAD", "web.example", "/a", {"Cookie": "a=1"})
    assert (found.connection, found.follow_redirects) == ("fresh", True)
    usual = panel(None).target
    assert usual
    assert (usual.connection, usual.follow_redirects) == ("keep-alive", False)


def test_an_example_of_another_route_is_not_asked() -> None:
    route = builders.split(90, 10, match=[{"uri": {"exact": "/b"}}])
    found = panel(SamplingChoice(True, 10, example=SampleRequest("GET", "web.example", "/a")), route)
    assert (found.state, found.target, found.asks_example) == ("impossible", None, True)
    assert found.reason == "The route does not take the example given for it: path is /b: the request has /a."


@pytest.mark.parametrize(
    ("match", "asks"),
    [
        pytest.param({"uri": {"regex": "/.*"}}, True, id="regex"),
        pytest.param({"headers": {"@request.auth.claims[g]": {"exact": "a"}}}, True, id="claims"),
        pytest.param({"sourceLabels": {"app": "a"}}, True, id="source-labels"),
        pytest.param({"cookies": {}}, True, id="unknown"),
        pytest.param({"method": {"exact": "DELETE"}}, False, id="a-method-that-changes"),
        pytest.param({"gateways": ["mesh"]}, False, id="mesh"),
    ],
)
def test_what_cannot_be_made_up_asks_for_an_example(match: dict[str, Any], asks: bool) -> None:
    found = panel(None, builders.split(90, 10, match=[match]))
    assert (found.state, found.asks_example) == ("impossible", asks)
