"""A match as Envoy's RouteMatch; the same is asked of a real Envoy in test_routes.py."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.demo.translate.matches import Untranslatable, checked_regex, route_match
from webapp.istio.parse_match import parse_matches

RE2 = [
    *("/a.*", "(?i)/A", "a(?i)b", "(?P<name>a)", "(?<name>a)", "(?i:a)b", r"\d+\.\pL", "[[:alpha:]]+", r"\Q(\E"),
    *("[+*?]+", r"\++", "a{2,3}?", "a|b|", "[]a]", "[^]a]", r"[\]]", r"\x{ff}"),
]
"""Expressions that Envoy takes; test_routes.py hands them to one."""


def translated(raw: Any) -> dict[str, Any]:
    return route_match(parse_matches([raw])[0])


def header(name: str, **string_match: str) -> dict[str, Any]:
    return {"name": name, "string_match": string_match}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param({}, {"prefix": "/"}, id="everything"),
        pytest.param({"uri": {"exact": "/a"}}, {"path": "/a"}, id="exact"),
        pytest.param({"uri": {"prefix": "/a"}}, {"prefix": "/a"}, id="prefix"),
        pytest.param({"uri": {"prefix": ""}}, {"prefix": "/"}, id="empty prefix"),
        pytest.param({"uri": {"regex": "/a/[0-9]+"}}, {"safe_regex": {"regex": "/a/[0-9]+"}}, id="regex"),
        pytest.param(
            {"uri": {"prefix": "/a"}, "ignoreUriCase": True}, {"prefix": "/a", "case_sensitive": False}, id="any case"
        ),
        pytest.param(
            {"method": {"exact": "POST"}}, {"prefix": "/", "headers": [header(":method", exact="POST")]}, id="method"
        ),
        pytest.param(
            {"authority": {"prefix": "a."}},
            {"prefix": "/", "headers": [header(":authority", prefix="a.")]},
            id="authority",
        ),
        pytest.param(
            {"scheme": {"exact": "http"}}, {"prefix": "/", "headers": [header(":scheme", exact="http")]}, id="scheme"
        ),
        pytest.param(
            {"headers": {"end-user": {"exact": "jason"}}},
            {"prefix": "/", "headers": [header("end-user", exact="jason")]},
            id="header",
        ),
        pytest.param(
            {"headers": {"end-user": {}}},
            {"prefix": "/", "headers": [{"name": "end-user", "present_match": True}]},
            id="header is there",
        ),
        pytest.param(
            {"headers": {"end-user": {"prefix": ""}}},
            {"prefix": "/", "headers": [{"name": "end-user", "present_match": True}]},
            id="header with an empty prefix, which Envoy refuses",
        ),
        pytest.param(
            {"withoutHeaders": {"end-user": {"exact": "jason"}}},
            {
                "prefix": "/",
                "headers": [
                    header("end-user", exact="jason") | {"invert_match": True, "treat_missing_header_as_empty": True}
                ],
            },
            id="without a header's value",
        ),
        pytest.param(
            {"withoutHeaders": {"end-user": {}}},
            {"prefix": "/", "headers": [{"name": "end-user", "present_match": True, "invert_match": True}]},
            id="without a header",
        ),
        pytest.param(
            {"queryParams": {"beta": {"exact": "1"}, "debug": {"regex": "t.*"}}},
            {
                "prefix": "/",
                "query_parameters": [
                    header("beta", exact="1"),
                    {"name": "debug", "string_match": {"safe_regex": {"regex": "t.*"}}},
                ],
            },
            id="query",
        ),
    ],
)
def test_match(raw: dict[str, Any], expected: dict[str, Any]) -> None:
    assert translated(raw) == expected


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        pytest.param({"x-new": 1}, "x-new", id="unknown condition"),
        pytest.param({"uri": {"suffix": "/a"}}, "uri", id="unknown kind of string match"),
        pytest.param({"headers": {"@request.auth.claims.group": {"exact": "a"}}}, "JWT", id="JWT claim"),
        pytest.param({"headers": {"two words": {"exact": "a"}}}, "two words", id="header that can't be"),
        pytest.param({"uri": {"regex": "/(?!admin).*"}}, "look-around", id="look-ahead"),
        pytest.param({"headers": {"a": {"regex": r"(a)\1"}}}, "back reference", id="back reference"),
        pytest.param({"queryParams": {"a": {"regex": "("}}}, "regular expression", id="broken regex"),
    ],
)
def test_what_cannot_be_expressed_is_refused(raw: dict[str, Any], words: str) -> None:
    with pytest.raises(Untranslatable, match=words):
        translated(raw)


@pytest.mark.parametrize("pattern", RE2)
def test_regex_of_re2_is_taken(pattern: str) -> None:
    assert checked_regex(pattern) == pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "*",
        "(a",
        "a)",
        "[a",
        "a**",
        "(?=a)",
        "(?<=a)b",
        "(?<!a)b",
        "(?>a)",
        "a++",
        "a{2}+",
        r"(a)\1",
        "(?P=a)",
        r"a\Z",
    ],
)
def test_regex_that_re2_refuses_is_refused(pattern: str) -> None:
    with pytest.raises(Untranslatable):
        checked_regex(pattern)


@given(st.text(alphabet="ab()[]{}*+?|\\^$.<!=:P123,-&~", max_size=12))
def test_no_regex_breaks_the_check(pattern: str) -> None:
    with suppress(Untranslatable):
        assert checked_regex(pattern) == pattern
