"""Istio's small values in Envoy's form: durations, percentages, numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from webapp.demo.translate.matches import Envoy, Untranslatable
from webapp.istio.parse_values import mapping

_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_SECONDS = {
    "ns": Decimal("1e-9"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),
    "ms": Decimal("1e-3"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
}
_LONGEST_SECONDS = 315_576_000_000
"""https://protobuf.dev/reference/protobuf/google.protobuf/#duration"""


def duration(text: object) -> str:
    """Return `1h30m`, `0.5s` or `250ms` as protobuf's JSON has it: `5400s`, `0.500000000s`, `0.250000000s`.

    :raises Untranslatable: the text is no duration, or longer than protobuf can say.
    """
    written = str(text)
    if not re.fullmatch(f"(?:{_PART.pattern})+", written):
        raise Untranslatable(f"{written!r} is not a duration")
    seconds = sum((Decimal(number) * _SECONDS[unit] for number, unit in _PART.findall(written)), Decimal(0))
    if seconds > _LONGEST_SECONDS:
        raise Untranslatable(f"{written!r} is too long")
    return f"{seconds:.9f}s"


def fraction(policy: Mapping[str, Any]) -> Envoy:
    """Return a policy's `percentage.value` (or the old `percent`) as a FractionalPercent; absent means all.

    :raises Untranslatable: it is no number from 0 to 100.
    """
    percentage = policy.get("percentage")
    asked = policy.get("percent", 100) if percentage is None else mapping(percentage).get("value", 0)
    if isinstance(asked, bool) or not isinstance(asked, int | float) or not 0 <= asked <= 100:
        raise Untranslatable(f"{asked!r} is not a percentage")
    return {"numerator": round(asked * 10_000), "denominator": "MILLION"}


def whole_number(value: object, name: str, *, low: int, high: int) -> int:
    """Return the value if it is a whole number within the bounds.

    :raises Untranslatable: it is not; the message calls it `name`.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Untranslatable(f"{name} {value!r}")
    return value
