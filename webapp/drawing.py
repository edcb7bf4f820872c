"""The live panel's window as one SVG file: what was asked, seen and changed, for whoever was not there.

Colours are attributes, on a ground of the picture's own: it reads the same on a light page, on a dark one and on paper,
and where style sheets are taken out or a content security policy forbids them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from webapp.palette import FAILURE_LOOKS, FAILURES, FAINT, GROUND, INK, RULE, UNKNOWN, Look, version_look
from webapp.traffic.answers import Answer
from webapp.traffic.shifts import InEffect, Shift
from webapp.traffic.summary import Row, Summary

WIDTH, EDGE, LEFT = 960, 24, 72
RIGHT = WIDTH - EDGE
PLOT_HEIGHT = 220
LINE = 22
TICK_SECONDS = 15
COLUMNS = {"asked": 480, "seen": 680, "answers": 790, "errors": RIGHT}
"""Right edges of the table's columns."""
LONGEST, LONGEST_NAME = 110, 40
"""Characters of a line and of a name, at most: how wide they are is not known here."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn.

    :param route: the match in words.
    :param now: Unix time of the right edge; the left one is `seconds` earlier.
    :param marks: version → its place in the palette, from the bottom up.
    :param shifts: each with how it stands.
    :param summary: None where nothing was asked.
    """

    namespace: str
    name: str
    route: str
    now: float
    seconds: int
    marks: Mapping[str, int]
    answers: Sequence[Answer] = ()
    shifts: Sequence[tuple[Shift, InEffect | None]] = ()
    summary: Summary | None = None

    @property
    def since(self) -> float:
        """Unix time of the left edge."""
        return self.now - self.seconds

    def x(self, at: float) -> float:
        """Place a Unix time on the axis; what lies outside of it goes to its ends."""
        return LEFT + (RIGHT - LEFT) * min(max(at - self.since, 0), self.seconds) / self.seconds


def svg(drawing: Drawing) -> str:
    """Draw a column a second, a layer a version, failures upon them, and shifts with the time to their effect."""
    picture = Element(
        "svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", "font-family": "system-ui, sans-serif"}
    )
    name = f"{drawing.namespace}/{drawing.name}"
    when = f"{_moment(drawing.since):%Y-%m-%d, %H:%M:%S} to {_moment(drawing.now):%H:%M:%S} UTC"
    _add(picture, "title", f"Answers of {name}, {when}")
    _add(picture, "rect", width="100%", height="100%", fill=GROUND)
    _text(picture, name, EDGE, 38, size=20, weight=650)
    _text(picture, f"{drawing.route} · {when}", EDGE, 62, fill=FAINT)
    y = 62 + LINE
    for words in _verdicts(drawing):
        _text(picture, words, EDGE, y, weight=600)
        y += LINE
    top = y + 16
    _layers(picture, drawing, top + PLOT_HEIGHT)
    _axes(picture, drawing, top + PLOT_HEIGHT)
    _marks(picture, drawing, top)
    y = _table(picture, drawing.summary.rows if drawing.summary else (), drawing.marks, top=top + PLOT_HEIGHT + 56)
    y = _shifts(picture, drawing, top=y)
    picture.attrib |= {"width": f"{WIDTH}", "height": f"{y}", "viewBox": f"0 0 {WIDTH} {y}"}
    return tostring(picture, encoding="unicode") + "\n"


def _verdicts(drawing: Drawing) -> list[str]:
    if drawing.summary is None or not drawing.summary.total:
        return ["No answers were counted."]
    return [words for words in (drawing.summary.verdict_text, drawing.summary.failing.text) if words]


def _layers(picture: Element, drawing: Drawing, bottom: int) -> None:
    looks = [*(version_look(*each) for each in drawing.marks.items()), UNKNOWN, *FAILURE_LOOKS]
    counts = _columns(drawing, len(looks))
    for place, look in enumerate(looks):
        if outline := _outline(drawing, counts, place, bottom):
            _add(picture, "path", d=outline, fill=_fill(picture, look, f"layer-{place}"))


def _axes(picture: Element, drawing: Drawing, bottom: int) -> None:
    for share in (0, 50, 100):
        y = bottom - PLOT_HEIGHT * share // 100
        _add(picture, "path", d=f"M{LEFT} {y}H{RIGHT}", stroke=RULE)
        _text(picture, f"{share} %", LEFT - 8, y + 4, size=12, fill=FAINT, anchor="end")
    for tick in range(math.ceil(drawing.since / TICK_SECONDS), math.floor(drawing.now / TICK_SECONDS) + 1):
        at = tick * TICK_SECONDS
        # Half of the last label would not fit beside the plot.
        x = min(drawing.x(at), RIGHT - 6)
        _text(picture, f"{_moment(at):%H:%M:%S}", x, bottom + 20, size=12, fill=FAINT, anchor="middle")


def _marks(picture: Element, drawing: Drawing, top: int) -> None:
    for number, (shift, stands) in enumerate(_in_sight(drawing), start=1):
        x = drawing.x(shift.at)
        line = f"M{x:.1f} {top - 4}V{top + PLOT_HEIGHT}"
        _add(picture, "path", d=line, stroke=GROUND, stroke_width=5)
        _add(picture, "path", d=line, stroke=INK, stroke_width=2)
        _text(picture, f"{number}", x, top - 8, size=12, weight=650, anchor="middle")
        if stands and stands.low is not None and stands.high is not None:
            low, high = drawing.x(shift.at + stands.low), drawing.x(shift.at + stands.high)
            band = f"M{low:.1f} {top}h{max(high - low, 1):.1f}v{PLOT_HEIGHT}H{low:.1f}z"
            _add(picture, "path", d=band, fill=INK, opacity=".3")


def _columns(drawing: Drawing, layers: int) -> list[Counter[int]]:
    """Count answers by layer for each second."""
    versions = {version: place for place, version in enumerate(drawing.marks)}
    failures = {kind: place - len(FAILURES) for place, kinds in enumerate(FAILURES.values()) for kind in kinds}
    counts = [Counter[int]() for _ in range(drawing.seconds)]
    for answer in drawing.answers:
        second = math.floor(answer.asked_at - drawing.since)
        if 0 <= second < drawing.seconds:
            place = failures.get(answer.kind, versions.get(answer.version or "", len(versions)))
            counts[second][place % layers] += 1
    return counts


def _outline(drawing: Drawing, counts: Sequence[Counter[int]], layer: int, bottom: int) -> str:
    """Return one layer as rectangles, from the layers below it to its own upper edge."""
    width = (RIGHT - LEFT) / drawing.seconds
    parts = []
    for second, count in enumerate(counts):
        if count[layer]:
            unit = PLOT_HEIGHT / count.total()
            upper = bottom - unit * sum(count[below] for below in range(layer + 1))
            parts.append(
                f"M{LEFT + width * second:.1f} {upper:.1f}h{width:.1f}v{unit * count[layer]:.1f}h-{width:.1f}z"
            )
    return "".join(parts)


def _fill(picture: Element, look: Look, name: str) -> str:
    """Return how a layer is filled; a hatched one gets a pattern of that name."""
    if not look.hatch:
        return look.fill
    tile = _add(picture, "pattern", id=name, width=8, height=8, patternUnits="userSpaceOnUse")
    _add(tile, "rect", width=8, height=8, fill=look.fill)
    _add(tile, "path", d=look.hatch, stroke="#000", stroke_opacity=".2", stroke_width="1.5", fill="none")
    return f"url(#{name})"


def _table(picture: Element, rows: Sequence[Row], marks: Mapping[str, int], *, top: int) -> int:
    """Say what the layers are and what they came to; return where the next thing begins."""
    y = top
    if rows:
        for words, x in COLUMNS.items():
            _text(picture, words, x, y, size=12, fill=FAINT, anchor="end")
    for row in rows:
        y += LINE
        name = row.version or UNKNOWN.name
        _key(picture, version_look(name, marks[name]) if name in marks else UNKNOWN, name, y)
        for x, words in zip(COLUMNS.values(), _cells(row), strict=True):
            _text(picture, words, x, y, anchor="end")
    failed = sum((Counter(row.kinds) for row in rows), Counter[str]())
    for look, kinds in zip(FAILURE_LOOKS, FAILURES.values(), strict=True):
        if number := sum(failed[kind.value] for kind in kinds):
            y += LINE
            _key(picture, look, look.name, y)
            _text(picture, f"{number:,}", COLUMNS["errors"], y, anchor="end")
    return y + LINE


def _cells(row: Row) -> list[str]:
    seen = "–" if row.seen is None else f"{row.seen:.1f} %"
    if row.low is not None and row.high is not None:
        seen += f" ({row.low:.1f} – {row.high:.1f})"
    asked = "–" if row.asked is None else f"{row.asked:.4g} %"
    return [asked, seen, f"{row.answers:,}", f"{row.failures:,}"]


def _key(picture: Element, look: Look, name: str, y: int) -> None:
    place = f"translate({EDGE} {y - 12})"
    _add(picture, "path", d=look.shape, transform=place, fill=look.fill, stroke=look.edge, fill_rule="evenodd")
    _text(picture, _cut(name, LONGEST_NAME), EDGE + 28, y, weight=600)


def _shifts(picture: Element, drawing: Drawing, *, top: int) -> int:
    """List the shifts by the numbers of their marks; return the picture's height."""
    y = top + 12
    for number, (shift, stands) in enumerate(_in_sight(drawing), start=1):
        effect = "" if stands is None or stands.state == "none" else f" · {stands.text}"
        effect += " (shaded: 95 %)" if stands and stands.state == "known" else ""
        _text(picture, f"{number} · {_moment(shift.at):%H:%M:%S} · {shift.label}{effect}", EDGE, y)
        y += LINE
    return y


def _in_sight(drawing: Drawing) -> list[tuple[Shift, InEffect | None]]:
    return [each for each in drawing.shifts if drawing.since <= each[0].at <= drawing.now]


def _text(
    parent: Element,
    words: str,
    x: float,
    y: int,
    *,
    size: int = 14,
    fill: str = INK,
    weight: int = 400,
    anchor: str = "start",
) -> None:
    place = {"x": f"{x:.1f}".removesuffix(".0"), "y": y}
    style = {"font_size": size, "fill": fill, "font_weight": weight, "text_anchor": anchor}
    _add(parent, "text", _cut(words, LONGEST), **place, **style)


def _add(parent: Element, tag: str, words: str = "", **attributes: object) -> Element:
    element = SubElement(parent, tag, {name.replace("_", "-"): str(value) for name, value in attributes.items()})
    # XML has no way to say most control characters: https://www.w3.org/TR/xml/#charsets
    element.text = re.sub("[^\t -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", words) or None
    return element


def _cut(words: str, longest: int) -> str:
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
