"""The mesh suite runs inside `python -m tests.mesh` alone (`make test-mesh`); elsewhere there is nothing to collect."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mesh.mesh import RealMesh
from tests.mesh.plugin import RUNNING
from tests.mesh.workloads import Workloads


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the suite alone where no mesh runs."""
    return None if RUNNING in config.stash else True


@pytest.fixture(scope="session")
def mesh(pytestconfig: pytest.Config) -> RealMesh:
    """The mesh that runs beside all tests."""
    return pytestconfig.stash[RUNNING]


@pytest.fixture
def namespace(mesh: RealMesh) -> Iterator[Workloads]:
    """A namespace of the test's own, and what can be run in it; it is empty again afterwards."""
    with Workloads(mesh.api, f"mesh-{uuid.uuid4().hex[:8]}") as workloads:
        yield workloads
