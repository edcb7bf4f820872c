"""What this dashboard may do is asked before it is tried, and not too often."""

from __future__ import annotations

from pathlib import Path

import pytest

from webapp.cluster.access import load_access
from webapp.cluster.client import Client
from webapp.cluster.cluster import Cluster
from webapp.cluster.reviews import FRESH_SECONDS, QUIET_SECONDS, Reviews
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings


class Clock:
    """A clock that stands still until it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reviews(settings: Settings, clock: Clock) -> Reviews:
    return Reviews(Client(load_access(settings)), clock=clock)


def can_patch(reviews: Reviews, namespace: str = "default") -> bool | None:
    return reviews.can("patch", "virtualservices", namespace=namespace)


def test_a_right_is_granted_in_one_namespace_and_not_in_another(api: KubeApi, settings: Settings) -> None:
    api.faults.forbid("patch", "virtualservices", namespace="shop")
    cluster = Cluster(settings)
    try:
        answers = [cluster.can("patch", "virtualservices", namespace=each) for each in ("default", "shop")]
    finally:
        cluster.stop()
    assert answers == [True, False]
    asked = [each.json()["spec"]["resourceAttributes"] for each in api.requests]
    assert asked[0] == {
        "verb": "patch",
        "group": "networking.istio.io",
        "resource": "virtualservices",
        "namespace": "default",
    }


def test_an_answer_holds_for_a_while(api: KubeApi, reviews: Reviews, clock: Clock) -> None:
    assert can_patch(reviews)
    api.faults.forbid("patch", "virtualservices")
    clock.now += FRESH_SECONDS - 1
    assert can_patch(reviews)
    assert len(api.requests) == 1
    clock.now += 1
    assert can_patch(reviews) is False


def test_what_can_not_be_told_is_neither_yes_nor_no(api: KubeApi, reviews: Reviews, clock: Clock) -> None:
    api.faults.forbid("create", "selfsubjectaccessreviews")
    assert can_patch(reviews) is None
    api.faults.clear()
    clock.now += FRESH_SECONDS
    assert can_patch(reviews) is True


def test_a_server_that_is_away_is_not_waited_for_again_at_once(api: KubeApi, reviews: Reviews, clock: Clock) -> None:
    assert can_patch(reviews, "known")
    api.faults.answer(503)
    assert can_patch(reviews) is None
    assert can_patch(reviews, "another") is None
    assert can_patch(reviews, "known") is True
    assert len(api.requests) == 2
    clock.now += QUIET_SECONDS
    assert can_patch(reviews) is True


def test_answers_are_bounded(api: KubeApi, reviews: Reviews, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.cluster.reviews.MOST_ANSWERS", 2)
    assert all(can_patch(reviews, namespace) for namespace in ("a", "b", "a", "c", "c", "a"))
    assert len(api.requests) == 4


def test_credentials_that_are_not_accepted_tell_nothing(api: KubeApi, settings: Settings) -> None:
    kubeconfig = Path(settings.kubeconfig)
    kubeconfig.write_text(kubeconfig.read_text().replace(api.token, "of-somebody-else"))
    assert can_patch(Reviews(Client(load_access(settings)))) is None
