"""By what versions are told, as a form: read it, and say of each field what is wrong and how to mend it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from webapp.istio.sampling import LONGEST_NAME, MOST_NAMES, By, ToldBy, source_problem

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The form as it was sent: `names` are lines, `value = version`."""

    by: str
    what: str
    names: list[str]

    @property
    def told_by(self) -> ToldBy | None:
        """The choice, None for the dashboard's own; the fields have to be without a problem."""
        kinds: dict[str, By] = {"header": "header", "json_field": "json_field", "pattern": "pattern"}
        return ToldBy(kinds[self.by], self.what, dict(map(_pair, self.names))) if self.by in kinds else None


def read_chosen(values: MultiDict[str, str]) -> Chosen:
    """Read `by` and `what`, and the groups' names: `value` and `version` in pairs, or `names` in lines.

    A group without a version is not named: its answers stay not identified.
    """
    pairs = zip(values.getlist("value"), values.getlist("version"), strict=False)
    named = [f"{value} = {version.strip()}" for value, version in pairs if version.strip()]
    lines = [line.strip() for text in values.getlist("names") for line in text.splitlines() if line.strip()]
    return Chosen(values.get("by", ""), values.get("what", "").strip(" \t\r\n"), named + lines)


def problems_of_chosen(chosen: Chosen, versions: Sequence[str]) -> dict[str, str]:
    """Say what is wrong, by field; empty where versions can be told so."""
    if chosen.by == DEFAULT:
        return {}
    problems = {"names": _of_names(chosen.names, versions)}
    if source := source_problem(chosen.by, chosen.what):
        problems["what" if chosen.by in {"header", "json_field", "pattern"} else "by"] = source
    return {field: words for field, words in problems.items() if words}


def _of_names(lines: list[str], versions: Sequence[str]) -> str:
    if len(lines) > MOST_NAMES:
        return f"At most {MOST_NAMES} groups can be named."
    seen: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        value, version = _pair(line)
        if not value or not version:
            return f"Line {number} is not of the form value = version."
        if len(value) > LONGEST_NAME:
            return f"Line {number}: a value has at most {LONGEST_NAME} characters."
        if version not in versions:
            return f"Line {number}: {version[:60]} is no version of this route; it has {', '.join(versions)}."
        if seen.setdefault(value, version) != version:
            return f"Line {number}: {value} is {seen[value]} already."
    return ""


def _pair(line: str) -> tuple[str, str]:
    value, _, version = line.rpartition("=")
    return value.strip(), version.strip()
