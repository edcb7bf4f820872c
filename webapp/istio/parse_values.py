"""JSON values by their type: another type than the one that is asked for counts as absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def text(value: Any) -> str:
    """Give a string, empty where there is none."""
    return value if isinstance(value, str) else ""


def integer(value: Any) -> int | None:
    """Give a whole number, None where there is none; JSON's true, 1.0 and "1" are not whole numbers here."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def mapping(value: Any) -> Mapping[str, Any]:
    """Give an object, empty where there is none."""
    return value if isinstance(value, Mapping) else {}


def mapping_or_none(value: Any) -> Mapping[str, Any] | None:
    """Give an object, None where there is none: `redirect: {}` says something, no `redirect` does not."""
    return value if isinstance(value, Mapping) else None


def mappings(value: Any) -> tuple[Mapping[str, Any], ...]:
    """Give a list of objects; an entry of another type is an empty one, so that places stay."""
    return tuple(mapping(each) for each in value) if isinstance(value, list) else ()


def texts(value: Any) -> tuple[str, ...]:
    """Give the strings in a list."""
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def texts_by_name(value: Any) -> Mapping[str, str]:
    """Give an object's members that are strings (labels, annotations, selectors)."""
    return {name: each for name, each in mapping(value).items() if isinstance(each, str)}
