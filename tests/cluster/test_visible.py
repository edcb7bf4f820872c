"""A picture without some namespaces' VirtualServices, kept up from change to change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.istio import builders
from tests.istio.strategies import steady
from tests.istio.test_successors import all_that_is_told, changes, meshes, news_of
from webapp.cluster import visible
from webapp.cluster.visible import Visible
from webapp.istio.parse import parse_virtual_service
from webapp.istio.snapshot import Snapshot

NAMESPACES = st.frozensets(st.sampled_from(["a", "b"]), max_size=1)


def without(snapshot: Snapshot, namespaces: frozenset[str]) -> Snapshot:
    shown = {key: each for key, each in snapshot.virtual_services.items() if key[0] in namespaces}
    return replace(snapshot, virtual_services=shown)


@settings(steady, max_examples=25)
@given(meshes, st.lists(st.tuples(changes, NAMESPACES), min_size=1, max_size=4))
def test_it_tells_what_one_without_them_tells(mesh: dict[str, Any], edits: list[Any]) -> None:
    snapshot, audience = Snapshot(**mesh), Visible()
    for number, ((kind, drawn), namespaces) in enumerate(edits):
        all_that_is_told(audience.of(snapshot, namespaces))
        all_that_is_told(snapshot)
        news = news_of(mesh[kind], drawn)
        mesh[kind] = {key: each for key, each in (mesh[kind] | news).items() if each is not None}
        snapshot = snapshot.successor(number + 1, {kind: news})
        seen = audience.of(snapshot, namespaces)
        assert all_that_is_told(seen) == all_that_is_told(without(snapshot, namespaces))
        assert seen.revision == snapshot.revision


def mesh_of(count: int) -> Snapshot:
    raw = [builders.virtual_service(namespace=f"n{number}") for number in range(count)]
    found = map(parse_virtual_service, raw)
    return Snapshot(revision=1, virtual_services={each.metadata.key: each for each in found})


def test_what_is_hidden_stays_so_when_it_changes() -> None:
    snapshot, audience = mesh_of(2), Visible()
    assert list(audience.of(snapshot, frozenset({"n0"})).virtual_services) == [("n0", "web")]
    changed = snapshot.successor(2, {"virtual_services": dict(mesh_of(3).virtual_services)})
    assert list(audience.of(changed, frozenset({"n0"})).virtual_services) == [("n0", "web")]
    assert list(changed.virtual_services) == [("n0", "web"), ("n1", "web"), ("n2", "web")]


def test_who_may_see_all_sees_the_picture_itself() -> None:
    snapshot = mesh_of(2)
    assert Visible().of(snapshot, frozenset({"n0", "n1", "n2"})) is snapshot


def test_people_with_the_same_rights_share_one_and_few_are_kept() -> None:
    snapshot, audience = mesh_of(visible.MOST_AUDIENCES + 2), Visible()
    first = audience.of(snapshot, frozenset({"n0"}))
    assert audience.of(snapshot, frozenset({"n0"})) is first
    for number in range(1, visible.MOST_AUDIENCES + 1):
        audience.of(snapshot, frozenset({f"n{number}"}))
    assert audience.of(snapshot, frozenset({"n0"})) is not first
    assert len(audience._audiences) == visible.MOST_AUDIENCES
