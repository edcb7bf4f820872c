"""Shifts that go back unless somebody keeps them: what is noted, when it is due, and what carrying it out writes."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.istio import builders
from tests.istio.shifting import NOON, edited
from tests.istio.strategies import json_values, steady
from webapp.errors import InvalidInput
from webapp.istio.history import HISTORY, changes, undo_weights
from webapp.istio.objects import JsonPatch, VirtualService
from webapp.istio.parse import parse_virtual_service
from webapp.istio.routes import route_digest, route_key
from webapp.istio.shift import shift_patch
from webapp.istio.timed import (
    NOBODY,
    RETURN,
    due_returns,
    keep_patch,
    parse_return_seconds,
    return_patch,
    returned_by,
    serves_itself,
    waiting_return,
)

FLAGGER = {"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": "web", "uid": "1", "controller": True}


def web(*weights: int, **fields: Any) -> VirtualService:
    return builders.parsed(builders.split(*weights, name="main"), builders.split(5, 95, name="other"), **fields)


def applied(virtual_service: VirtualService, patch: JsonPatch) -> VirtualService:
    return parse_virtual_service(jsonpatch.apply_patch(virtual_service.raw, patch))


def shifted(
    found: VirtualService, *weights: int, seconds: int | None = 30, index: int = 0, **more: Any
) -> VirtualService:
    route = found.http[index]
    patch = shift_patch(
        found,
        route,
        seen=route_digest(route),
        choose=lambda: weights,
        by="ann",
        now=NOON,
        return_seconds=seconds,
        **more,
    )
    return applied(found, patch)


def returned(found: VirtualService, *, after_seconds: int = 30, index: int = 0, history: bool = True) -> VirtualService:
    now = NOON + timedelta(seconds=after_seconds)
    return applied(found, return_patch(found, route_key(found.http[index]), now=now, history=history))


def due_after(found: VirtualService, seconds: float) -> list[str]:
    snapshot = builders.snapshot(found.raw)
    return [each.route_key for each in due_returns(snapshot, NOON + timedelta(seconds=seconds))]


def pointed_elsewhere(found: VirtualService) -> VirtualService:
    return parse_virtual_service(json.loads(json.dumps(found.raw).replace('"subset": "v2"', '"subset": "v3"')))


def weights_of(found: VirtualService) -> list[tuple[int, ...]]:
    return [route.weights for route in found.http]


def test_the_way_back_is_noted_in_the_patch_that_shifts() -> None:
    found = shifted(web(90, 10), 40, 60)
    [noted] = json.loads(found.metadata.annotations[RETURN])
    assert noted == {
        "route": "main",
        "after": [40, 60],
        "before": [90, 10],
        "destinations": noted["destinations"],
        "at": "2026-01-02T12:00:30Z",
        "by": "ann",
    }
    assert (due_after(found, 29.9), due_after(found, 30)) == ([], ["main"])


@pytest.mark.parametrize(
    ("by", "words"),
    [
        pytest.param("ann@example.org", "crossfade, for ann@example.org: nobody kept it", id="signed-in"),
        pytest.param("crossfade", NOBODY, id="nobody-signed-in"),
        pytest.param("", NOBODY, id="somebody-edited-the-annotation"),
    ],
)
def test_a_return_names_who_made_the_shift(by: str, words: str) -> None:
    assert returned_by(by) == words


def test_what_nobody_kept_goes_back_with_a_line_in_the_history() -> None:
    found = returned(shifted(web(90, 10), 40, 60))
    assert weights_of(found) == [(90, 10), (5, 95)]
    assert RETURN not in found.metadata.annotations
    newest = changes(found, found.http[0])[0]
    assert (newest.weights, newest.by, newest.inferred) == ((90, 10), returned_by("ann"), False)
    assert undo_weights(found, found.http[0]) == (40, 60)
    assert due_after(found, 9999) == []


def test_without_a_history_it_goes_back_all_the_same() -> None:
    found = returned(shifted(web(90, 10), 40, 60, history=False), history=False)
    assert weights_of(found)[0] == (90, 10)
    assert HISTORY not in found.metadata.annotations


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(lambda found: edited(found, 25, 75), id="other-weights"),
        pytest.param(lambda found: edited(found, 40, 60, 0), id="one-more-destination"),
        pytest.param(lambda found: pointed_elsewhere(found), id="other-destinations-with-these-weights"),
    ],
)
def test_a_route_that_somebody_changed_is_left_alone(meanwhile: Any) -> None:
    single = shifted(builders.parsed(builders.split(90, 10)), 40, 60)
    found = meanwhile(single)
    assert waiting_return(found, found.http[0]) is None
    after = returned(found)
    assert weights_of(after) == weights_of(found)
    assert RETURN not in after.metadata.annotations


def test_before_its_time_nothing_is_written() -> None:
    found = shifted(web(90, 10), 40, 60)
    assert return_patch(found, "main", now=NOON + timedelta(seconds=29), history=True) == []


@pytest.mark.parametrize(
    "newer",
    [
        pytest.param(lambda found: shifted(found, 10, 90, seconds=None), id="a-newer-shift"),
        pytest.param(lambda found: shifted(found, 90, 10, seconds=None), id="undo"),
        pytest.param(lambda found: shifted(found, 90, 10, seconds=30), id="a-timed-shift-to-where-it-was"),
        pytest.param(lambda found: applied(found, keep_patch(found, found.http[0])), id="keep"),
    ],
)
def test_whoever_decides_takes_the_way_back_out(newer: Any) -> None:
    found = newer(shifted(web(90, 10), 40, 60))
    assert RETURN not in found.metadata.annotations


def test_a_timed_shift_upon_one_that_nobody_kept_leads_back_to_what_was_kept() -> None:
    found = shifted(shifted(web(90, 10), 40, 60), 0, 100)
    waiting = waiting_return(found, found.http[0])
    assert waiting and waiting.before == (90, 10)
    assert weights_of(returned(found))[0] == (90, 10)


def test_routes_wait_beside_one_another() -> None:
    both = shifted(shifted(web(90, 10), 40, 60, seconds=60), 50, 50, index=1)
    assert due_after(both, 30) == ["other"]
    assert due_after(both, 60) == ["main", "other"]
    first = returned(both, index=1)
    assert weights_of(first) == [(40, 60), (5, 95)]
    assert due_after(first, 60) == ["main"]
    kept = applied(both, keep_patch(both, both.http[0]))
    assert due_after(kept, 60) == ["other"]
    assert keep_patch(kept, kept.http[0]) == []


def test_entries_of_routes_that_are_gone_go_with_the_next_write() -> None:
    both = shifted(shifted(web(90, 10), 40, 60), 50, 50, index=1)
    raw = json.loads(json.dumps(both.raw))
    del raw["spec"]["http"][1]
    found = shifted(parse_virtual_service(raw), 30, 70)
    assert [each["route"] for each in json.loads(found.metadata.annotations[RETURN])] == ["main"]


def test_each_write_is_fenced() -> None:
    found = shifted(web(90, 10), 40, 60)
    for patch in (
        keep_patch(found, found.http[0]),
        return_patch(found, "main", now=NOON + timedelta(hours=1), history=True),
    ):
        assert patch[0] == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}


def test_where_the_owner_takes_annotations_for_changes_it_is_refused_in_words() -> None:
    found = web(90, 10, ownerReferences=[FLAGGER])
    with pytest.raises(InvalidInput, match="Flagger takes for a change"):
        shifted(found, 40, 60, consent="Flagger")
    assert RETURN not in shifted(found, 40, 60, seconds=None, consent="Flagger").metadata.annotations


def test_an_owner_who_came_afterwards_is_not_fought() -> None:
    raw = shifted(web(90, 10), 40, 60).raw
    found = parse_virtual_service(dict(raw) | {"metadata": raw["metadata"] | {"ownerReferences": [FLAGGER]}})
    assert due_after(found, 60) == []
    assert return_patch(found, "main", now=NOON + timedelta(hours=1), history=True) == []


def test_there_is_no_way_back_to_weights_that_istio_refuses() -> None:
    with pytest.raises(InvalidInput, match="nothing to return to"):
        shifted(web(0, 0), 40, 60)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("", None), ("5", 5), ("30", 30), ("3600", 3600)],
)
def test_seconds_are_read(given: str, seconds: int | None) -> None:
    assert parse_return_seconds(given) == seconds


@pytest.mark.parametrize("given", ["4", "3601", "0", "-5", "5.5", "soon", "\u0663\u0660", " 30", "9" * 5000])
def test_other_seconds_are_refused(given: str) -> None:
    with pytest.raises(InvalidInput, match="from 5 to 3600") as refused:
        parse_return_seconds(given)
    assert refused.value.field == "return_seconds"


ENTRY = {"route": "main", "after": [40, 60], "before": [90, 10], "at": "2026-01-02T12:00:00Z", "by": "ann"}


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"at": "2026-01-02T12:00:00"}, id="no-zone"),
        pytest.param({"at": "0001-01-01T00:00:00+14:00"}, id="before-all-time"),
        pytest.param({"at": 7}, id="no-time"),
        pytest.param({"before": [0, 0]}, id="back-to-nothing"),
        pytest.param({"before": [90]}, id="too-few"),
        pytest.param({"after": [True, "x"]}, id="no-weights"),
    ],
)
def test_an_entry_that_cannot_be_read_is_left_out(odd: dict[str, Any]) -> None:
    assert due_after(web(40, 60, annotations={RETURN: json.dumps([ENTRY])}), 60) == ["main"]
    assert due_after(web(40, 60, annotations={RETURN: json.dumps([ENTRY | odd])}), 60) == []


@steady
@given(annotation=json_values.map(json.dumps) | st.text(max_size=20))
def test_no_annotation_makes_it_stumble(annotation: str) -> None:
    found = web(90, 10, annotations={RETURN: annotation})
    assert due_after(found, 9999) == []
    assert RETURN not in shifted(found, 40, 60, seconds=None).metadata.annotations


@steady
@given(
    steps=st.lists(st.tuples(st.integers(0, 100), st.sampled_from([None, 5, 30, 3600])), min_size=1, max_size=5),
    later=st.integers(0, 4000),
)
def test_it_ends_on_the_last_weights_that_somebody_kept(steps: list[tuple[int, int | None]], later: int) -> None:
    found, kept, deadline = web(90, 10), (90, 10), None
    for weight, seconds in steps:
        weights = (weight, 100 - weight)
        if weights == found.http[0].weights:
            continue  # a shift to what is there is none
        found = shifted(found, *weights, seconds=seconds)
        if seconds is None or weights == kept:
            kept, deadline = weights, None
        else:
            deadline = seconds
    is_due = deadline is not None and later >= deadline
    assert bool(due_after(found, later)) == is_due
    end = returned(found, after_seconds=later)
    assert weights_of(end) == [kept if is_due else found.http[0].weights, (5, 95)]
    # Another replica that comes a moment later finds nothing to do.
    assert not is_due or return_patch(end, "main", now=NOON + timedelta(hours=2), history=True) == []


@pytest.mark.parametrize(
    ("own_service", "host", "hosts", "expected"),
    [
        pytest.param("shop/web", "web.example", ["web.example"], True, id="it-is"),
        pytest.param("shop/web", "a.example", ["*.example"], True, id="wildcard"),
        pytest.param("shop/web", "web.example", [], True, id="delegate"),
        pytest.param("shop/web", "localhost", ["web.example"], False, id="came-another-way"),
        pytest.param("shop/api", "web.example", ["web.example"], False, id="another-service"),
        pytest.param("other/web", "web.example", ["web.example"], False, id="another-namespace"),
        pytest.param("", "web.example", ["web.example"], False, id="not-known"),
    ],
)
def test_the_route_that_serves_the_dashboard_is_known(
    own_service: str, host: str, hosts: list[str], expected: bool
) -> None:
    found = web(90, 10, hosts=hosts)
    assert serves_itself(found, found.http[0], own_service=own_service, host=host) == expected
