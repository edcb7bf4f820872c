"""The mesh suite runs inside `python -m tests.mesh` alone (`make test-mesh`); elsewhere there is nothing to collect."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mesh.kubectl import Kubectl
from tests.mesh.mesh import RealMesh
from tests.mesh.plugin import RUNNING
from tests.mesh.workloads import Workloads
from tests.running import RunningDemo, running_demo


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


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    """The embedded mesh, empty."""
    with running_demo("--empty") as demo:
        yield demo


@pytest.fixture(scope="module")
def embedded(demo: RunningDemo, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """kubectl for the embedded mesh."""
    return Kubectl(demo.kubeconfig, tmp_path_factory.mktemp("embedded"))


@pytest.fixture(scope="module")
def real(mesh: RealMesh, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """kubectl for the real one."""
    return Kubectl(mesh.kubeconfig, tmp_path_factory.mktemp("real"))
