"""The receipt of a shift, in Markdown, for the ticket of the change: what was done, and what the answers said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webapp.traffic.shifts import InEffect
from webapp.traffic.summary import Row, Summary


@dataclass(frozen=True, slots=True)
class Receipt:
    """One shift and its verification.

    :param route: the match in words.
    :param at: RFC 3339; `by` is who, both empty where nobody knows.
    :param before: version → weight; `after` likewise.
    :param stored: the resourceVersion that the shift was stored as.
    :param summary: what the sampler saw, None where nothing was sampled.
    """

    namespace: str
    name: str
    route: str
    at: str
    by: str
    before: Mapping[str, int]
    after: Mapping[str, int]
    stored: str
    summary: Summary | None = None


def markdown(receipt: Receipt) -> str:
    """Write the receipt as Markdown that ends with a line break."""
    lines = [
        f"# Shift of {receipt.namespace}/{receipt.name}",
        "",
        f"* route: {_plain(receipt.route)}",
        f"* when: {receipt.at or 'not known'}",
        f"* who: {_plain(receipt.by or 'not known')}",
        f"* from: {_split(receipt.before)}",
        f"* to: {_split(receipt.after)}",
        f"* stored as resourceVersion {receipt.stored}",
        "",
        "```diff",
        *_diff(receipt),
        "```",
        "",
    ]
    if receipt.summary is None:
        return "\n".join([*lines, "The gateway was not asked: whether it took effect is not known.", ""])
    return "\n".join([*lines, *_verification(receipt.summary), ""])


def _diff(receipt: Receipt) -> list[str]:
    lines = []
    for version in dict.fromkeys([*receipt.before, *receipt.after]):
        old, new = receipt.before.get(version), receipt.after.get(version)
        if old == new:
            lines.append(f"  {version}: {new}")
        else:
            lines += [f"- {version}: {old}"] * (old is not None) + [f"+ {version}: {new}"] * (new is not None)
    return lines


def _verification(summary: Summary) -> list[str]:
    failed = f"{summary.failures:,} of {summary.total:,} answers failed"
    return [
        f"**{summary.verdict_text}** {_effect(summary.in_effect)}".rstrip(),
        "",
        "| version | asked | seen (95 %) | answers | errors | p50 | p95 |",
        "|---|---|---|---|---|---|---|",
        *(_row(row) for row in summary.rows),
        "",
        f"{failed}, {summary.unidentified:,} were not identified. Intervals hold at every look.",
    ]


def _effect(stands: InEffect | None) -> str:
    if stands is None or stands.state == "none":
        return ""
    return f"{stands.text.removesuffix('.')} (95 %)." if stands.state == "known" else stands.text


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
        *("–" if each is None else f"{each:.0f} ms" for each in (row.p50_ms, row.p95_ms)),
    ]
    return f"| {' | '.join(cells)} |"


def _split(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{_plain(version)} {weight}" for version, weight in weights.items())


def _plain(words: str) -> str:
    """Keep names that others chose from being read as Markdown."""
    return "".join(f"\\{each}" if each in r"\`*_[]<>|#" else " " if each in "\r\n" else each for each in words)
