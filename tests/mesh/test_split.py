"""The tutorial on the real mesh: what the harness itself promises, before anything is built on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mesh.asking import Asking
from tests.mesh.gateway import upstream_requests
from tests.mesh.mesh import RealMesh
from tests.mesh.processes import wait_until
from tests.mesh.tutorial import HOST, running_tutorial, weights_patch

REQUESTS = 1_000
BOUNDS = range(60, 146)
"""Of 1,000 requests at 10 %: less than one run in 10,000 lies outside."""


@pytest.fixture
def path(mesh: RealMesh) -> Iterator[str]:
    with running_tutorial(mesh) as path:
        yield path


@pytest.fixture
def gateway(path: str) -> Iterator[Asking]:
    with Asking() as asking:
        yield asking


def test_the_split_is_what_the_weights_say(gateway: Asking) -> None:
    before = {subset: upstream_requests(HOST, subset) for subset in ("v1", "v2")}
    counted = gateway.count(REQUESTS)
    assert counted.keys() == {"v1", "v2"}
    assert counted["v2"] in BOUNDS
    seen = {subset: upstream_requests(HOST, subset) - before[subset] for subset in before}
    assert seen == dict(counted)


def test_a_shift_takes_effect(mesh: RealMesh, path: str, gateway: Asking) -> None:
    assert mesh.api.patch(path, weights_patch(0, 100)).status == 200
    wait_until(lambda: gateway.count(20) == {"v2": 20}, "the shift to v2", seconds=10.0)
    assert gateway.count(200) == {"v2": 200}


def test_the_webhook_is_asked(mesh: RealMesh, path: str) -> None:
    answer = mesh.api.patch(path, weights_patch(-5, 105))
    assert answer.status == 400
    assert answer.body["message"] == (
        'admission webhook "rev.validation.istio.io" denied the request: configuration is invalid: weight -5 < 0'
    )


def test_without_istiod_nothing_is_written_and_the_gateway_goes_on(mesh: RealMesh, path: str, gateway: Asking) -> None:
    mesh.istiod.stop()
    try:
        answer = mesh.api.patch(path, weights_patch(50, 50))
        assert (answer.status, answer.body["reason"]) == (500, "InternalError")
        assert "failed calling webhook" in answer.body["message"]
        assert gateway.ask().status == 200
    finally:
        mesh.istiod.start()
    wait_until(lambda: mesh.api.patch(path, weights_patch(0, 100)).status == 200, "the webhook again")
    wait_until(lambda: gateway.count(20) == {"v2": 20}, "the shift after istiod's return", seconds=30.0)


def test_an_account_may_do_what_its_role_says(mesh: RealMesh, path: str) -> None:
    rule = {"apiGroups": ["networking.istio.io"], "resources": ["virtualservices"], "verbs": ["get"]}
    account = mesh.account_with("reader", [rule])
    wait_until(lambda: account.call("GET", path).status == 200, "the role")
    assert account.patch(path, weights_patch(1, 99)).status == 403
    assert mesh.limited.call("GET", path).status == 403
