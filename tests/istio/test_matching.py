"""Whether a request fulfils a match, with the reason in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.istio import builders
from webapp.istio.matching import Request, judge_route

Raw = dict[str, Any]
JASON = {"headers": {"end-user": {"exact": "jason"}}}


@pytest.mark.parametrize(
    ("match", "request_", "taken", "because"),
    [
        pytest.param(JASON, Request(headers={"End-User": "jason"}), True, "header end-user is jason", id="header"),
        pytest.param(JASON, Request(), False, "header end-user is jason: the request has none", id="no-header"),
        pytest.param(
            JASON,
            Request(headers={"end-user": "ann"}),
            False,
            "header end-user is jason: the request has ann",
            id="another-header",
        ),
        pytest.param({"uri": {"prefix": "/a"}}, Request(path="/a/b?c"), True, "path starts with /a", id="prefix"),
        pytest.param(
            {"uri": {"exact": "/a"}}, Request(path="/a/"), False, "path is /a: the request has /a/", id="exact"
        ),
        pytest.param(
            {"uri": {"prefix": "/A"}, "ignoreUriCase": True},
            Request(path="/a"),
            True,
            "path starts with /A in any case",
            id="any-case",
        ),
        pytest.param({"uri": {"regex": "/v[0-9]+"}}, Request(path="/v2"), True, "path matches /v[0-9]+", id="regex"),
        pytest.param(
            {"uri": {"regex": "/(?P<x>a)+"}},
            Request(path="/a"),
            None,
            "path matches /(?P<x>a)+: this RE2 expression can't be decided here",
            id="regex-that-cannot-be-decided",
        ),
        pytest.param(
            {"method": {"exact": "POST"}}, Request(), False, "method is POST: the request has GET", id="method"
        ),
        pytest.param({"scheme": {"exact": "https"}}, Request(scheme="https"), True, "scheme is https", id="scheme"),
        pytest.param(
            {"authority": {"prefix": "api."}},
            Request(),
            False,
            "host starts with api.: the request has web.example",
            id="authority",
        ),
        pytest.param(
            {"queryParams": {"a": {"exact": "1"}}}, Request(path="/?a=1&a=2"), True, "query a is 1", id="query"
        ),
        pytest.param(
            {"queryParams": {"a": {"exact": "1"}}},
            Request(query="b=1"),
            False,
            "query a is 1: the request has none",
            id="no-query",
        ),
        pytest.param(
            {"withoutHeaders": {"x-a": {}}},
            Request(headers={"x-a": "1"}),
            False,
            "no header x-a: the request has 1",
            id="without-header",
        ),
        pytest.param(
            {"withoutHeaders": {"x-a": {"exact": "1"}}}, Request(), True, "not (header x-a is 1)", id="without-value"
        ),
        pytest.param(
            {"withoutHeaders": {"x-a": {"prefix": ""}}},
            Request(),
            False,
            "not (header x-a starts with): the request has none",
            id="an-absent-header-is-an-empty-one",
        ),
        pytest.param({"port": 81}, Request(port=81), True, "port 81", id="port"),
        pytest.param({"port": 81}, Request(port=80), False, "port 81: the request comes to 80", id="another-port"),
        pytest.param({"port": 81}, Request(), None, "port 81: the request's port is not known", id="unknown-port"),
        pytest.param(
            {"gateways": ["mesh"]}, Request(), False, "at mesh: the request comes through shop/edge", id="gateways"
        ),
        pytest.param(
            {"headers": {"@request.auth.claims.group": {"exact": "a"}}},
            Request(),
            None,
            "claims of a signed token (@request.auth.claims.group) can't be decided here",
            id="claims",
        ),
        pytest.param(
            {"cookies": {}},
            Request(),
            None,
            "cookies: not understood here, so it can't be decided",
            id="not-understood",
        ),
        pytest.param(
            {"sourceLabels": {"app": "a"}},
            Request(source_labels={"app": "b"}),
            False,
            "callers labelled app=a: the caller is not",
            id="caller",
        ),
        pytest.param(
            {"sourceLabels": {"app": "a"}},
            Request(),
            None,
            "callers labelled app=a: the caller is not known",
            id="unknown-caller",
        ),
        pytest.param(
            {"sourceNamespace": "a"},
            Request(source_namespace="b"),
            False,
            "callers in namespace a: the caller is in b",
            id="namespace",
        ),
        pytest.param(
            {"port": 81, "method": {"exact": "POST"}},
            Request(),
            False,
            "method is POST: the request has GET",
            id="a-sure-no-goes-before-a-doubt",
        ),
    ],
)
def test_one_condition(match: Raw, request_: Request, taken: bool | None, because: str) -> None:
    owner = builders.parsed(builders.split(90, 10, match=[match]))
    request = replace(request_, host="web.example")
    assert judge_route(owner, owner.http[0], request, gateway="shop/edge") == (taken, because)


def test_one_of_the_alternatives_is_enough() -> None:
    owner = builders.parsed(builders.split(90, 10, match=[{"port": 81}, JASON, {"uri": {"prefix": "/"}}]))
    finding = judge_route(owner, owner.http[0], Request(), gateway="mesh")
    assert finding == (True, "path starts with /")
