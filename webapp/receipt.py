"""The receipt of a shift, in Markdown, for the ticket of the change: what was done, and what the answers said of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from webapp.traffic.answers import Kind
from webapp.traffic.shifts import InEffect
from webapp.traffic.summary import Latency, Row, Summary


@dataclass(frozen=True, slots=True)
class Receipt:
    """One shift and its verification.

    :param route: the match in words.
    :param at: RFC 3339; `by` is who, both empty where nobody knows.
    :param before: version → weight; `after` likewise. Empty where nobody knows.
    :param stored: the resourceVersion that the shift was stored as, empty where that is not known.
    :param read: when (RFC 3339) and at which resourceVersion the object was read, where that was later.
    :param summary: what the sampler saw, None where nothing was sampled.
    """

    namespace: str
    name: str
    route: str
    at: str
    by: str
    before: Mapping[str, int]
    after: Mapping[str, int]
    stored: str = ""
    read: tuple[str, str] | None = None
    summary: Summary | None = None


def markdown(receipt: Receipt) -> str:
    """Write the receipt as Markdown that ends with a line break."""
    lines = [
        f"# Shift of {_plain(f'{receipt.namespace}/{receipt.name}')}",
        "",
        f"* route: {_plain(receipt.route)}",
        f"* when: {_plain(receipt.at) or 'not known'}",
        f"* who: {_plain(receipt.by) or 'not known'}",
        f"* from: {_split(receipt.before)}",
        f"* to: {_split(receipt.after)}",
    ]
    if receipt.stored:
        lines.append(f"* stored as resourceVersion {_plain(receipt.stored)}")
    if receipt.read:
        at, version = map(_plain, receipt.read)
        lines.append(f"* read {at} at resourceVersion {version}")
    lines += ["", "```diff", *_diff(receipt), "```", ""] if receipt.before else [""]
    return "\n".join([*lines, *_verification(receipt.summary), ""])


def _diff(receipt: Receipt) -> list[str]:
    lines = []
    for version in dict.fromkeys([*receipt.before, *receipt.after]):
        old, new = receipt.before.get(version), receipt.after.get(version)
        name = _line(version)
        if old == new:
            lines.append(f"  {name}: {new}")
        else:
            lines += [f"- {name}: {old}"] * (old is not None) + [f"+ {name}: {new}"] * (new is not None)
    return lines


def _verification(summary: Summary | None) -> list[str]:
    if summary is None:
        return ["The gateway was not asked: whether it took effect is not known."]
    if not summary.total:
        effect = _effect(summary.in_effect) or "Whether it took effect is not known."
        return [f"No answers of the gateway were counted. {effect}"]
    failing = summary.failing
    return [
        f"**{_plain(summary.verdict_text)}** {_effect(summary.in_effect)}".rstrip(),
        *(_plain(words) for words in (failing.text, failing.hint) if words),
        "",
        "| version | asked | seen (95 %) | answers | errors | p50 / p95 / p99 | upstream p50 / p95 / p99 |",
        "|---|---|---|---|---|---|---|",
        *(_row(row) for row in summary.rows),
        "",
        f"{summary.failures:,} of {summary.total:,} answers failed{_kinds(summary)}, "
        f"{summary.unidentified:,} were not identified. Intervals hold at every look. "
        f"Times are milliseconds, of the last {summary.window_seconds} s; "
        "upstream is the part that the gateway waited for the version.",
    ]


def _effect(stands: InEffect | None) -> str:
    if stands is None or stands.state == "none":
        return ""
    text = _plain(stands.text)
    return f"{text.removesuffix('.')} (95 %)." if stands.state == "known" else text


def _row(row: Row) -> str:
    seen = "–" if row.seen is None else f"{row.seen:.1f} %"
    if row.low is not None and row.high is not None:
        seen += f" ({row.low:.1f} – {row.high:.1f})"
    cells = [
        _plain(row.version or "not identified"),
        "–" if row.asked is None else f"{row.asked:.4g} %",
        seen,
        f"{row.answers:,}",
        f"{row.failures:,}",
        _times(row.latency),
        _times(row.upstream),
    ]
    return f"| {' | '.join(cells)} |"


def _times(latency: Latency) -> str:
    figures = (latency.p50_ms, latency.p95_ms, latency.p99_ms)
    return " / ".join("–" if each is None else f"{each:.0f}" if each >= 0.5 else "<1" for each in figures)


def _kinds(summary: Summary) -> str:
    """Say what the failures were, by the names that the JSON has for them."""
    found = [
        f"{_plain(row.version or 'not identified')} {number:,} `{kind}`"
        for row in summary.rows
        for kind, number in row.kinds.items()
        if Kind(kind).is_failure
    ]
    return f" ({', '.join(found)})" if found else ""


def _split(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{_plain(version)} {weight}" for version, weight in weights.items()) or "not known"


def _line(words: str) -> str:
    """Keep words that others chose on one line."""
    return " ".join(words.split())


def _plain(words: str) -> str:
    """Keep words that others chose from being read as Markdown.

    https://spec.commonmark.org/0.31.2/#backslash-escapes
    """
    return re.sub(r"([\\`*_{}\[\]<>|#~$&!])", r"\\\1", _line(words))
