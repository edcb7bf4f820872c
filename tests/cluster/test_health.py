"""What the kubelet is told: replace the pod when a thread has ended, for no other reason; send people at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from webapp.composition import Adapters, build_adapters
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings
from webapp.views.probes import create_probes


@pytest.fixture
def adapters(settings: Settings) -> Iterator[Adapters]:
    adapters = build_adapters(settings)
    adapters.start()
    yield adapters
    adapters.stop()


@pytest.fixture
def probes(adapters: Adapters) -> FlaskClient:
    return create_probes(adapters).test_client()


def test_an_api_server_that_is_away_is_no_reason_to_be_replaced(
    api: KubeApi, probes: FlaskClient, adapters: Adapters, until: Any
) -> None:
    until(adapters.cluster, lambda: adapters.cluster.status().state == "live")
    api.stop()
    until(adapters.cluster, lambda: adapters.cluster.status().state == "stale")
    assert probes.get("/healthz").status_code == 200
    assert probes.get("/readyz").get_json() == {"ready": True, "cluster": "stale"}


def test_people_may_come_before_the_first_list(api: KubeApi, probes: FlaskClient) -> None:
    api.faults.stall(verb="list")
    assert probes.get("/readyz").status_code == 200
    assert probes.get("/healthz").status_code == 200


def test_a_thread_that_has_ended_is_one(probes: FlaskClient, adapters: Adapters, until: Any) -> None:
    until(adapters.cluster, lambda: adapters.cluster.status().state == "live")
    worker = adapters.cluster._workers[0]
    worker.ask_to_stop()
    worker.join()
    answer = probes.get("/healthz")
    assert (answer.status_code, answer.get_json()) == (503, {"alive": False, "dead": ["cluster"]})
    assert probes.get("/readyz").status_code == 200
