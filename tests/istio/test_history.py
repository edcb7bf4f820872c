"""A route's earlier weights: recorded, and inferred."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.istio import builders
from tests.istio.shifting import NOON, edited, managed, shifted
from tests.istio.strategies import json_values, steady, weights_of
from webapp.istio.history import (
    HISTORY,
    MOST_BYTES,
    MOST_ENTRIES,
    Change,
    changes,
    parse_history,
    record,
    undo_weights,
)


def test_record_is_this_text() -> None:
    virtual_service = builders.parsed(builders.split(90, 10, name="main"))
    time = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    annotation = record(virtual_service, virtual_service.http[0], (70, 30), by="ann", now=time)
    assert json.loads(annotation) == [
        {
            "route": "main",
            "at": "2026-01-02T12:00:00Z",
            "by": "ann",
            "before": [90, 10],
            "after": [70, 30],
            "destinations": "70bf36b3471cafbc",
            "base": "7",
        }
    ]


def test_changes_lists_every_state_newest_first() -> None:
    virtual_service = shifted(shifted(builders.parsed(builders.split(100, 0)), 90, 10), 50, 50, by="ben", minute=5)
    assert changes(virtual_service, virtual_service.http[0]) == (
        Change((50, 50), by="ben", at="2026-01-02T12:05:00Z", current=True, inferred=False),
        Change((90, 10), by="ann", at="2026-01-02T12:00:00Z", current=False, inferred=False),
        Change((100, 0), by="", at="", current=False, inferred=True),
    )


def test_without_a_shift_of_ours_the_present_state_is_inferred() -> None:
    fields = [managed("kubectl-client-side-apply", "2026-01-01T00:00:00Z", **{"f:http": {}})]
    virtual_service = builders.parsed(builders.split(90, 10), managedFields=fields)
    expected = Change((90, 10), by="kubectl-client-side-apply", at="2026-01-01T00:00:00Z", current=True, inferred=True)
    assert changes(virtual_service, virtual_service.http[0]) == (expected,)


def test_what_somebody_else_made_of_it_stands_first() -> None:
    fields = [managed("kubectl-edit", "2026-01-02T13:00:00Z", **{"f:http": {}})]
    virtual_service = edited(shifted(builders.parsed(builders.split(100, 0)), 90, 10), 30, 70, managedFields=fields)
    newest, ours, first = changes(virtual_service, virtual_service.http[0])
    assert newest == Change((30, 70), by="kubectl-edit", at="2026-01-02T13:00:00Z", current=True, inferred=True)
    assert (ours.weights, ours.current, ours.inferred) == ((90, 10), False, False)
    assert first.weights == (100, 0)


def test_what_somebody_else_did_between_two_shifts_is_seen_too() -> None:
    virtual_service = shifted(
        edited(shifted(builders.parsed(builders.split(100, 0)), 90, 10), 30, 70), 0, 100, minute=9
    )
    states = changes(virtual_service, virtual_service.http[0])
    assert [(each.weights, each.by, each.inferred) for each in states] == [
        ((0, 100), "ann", False),
        ((30, 70), "", True),
        ((90, 10), "ann", False),
        ((100, 0), "", True),
    ]


def test_routes_of_one_object_have_histories_of_their_own() -> None:
    virtual_service = builders.parsed(builders.split(90, 10, name="a"), builders.split(60, 40, name="b"))
    virtual_service = shifted(shifted(virtual_service, 80, 20), 50, 50, index=1)
    assert [each.weights for each in changes(virtual_service, virtual_service.http[0])] == [(80, 20), (90, 10)]
    assert [each.weights for each in changes(virtual_service, virtual_service.http[1])] == [(50, 50), (60, 40)]


def test_the_oldest_entries_make_room() -> None:
    virtual_service = builders.parsed(builders.split(0, 100))
    for step in range(MOST_ENTRIES + 5):
        virtual_service = shifted(virtual_service, step + 1, 99 - step, minute=step)
    entries = parse_history(virtual_service.metadata.annotations[HISTORY])
    assert len(entries) == MOST_ENTRIES
    assert entries[0].after == (25, 75)
    assert entries[-1].after == (6, 94)


def test_the_annotation_stays_small_whatever_the_names() -> None:
    virtual_service = builders.parsed(builders.split(90, 10, name="n" * 1500))
    for step in range(30):
        virtual_service = shifted(virtual_service, step, 100 - step, by="é" * 5000, minute=step)
    annotation = virtual_service.metadata.annotations[HISTORY]
    assert MOST_BYTES / 2 < len(annotation.encode()) <= MOST_BYTES
    assert parse_history(annotation)[0].after == (29, 71)


def test_an_entry_that_is_too_large_by_itself_is_left_out() -> None:
    virtual_service = shifted(builders.parsed(builders.split(90, 10, name="n" * MOST_BYTES)), 50, 50)
    assert virtual_service.metadata.annotations[HISTORY] == "[]"


GOOD = {"route": "main", "before": [90, 10], "after": [50, 50]}


@pytest.mark.parametrize(
    ("annotation", "count"),
    [
        pytest.param(None, 0, id="none"),
        pytest.param("", 0, id="empty"),
        pytest.param("no json", 0, id="no-json"),
        pytest.param("{}", 0, id="no-list"),
        pytest.param("[" * 100_000, 0, id="very-deep"),
        pytest.param(json.dumps([GOOD, 5, None, GOOD]), 2, id="others-among-them"),
        pytest.param(json.dumps([GOOD | {"before": [90]}]), 0, id="counts-differ"),
        pytest.param(json.dumps([GOOD | {"before": [90, "ten"]}]), 0, id="no-number"),
        pytest.param(json.dumps([GOOD | {"before": [90, True]}]), 0, id="a-boolean"),
        pytest.param(json.dumps([GOOD | {"after": [101, -1]}]), 0, id="negative"),
        pytest.param(json.dumps([GOOD | {"route": 5}]), 0, id="no-route"),
        pytest.param(json.dumps([GOOD | {"by": 5}]), 1, id="who-is-not-needed"),
        pytest.param(json.dumps([GOOD] * 50), MOST_ENTRIES, id="too-many"),
    ],
)
def test_what_people_wrote_into_the_annotation_is_read_as_far_as_it_can_be(annotation: str | None, count: int) -> None:
    assert len(parse_history(annotation)) == count


@steady
@given(raw=json_values, entry=st.dictionaries(st.sampled_from(sorted(GOOD)), json_values))
def test_no_annotation_breaks_the_page(raw: Any, entry: dict[str, Any]) -> None:
    for text in (json.dumps(raw), json.dumps([GOOD | entry])):
        virtual_service = builders.parsed(builders.split(90, 10, name="main"), annotations={HISTORY: text})
        assert changes(virtual_service, virtual_service.http[0])[0].weights == (90, 10)
        assert undo_weights(virtual_service, virtual_service.http[0])


@steady
@given(steps=st.lists(weights_of(3), min_size=1, max_size=8))
def test_every_state_is_in_the_history_once_a_shift(steps: list[tuple[int, ...]]) -> None:
    virtual_service = builders.parsed(builders.split(100, 0, 0))
    states = [(100, 0, 0)]
    for minute, weights in enumerate(steps):
        if weights != states[0]:
            virtual_service = shifted(virtual_service, *weights, minute=minute)
            states.insert(0, weights)  # type: ignore[arg-type]
    assert [each.weights for each in changes(virtual_service, virtual_service.http[0])] == states
