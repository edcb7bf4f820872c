"""The panel's time to effect beside that of an independent client, which asks the same gateway 500 times a second."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mesh.asking import Asking
from tests.mesh.dashboard import ROOT, Dashboard, Stream, running_dashboard
from tests.mesh.gateway import EXTERNAL_ADDRESS
from tests.mesh.independent import Seen, change_point, newest, read
from tests.mesh.mesh import RealMesh
from tests.mesh.processes import Program, wait_until
from tests.mesh.tutorial import NAME, NAMESPACE, running_tutorial

PAGE = f"/virtual-services/{NAMESPACE}/{NAME}"
ROUTE = f"{PAGE}/http/0"
PORT = 8400
RATE = 500
CYCLE = [(0, 100), (100, 0), (50, 50), (90, 10), (50, 50), (0, 100), (30, 70), (90, 10), (50, 50), (100, 0)]
SHIFTS = 2 * CYCLE
"""From 100/0, where the second round begins again. Hard ones, soft ones, and those that only one side proves."""
AT_LEAST = 16
AFTERWARDS_SECONDS = 0.4
"""For so long after the panel has told it the client goes on: it needs what comes after a change, too."""


@pytest.fixture
def dashboard(mesh: RealMesh, tmp_path: Path) -> Iterator[Dashboard]:
    with running_tutorial(mesh), running_dashboard(mesh, tmp_path, port=PORT) as dashboard:
        yield dashboard


@pytest.fixture
def written(dashboard: Dashboard, tmp_path: Path) -> Iterator[Path]:
    """Where the independent client writes."""
    file = tmp_path / "seen"
    command = [sys.executable, "-m", "tests.mesh.independent", EXTERNAL_ADDRESS, "8080", "/", str(RATE), str(file)]
    program = Program(
        "independent",
        ["env", f"PYTHONPATH={ROOT}", *command],
        directory=tmp_path,
        is_ready=lambda: file.exists() and file.stat().st_size > 400,
    )
    with Asking() as gateway:
        shift(dashboard, 100, 0)
        wait_until(lambda: gateway.count(20) == {"v1": 20}, "the first split")
    program.start()
    yield file
    program.stop()


def shift(dashboard: Dashboard, *weights: int) -> None:
    digest = dashboard.route(PAGE)["route_digest"]
    status, view = dashboard.post(f"{ROUTE}/weights", weight=list(weights), route_digest=digest)
    assert status == 200, view


def told(dashboard: Dashboard, stream: Stream) -> tuple[float, dict[str, Any]]:
    """Wait until the panel says when the shift took effect; return its Unix time and the panel's word."""
    at: float = stream.next("shift")["at"]
    while True:
        stream.next("answers")
        found = dashboard.get(f"{ROUTE}/answers")[1]["in_effect"]
        assert found is None or found["state"] in {"known", "not_yet", "untold"}, found
        if found and found["state"] == "known":
            return at, found


@pytest.mark.timeout(150)
def test_the_panels_interval_brackets_what_an_independent_client_measures(
    dashboard: Dashboard, written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shifts: list[tuple[float, dict[str, Any], tuple[int, ...], tuple[int, ...]]] = []
    assert dashboard.post(f"{ROUTE}/sampling", action="start", rate=10)[0] == 200
    with dashboard.stream(f"{NAMESPACE}/{NAME}") as stream:
        while not stream.next("answers")["window"]:
            continue
        before: tuple[int, ...] = (100, 0)
        for after in SHIFTS:
            shift(dashboard, *after)
            at, found = told(dashboard, stream)
            shifts.append((at, found, before, after))
            before = after
            until = at + found["high_seconds"] + AFTERWARDS_SECONDS
            wait_until(lambda until=until: newest(written) > until, "answers after the change")  # type: ignore[misc]
    seen = read(written)
    ends = [*(at for at, *_ in shifts[1:]), seen[-1].asked]
    rows = [row(seen, *each, until=end) for each, end in zip(shifts, ends, strict=True)]
    held = sum(holds for _, holds in rows)
    rate = len(seen) / (seen[-1].asked - seen[0].asked)
    with capsys.disabled():
        print(
            "\nshift              panel, s              independent, s        (at best)",
            *(text for text, _ in rows),
            sep="\n",
        )
        print(f"{held} of {len(rows)} intervals hold it; the independent client asked {rate:.0f} times a second")
    assert held >= AT_LEAST


def row(
    seen: list[Seen], at: float, found: dict[str, Any], before: tuple[int, ...], after: tuple[int, ...], *, until: float
) -> tuple[str, bool]:
    """Return a line for people, and whether the panel's interval and the client's have a moment in common."""
    old, new = (dict(zip(("v1", "v2"), weights, strict=True)) for weights in (before, after))
    best, low, high = (
        each - at for each in change_point([each for each in seen if at <= each.asked < until], old, new)
    )
    panel_low, panel_high = found["low_seconds"], found["high_seconds"]
    holds = panel_low <= high and low <= panel_high
    words = f"{before[0]}/{before[1]} → {after[0]}/{after[1]}"
    panels, clients = f"{panel_low:7.3f} – {panel_high:7.3f}", f"{low:9.3f} – {high:7.3f} {best:9.3f}"
    return f"{words:<18} {panels}  {clients}  {'' if holds else 'missed'}", holds
