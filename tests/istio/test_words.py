"""A route in words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from tests.istio import builders
from tests.istio.strategies import http_routes, steady
from webapp.istio.words import action_words, destination_version, destination_versions, extra_words, match_words


@pytest.mark.parametrize(
    ("host", "subset", "expected"),
    [
        pytest.param("web", "v1", "v1", id="subset"),
        pytest.param("web-canary", None, "web-canary", id="short-host"),
        pytest.param("web-canary.shop.svc.cluster.local", None, "web-canary", id="full-host"),
        pytest.param("10.0.0.1", None, "10.0.0.1", id="address"),
        pytest.param("", None, "", id="none"),
    ],
)
def test_destination_version(host: str, subset: str | None, expected: str) -> None:
    route = builders.parsed_route(builders.http_route(builders.destination(host, subset)))
    assert destination_version(route.route[0].destination) == expected


@pytest.mark.parametrize(
    ("destinations", "expected"),
    [
        pytest.param([("web", "v1"), ("web", "v2")], ("v1", "v2"), id="subsets"),
        pytest.param([("web", "v1"), ("api", "v1")], ("v1@web", "v1@api"), id="one-subset-name-of-two-hosts"),
        pytest.param(
            [("api.a.example", None), ("api.b.example", None)], ("api.a.example", "api.b.example"), id="hosts"
        ),
        pytest.param([("web", "v1"), ("web", "v1")], ("v1", "v1"), id="one-version-twice"),
    ],
)
def test_destination_versions(destinations: list[tuple[str, str | None]], expected: tuple[str, ...]) -> None:
    raw = builders.http_route(*(builders.destination(host, subset) for host, subset in destinations))
    assert destination_versions(builders.parsed_route(raw)) == expected


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        pytest.param(None, "everything", id="none"),
        pytest.param([{}], "everything", id="empty"),
        pytest.param([{"uri": {"prefix": "/"}}], "path starts with /", id="prefix"),
        pytest.param([{"uri": {"exact": "/a"}, "ignoreUriCase": True}], "path is /a in any case", id="exact"),
        pytest.param([{"uri": {"regex": "/v[12]"}}], "path matches /v[12]", id="regex"),
        pytest.param(
            [{"headers": {"end-user": {"exact": "jason"}}, "method": {"exact": "GET"}}],
            "header end-user is jason, method GET",
            id="header-and-method",
        ),
        pytest.param([{"headers": {"x-canary": {}}}], "header x-canary is there", id="presence"),
        pytest.param(
            [{"withoutHeaders": {"a": {}, "b": {"prefix": "1"}}}],
            "no header a, not (header b starts with 1)",
            id="without",
        ),
        pytest.param(
            [{"queryParams": {"q": {"exact": "1"}}}, {"port": 8080}], "query q is 1 or port 8080", id="alternatives"
        ),
        pytest.param([{"uri": {"exact": "/a"}}, {}], "everything", id="an-alternative-that-takes-all"),
        pytest.param(
            [{"authority": {"prefix": "m."}, "scheme": {"exact": "https"}}],
            "host starts with m., scheme is https",
            id="host-and-scheme",
        ),
        pytest.param(
            [{"sourceLabels": {"app": "a"}, "sourceNamespace": "n", "gateways": ["g", "mesh"]}],
            "callers labelled app=a, callers in namespace n, at g or mesh",
            id="callers",
        ),
        pytest.param([{"cookies": {}}], "cookies (not understood here)", id="unknown"),
    ],
)
def test_match_words(match: Any, expected: str) -> None:
    assert match_words(builders.parsed_route({} if match is None else {"match": match})) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(builders.split(90, 10), "", id="destinations"),
        pytest.param({"redirect": {"uri": "/b"}}, "redirects to /b (301)", id="redirect-path"),
        pytest.param(
            {"redirect": {"authority": "b.example", "uri": "/b", "scheme": "https", "port": 8443, "redirectCode": 308}},
            "redirects to https://b.example:8443/b (308)",
            id="redirect-in-full",
        ),
        pytest.param(
            {"redirect": {"scheme": "https"}}, "redirects to https://the same host (301)", id="redirect-scheme"
        ),
        pytest.param({"redirect": {}}, "redirects to the same address (301)", id="redirect-nowhere"),
        pytest.param(
            {"redirect": {"scheme": "https", "derivePort": "FROM_REQUEST_PORT"}},
            "redirects to https://the same host:the request's port (301)",
            id="redirect-to-a-derived-port",
        ),
        pytest.param({"directResponse": {"status": 503}}, "answers 503 itself", id="direct-response"),
        pytest.param(
            {"directResponse": {"status": 200, "body": {"string": "all\n is well"}}},
            "answers 200 itself: “all is well”",
            id="direct-response-with-words",
        ),
        pytest.param(
            {"directResponse": {"status": 200, "body": {"string": "a" * 61}}},
            f"answers 200 itself: “{'a' * 60}…”",
            id="direct-response-with-many-words",
        ),
        pytest.param(
            {"directResponse": {"status": 200, "body": {"bytes": "aGk="}}},
            "answers 200 itself with a body of bytes",
            id="direct-response-with-bytes",
        ),
        pytest.param({"delegate": {"name": "web", "namespace": "shop"}}, "delegates to shop/web", id="delegate"),
        pytest.param({}, "has no destinations", id="nothing"),
    ],
)
def test_action_words(raw: dict[str, Any], expected: str) -> None:
    assert action_words(builders.parsed_route(raw)) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"timeout": "5s"}, ["timeout 5s"], id="timeout"),
        pytest.param(
            {"retries": {"attempts": 3, "perTryTimeout": "2s", "retryOn": "5xx"}},
            ["retries up to 3 times (2s each, on 5xx)"],
            id="retries",
        ),
        pytest.param({"retries": {"attempts": 0}}, ["no retries"], id="no-retries"),
        pytest.param(
            {"fault": {"delay": {"fixedDelay": "5s", "percentage": {"value": 0.1}}, "abort": {"httpStatus": 503}}},
            ["delays 0.1 % by 5s", "aborts 100 % with 503"],
            id="faults",
        ),
        pytest.param(
            {"mirror": {"host": "web", "subset": "v3"}, "mirrorPercentage": {"value": 20}},
            ["mirrors 20 % to v3 of web"],
            id="mirror",
        ),
        pytest.param(
            {"mirror": {"host": "web"}, "mirrorPercent": 7}, ["mirrors 7 % to web"], id="mirror-as-it-was-written-once"
        ),
        pytest.param(
            {"mirror": {"host": "web"}, "mirror_percent": 7}, ["mirrors 7 % to web"], id="mirror-by-its-oldest-name"
        ),
        pytest.param({"mirror": {"host": "web"}}, ["mirrors 100 % to web"], id="mirror-of-all"),
        pytest.param(
            {"mirror": {"host": "web"}, "mirrorPercentage": {"value": 0.5}, "mirrorPercent": 7},
            ["mirrors 0.5 % to web"],
            id="mirror-of-which-the-newer-percentage-counts",
        ),
        pytest.param({"mirror": {"host": "web"}, "mirrorPercent": 0}, ["mirrors 0 % to web"], id="mirror-of-nothing"),
        pytest.param(
            {"mirror": {"host": "web", "port": {"number": 8080}}}, ["mirrors 100 % to web:8080"], id="mirror-to-a-port"
        ),
        pytest.param(
            {"mirrors": [{"destination": {"host": "a", "subset": "v2"}, "percentage": {"value": 12.5}}, {}]},
            ["mirrors 12.5 % to v2 of a", "mirrors 100 % to "],
            id="mirrors-with-a-share",
        ),
        pytest.param(
            {"mirrors": [{"destination": {"host": "a"}}, {"destination": {"host": "b"}, "percentage": {}}]},
            ["mirrors 100 % to a", "mirrors 0 % to b"],
            id="mirrors",
        ),
        pytest.param(
            {"rewrite": {"uri": "/b", "authority": "c"}},
            ["rewrites the path to /b", "rewrites the host to c"],
            id="rewrite",
        ),
        pytest.param(
            {"rewrite": {"uriRegexRewrite": {"match": "^/a", "rewrite": "/b"}}},
            ["rewrites paths that match ^/a"],
            id="rewrite-by-pattern",
        ),
        pytest.param({"corsPolicy": {}}, ["answers CORS preflights"], id="cors"),
        pytest.param(
            {"headers": {"request": {"set": {"a": "1", "b": "2"}}, "response": {"remove": ["c"], "add": {"d": "1"}}}},
            ["sets request headers a, b", "adds response header d", "removes response header c"],
            id="headers",
        ),
    ],
)
def test_extra_words(fields: dict[str, Any], expected: list[str]) -> None:
    assert extra_words(builders.parsed_route(builders.split(90, 10, **fields))) == expected


def test_headers_of_a_destination_are_named_with_its_version() -> None:
    raw = builders.split(90, 10)
    raw["route"][1]["headers"] = {"response": {"set": {"x-crossfade-version": "v2"}}}
    assert extra_words(builders.parsed_route(raw)) == ["sets response header x-crossfade-version of v2"]


@steady
@given(raw=http_routes())
def test_there_are_words_for_whatever_people_wrote(raw: dict[str, Any]) -> None:
    route = builders.parsed_route(raw)
    assert match_words(route)
    assert action_words(route) == ""
    assert all(extra_words(route))
    assert len(destination_versions(route)) == len(route.route)
