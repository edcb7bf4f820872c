"""The corpora: every VirtualService is read whole, said in words, and changed by a shift in its weights alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import jsonpatch
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpora import FILES, corpus, documents, name_of, virtual_services
from tests.corpora.comparing import SECTIONS, weighted_routes, weights_of, without_weights
from tests.istio import strategies
from tests.istio.builders import Raw, snapshot
from tests.istio.noted import notes_by_page
from webapp.istio.objects import Route, VirtualService
from webapp.istio.ownership import owner_of
from webapp.istio.parse import parse_virtual_service
from webapp.istio.routes import action_words, destination_versions, extra_words, match_words, route_digest
from webapp.istio.shift import shift_patch
from webapp.istio.weights import parse_weights, weight_total

ALL = {name_of(raw): raw for raw in virtual_services()}
PAGES = "https://istio.io/latest/docs/"
TOLD = ("timeout", "retries", "fault", "mirror", "mirrors", "rewrite", "corsPolicy")
"""Fields of a route that change what becomes of its requests: each has to be said."""

each_of_them = pytest.mark.parametrize("name", ALL)


def parsed(name: str) -> VirtualService:
    raw = ALL[name]
    return parse_virtual_service(raw | {"metadata": raw["metadata"] | {"resourceVersion": "7"}})


def routes_of(virtual_service: VirtualService, section: str) -> list[Route]:
    return [route for route in virtual_service.routes if route.section == section]


def test_there_are_enough_of_them_and_each_names_its_page() -> None:
    assert len(ALL) >= 80
    for path in FILES:
        for text in list(documents(path))[1:]:
            assert text.startswith(f"# {PAGES}"), text


@each_of_them
def test_no_route_is_lost(name: str) -> None:
    found, raw = parsed(name), ALL[name]
    assert found.hosts == tuple(raw["spec"].get("hosts", ()))
    for section in SECTIONS:
        raws = raw["spec"].get(section, [])
        routes = routes_of(found, section)
        assert [route.raw for route in routes] == raws
        assert [route.index for route in routes] == list(range(len(raws)))
        for route, given_ in zip(routes, raws, strict=True):
            assert len(route.match) == len(given_.get("match") or ())
            assert not any(match.unknown for match in route.match)
            destinations = [(each.destination.host, each.destination.subset, each.weight) for each in route.route]
            assert destinations == [
                (each["destination"]["host"], each["destination"].get("subset"), each.get("weight"))
                for each in given_.get("route", ())
            ]


@each_of_them
def test_everything_is_said(name: str) -> None:
    for route in parsed(name).routes:
        assert match_words(route)
        assert all(destination_versions(route)) and (route.route or action_words(route) != "has no destinations")
        words = extra_words(route)
        assert all(words)
        assert len(words) >= sum(bool(route.raw.get(field)) for field in TOLD)


def test_every_page_of_the_mesh_has_its_notes() -> None:
    mesh = snapshot(*corpus())
    pages = notes_by_page(*corpus())
    assert len(pages) >= len(mesh.virtual_services) + len(mesh.services)
    for note in (note for notes in pages.values() for note in notes):
        assert note.code and note.text.endswith(".") and note.level in {"info", "warning", "owner"}


def warned() -> set[str]:
    return {page for page, notes in notes_by_page(*corpus()).items() if any(note.level == "warning" for note in notes)}


def test_what_istio_shows_is_not_warned_of() -> None:
    """Objects after the shape of Istio's own pages do what they say, but for those that are meant not to."""
    assert {page for page in warned() if page.startswith("VirtualService")} == {
        "VirtualService corpus-odd/late",
        "VirtualService corpus-odd/empty",
        "VirtualService corpus-layer4/all-three",
    }


@st.composite
def shifts(draw: st.DrawFn, route: Route) -> list[str]:
    """What a form may send for a route: weights that sum to 100, or to what they sum to now."""
    total = draw(st.sampled_from([100, weight_total(route)]))
    return [str(weight) for weight in draw(strategies.weights_of(len(route.route), total))]


WEIGHTED = [
    pytest.param(name, *route, id=f"{name}/{route[0]}/{route[1]}")
    for name in ALL
    for route in weighted_routes(ALL[name])
]


@pytest.mark.parametrize(("name", "section", "index"), WEIGHTED)
@settings(strategies.steady, max_examples=10)
@given(data=st.data())
def test_a_shift_changes_weights_and_our_annotations_alone(
    name: str, section: str, index: int, data: st.DataObject
) -> None:
    virtual_service = parsed(name)
    route = routes_of(virtual_service, section)[index]
    weights = parse_weights(data.draw(shifts(route)), route=route)
    owner = owner_of(virtual_service.metadata)
    patch = shift_patch(
        virtual_service,
        route,
        seen=route_digest(route),
        choose=lambda: weights,
        by="ann",
        now=datetime(2026, 1, 2, tzinfo=UTC),
        consent=owner.tool if owner else "",
    )
    before: Raw = dict(virtual_service.raw)
    after: Any = jsonpatch.apply_patch(before, patch)
    assert weights_of(after, section, index) == list(weights)
    assert without_weights(after, section, index) == without_weights(before, section, index)
