"""Whether a route takes an example: surely not, surely, or it can't be known."""

from __future__ import annotations

from typing import Any

import pytest

from tests.istio import builders
from webapp.istio.example import judge_example
from webapp.istio.sample import SampleRequest


def judged(
    match: Any, *, method: str = "GET", host: str = "web.example", path: str = "/", earlier: Any = None, **headers: str
) -> tuple[bool | None, str]:
    routes = [builders.split(1, 2, match=earlier)] if earlier is not None else []
    virtual_service = builders.parsed(*routes, builders.split(90, 10, match=[match]), gateways=["edge"])
    example = SampleRequest(method, host, path, {name.replace("_", "-"): value for name, value in headers.items()})
    finding = judge_example(virtual_service, virtual_service.http[-1], example, gateway="shop/edge", scheme="http")
    return finding.holds, finding.because


@pytest.mark.parametrize(
    ("match", "example", "holds", "word"),
    [
        pytest.param({"uri": {"regex": "/v[12]/.*"}}, {"path": "/v1/a"}, True, "path matches", id="a-regex-that-fits"),
        pytest.param(
            {"uri": {"regex": "/v[12]"}}, {"path": "/v3"}, False, "path matches /v[12]", id="one-that-does-not"
        ),
        pytest.param({"uri": {"regex": r"/\pL+"}}, {"path": "/a"}, None, "RE2", id="a-regex-of-re2s-own"),
        pytest.param({"headers": {"@request.auth.claims[g]": {"exact": "a"}}}, {}, None, "claims", id="claims"),
        pytest.param({"sourceLabels": {"app": "a"}}, {}, None, "caller is not known", id="source-labels"),
        pytest.param({"cookies": {}}, {}, None, "cookies", id="unknown"),
        pytest.param({"scheme": {"exact": "https"}}, {}, False, "scheme is https", id="scheme"),
        pytest.param({"headers": {"Cookie": {"regex": ".*user=a.*"}}}, {"cookie": "user=a"}, True, "", id="a-cookie"),
        pytest.param({"headers": {"end-user": {"exact": "a"}}}, {}, False, "header end-user", id="a-header-lacks"),
        pytest.param({"method": {"exact": "HEAD"}}, {}, False, "method is HEAD", id="another-method"),
        pytest.param({"queryParams": {"q": {"exact": "1"}}}, {"path": "/?q=2"}, False, "query q", id="another-query"),
        pytest.param({}, {"host": "other.example"}, False, "web.example", id="another-host"),
        pytest.param({}, {"host": ""}, False, "(none)", id="the-gateways-own-host"),
        pytest.param({}, {"host": "WEB.example:8080"}, True, "", id="a-host-with-a-port"),
        pytest.param({"gateways": ["other"]}, {}, False, "shop/other", id="another-gateway"),
    ],
)
def test_judge_example(match: Any, example: dict[str, Any], holds: bool | None, word: str) -> None:
    found = judged(match, **example)
    assert (found[0], word in found[1]) == (holds, True)


@pytest.mark.parametrize(
    ("earlier", "holds", "word"),
    [
        pytest.param([{"uri": {"prefix": "/b"}}], True, "", id="one-that-does-not-take-it"),
        pytest.param([{"uri": {"prefix": "/a"}}], False, "stands before this one and takes it", id="one-that-does"),
        pytest.param([{"uri": {"regex": r"/\pL+"}}], None, "route 0", id="one-that-may"),
    ],
)
def test_earlier_routes_go_first(earlier: Any, holds: bool | None, word: str) -> None:
    found = judged({"uri": {"prefix": "/"}}, path="/a", earlier=earlier)
    assert (found[0], word in found[1]) == (holds, True)
