"""Routes that earlier routes keep from being asked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.istio import builders
from tests.istio.builders import split
from tests.istio.strategies import steady
from webapp.istio.diagnostics.order import covers, order_notes
from webapp.istio.matching import Request, judge_matches

Raw = dict[str, Any]


def prefix(path: str, **more: Any) -> Raw:
    return {"uri": {"prefix": path}, **more}


def header(kind: str, value: str, name: str = "x-a") -> Raw:
    return {"headers": {name: {kind: value}}}


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        pytest.param(prefix("/a"), prefix("/a/b"), True, id="a-longer-prefix"),
        pytest.param(prefix("/a"), {"uri": {"exact": "/ab"}}, True, id="an-exact-path-under-a-prefix"),
        pytest.param(prefix("/a/b"), prefix("/a"), False, id="a-shorter-prefix"),
        pytest.param({"uri": {"exact": "/a"}}, prefix("/a"), False, id="exact-is-narrower-than-prefix"),
        pytest.param({"uri": {"regex": "/v[0-9]+"}}, {"uri": {"exact": "/v1"}}, True, id="regex-and-exact"),
        pytest.param({"uri": {"regex": "/v[0-9]+"}}, prefix("/v1"), False, id="regex-and-prefix"),
        pytest.param({"uri": {"regex": ".*"}}, {}, True, id="any-path"),
        pytest.param(prefix("/A", ignoreUriCase=True), prefix("/a/b"), True, id="any-case"),
        pytest.param(prefix("/a"), prefix("/a", ignoreUriCase=True), False, id="one-case-of-two"),
        pytest.param({}, header("exact", "1"), True, id="no-condition"),
        pytest.param(header("exact", "1"), {}, False, id="a-condition-more"),
        pytest.param(header("exact", "1"), header("exact", "1", "X-A") | prefix("/a"), True, id="the-same-header"),
        pytest.param(header("exact", "1"), header("exact", "2"), False, id="another-value"),
        pytest.param(header("regex", "*"), header("prefix", "a"), True, id="a-header-that-is-there"),
        pytest.param(header("prefix", ""), {}, False, id="any-value-is-not-no-value"),
        pytest.param({"queryParams": {"a": {"exact": "1"}}}, {"queryParams": {"a": {"exact": "1"}}}, True, id="query"),
        pytest.param({"withoutHeaders": {"a": {}}}, {}, False, id="without-a-header"),
        pytest.param({}, {"withoutHeaders": {"a": {}}}, True, id="without-a-header-is-narrower"),
        pytest.param({"port": 80}, {"port": 80, **prefix("/")}, True, id="port"),
        pytest.param({"port": 80}, {"port": 81}, False, id="another-port"),
        pytest.param({"method": {"exact": "GET"}}, {"method": {"exact": "GET"}}, True, id="method"),
        pytest.param({"gateways": ["edge"]}, {"gateways": ["shop/edge"]}, True, id="gateways"),
        pytest.param({"gateways": ["edge"]}, {}, False, id="one-gateway-of-two"),
        pytest.param({"gateways": ["edge", "mesh"]}, {}, True, id="both-gateways"),
        pytest.param({"sourceLabels": {"a": "1"}}, {"sourceLabels": {"a": "1", "b": "2"}}, True, id="callers"),
        pytest.param({"sourceLabels": {"a": "1"}}, {"gateways": ["mesh"]}, False, id="callers-of-a-gateway"),
        pytest.param({"sourceNamespace": "a"}, {"sourceNamespace": "b"}, False, id="other-callers"),
        pytest.param({"cookies": {}}, {"cookies": {}}, False, id="not-understood"),
    ],
)
def test_covers(wide: Raw, narrow: Raw, expected: bool) -> None:
    owner = builders.parsed(split(match=[wide]), split(match=[narrow]), gateways=["edge", "mesh"])
    assert covers(owner, owner.http[0].match[0], owner.http[1].match[0]) is expected


CONDITIONS = st.fixed_dictionaries(
    {}, optional={kind: st.sampled_from(["", "/", "/a", "/ab"]) for kind in ("exact", "prefix")}
)
MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "uri": CONDITIONS.filter(lambda each: len(each) < 2),
        "ignoreUriCase": st.booleans(),
        "method": st.sampled_from([{"exact": "GET"}, {"prefix": "P"}]),
        "headers": st.dictionaries(
            st.sampled_from(["a", "B"]), st.sampled_from([{}, {"exact": "/a"}, {"prefix": "/"}])
        ),
        "withoutHeaders": st.dictionaries(st.just("a"), st.sampled_from([{}, {"exact": "/a"}])),
        "gateways": st.lists(st.sampled_from(["edge", "mesh"]), min_size=1, max_size=2),
        "port": st.sampled_from([80, 81]),
    },
)
REQUESTS = st.builds(
    Request,
    method=st.sampled_from(["GET", "POST"]),
    path=st.sampled_from(["/", "/a", "/A", "/ab/c"]),
    headers=st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["", "/a", "x"])),
    port=st.sampled_from([80, 81]),
)


@steady
@given(wide=MATCHES, narrow=MATCHES, request_=REQUESTS, gateway=st.sampled_from(["mesh", "shop/edge"]))
def test_what_covers_takes_every_request_that_is_covered(
    wide: Raw, narrow: Raw, request_: Request, gateway: str
) -> None:
    owner = builders.parsed(split(match=[wide]), split(match=[narrow]), gateways=["edge", "mesh"])
    one, other = (route.match for route in owner.http)
    if covers(owner, one[0], other[0]) and judge_matches(owner, other, request_, gateway=gateway).holds:
        assert judge_matches(owner, one, request_, gateway=gateway).holds


def briefly(*routes: Raw) -> list[tuple[str, str, str, str]]:
    owner = builders.parsed(*routes)
    return [(note.level, note.code, note.ist, note.text) for note in order_notes(owner, owner.http[-1])]


ORDER = [
    pytest.param(
        [split(1, 99, match=[prefix("/a")]), split(90, 10, match=[prefix("/a/b")])],
        [
            (
                "warning",
                "route-not-reached",
                "IST0130",
                "Route 0 (path starts with /a) stands before it and takes every request that this one matches.",
            )
        ],
        id="all-of-it",
    ),
    pytest.param(
        [
            split(1, match=[prefix("/a")]),
            split(1, match=[prefix("/b")]),
            split(90, 10, match=[prefix("/a/x"), prefix("/b/x")]),
        ],
        [
            (
                "warning",
                "route-not-reached",
                "IST0130",
                "Route 0 (path starts with /a) and Route 1 (path starts with /b) stand before it and take every "
                "request that this one matches.",
            )
        ],
        id="all-of-it-by-two",
    ),
    pytest.param(
        [split(1, 99, match=[prefix("/a")]), split(90, 10, match=[prefix("/a/b"), prefix("/c")])],
        [
            (
                "info",
                "match-not-reached",
                "IST0131",
                "Route 0 (path starts with /a) stands before it and takes what matches path starts with /a/b.",
            )
        ],
        id="a-part-of-it",
    ),
    pytest.param([{"delegate": {"name": "team"}}, split(90, 10)], [], id="a-delegate-may-leave-some"),
    pytest.param(
        [{"redirect": {"uri": "/b"}}, split(90, 10)],
        [
            (
                "warning",
                "route-not-reached",
                "IST0130",
                "Route 0 (everything) stands before it and takes every request.",
            )
        ],
        id="a-redirect-takes-too",
    ),
]


@pytest.mark.parametrize(("routes", "expected"), ORDER)
def test_order_notes(routes: list[Raw], expected: list[Any]) -> None:
    assert briefly(*routes) == expected
