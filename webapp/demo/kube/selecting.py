"""Label and field selectors.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#api
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from webapp.demo.kube.kinds import JsonObject
from webapp.demo.kube.status import ApiError

Selector: TypeAlias = Callable[[JsonObject], bool]

LABEL_REQUIREMENT = re.compile(
    r"""\s*(?: !\s*(?P<absent>[\w./-]+)
             | (?P<key>[\w./-]+)\s*(?: (?P<operator>==|=|!=)\s*(?P<value>[\w.-]*)
                                     | \s(?P<set>in|notin)\s*\((?P<values>[\w.,\s-]*)\) )? )\s*(?:,|$)""",
    re.VERBOSE,
)
FIELDS: Mapping[str, str] = {"metadata.name": "name", "metadata.namespace": "namespace"}


def selector(labels: str, fields: str) -> Selector:
    """Build the test of a `labelSelector` and a `fieldSelector`, both of which may be empty."""
    tests = [*_label_tests(labels), *_field_tests(fields)]
    return lambda stored: all(test(stored["metadata"]) for test in tests)


def _label_tests(text: str) -> list[Selector]:
    tests: list[Selector] = []
    position = 0
    while position < len(text):
        found = LABEL_REQUIREMENT.match(text, position)
        if not found:
            raise ApiError(400, f"unable to parse requirement: found '{text[position:]}'")
        position = found.end()
        tests.append(_label_test(found.groupdict()))
    return tests


def _label_test(part: Mapping[str, str | None]) -> Selector:
    key = part["key"]
    if key is None:
        return lambda metadata: part["absent"] not in _labels(metadata)
    if part["operator"] is None and part["set"] is None:
        return lambda metadata: key in _labels(metadata)
    values = {part["value"]} if part["operator"] else {value.strip() for value in (part["values"] or "").split(",")}
    if part["operator"] == "!=" or part["set"] == "notin":
        return lambda metadata: _labels(metadata).get(key) not in values
    return lambda metadata: _labels(metadata).get(key) in values


def _labels(metadata: JsonObject) -> Mapping[str, Any]:
    labels: Mapping[str, Any] = metadata.get("labels") or {}
    return labels


def _field_tests(text: str) -> list[Selector]:
    return [_field_test(term) for term in text.split(",") if term]


def _field_test(term: str) -> Selector:
    name, operator, value = re.split(r"(!=|==?)", term, maxsplit=1) if "=" in term else (term, "", "")
    if name.strip() not in FIELDS or not operator:
        raise ApiError(400, f"field label not supported: {name.strip()}")
    field, differs = FIELDS[name.strip()], operator == "!="
    return lambda metadata: (metadata.get(field, "") == value) != differs
