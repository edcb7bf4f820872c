"""A request that a route takes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from tests.istio import builders
from tests.istio.strategies import http_routes, json_values, steady
from webapp.istio.sample import CannotSample, SampleRequest, sample_request

OWN = "crossfade-sample"


def sampled(*routes: dict[str, Any], index: int = -1, **fields: Any) -> SampleRequest | CannotSample:
    virtual_service = builders.parsed(*routes, **fields)
    return sample_request(virtual_service, virtual_service.http[index])


def request(path: str = "/", method: str = "GET", host: str = "web.example", **headers: str) -> SampleRequest:
    return SampleRequest(method, host, path, {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        pytest.param(None, request(), id="none"),
        pytest.param([{}], request(), id="empty"),
        pytest.param([{"uri": {"exact": "/a"}}], request("/a"), id="exact"),
        pytest.param([{"uri": {"prefix": "/a"}}], request("/a"), id="prefix"),
        pytest.param([{"uri": {"prefix": ""}}], request("/"), id="empty-prefix"),
        pytest.param([{"method": {"exact": "HEAD"}}], request(method="HEAD"), id="method"),
        pytest.param([{"method": {"prefix": "O"}}], request(method="OPTIONS"), id="method-by-prefix"),
        pytest.param(
            [{"headers": {"end-user": {"exact": "jason"}, "x-a": {"prefix": "b"}, "x-c": {}}}],
            request(end_user="jason", x_a="b", x_c="1"),
            id="headers",
        ),
        pytest.param([{"headers": {"x-a": {"regex": "*"}}}], request(x_a="1"), id="the-regex-that-means-presence"),
        pytest.param([{"queryParams": {"q": {"exact": "1"}, "r": {}}}], request("/?q=1&r=1"), id="query"),
        pytest.param([{"withoutHeaders": {"x-a": {}, "x-b": {"exact": "1"}}}], request(), id="without-headers"),
        pytest.param([{"authority": {"exact": "web.example"}}], request(), id="authority"),
        pytest.param([{"port": 80, "gateways": ["edge"]}], request(), id="the-gateways-own-port"),
        pytest.param(
            [{"uri": {"regex": ".*"}}, {"uri": {"exact": "/b"}}], request("/b"), id="the-first-entry-that-can"
        ),
    ],
)
def test_sample_request(match: Any, expected: SampleRequest) -> None:
    assert sampled(builders.split(90, 10) if match is None else builders.split(90, 10, match=match)) == expected


@pytest.mark.parametrize(
    ("hosts", "match", "host"),
    [
        pytest.param(["*"], {}, "", id="any-host-is-the-gateways-address"),
        pytest.param(["*.x.org"], {}, "sample.x.org", id="wildcard"),
        pytest.param(["*-canary.x.org"], {}, "sample-canary.x.org", id="wildcard-within-a-label"),
        pytest.param(["web"], {}, "web.shop.svc.cluster.local", id="short"),
        pytest.param(["a.example", "b.example"], {}, "a.example", id="the-first"),
        pytest.param(["a.example", "b.example"], {"authority": {"prefix": "b."}}, "b.example", id="the-one-that-fits"),
        pytest.param(["*"], {"authority": {"exact": "c.example"}}, "c.example", id="the-one-that-is-asked-for"),
    ],
)
def test_host(hosts: list[str], match: dict[str, Any], host: str) -> None:
    assert sampled(builders.split(90, 10, match=[match]), hosts=hosts) == request(host=host)


@pytest.mark.parametrize(
    ("match", "word"),
    [
        pytest.param({"uri": {"regex": "/v[12]"}}, "regular expression", id="regex"),
        pytest.param({"headers": {"cookie": {"regex": ".*"}}}, "regular expression", id="regex-on-a-header"),
        pytest.param({"headers": {"@request.auth.claims[group]": {"exact": "a"}}}, "token", id="claims"),
        pytest.param({"sourceLabels": {"app": "a"}}, "callers", id="source-labels"),
        pytest.param({"sourceNamespace": "a"}, "callers", id="source-namespace"),
        pytest.param({"gateways": ["mesh"]}, "inside of the mesh only", id="mesh"),
        pytest.param({"scheme": {"exact": "https"}}, "scheme", id="scheme"),
        pytest.param({"method": {"exact": "POST"}}, "POST requests", id="a-method-that-changes"),
        pytest.param({"cookies": {"a": {}}}, "not understood here: cookies", id="unknown"),
        pytest.param({"headers": {":path": {"exact": "/"}}}, "belongs to the connection", id="pseudo-header"),
        pytest.param({"headers": {"Content-Length": {"exact": "5"}}}, "belongs to the connection", id="framing"),
        pytest.param({"headers": {"x-a": {"exact": "1\r\nx-b: 2"}}}, "may be sent freely", id="a-line-end-in-a-value"),
        pytest.param({"headers": {"x a": {"exact": "1"}}}, "may be sent freely", id="a-space-in-a-name"),
        pytest.param({"uri": {"exact": "/a b"}}, "may be sent freely", id="a-space-in-the-path"),
        pytest.param({"uri": {"exact": "/a?b"}}, "may be sent freely", id="a-query-is-no-path"),
        pytest.param({"uri": {"exact": "a"}}, "may be sent freely", id="no-path-begins-so"),
        pytest.param({"queryParams": {"q": {"exact": "a&b=c"}}}, "may be sent freely", id="a-query-that-breaks-out"),
        pytest.param(
            {"headers": {"x-a": {"exact": "1"}}, "withoutHeaders": {"x-a": {}}},
            "may be sent freely",
            id="contradiction",
        ),
        pytest.param(
            {"withoutHeaders": {"x-a": {"regex": ".+"}}}, "may be sent freely", id="regex-on-an-absent-header"
        ),
        pytest.param({"authority": {"exact": "other.example"}}, "may be sent freely", id="another-host"),
    ],
)
def test_cannot_sample_says_why(match: dict[str, Any], word: str) -> None:
    answer = sampled(builders.split(90, 10, match=[match]))
    assert isinstance(answer, CannotSample)
    assert word in answer.reason


def test_without_hosts_it_is_a_delegate() -> None:
    answer = sampled(builders.split(90, 10), hosts=[])
    assert isinstance(answer, CannotSample)
    assert "delegate" in answer.reason


@pytest.mark.parametrize(
    ("earlier", "own", "expected"),
    [
        pytest.param({"headers": {"end-user": {"exact": "jason"}}}, {}, request(), id="by-a-header-that-is-not-sent"),
        pytest.param({"uri": {"exact": "/"}}, {"uri": {"prefix": "/"}}, request(f"/{OWN}"), id="another-path-below"),
        pytest.param({"uri": {"prefix": "/a/"}}, {"uri": {"prefix": "/a"}}, request("/a"), id="a-longer-path"),
        pytest.param({"method": {"exact": "POST"}}, {}, request(), id="another-method"),
        pytest.param({"uri": {"regex": "/.*"}}, {}, request(), id="who-knows"),
        pytest.param({"gateways": ["mesh"]}, {}, request(), id="in-the-mesh"),
        pytest.param(
            {"withoutHeaders": {"x-a": {}}}, {"headers": {"x-a": {}}}, request(x_a="1"), id="without-what-is-sent"
        ),
    ],
)
def test_earlier_routes_are_evaded(earlier: dict[str, Any], own: dict[str, Any], expected: SampleRequest) -> None:
    assert sampled(builders.split(1, 2, match=[earlier]), builders.split(90, 10, match=[own])) == expected


@pytest.mark.parametrize(
    ("earlier", "own"),
    [
        pytest.param({}, {}, id="everything"),
        pytest.param({"match": [{"uri": {"prefix": "/"}}]}, {"match": [{"uri": {"prefix": "/a"}}]}, id="a-wider-path"),
        pytest.param(
            {"match": [{"uri": {"exact": "/A"}, "ignoreUriCase": True}]},
            {"match": [{"uri": {"exact": "/a"}}]},
            id="in-any-case",
        ),
        pytest.param({"match": [{"withoutHeaders": {"x-a": {}}}]}, {}, id="all-without-a-header"),
    ],
)
def test_an_earlier_route_that_takes_everything_is_named(earlier: dict[str, Any], own: dict[str, Any]) -> None:
    answer = sampled(builders.split(1, 2, **earlier), builders.split(90, 10, **own))
    assert isinstance(answer, CannotSample)
    assert answer.reason.startswith("Route 0 (")
    assert answer.reason.endswith("stands before this one and takes its requests.")


def test_a_later_route_plays_no_part() -> None:
    assert sampled(builders.split(90, 10), builders.split(1, 2), index=0) == request()


@steady
@given(raw=http_routes(), match=json_values)
def test_whatever_people_wrote_gives_a_request_that_may_be_sent_or_a_reason(raw: dict[str, Any], match: Any) -> None:
    for given_ in (raw, raw | {"match": [match]}):
        answer = sampled(given_, hosts=["*"])
        if isinstance(answer, SampleRequest):
            sent = [answer.method, answer.host, answer.path, *answer.headers, *answer.headers.values()]
            assert all(each.isascii() and each.isprintable() for each in sent)
            assert answer.path.startswith("/")
        else:
            assert answer.reason
