"""What `python -m tests.mesh` hands to pytest: the running mesh."""

from __future__ import annotations

import pytest

from tests.mesh.mesh import RealMesh

RUNNING = pytest.StashKey[RealMesh]()
"""Where pytest's configuration keeps it."""


class MeshPlugin:
    """The one mesh of a run."""

    def __init__(self, mesh: RealMesh) -> None:
        self._mesh = mesh

    def pytest_configure(self, config: pytest.Config) -> None:
        """Put the mesh where conftest finds it."""
        config.stash[RUNNING] = self._mesh
