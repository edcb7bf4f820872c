from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.traffic.servers import target
from webapp.traffic.answers import Answer, Kind, Window
from webapp.traffic.summary import Latency, latency_of, summarise, totals_by_version

NOW = 1000.0


def window_of(*answers: tuple[str | None, Kind, int], started: float = NOW - 30, **fields: Any) -> Window:
    """Return a window with so many answers each, all asked a second ago and taking 1, 2, 3, … ms."""
    window = Window(60, started=started)
    for version, kind, number in answers:
        for milliseconds in range(1, number + 1):
            window.add(Answer(0, fields.get("asked_at", NOW - 1), milliseconds / 1000, kind, version))
    return window


def test_table_of_a_good_split() -> None:
    window = window_of(("v1", Kind.OK, 900), ("v2", Kind.OK, 90), ("v2", Kind.APP_ERROR, 10))

    summary = summarise(window, target(), now=NOW, rate=50)

    first, second = summary.rows
    assert (first.version, first.asked, first.seen, first.answers, first.failures) == ("v1", 90.0, 90.0, 900, 0)
    assert (second.version, second.asked, second.seen, second.answers, second.failures) == ("v2", 10.0, 10.0, 100, 10)
    assert second.kinds == {"ok": 90, "app_error": 10}
    assert first.low and first.high and second.low and second.high
    assert 85 < first.low < 90 < first.high < 95
    assert (first.low, first.high) == pytest.approx((100 - second.high, 100 - second.low), abs=1e-5)
    assert first.latency == Latency(900, *map(pytest.approx, (450, 855, 891)))
    assert second.latency.answers == 100
    assert (summary.total, summary.unidentified, summary.failures) == (1000, 0, 10)
    assert (summary.verdict, summary.verdict_text) == ("matches", "The answers match 90/10.")
    assert (summary.http_route, summary.asked_rate, summary.window_seconds) == (0, 50, 60)
    assert summary.since == summary.started == NOW - 30


def test_no_data_looks_like_no_data() -> None:
    summary = summarise(Window(60, started=NOW), target(), now=NOW, rate=10)
    for row in summary.rows:
        assert (row.seen, row.low, row.high) == (None,) * 3
        assert row.latency == row.upstream == Latency()
        assert (row.answers, row.failures, row.kinds) == (0, 0, {})
    assert [row.asked for row in summary.rows] == [90.0, 10.0]
    assert (summary.total, summary.reached_rate, summary.verdict) == (0, 0.0, "no_data")


def test_rows_for_strangers_and_for_the_unknown() -> None:
    window = window_of(("v9", Kind.OK, 1), (None, Kind.TIMEOUT, 2), ("v1", Kind.OK, 3))
    summary = summarise(window, target(), now=NOW, rate=10)
    assert [row.version for row in summary.rows] == ["v1", "v2", "v9", None]
    assert [row.asked for row in summary.rows] == [90.0, 10.0, None, None]
    assert [row.seen for row in summary.rows] == [75.0, 0.0, 25.0, None]
    assert (summary.total, summary.unidentified, summary.failures) == (6, 2, 2)


def test_where_nothing_splits_versions_stand_in_their_order() -> None:
    window = window_of(("v2", Kind.OK, 2), ("v1", Kind.OK, 1))
    unsplit = replace(target(), asked={}, versions={"v1": "v1", "v2": "v2"})
    assert [row.version for row in summarise(window, unsplit, now=NOW, rate=10).rows] == ["v1", "v2"]


def test_weights_of_zero_ask_for_no_share() -> None:
    summary = summarise(window_of(("v1", Kind.OK, 1)), target(asked={"v1": 0, "v2": 0}), now=NOW, rate=10)
    assert [row.asked for row in summary.rows] == [None, None]


def test_a_dead_version_that_is_not_tagged_does_not_make_the_split_wrong() -> None:
    window = window_of(("v1", Kind.OK, 900), (None, Kind.NO_HEALTHY_UPSTREAM, 100))
    assert summarise(window, target(), now=NOW, rate=10).verdict == "undecided"


def test_what_never_reached_the_split_says_nothing_of_it() -> None:
    window = window_of(("v1", Kind.OK, 900), ("v2", Kind.OK, 100), (None, Kind.REFUSED, 500))
    summary = summarise(window, target(), now=NOW, rate=10)
    assert (summary.verdict, summary.unidentified, summary.failures) == ("matches", 500, 500)


def test_restart_counts_anew_but_totals_stay() -> None:
    window = window_of(("v1", Kind.OK, 5), (None, Kind.TIMEOUT, 1))
    window.restart(NOW)
    window.add(Answer(0, NOW, 0.1, Kind.OK, "v2"))
    summary = summarise(window, target(), now=NOW + 1, rate=10)
    assert [(row.version, row.answers, row.latency.p50_ms) for row in summary.rows] == [
        ("v1", 0, None),
        ("v2", 1, 100.0),
    ]
    assert (summary.since, summary.started) == (NOW, NOW - 30)
    assert totals_by_version(window) == {"v1": {"ok": 5}, "": {"timeout": 1}, "v2": {"ok": 1}}


def test_counts_outlive_the_window_but_latencies_do_not() -> None:
    summary = summarise(window_of(("v1", Kind.OK, 5)), target(), now=NOW + 300, rate=10)
    assert (summary.rows[0].answers, summary.rows[0].latency, summary.reached_rate) == (5, Latency(), 0.0)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param(1, Latency(1, 1.0), id="one is its own median"),
        pytest.param(19, Latency(19, 10.0), id="too few for a p95"),
        pytest.param(20, Latency(20, 10.0, 19.0), id="as many as a p95 takes"),
        pytest.param(99, Latency(99, 50.0, 95.0), id="too few for a p99"),
        pytest.param(100, Latency(100, 50.0, 95.0, 99.0), id="as many as a p99 takes"),
    ],
)
def test_a_figure_takes_as_many_answers_as_it_says_something_of(number: int, expected: Latency) -> None:
    found = latency_of(milliseconds / 1000 for milliseconds in range(1, number + 1))
    assert found == expected
    row = summarise(window_of(("v1", Kind.OK, number)), target(), now=NOW, rate=10).rows[0]
    assert (row.latency, row.upstream) == (expected, Latency())


def test_what_envoy_waited_stands_beside_what_was_waited_here() -> None:
    window = Window(60, started=NOW - 30)
    for milliseconds in range(1, 41):
        upstream = None if milliseconds % 2 else milliseconds / 1000
        window.add(Answer(0, NOW - 1, milliseconds / 100, Kind.OK, "v1", upstream_seconds=upstream))
    row = summarise(window, target(), now=NOW, rate=10).rows[0]
    assert row.latency == Latency(40, 200.0, 380.0)
    assert row.upstream == Latency(20, 20.0, 38.0)


def test_which_version_fails_more_often_is_said() -> None:
    window = window_of(("v1", Kind.OK, 500), ("v2", Kind.OK, 50), ("v2", Kind.APP_ERROR, 50))
    found = summarise(window, target(), now=NOW, rate=10).failing
    assert (found.state, found.text.split(":")[0]) == ("worse", "v2 fails more often than v1")


@pytest.mark.parametrize(
    ("started", "asked_at", "rate"),
    [
        pytest.param(NOW - 30, NOW - 1, 4.0, id="20 in the last 5 s"),
        pytest.param(NOW - 2, NOW - 1, 10.0, id="20 in the 2 s since the start"),
        pytest.param(NOW - 0.1, NOW - 0.05, 20.0, id="the first moment is no rate yet"),
        pytest.param(NOW - 30, NOW - 6, 0.0, id="longer ago"),
    ],
)
def test_reached_rate(started: float, asked_at: float, rate: float) -> None:
    window = window_of(("v1", Kind.OK, 20), started=started, asked_at=asked_at)
    assert summarise(window, target(), now=NOW, rate=50).reached_rate == rate


def test_a_slow_answer_counts_for_the_rate_when_it_arrives() -> None:
    window = Window(60, started=NOW - 30)
    window.add(Answer(0, NOW - 8, 4.0, Kind.OK, "v1"))
    assert summarise(window, target(), now=NOW, rate=1).reached_rate == 0.2
