"""The tables of the diagnostics tests as a whole: nothing that can be said goes without a case."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import webapp.istio.diagnostics
from tests.istio.noted import notes_by_page
from tests.istio.object_sets import object_sets

SOURCES = sorted(Path(webapp.istio.diagnostics.__file__).parent.glob("*.py"))


def codes() -> Iterator[str]:
    """Give the codes that the diagnostics' source writes into notes."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Note":
                code = node.args[1]
                if isinstance(code, ast.Constant):
                    yield str(code.value)


def test_every_note_has_a_case() -> None:
    sets = object_sets().values()
    said = {note.code for raws in sets for notes in notes_by_page(*raws).values() for note in notes}
    expected = set(codes())
    assert len(expected) > 30
    assert not expected - said
