"""Pages on a real (embedded) Kubernetes API: the adapters run, the application answers through Flask's test client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.views.objects import OBJECTS
from webapp import create_app
from webapp.composition import Adapters, build_adapters
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings

DEADLINE_SECONDS = 10.0


@pytest.fixture
def api() -> Iterator[KubeApi]:
    with KubeApi() as api:
        for resource, obj in OBJECTS:
            api.store.put(resource, obj, manager="kubectl-client-side-apply")
        yield api


@pytest.fixture
def settings(api: KubeApi, tmp_path: Path) -> Settings:
    api.write_kubeconfig(tmp_path / "kubeconfig")
    return Settings(kubeconfig=str(tmp_path / "kubeconfig"))


@pytest.fixture
def adapters(settings: Settings) -> Iterator[Adapters]:
    adapters = build_adapters(settings)
    adapters.start()
    try:
        wait_until_live(adapters)
        yield adapters
    finally:
        adapters.stop()


@pytest.fixture
def client(adapters: Adapters) -> FlaskClient:
    return create_app(adapters).test_client()


def wait_until_live(adapters: Adapters) -> None:
    """Wait for the first whole picture."""
    revision = -1
    while adapters.cluster.status().state != "live":
        newest = adapters.cluster.wait_for_change(revision, DEADLINE_SECONDS)
        assert newest != revision, f"no picture of the cluster: {adapters.cluster.status()}"
        revision = newest


def wait_for(adapters: Adapters, condition: Any) -> None:
    """Wait until the snapshot satisfies the condition."""
    while not condition(snapshot := adapters.cluster.snapshot()):
        newest = adapters.cluster.wait_for_change(snapshot.revision, DEADLINE_SECONDS)
        assert newest != snapshot.revision, "the cluster did not change as expected"
