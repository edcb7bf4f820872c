"""The receipt of a shift, as it is pasted into a ticket."""

from __future__ import annotations

from dataclasses import replace

from webapp.receipt import Receipt, markdown
from webapp.traffic.shifts import InEffect
from webapp.traffic.summary import Row, Summary

RECEIPT = Receipt(
    namespace="shop",
    name="reviews",
    route="path starts with /",
    at="2026-01-02T03:04:05+00:00",
    by="kim",
    before={"v1": 90, "v2": 10, "v3": 0},
    after={"v1": 50, "v2": 50, "v3": 0},
    stored="4711",
)
SUMMARY = Summary(
    http_route=0,
    rows=(
        Row("v1", 50.0, 51.5, 45.1, 57.9, 618, 2, {"ok": 616, "app_error": 2}, 4.2, 9.6),
        Row(None, None, None, None, None, 1, 1, {"timeout": 1}, None, None),
    ),
    total=1_201,
    unidentified=1,
    failures=3,
    reached_rate=50,
    asked_rate=50,
    verdict="matches",
    verdict_text="The answers match 50/50.",
    since=1.0,
    window_seconds=60,
    started=1.0,
    in_effect=InEffect("known", "In effect after 0.1 – 0.4 s.", 0.1, 0.4),
)


def test_a_verified_shift() -> None:
    assert (
        markdown(replace(RECEIPT, summary=SUMMARY))
        == """\
# Shift of shop/reviews

* route: path starts with /
* when: 2026-01-02T03:04:05+00:00
* who: kim
* from: v1 90, v2 10, v3 0
* to: v1 50, v2 50, v3 0
* stored as resourceVersion 4711

```diff
- v1: 90
+ v1: 50
- v2: 10
+ v2: 50
  v3: 0
```

**The answers match 50/50.** In effect after 0.1 – 0.4 s (95 %).

| version | asked | seen (95 %) | answers | errors | p50 | p95 |
|---|---|---|---|---|---|---|
| v1 | 50 % | 51.5 % (45.1 – 57.9) | 618 | 2 | 4 ms | 10 ms |
| not identified | – | – | 1 | 1 | – | – |

3 of 1,201 answers failed, 1 were not identified. Intervals hold at every look.
"""
    )


def test_without_a_sampler_it_says_that_nothing_was_asked() -> None:
    assert markdown(RECEIPT).endswith("```\n\nThe gateway was not asked: whether it took effect is not known.\n")


def test_names_are_not_read_as_markdown() -> None:
    text = markdown(replace(RECEIPT, by="a|b `c`\n# d", route="header x is *"))
    assert "* who: a\\|b \\`c\\` \\# d\n" in text
    assert "* route: header x is \\*\n" in text
