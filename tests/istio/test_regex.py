"""Regular expressions of routes, tried where RE2 and Python read them alike."""

from __future__ import annotations

import pytest

from webapp.istio.regex import full_match


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        pytest.param("^(.*?;)?(user=jason)(;.*)?$", "a=1;user=jason;b=2", True, id="a-cookie"),
        pytest.param("^(.*?;)?(user=jason)(;.*)?$", "user=jasona", False, id="another-cookie"),
        pytest.param("/v[0-9]+/.*", "/v12/a", True, id="a-path"),
        pytest.param("/v[0-9]+", "/v1/a", False, id="the-whole-value-is-matched"),
        pytest.param("(?i)jason", "JASON", True, id="any-case"),
        pytest.param(r"\d{3}-\w+\.html", "123-a_b.html", True, id="classes-and-escapes"),
        pytest.param("red|green", "green", True, id="alternatives"),
        pytest.param("(?:a|b)[^c]", "bd", True, id="a-group-that-is-not-kept"),
        pytest.param("a??b", "ab", True, id="lazy"),
        pytest.param("", "", True, id="empty"),
        pytest.param("(?=a)a", "a", None, id="no-lookahead-in-re2"),
        pytest.param(r"(a)\1", "aa", None, id="no-backreference-in-re2"),
        pytest.param("a++", "aa", None, id="possessive-in-python-alone"),
        pytest.param(r"\pN", "1", None, id="unicode-classes-in-re2-alone"),
        pytest.param("[[:alpha:]]", "a", None, id="posix-classes-in-re2-alone"),
        pytest.param("[a--b]", "a", None, id="set-operations"),
        pytest.param("(?s).", "a", None, id="other-flags"),
        pytest.param("*", "a", None, id="nothing-to-repeat"),
        pytest.param("a|*", "a", None, id="nothing-to-repeat-in-an-alternative"),
        pytest.param("(a", "a", None, id="a-group-that-does-not-end"),
        pytest.param("a)", "a", None, id="a-group-that-does-not-begin"),
        pytest.param("[b-a]", "a", None, id="a-range-backwards"),
        pytest.param("(a+)+b", "a" * 40, None, id="what-python-takes-for-ever-for"),
        pytest.param("(a|a)*b", "a" * 40, None, id="and-this"),
        pytest.param("a*" * 9 + "b", "a" * 40, None, id="and-that"),
        pytest.param("(a|a)?" * 40 + "b", "a" * 40, None, id="and-such"),
        pytest.param("é", "é", None, id="beyond-ascii"),
    ],
)
def test_full_match(pattern: str, value: str, expected: bool | None) -> None:
    assert full_match(pattern, value) is expected
