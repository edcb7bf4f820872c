"""Figures as lines: what was measured, the goal, whether it was met, and what else took on the same machine."""

from __future__ import annotations

import math
from collections.abc import Sequence


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that is not exceeded by this share of them."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def spread(seconds: Sequence[float]) -> str:
    """Say how long something took, in milliseconds."""
    median, most, worst = (1000 * quantile(seconds, share) for share in (0.5, 0.95, 1.0))
    return f"median {median:.1f} ms, p95 {most:.1f} ms, worst {worst:.1f} ms of {len(seconds)}"


def show(what: str, figure: str, *, goal: str = "", met: bool | None = None, beside: str = "") -> None:
    """Print one line; `beside` is a ratio or a count."""
    verdict = "" if met is None else f" {'met' if met else 'MISSED'}"
    print(
        f"{what}: {figure}{f' (goal: {goal};{verdict})' if goal else ''}{f'; {beside}' if beside else ''}", flush=True
    )
