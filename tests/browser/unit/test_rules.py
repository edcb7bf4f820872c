"""The page's pure modules, run where they run: in Chromium."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.unit.stage import Stage
from webapp.istio.weights import rebalance

CASES = json.loads((Path(__file__).parents[2] / "istio" / "rebalance_cases.json").read_text())

REBALANCE = """async (cases) => {
  const { rebalance } = await import("/static/js/rebalance.js");
  return cases.map(({ weights, index, value, locked, total }) => rebalance(weights, index, value, locked, total));
}"""
DRAFT = """async ({ weights, steps }) => {
  const { Draft } = await import("/static/js/draft.js");
  const draft = new Draft({ weights, digest: "a", total: 100 });
  return steps.map(([name, ...values]) => {
    const heard = draft[name](...values) ?? null;
    return [heard, draft.current, draft.conflict, draft.digest];
  });
}"""
COLUMNS = """async ({ answers, versions, now }) => {
  const { AnswerWindow } = await import("/static/js/window.js");
  const window = new AnswerWindow();
  for (const [entries, reset] of answers) window.add(entries, reset, now);
  const [seconds, ...layers] = window.columns(versions, now);
  const at = (second) => layers.map((layer) => layer[seconds.indexOf(second)]);
  const words = window.words(window.minute);
  return { at: Object.fromEntries(seconds.map((second) => [second, at(second)])), words };
}"""


@pytest.fixture(scope="module")
def blank(browser: Browser) -> Iterator[Page]:
    """A page of the dashboard's own origin, from which modules can be imported."""
    with Stage().serving() as stage:
        page = browser.new_page()
        page.goto(stage.url)
        yield page
        page.close()


def test_rebalance_agrees_with_the_table(blank: Page) -> None:
    found = blank.evaluate(REBALANCE, CASES)
    assert dict(zip([case["id"] for case in CASES], found, strict=True)) == {
        case["id"]: case["expect"] for case in CASES
    }


def test_rebalance_agrees_with_the_server(blank: Page) -> None:
    chance = random.Random(20260801)
    gestures = [_gesture(chance) for _ in range(400)]
    expected = [
        list(rebalance(each["weights"], each["index"], each["value"], locked=each["locked"], total=each["total"]))
        for each in gestures
    ]
    assert blank.evaluate(REBALANCE, gestures) == expected


def _gesture(chance: random.Random) -> dict[str, Any]:
    count = chance.randint(1, 6)
    total = chance.choice([1, 3, 100, 100, 150, 1000, 999_999_937])
    edges = sorted(chance.randint(0, total) for _ in range(count - 1))
    weights = [after - before for before, after in zip([0, *edges], [*edges, total], strict=True)]
    return {
        "weights": weights,
        "index": chance.randrange(count),
        "value": chance.randint(-5, total + 5),
        "locked": [place for place in range(count) if chance.random() < 0.3],
        "total": total,
    }


BEFORE = {"weights": [60, 30, 10], "digest": "a", "total": 100}
THEIRS = {"weights": [20, 20, 60], "digest": "b", "total": 100}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([["move", 0, 100], ["move", 0, 60]], [60, 30, 10], id="to-the-end-and-back"),
        pytest.param(
            [["move", 0, 100], ["move", 1, 10], ["move", 0, 40]], [40, 60, 0], id="another-slider-counts-anew"
        ),
        pytest.param([["move", 0, 100], ["settle"], ["move", 0, 60]], [60, 20, 20], id="an-apply-ends-the-gesture"),
        pytest.param([["move", 0, 100, "preset"], ["move", 0, 40, "preset"]], [40, 45, 15], id="presets-are-a-gesture"),
        pytest.param([["move", 0, 100, "preset"], ["move", 0, 40]], [40, 30, 30], id="a-preset-ends-a-slide"),
        pytest.param([["lock", 1], ["move", 1, 90]], [60, 30, 10], id="a-locked-one-does-not-move"),
        pytest.param([["lock", 1], ["move", 0, 100]], [70, 30, 0], id="a-locked-other-stays"),
        pytest.param([["lock", 1], ["lock", 1], ["move", 0, 100]], [100, 0, 0], id="unlocked-again"),
        pytest.param([["move", 0, 0], ["reset"]], [60, 30, 10], id="reset"),
        pytest.param([["take", THEIRS]], [20, 20, 60], id="without-a-draft-theirs-is-followed"),
        pytest.param([["move", 0, 0], ["take", THEIRS]], [0, 75, 25], id="a-draft-survives-theirs"),
        pytest.param([["move", 0, 0], ["take", THEIRS], ["reset"]], [20, 20, 60], id="take-theirs"),
        pytest.param([["move", 0, 0], ["take", THEIRS], ["rebase"]], [0, 75, 25], id="mine-on-top"),
    ],
)
def test_draft(blank: Page, steps: list[Any], expected: list[int]) -> None:
    assert blank.evaluate(DRAFT, {"weights": [60, 30, 10], "steps": steps})[-1][1] == expected


SAME_IDEA = {**THEIRS, "weights": [0, 75, 25]}
TWO_LEFT = {"weights": [50, 50], "digest": "b", "total": 100}


@pytest.mark.parametrize(
    ("steps", "heard", "conflict", "digest"),
    [
        pytest.param([["take", BEFORE]], "same", False, "a", id="nothing-new"),
        pytest.param([["take", THEIRS]], "followed", False, "b", id="followed"),
        pytest.param([["move", 0, 0], ["take", THEIRS]], "theirs", True, "a", id="theirs-under-a-draft"),
        pytest.param([["move", 2, 60], ["take", THEIRS, [20, 20, 60]]], "ours", False, "b", id="ours-under-a-newer"),
        pytest.param([["move", 0, 0], ["take", SAME_IDEA]], "followed", False, "b", id="the-same-idea"),
        pytest.param([["move", 0, 0], ["take", TWO_LEFT]], "reshaped", False, "b", id="one-destination-fewer"),
    ],
)
def test_draft_and_the_cluster(blank: Page, steps: list[Any], heard: str, conflict: bool, digest: str) -> None:
    last = blank.evaluate(DRAFT, {"weights": [60, 30, 10], "steps": steps})[-1]
    assert (last[0], last[2], last[3]) == (heard, conflict, digest)


def test_columns_stack_versions_then_unknown_then_failures(blank: Page) -> None:
    def entry(sequence: int, at: float, version: str | None, kind: str = "ok") -> list[object]:
        return [sequence, at, version, kind, 1.0]

    first = [
        entry(0, 900.0, "v1"),
        entry(1, 990.0, "v1"),
        entry(2, 990.5, "v2"),
        entry(3, 991.2, "v2", "app_error"),
        entry(4, 991.4, None, "redirect"),
        entry(5, 991.5, None, "no_healthy_upstream"),
        entry(6, 991.6, "v1"),
    ]
    again = [entry(6, 991.6, "v1"), entry(7, 992.1, "v3")]
    found = blank.evaluate(
        COLUMNS, {"answers": [[first, True], [again, False]], "versions": ["v1", "v2"], "now": 993.0}
    )
    assert "900" not in found["at"]
    assert found["at"]["989"] == [None] * 7
    assert found["at"]["990"] == [50, 100, 100, 100, 100, 100, 100]
    assert found["at"]["991"] == [25, 25, 50, 75, 100, 100, 100]
    assert found["at"]["992"] == [0, 0, 100, 100, 100, 100, 100]
    assert found["words"] == "failed 2, not identified 1, v1 2, v2 1, v3 1"
