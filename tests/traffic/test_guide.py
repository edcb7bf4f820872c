"""What differs between answers: proposed by what recurs, never by what is private or of one message."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from tests.traffic.servers import target
from webapp.istio.sampling import SEARCHED, source_problem
from webapp.traffic.evidence import MOST_ANSWERS, MOST_ROUTES, Evidence
from webapp.traffic.guide import (
    EXCERPT,
    MOST_CANDIDATES,
    MOST_FIELDS,
    MOST_GROUPS,
    MOST_HEADERS,
    Candidate,
    Observation,
    candidates,
    observe,
)
from webapp.traffic.identify import report_of
from webapp.traffic.targets import Identification
from webapp.views.identify_form import read_chosen

BUILDS = ["abc123"] * 6 + ["def456"] * 4


def seen(bodies: Iterable[bytes] = (), **headers: list[str]) -> list[Observation]:
    """Observe answers: one a body, or one a value of the headers."""
    named = {name.replace("_", "-"): values for name, values in headers.items()}
    whole = list(bodies) or [b""] * len(next(iter(named.values())))
    return [
        observe(headers={name: values[place] for name, values in named.items()}, body=body, version=None)
        for place, body in enumerate(whole)
    ]


def proposed(observations: list[Observation], versions: int = 2) -> list[tuple[str, str]]:
    return [(each.by, each.what) for each in candidates(observations, versions=versions)]


def test_a_header_that_differs_is_proposed_with_its_groups() -> None:
    found = candidates(seen(x_build=BUILDS, server=["nginx"] * 10), versions=2)
    assert found == (Candidate("header", "x-build", (("abc123", 6), ("def456", 4)), without=0),)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([str(number) for number in range(10)], id="another-in-each-answer"),
        pytest.param(["same"] * 10, id="the-same-in-all"),
        pytest.param(["a"] * 9 + ["b"], id="seen-once-is-not-again"),
        pytest.param([str(number % 13) for number in range(50)], id="too-many"),
        pytest.param(["a", "a", "b", "b", *"cdefg"], id="mostly-of-one-answer"),
        pytest.param(["x" * 121] * 5 + ["y" * 121] * 5, id="too-long"),
        pytest.param(["Bearer x"] * 5 + ["Bearer y"] * 5, id="what-signs-in"),
        pytest.param(["eyJhbGciOi"] * 5 + ["eyJhbGciOj"] * 5, id="a-token"),
        pytest.param(["a\0"] * 5 + ["b\0"] * 5, id="not-printable"),
    ],
)
def test_what_tells_no_versions_is_not_proposed(values: list[str]) -> None:
    assert proposed(seen(x_build=values)) == []
    assert proposed(seen(json.dumps({"build": value}).encode() for value in values)) == []


@pytest.mark.parametrize(
    "name",
    ["set-cookie", "authorization", "x-auth-user", "x-csrf-token", "x-api-key", "x-session-id", "date", "age"]
    + ["content-length", "x-request-id", "traceparent", "server-timing", "x-envoy-upstream-service-time"]
    + ["x-b3-traceid", "x-ratelimit-remaining", "x-crossfade-version"],
)
def test_what_is_private_or_of_the_message_is_never_kept(name: str) -> None:
    assert seen(**{name: ["a"]})[0].headers == {}
    assert proposed(seen(**{name: BUILDS})) == []


@pytest.mark.parametrize("name", ["token", "sessionId", "user", "apiKey", "password", "csrf"])
def test_private_fields_are_never_kept(name: str) -> None:
    assert seen([json.dumps({"a": {name: "abc"}}).encode()])[0].fields == {}


def test_fields_are_found_by_their_path() -> None:
    bodies = [
        json.dumps({"build": {"id": build}, "n": number, "ok": True}).encode() for number, build in enumerate(BUILDS)
    ]
    assert proposed(seen(bodies)) == [("json_field", "build.id")]


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        pytest.param("<h1>Hello from {}</h1>", "^<h1>Hello from ", id="in-a-page"),
        pytest.param("{}", "^", id="alone"),
        pytest.param("a.b*c (d): {}!", r"^a\.b\*c \(d\): ", id="after-special-characters"),
        pytest.param("Welcome! Hello World from {}", "World from ", id="whole-words"),
        pytest.param("to whom it concerns: it is {}", "concerns: it is ", id="a-word-that-just-fits"),
        pytest.param("größe\nbuild={} of today", "build=", id="after-a-line-end"),
    ],
)
def test_words_are_found_by_what_stands_before_them(texts: str, what: str) -> None:
    found = candidates(seen(texts.format(build).encode() for build in BUILDS), versions=2)
    assert [(each.by, each.groups) for each in found] == [("pattern", (("abc123", 6), ("def456", 4)))]
    assert found[0].what.startswith(what)


@pytest.mark.parametrize(
    ("headers", "first"),
    [
        pytest.param({"x_zone": ["a", "b"] * 5, "x_build": BUILDS}, "x-build", id="what-is-called-like-a-version"),
        pytest.param(
            {"x_build": ["a", "b", "c", "d"] * 3, "x_zone": ["a", "b"] * 6}, "x-zone", id="as-many-as-versions"
        ),
    ],
)
def test_the_likeliest_goes_first(headers: dict[str, list[str]], first: str) -> None:
    assert proposed(seen(**headers))[0] == ("header", first)


def test_answers_without_a_value_are_counted_and_rank_lower() -> None:
    observations = [*seen(x_build=BUILDS, x_zone=["a", "b"] * 5), *seen(x_zone=["a", "b"])]
    found = candidates(observations, versions=2)
    assert [(each.what, each.without) for each in found] == [("x-zone", 0), ("x-build", 2)]


def test_what_is_kept_is_bounded() -> None:
    many = {f"x-{number}": "v" for number in range(500)}
    found = observe(headers=many, body=json.dumps(many).encode(), version=None)
    assert (len(found.headers), len(found.fields)) == (MOST_HEADERS, MOST_FIELDS)
    assert len(observe(headers={}, body=b"x" * 99_999, version=None).text) == EXCERPT
    assert observe(headers={}, body=b'{"a":' * 30_000, version=None).fields == {}


def test_evidence_is_bounded_and_begins_anew_with_another_request() -> None:
    evidence = Evidence()
    asked = target()
    for number in range(MOST_ANSWERS + 1):
        evidence.take(asked, headers={"x-n": str(number)}, body=b"", version=None)
    assert [each.headers["x-n"] for each in evidence.of(asked.key)] == [str(n) for n in range(1, MOST_ANSWERS + 1)]
    # Another pod of the gateway is the same question; what Envoy says by itself says nothing of versions.
    evidence.take(target("http://127.0.0.1:2"), headers={"x-n": "51"}, body=b"", version="v1")
    evidence.take(asked, headers={"server": "istio-envoy"}, body=b"", version=None)
    assert (len(evidence.of(asked.key)), evidence.of(asked.key)[-1].version) == (MOST_ANSWERS, "v1")
    evidence.take(target(path="/other"), headers={}, body=b"", version=None)
    assert len(evidence.of(asked.key)) == 1
    for number in range(MOST_ROUTES):
        evidence.take(target(name=f"route-{number}"), headers={}, body=b"", version=None)
    assert evidence.of(asked.key) == ()


words = st.text("abcxyz019 .-_:=<>/\n()*+ü", max_size=60) | st.lists(
    st.sampled_from(["Hello", "brave", "World", "v1", "v2", "é", ", "]), max_size=12
).map(" ".join)


@given(st.lists(words | st.dictionaries(st.text("ab.c", max_size=3), st.text(max_size=4) | st.integers()), max_size=12))
def test_every_proposal_can_be_chosen_and_means_what_it_says(bodies: list[str | dict[str, str | int]]) -> None:
    raw = [each.encode() if isinstance(each, str) else json.dumps(each).encode() for each in bodies]
    found = candidates(seen(raw), versions=2) if raw else ()
    assert len(found) <= MOST_CANDIDATES
    for each in found:
        assert source_problem(each.by, each.what) == ""
        assert read_chosen(MultiDict({"by": each.by, "what": each.what})).what == each.what
        assert 2 <= len(each.groups) <= MOST_GROUPS
        assert sum(count for _, count in each.groups) + each.without == len(raw)
        by = Identification(**{each.by: each.what})
        reports = [report_of(headers={}, body=body, by=by) for body in raw]
        assert {value: reports.count(value) for value, _ in each.groups} == dict(each.groups)


def test_an_excerpt_is_within_what_an_expression_sees() -> None:
    assert EXCERPT <= SEARCHED
