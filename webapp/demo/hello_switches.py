"""How a HelloWorld pod can be made to misbehave; a value that its process and its supervisor share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

LONGEST_DELAY_MS = 600_000


@dataclass(frozen=True, slots=True)
class Switches:
    """How a pod misbehaves: latency with ± jitter, the share (0 to 1) of answers that are a 500, and no listener."""

    latency_ms: float = 0
    jitter_ms: float = 0
    error_share: float = 0
    crash: bool = False

    def changed(self, changes: Mapping[str, Any]) -> Switches:
        """Return these switches with some changed.

        :raises ValueError: there is no such switch, or it can't be set to that.
        """
        for name, value in changes.items():
            if name not in Switches.__slots__:
                raise ValueError(f"no switch is called {name}")
            if isinstance(value, bool) != (name == "crash") or not isinstance(value, int | float):
                raise ValueError(f"{name} can't be {value!r}")
            if not 0 <= value <= (1 if name == "error_share" else LONGEST_DELAY_MS):
                raise ValueError(f"{name} can't be {value!r}")
        return replace(self, **changes)
