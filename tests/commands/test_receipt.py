"""The receipt of a shift, as it is pasted into a ticket."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from webapp.receipt import Receipt, markdown
from webapp.traffic.failing import Failing
from webapp.traffic.shifts import InEffect
from webapp.traffic.summary import Latency, Row, Summary

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
        Row(
            "v1",
            50.0,
            51.5,
            45.1,
            57.9,
            618,
            2,
            {"ok": 616, "app_error": 2},
            Latency(90, 4.2, 9.6),
            Latency(90, 0.0, 3.0),
        ),
        Row(None, None, None, None, None, 1, 1, {"timeout": 1}),
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
    failing=Failing("worse", "v2 fails more often than v1: 12 % (8–17) against 0 % (0–1).", unattributed=1),
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
v2 fails more often than v1: 12 % (8–17) against 0 % (0–1).
1 failure carries no version: with the response tag it would.

| version | asked | seen (95 %) | answers | errors | p50 / p95 / p99 | upstream p50 / p95 / p99 |
|---|---|---|---|---|---|---|
| v1 | 50 % | 51.5 % (45.1 – 57.9) | 618 | 2 | 4 / 10 / – | <1 / 3 / – |
| not identified | – | – | 1 | 1 | – / – / – | – / – / – |

3 of 1,201 answers failed (v1 2 `app_error`, not identified 1 `timeout`), 1 were not identified. Intervals hold at \
every look. Times are milliseconds, of the last 60 s; upstream is the part that the gateway waited for the version.
"""
    )


def test_without_a_sampler_it_says_that_nothing_was_asked() -> None:
    assert markdown(RECEIPT).endswith("```\n\nThe gateway was not asked: whether it took effect is not known.\n")


def test_where_no_answer_was_counted_it_says_so_rather_than_zeros() -> None:
    untold = InEffect(
        "untold", "Whether it is in effect can't be told yet, 2 s after the shift: about 9 more answers needed."
    )
    silent = replace(SUMMARY, total=0, in_effect=None)
    assert markdown(replace(RECEIPT, summary=silent)).endswith(
        "```\n\nNo answers of the gateway were counted. Whether it took effect is not known.\n"
    )
    assert markdown(replace(RECEIPT, summary=replace(silent, in_effect=untold))).endswith(f"counted. {untold.text}\n")


def test_what_nobody_knows_is_called_so() -> None:
    text = markdown(replace(RECEIPT, before={}, by="", at="", stored="", read=("2026-01-02T03:04:09Z", "4712")))
    assert "* when: not known\n* who: not known\n* from: not known\n* to: v1 50, v2 50, v3 0\n" in text
    assert "* read 2026-01-02T03:04:09Z at resourceVersion 4712\n" in text
    assert "stored as" not in text and "```" not in text


def test_names_are_not_read_as_markdown() -> None:
    text = markdown(replace(RECEIPT, by="a|b `c`\n# d", route="header x is *"))
    assert "* who: a\\|b \\`c\\` \\# d\n" in text
    assert "* route: header x is \\*\n" in text


foreign = st.text(min_size=1, max_size=40)


@given(foreign, foreign, foreign)
def test_foreign_text_never_gets_out_of_its_place(words: str, version: str, verdict: str) -> None:
    rows = (replace(SUMMARY.rows[0], version=version), *SUMMARY.rows[1:])
    failing = Failing("worse", verdict)
    plain = markdown(replace(RECEIPT, summary=replace(SUMMARY, failing=Failing("worse", "words."))))
    text = markdown(
        replace(
            RECEIPT,
            namespace=words,
            name=words,
            route=words,
            by=words,
            at=words,
            before={version: 1, f"{version}2": 2},
            after={version: 2, f"{version}2": 1},
            summary=replace(SUMMARY, rows=rows, verdict_text=verdict, failing=failing),
        )
    )
    fence = text.index("```diff")
    # As many lines as ever, so that no foreign line break is left; no pipe of a table but our own, no fence but ours.
    assert len(text.splitlines()) == len(plain.splitlines()) - 1
    assert [line for line in text.splitlines() if line.startswith("```")] == ["```diff", "```"]
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert [len(re.findall(r"(?<!\\)\|", line.replace("\\\\", ""))) for line in table] == [8] * 4
    head = text[:fence].replace("\\\\", "")
    assert not re.search(r"(?<!\\)[`*_{}\[\]<>|~$&!]", re.sub("^\\* ", "", head, flags=re.MULTILINE))
