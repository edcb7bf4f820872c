"""Which route is which."""

from __future__ import annotations

from typing import Any

import pytest

from tests.istio import builders
from webapp.errors import NotFound
from webapp.istio.routes import destinations_digest, find_http_route, find_route, route_digest, route_key

SEEN = builders.split(90, 10, name="main", match=[{"uri": {"prefix": "/"}}])


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(SEEN | {"timeout": "3s", "retries": {"attempts": 1}}, id="timeout-and-retries"),
        pytest.param(SEEN | {"match": [{"uri": {"prefix": "/"}}], "x-new": 1}, id="unknown-field"),
        pytest.param(SEEN | {"route": [each | {"headers": {"response": {}}} for each in SEEN["route"]]}, id="headers"),
    ],
)
def test_what_a_shift_leaves_alone_is_not_in_the_digest(other: dict[str, Any]) -> None:
    assert route_digest(builders.parsed_route(other)) == route_digest(builders.parsed_route(SEEN))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(builders.split(80, 20, name="main", match=SEEN["match"]), id="weights"),
        pytest.param(SEEN | {"match": [{"uri": {"prefix": "/a"}}]}, id="match"),
        pytest.param(SEEN | {"match": [{"x-new": 1}]}, id="match-that-is-not-understood"),
        pytest.param(SEEN | {"name": "other"}, id="name"),
        pytest.param(SEEN | {"route": SEEN["route"][::-1]}, id="order"),
        pytest.param(SEEN | {"route": [*SEEN["route"], builders.destination("api", weight=0)]}, id="destinations"),
    ],
)
def test_what_a_person_decides_on_is_in_the_digest(other: dict[str, Any]) -> None:
    assert route_digest(builders.parsed_route(other)) != route_digest(builders.parsed_route(SEEN))


def test_the_digest_is_the_same_wherever_the_route_stands_and_however_it_is_written() -> None:
    second = builders.parsed({"redirect": {}}, SEEN).http[1]
    assert route_digest(second) == route_digest(builders.parsed_route(SEEN))
    written_out = builders.parsed_route(builders.split(100, 0))
    assert route_digest(written_out) == route_digest(builders.parsed_route(builders.split(100, None)))


def test_what_history_keeps_in_the_cluster_stays_readable_for_later_releases() -> None:
    route = builders.parsed_route(builders.split(90, 10, match=SEEN["match"]))
    assert (route_key(route), destinations_digest(route)) == ("match:a097174c72056f11", "70bf36b3471cafbc")


def test_the_keys_of_sections_never_meet() -> None:
    same = builders.split(90, 10)
    keys = [route_key(route) for route in builders.parsed(same, tls=[same], tcp=[same]).routes]
    http_key = keys[0]
    assert keys == [http_key, f"tls:{http_key}", f"tcp:{http_key}"]


def test_route_key_is_the_name_or_the_match() -> None:
    named, unnamed = builders.parsed_route(SEEN), builders.parsed_route(builders.split(90, 10, match=SEEN["match"]))
    assert route_key(named) == "main"
    assert route_key(unnamed).startswith("match:")
    moved = builders.parsed({"redirect": {}}, builders.split(1, 99, match=SEEN["match"])).http[1]
    assert route_key(moved) == route_key(unnamed)
    assert route_key(builders.parsed_route(builders.split(90, 10))) != route_key(unnamed)


def test_destinations_digest_is_blind_to_weights_alone() -> None:
    digest = destinations_digest(builders.parsed_route(builders.split(90, 10)))
    assert destinations_digest(builders.parsed_route(builders.split(1, None))) == digest
    assert destinations_digest(builders.parsed_route(builders.split(90, 10, 0))) != digest


@pytest.mark.parametrize(
    ("count", "index", "words"),
    [
        pytest.param(0, 0, "shop/web has no HTTP routes: there is no HTTP route 0", id="none"),
        pytest.param(1, 1, "shop/web has one HTTP route, number 0: there is no HTTP route 1", id="one"),
        pytest.param(2, 5, "shop/web has HTTP routes 0 to 1: there is no HTTP route 5", id="two"),
        pytest.param(2, -1, "shop/web has HTTP routes 0 to 1: there is no HTTP route -1", id="never-from-the-end"),
    ],
)
def test_find_route_says_what_there_is(count: int, index: int, words: str) -> None:
    virtual_service = builders.parsed(*[SEEN] * count)
    with pytest.raises(NotFound) as missing:
        find_route(virtual_service, "http", index)
    assert missing.value.message == words


def test_find_route_keeps_sections_apart() -> None:
    virtual_service = builders.parsed({"redirect": {}}, SEEN, tcp=[builders.split(1, 99)])
    assert find_route(virtual_service, "http", 1) is find_http_route(virtual_service, 1) is virtual_service.http[1]
    assert find_route(virtual_service, "tcp", 0) is virtual_service.tcp[0]
    with pytest.raises(NotFound) as missing:
        find_route(virtual_service, "tls", 0)
    assert missing.value.message == "shop/web has no TLS routes: there is no TLS route 0"
