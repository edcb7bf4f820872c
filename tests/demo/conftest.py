"""One gateway for all tests of a run; each test finds it as it was at first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.demo.backends import World


@pytest.fixture(scope="session")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("envoy"))
    yield world
    world.end()


@pytest.fixture
def world(_world: World) -> Iterator[World]:
    yield _world
    _world.reset()
