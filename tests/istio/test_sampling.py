"""What a route's annotation remembers: read leniently, written sparsely, never more than a form could send."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.istio import builders
from tests.istio.strategies import json_values
from webapp.istio.sample import CONNECTION_HEADERS, SAFE_METHODS, SampleRequest
from webapp.istio.sampling import (
    MOST_NAMES,
    SAMPLING,
    SamplingChoice,
    ToldBy,
    example_problem,
    parse_sampling,
    record_sampling,
    sampling_choice,
    source_problem,
)

CHOICE = SamplingChoice(
    running=True,
    rate=20,
    example=SampleRequest("GET", "shop.example", "/v1/a?b=c", {"Cookie": "a=1; b=2"}),
    connection="fresh",
    follow_redirects=True,
    told_by=ToldBy("header", "x-build", {"abc123": "v1", "def456": "v2"}),
)
USUAL = {"running": True, "rate": 10}


def read(**entry: Any) -> SamplingChoice | None:
    return parse_sampling(json.dumps({"main": USUAL | entry})).get("main")


def test_what_was_recorded_is_read_again() -> None:
    route = builders.split(90, 10, name="main")
    before = builders.parsed(route, builders.split(1, 2, name="other"))
    text = record_sampling(before, before.http[0], CHOICE)
    after = builders.parsed(route, builders.split(1, 2, name="other"), annotations={SAMPLING: text})
    assert sampling_choice(after, after.http[0]) == CHOICE
    assert sampling_choice(after, after.http[1]) is None
    # The other route's choice goes in beside it, and a route's that is gone goes out.
    both = record_sampling(after, after.http[1], SamplingChoice(False, 1))
    assert json.loads(both)["main"] == json.loads(text)["main"]
    alone = builders.parsed(builders.split(1, 2, name="other"), annotations={SAMPLING: both})
    assert json.loads(record_sampling(alone, alone.http[0], SamplingChoice(True, 2))) == {
        "other": {"running": True, "rate": 2}
    }


@pytest.mark.parametrize(
    "annotation",
    [None, "", "{", "[]", "7", '"x"', '{"main": []}', '{"main": {"rate": 51}}', '{"main": {"rate": true}}', "[" * 9999],
    ids=["none", "empty", "half", "list", "number", "text", "no-entry", "too-often", "no-rate", "deep"],
)
def test_what_cannot_be_read_is_not_chosen(annotation: str | None) -> None:
    assert parse_sampling(annotation) == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("example", {"method": "POST", "path": "/", "host": "a"}, id="a-method-that-changes"),
        pytest.param("example", {"method": "GET", "path": "/" + "a" * 1000, "host": "a"}, id="a-path-too-long"),
        pytest.param("example", {"method": "GET", "path": "/", "host": "a" * 256}, id="a-host-too-long"),
        pytest.param("example", {"method": "GET", "path": "/", "headers": {"a": "b" * 1500}}, id="headers-too-long"),
        pytest.param("example", {"method": "GET", "path": "/", "headers": {"Host": "b"}}, id="a-second-host"),
        pytest.param("example", {"method": "GET", "path": "/", "headers": {"TE": "b"}}, id="the-connections-header"),
        pytest.param("example", "GET /", id="an-example-in-words"),
        pytest.param("connection", "close", id="another-connection"),
        pytest.param("connection", ["fresh"], id="a-list-of-connections"),
        pytest.param("follow_redirects", "yes", id="yes-is-not-true"),
        pytest.param("told_by", {"header": "x y"}, id="no-header"),
        pytest.param("told_by", {"pattern": "(a+)+$"}, id="an-expression-that-takes-for-ever"),
        pytest.param("told_by", {"pattern": "("}, id="no-expression"),
        pytest.param("told_by", {"json_field": "a" * 201}, id="a-field-too-long"),
        pytest.param("told_by", {"cookie": "x"}, id="told-by-something-unknown"),
        pytest.param("later", {"x": 1}, id="an-unknown-field"),
    ],
)
def test_a_part_that_no_form_could_have_sent_is_not_chosen(field: str, value: Any) -> None:
    assert read(**{field: value}) == SamplingChoice(True, 10)


def test_names_are_bounded() -> None:
    names = {f"value-{number}": "v1" for number in range(MOST_NAMES + 1)} | {"x" * 121: "v2"}
    choice = read(told_by={"header": "x-build", "names": names | {"n": 7}})
    assert choice and choice.told_by
    assert len(choice.told_by.names) == MOST_NAMES


@pytest.mark.parametrize(
    ("by", "what", "word"),
    [
        pytest.param("header", "x-build", "", id="header"),
        pytest.param("json_field", "build.größe", "", id="field"),
        pytest.param("pattern", r"version (v[0-9]+)", "", id="one-plus"),
        pytest.param("pattern", r"v[0-9]{1,4}\.[0-9]{1,4}", "", id="bounded-ones"),
        pytest.param("cookie", "x", "header, json_field, pattern", id="something-else"),
        pytest.param("header", "", "Name", id="nothing"),
        pytest.param("header", "x build", "not a name", id="a-space"),
        pytest.param("pattern", r".*(v.*)", "{1,20}", id="two-stars"),
        pytest.param("pattern", r"(v+)+", "{1,20}", id="a-group-that-repeats"),
        pytest.param("pattern", "[", "{1,20}", id="no-expression"),
        pytest.param("header", "x" * 201, "200", id="too-long"),
        pytest.param("json_field", "a\nb", "control", id="a-line-end"),
    ],
)
def test_where_a_version_may_be_read(by: str, what: str, word: str) -> None:
    assert word in source_problem(by, what)
    assert bool(source_problem(by, what)) == bool(word)


@given(json_values)
def test_whatever_people_write_is_read_as_something_that_may_be_sent(value: Any) -> None:
    for entry in (value, {"rate": 5, "example": value, "told_by": value}, {"rate": 5, "connection": value}):
        for choice in parse_sampling(json.dumps({"main": entry})).values():
            assert choice.rate in range(1, 51)
            assert choice.connection in {"keep-alive", "fresh"}
            if choice.example:
                assert choice.example.method in SAFE_METHODS
                assert not {name.lower() for name in choice.example.headers} & CONNECTION_HEADERS
            if choice.told_by:
                assert source_problem(choice.told_by.by, choice.told_by.what) == ""


@given(
    st.builds(
        SamplingChoice,
        running=st.booleans(),
        rate=st.integers(1, 50),
        example=st.none()
        | st.builds(
            SampleRequest,
            st.sampled_from(SAFE_METHODS),
            st.text(max_size=20),
            st.text(max_size=20),
            st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
        ),
        connection=st.sampled_from(["keep-alive", "fresh"]),
        follow_redirects=st.booleans(),
        told_by=st.none()
        | st.builds(
            ToldBy,
            st.sampled_from(["header", "json_field"]),
            st.from_regex(r"[a-z-]{1,20}", fullmatch=True),
            st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
        ),
    )
)
def test_every_choice_survives(choice: SamplingChoice) -> None:
    if choice.example and example_problem(choice.example):
        return
    before = builders.parsed(builders.split(90, 10))
    text = record_sampling(before, before.http[0], choice)
    after = builders.parsed(builders.split(90, 10), annotations={SAMPLING: text})
    assert sampling_choice(after, after.http[0]) == choice
