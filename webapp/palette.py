"""Colours, shapes and hatchings for pictures that leave the page: the page's own, in its light theme.

The page says them in `static/css/crossfade.css`, `templates/fragments/sprite.html` and `static/js/`; a test holds both
together. Colours: M. Okabe, K. Ito, Color universal design (2002), https://jfly.uni-koeln.de/color/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webapp.traffic.answers import Kind

GROUND, INK, FAINT, RULE = "#ffffff", "#14181b", "#566069", "#dcdfda"
FAILED = "#c4232b"

VERSIONS = [
    ("#0072b2", "#0072b2"),
    ("#e69f00", "#9a6a00"),
    ("#009e73", "#007a59"),
    ("#cc79a7", "#9b4a76"),
    ("#56b4e9", "#1d7bb0"),
    ("#d55e00", "#b04e00"),
]
"""Fill and edge by mark; an edge has 3:1 contrast to the ground where its fill has not."""

SHAPES = [
    "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13z",
    "M8 1.5L15.2 14.5H.8z",
    "M2 2h12v12H2z",
    "M8 .8L15.2 8L8 15.2L.8 8z",
    "M8 1.2l7 5.1l-2.7 8.2H3.7L1 6.3z",
    "M8 .8l2.1 4.8l5.2.5l-3.9 3.5l1.1 5.1L8 12l-4.5 2.7l1.1-5.1L.7 6.1l5.2-.5z",
]
"""Outlines in a box of 16 by 16, by mark."""
UNKNOWN_SHAPE = "M8 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12zm0 3a3 3 0 1 1 0 6a3 3 0 1 1 0-6z"
FAILED_SHAPE = "M3.6 1.6L8 6l4.4-4.4l2 2L10 8l4.4 4.4l-2 2L8 10l-4.4 4.4l-2-2L6 8L1.6 3.6z"

HATCHES = ["", "M-2 6L2 10M0 0L8 8M6 -2L10 2", "M4 3.5v1", "M-2 2L2 -2M0 8L8 0M6 10L10 6", "M0 4H8", "M4 0V8"]
"""Strokes on a tile of 8 by 8, by mark; the first is plain."""
_CROSS = HATCHES[1] + HATCHES[3]

FAILURES: Mapping[str, frozenset[Kind]] = {
    "5xx of the app": frozenset({Kind.APP_ERROR}),
    "no healthy pods": frozenset({Kind.NO_HEALTHY_UPSTREAM, Kind.NO_ROUTE}),
    "broken in the mesh": frozenset({Kind.UPSTREAM_FAILURE, Kind.UPSTREAM_TIMEOUT, Kind.GATEWAY_ERROR}),
    "gateway not reached": frozenset({Kind.DNS, Kind.REFUSED, Kind.RESET, Kind.TLS, Kind.TIMEOUT}),
}
"""Failures by what broke, from the app to the gateway itself."""


@dataclass(frozen=True, slots=True)
class Look:
    """How answers of one sort are drawn."""

    name: str
    fill: str
    edge: str
    hatch: str
    shape: str


def version_look(name: str, mark: int) -> Look:
    """Return a version's look; from the seventh on, shape and colour pair anew."""
    number = len(VERSIONS)
    return Look(name, *VERSIONS[mark % number], HATCHES[mark % number], SHAPES[(mark + mark // number) % number])


UNKNOWN = Look("not identified", RULE, FAINT, HATCHES[3], UNKNOWN_SHAPE)

FAILURE_LOOKS = [
    Look(name, FAILED, FAILED, hatch, FAILED_SHAPE)
    for name, hatch in zip(FAILURES, [_CROSS, f"{_CROSS}M0 4H8", f"{HATCHES[4]}{HATCHES[5]}", HATCHES[1]], strict=True)
]
