"""What is said of a shift by the answers since."""

from __future__ import annotations

import pytest

from webapp.traffic.answers import Answer, Kind
from webapp.traffic.shifts import InEffect, Shift, in_effect

AT = 1_000.0


def answers(text: str, *, start: float = AT + 0.1, every: float = 0.1) -> list[Answer]:
    """`112` is two answers of v1 and one of v2; `?` one of no known version."""
    versions = [None if each == "?" else f"v{each}" for each in text]
    return [Answer(0, start + place * every, 0.004, Kind.OK, version) for place, version in enumerate(versions)]


def shift(before: tuple[int, int], after: tuple[int, int], *, earliest: float = AT) -> Shift:
    old, new = ({"v1": each[0], "v2": each[1]} for each in (before, after))
    return Shift(AT, earliest, before=old, after=new)


@pytest.mark.parametrize(
    ("made", "seen", "seconds", "state", "text"),
    [
        pytest.param(
            shift((100, 0), (0, 100)), answers("1112222"), 1, "known", "In effect after 0.30 – 0.40 s.", id="known"
        ),
        pytest.param(
            shift((100, 0), (0, 100), earliest=AT - 1),
            answers("2222", start=AT - 0.5),
            1,
            "known",
            "It was in effect before it was seen here.",
            id="before-it-was-seen",
        ),
        pytest.param(
            shift((100, 0), (0, 100)), answers("11111111"), 3, "not_yet", "Not in effect yet, 3 s after the shift.",
            id="not-yet",
        ),
        pytest.param(
            shift((90, 10), (80, 20)),
            answers("1111"),
            1,
            "untold",
            "Whether it is in effect can't be told yet, 1 s after the shift: about 170 more answers needed.",
            id="untold",
        ),
        pytest.param(
            shift((100, 0), (0, 100)), answers("????"), 1, "untold",
            "Whether it is in effect can't be told yet, 1 s after the shift: about 1 more answers needed.",
            id="unidentified-answers-tell-nothing",
        ),
        pytest.param(
            shift((70, 30), (50, 50)),
            answers("1" * 30),
            4,
            "neither",
            "The answers fit neither 70/30 nor 50/50.",
            id="neither",
        ),
        pytest.param(
            shift((70, 30), (50, 50)),
            answers("1" * 30 + "?"),
            4,
            "not_yet",
            "Not in effect yet, 4 s after the shift.",
            id="who-knows-what-the-unidentified-were",
        ),
        pytest.param(
            shift((100, 0), (0, 100)), answers("1" * 50), 61, "never", "No effect was seen within 60 s.", id="never"
        ),
        pytest.param(
            shift((90, 10), (9, 1)), answers("1121"), 1, "none", "The shares are the same as before.", id="the-same"
        ),
    ],
)  # fmt: skip
def test_how_a_shift_stands(made: Shift, seen: list[Answer], seconds: float, state: str, text: str) -> None:
    found = in_effect(made, seen, now=AT + seconds)
    assert (found.state, found.text) == (state, text)
    assert found.is_open == (state in {"not_yet", "untold"})


def test_answers_from_before_the_shift_count_for_nothing() -> None:
    made = shift((100, 0), (0, 100))
    since = answers("1222")
    assert in_effect(made, [*answers("222", start=AT - 5), *since], now=AT + 1) == in_effect(made, since, now=AT + 1)


def test_in_effect_is_counted_from_the_moment_of_the_shift() -> None:
    found = in_effect(shift((100, 0), (0, 100), earliest=AT - 1), answers("11222"), now=AT + 1)
    assert found == InEffect("known", "In effect after 0.20 – 0.30 s.", pytest.approx(0.2), pytest.approx(0.3))
