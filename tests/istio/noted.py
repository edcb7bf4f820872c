"""What each page of a mesh would note, from raw objects as a cluster sends them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tests.istio.builders import Raw, snapshot
from webapp.istio.diagnostics import Note, route_notes, service_page_notes, virtual_service_notes
from webapp.istio.services import service_keys

PAGES = "https://istio.io/latest/docs/reference/config/analysis/"


class Case(NamedTuple):
    """Objects, and the one note of a page that counts here: `text` is a part of its sentence."""

    id: str
    raws: list[Raw]
    page: str
    code: str
    text: str
    ist: str = ""
    level: str = "info"


def notes_by_page(*raws: Raw) -> Mapping[str, tuple[Note, ...]]:
    """Give the notes of every VirtualService's page and every service's, by `VirtualService shop/web`."""
    mesh = snapshot(*raws)
    found: dict[str, tuple[Note, ...]] = {}
    for each in mesh.virtual_services.values():
        routes = [note for route in each.routes for note in route_notes(mesh, each, route)]
        found[f"VirtualService {each.metadata.full_name}"] = (*virtual_service_notes(mesh, each), *routes)
    for key in service_keys(mesh):
        found[f"Service {'/'.join(key)}"] = service_page_notes(mesh, key)
    return found


def check(case: Case) -> None:
    """Assert that the page has the note, once, with what every note needs."""
    notes = notes_by_page(*case.raws)[case.page]
    found = [note for note in notes if note.code == case.code]
    assert len(found) == 1, notes
    (note,) = found
    assert case.text in note.text
    assert (note.level, note.ist) == (case.level, case.ist)
    assert not case.ist or note.link == f"{PAGES}{case.ist.lower()}/"
    assert note.cure
