"""The window as an SVG file: well-formed whatever is in it, true to the answers, and in the page's own look."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.drawing import Drawing, svg
from webapp.palette import FAILURE_LOOKS, FAILURES, SHAPES, UNKNOWN, UNKNOWN_SHAPE, VERSIONS, version_look
from webapp.traffic.answers import Answer, Kind, Window
from webapp.traffic.shifts import InEffect, Shift
from webapp.traffic.summary import Summary, summarise
from webapp.traffic.targets import Target

ROOT = Path(__file__).resolve().parents[1]
NOW = 1_785_585_600.0
SVG = "{http://www.w3.org/2000/svg}"
SHIFT = Shift(NOW - 20, NOW - 20, before={"v1": 90, "v2": 10}, after={"v1": 50, "v2": 50}, label="90/10 → 50/50")
LAYERS = [(Kind.OK, "v1"), (Kind.OK, "v2"), (Kind.OK, None), (Kind.APP_ERROR, "v1"), (Kind.REFUSED, None)]
EMPTY = Drawing("shop", "web", "path starts with /", NOW, 60, {"v1": 0, "v2": 1})


def summary_of(answers: list[Answer]) -> Summary:
    window = Window(60, started=NOW - 60)
    for each in answers:
        window.add(each)
    target = Target("shop", "web", 0, "http://192.0.2.1", versions={}, asked={"v1": 50, "v2": 50})
    return summarise(window, target, now=NOW, rate=10)


def drawn(answers: list[Answer], **changes: object) -> ElementTree.Element:
    drawing = replace(EMPTY, answers=answers, summary=summary_of(answers))
    return ElementTree.fromstring(svg(replace(drawing, **changes)))  # type: ignore[arg-type]


def words(picture: ElementTree.Element) -> list[str]:
    return [each.text or "" for each in picture.iter(f"{SVG}text")]


def areas(picture: ElementTree.Element) -> dict[str, float]:
    """Return how much of the plot each fill covers, in percent of a second; hatched ones by the colour below."""
    tiles = {f"url(#{each.get('id')})": each.find(f"{SVG}rect") for each in picture.iter(f"{SVG}pattern")}
    found: dict[str, float] = {}
    for path in picture.iter(f"{SVG}path"):
        heights = re.findall(r"v([0-9.]+)h-", path.get("d", ""))
        tile = tiles.get(path.get("fill", ""))
        if heights:
            fill = path.get("fill", "") if tile is None else tile.get("fill", "")
            found[fill] = found.get(fill, 0) + sum(map(float, heights)) / 220 * 100
    return found


def test_each_answer_is_in_its_second_and_layer() -> None:
    answers = [
        *(Answer(0, NOW - 10, 0.01, Kind.OK, "v1") for _ in range(3)),
        Answer(0, NOW - 10, 0.01, Kind.OK, "v2"),
        Answer(0, NOW - 5, 0.01, Kind.APP_ERROR, "v2"),
        Answer(0, NOW - 5, 0.01, Kind.OK, None),
        Answer(0, NOW - 61, 0.01, Kind.OK, "v1"),
    ]
    found = areas(drawn(answers))
    blue, orange = VERSIONS[0][0], VERSIONS[1][0]
    expected = {blue: 75, orange: 25, FAILURE_LOOKS[0].fill: 50, UNKNOWN.fill: 50}
    assert found == {fill: pytest.approx(area, abs=0.1) for fill, area in expected.items()}


def test_layers_stand_upon_each_other_and_fill_the_second() -> None:
    answers = [Answer(0, NOW - 10, 0.01, kind, version) for kind, version in LAYERS for _ in range(5)]
    paths = list(drawn(answers).iter(f"{SVG}path"))
    lines = [float(y) for path in paths for y in re.findall("M72 ([0-9]+)H936", path.get("d", ""))]
    found = sorted(
        (float(upper), float(upper) + float(height))
        for path in paths
        for upper, height in re.findall(r"M[0-9.]+ ([0-9.]+)h[0-9.]+v([0-9.]+)h-", path.get("d", ""))
    )
    assert len(found) == len(LAYERS)
    assert [upper for upper, _ in found[1:]] == pytest.approx([lower for _, lower in found[:-1]], abs=0.2)
    assert (found[0][0], found[-1][1]) == pytest.approx((min(lines), max(lines)), abs=0.2)


def test_what_xml_has_no_way_to_say_is_replaced() -> None:
    picture = ElementTree.fromstring(svg(replace(EMPTY, name='a\0\x01\x1b\ud800\uffff<&>"b')).encode())
    assert words(picture)[0] == "shop/a" + "\ufffd" * 5 + '<&>"b'


def test_it_says_what_the_table_says() -> None:
    answers = [Answer(0, NOW - 10, 0.01, Kind.OK, "v1")] * 200 + [Answer(0, NOW - 9, 0.01, Kind.APP_ERROR, "v2")] * 150
    found = words(drawn(answers, shifts=[(SHIFT, InEffect("known", "In effect after 0.1 – 0.4 s.", 0.1, 0.4))]))
    assert found[:2] == ["shop/web", "path starts with / · 2026-08-01, 11:59:00 to 12:00:00 UTC"]
    assert "v2 fails more often than v1: 100 % (84–100) against 0 % (0–3)." in found
    assert {"v1", "50 %", "200", "v2", "150", "5xx of the app", "11:59:15"} <= set(found)
    assert found[-1] == "1 · 11:59:40 · 90/10 → 50/50 · In effect after 0.1 – 0.4 s. (shaded: 95 %)"


def test_a_shift_is_marked_with_the_time_to_its_effect() -> None:
    picture = drawn([], shifts=[(SHIFT, InEffect("known", "In effect after 5 – 10 s.", 5.0, 10.0))])
    shaded = picture.find(f"{SVG}path[@opacity]")
    assert shaded is not None
    found = re.match(r"M([0-9.]+) [0-9]+h([0-9.]+)v220", shaded.get("d", ""))
    assert found
    second = (936 - 72) / 60
    assert float(found[1]) == pytest.approx(72 + 45 * second, abs=0.1)
    assert float(found[2]) == pytest.approx(5 * second, abs=0.1)
    early = drawn([], shifts=[(replace(SHIFT, at=NOW - 70), None)])
    assert early.find(f"{SVG}path[@opacity]") is None
    assert not any("90/10" in each for each in words(early))


def test_nothing_sampled_is_said() -> None:
    assert "No answers were counted." in words(ElementTree.fromstring(svg(EMPTY)))
    assert "No answers were counted." in words(drawn([]))


foreign = st.text(max_size=150)
versions = st.one_of(st.none(), st.sampled_from(["v1", "v2"]), foreign)


@given(
    st.lists(
        st.builds(
            Answer,
            st.just(0),
            st.floats(NOW - 70, NOW + 5),
            st.floats(0, 5),
            st.sampled_from(list(Kind)),
            versions,
        ),
        max_size=40,
    ),
    st.dictionaries(foreign, st.integers(0, 30), max_size=8),
    st.lists(st.tuples(st.floats(NOW - 90, NOW + 5), foreign, st.floats(0, 90), st.floats(0, 90)), max_size=5),
    foreign,
)
def test_it_is_well_formed_whatever_is_in_the_window(
    answers: list[Answer], marks: dict[str, int], shifts: list[tuple[float, str, float, float]], name: str
) -> None:
    marked = [
        (replace(SHIFT, at=at, label=label), InEffect("known", label, min(low, high), max(low, high)))
        for at, label, low, high in shifts
    ]
    text = svg(Drawing(name, name, name, NOW, 60, marks, answers=answers, shifts=marked, summary=summary_of(answers)))
    picture = ElementTree.fromstring(text.encode())
    assert len(text) < 40_000
    # It needs nothing from elsewhere, and nothing in it runs.
    assert {each.tag.removeprefix(SVG) for each in picture.iter()} <= {
        "svg",
        "title",
        "rect",
        "path",
        "text",
        "pattern",
    }
    assert not any("href" in name or name.startswith("on") for each in picture.iter() for name in each.attrib)
    in_sight = sum(1 for each in answers if NOW - 60 <= each.asked_at < NOW)
    seconds = len({int(each.asked_at - NOW + 60) for each in answers if NOW - 60 <= each.asked_at < NOW})
    assert sum(areas(picture).values()) == pytest.approx(100 * seconds, abs=0.05 * in_sight + 0.01)


def test_colours_shapes_and_hatchings_are_the_page_s() -> None:
    css = (ROOT / "static/css/crossfade.css").read_text()
    sprite = (ROOT / "templates/fragments/sprite.html").read_text()
    palette = (ROOT / "static/js/palette.js").read_text()
    for mark, (fill, edge) in enumerate(VERSIONS):
        said = re.search(rf"\.c{mark} {{ --c: (\S+); --edge: (?:light-dark\()?([^,;]+)", css)
        assert said and said.groups() == (fill, edge)
        assert f'id="mark-{mark}" viewBox="0 0 16 16"><path d="{SHAPES[mark]}"/>' in sprite
        assert f'"{version_look("", mark).hatch}"' in palette
    assert f'id="mark-unknown" viewBox="0 0 16 16"><path d="{UNKNOWN_SHAPE}"/>' in sprite
    assert f'id="mark-failed" viewBox="0 0 16 16"><path d="{FAILURE_LOOKS[0].shape}"/>' in sprite
    assert f"--failed: light-dark({FAILURE_LOOKS[0].fill}" in css
    assert version_look("", 7) == replace(version_look("", 1), shape=SHAPES[2])


def test_failures_are_grouped_as_on_the_page() -> None:
    window = (ROOT / "static/js/window.js").read_text()
    said = re.findall(r'{ name: "([^"]+)", kinds: \[([^\]]+)\] }', window)
    assert {name: set(re.findall("[a-z_]+", kinds)) for name, kinds in said} == FAILURES
    assert sorted(kind for kinds in FAILURES.values() for kind in kinds) == sorted(
        kind for kind in Kind if kind.is_failure
    )
