"""What a page's stream says: the events' JSON, and what one route's panel had to tell when they were made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from webapp.cluster.status import ClusterStatus
from webapp.istio.objects import HttpRoute, VirtualService
from webapp.panel import Panel, State
from webapp.traffic.answers import Answer
from webapp.traffic.shifts import InEffect, Shift
from webapp.traffic.summary import Summary

STATE_WORDS = {"live": "live", "loading": "reading the cluster", "stale": "reconnecting", "down": "no API server"}


@dataclass(frozen=True, slots=True)
class Observed:
    """One route's panel at a moment: how it stands, and what its sampler has (None where nothing was asked yet).

    :param state: what is true, where the panel's is what is wanted: running until the last answer is in.
    """

    virtual_service: VirtualService
    http_route: int
    panel: Panel
    state: State
    answers: tuple[Answer, ...] = ()
    summary: Summary | None = None
    totals: dict[str, dict[str, int]] | None = None
    shifts: list[tuple[Shift, InEffect | None]] = field(default_factory=list)


def mesh_event(status: ClusterStatus, *, revision: int) -> str:
    """Say how the picture of the mesh stands."""
    listed = sum(each.listed for each in status.progress) if status.state == "loading" else ""
    return json.dumps(
        {
            "revision": revision,
            "state": status.state,
            "text": STATE_WORDS[status.state],
            "age_seconds": round(status.age_seconds, 1),
            "listed": listed,
        }
    )


def shift_event(route: HttpRoute, *, before: Sequence[int], at: float, by: str, label: str) -> str:
    """Say that a route's weights have changed, at a Unix time."""
    return json.dumps(
        {
            "http_route": route.index,
            "at": at,
            "before": before,
            "weights": route.weights,
            "by": by,
            "label": label,
        }
    )


def answers_event(observed: Observed, *, marks: Mapping[str, int], html: str, now: float, reset: bool) -> str:
    """Say what one route's panel has to tell.

    :param marks: version → its mark, in the order of the chart's bands.
    :param html: the panel's table.
    :param reset: whether what was told before is to be forgotten.
    """
    summary = observed.summary
    stands = summary.in_effect if summary else None
    event: dict[str, Any] = {
        "http_route": observed.http_route,
        "reset": reset,
        "now": now,
        "state": observed.state,
        "asked_rate": observed.panel.rate,
        "versions": list(marks.items()),
        "weights": observed.virtual_service.http[observed.http_route].weights,
        "window": [as_row(answer) for answer in observed.answers],
        "shifts": [{"at": shift.at, "label": shift.label} for shift, _ in observed.shifts],
        "html": html,
        "verdict": summary.verdict if summary else "no_data",
        "verdict_text": summary.verdict_text if summary else "",
        "effect_text": stands.text if stands and stands.state != "none" else "",
    }
    return json.dumps(event)


def as_row(answer: Answer) -> list[Any]:
    """Return an answer as pages and scripts get it: [sequence, Unix time, version or null, kind, milliseconds]."""
    milliseconds = round(1000 * answer.latency_seconds, 1)
    return [answer.sequence, round(answer.asked_at, 3), answer.version, str(answer.kind), milliseconds]
