"""Twenty people at one slider: nothing is lost, nothing is overwritten unseen, and all are told the truth."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.racing import race
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings

KEY = ("default", "reviews")


@pytest.mark.parametrize("dashboards", [1, 4], ids=["one dashboard", "four dashboards"])
def test_of_a_thousand_shifts_each_is_stored_in_order_or_refused(
    reviews: Any, api: KubeApi, settings: Settings, dashboards: int
) -> None:
    run = race(settings.kubeconfig, KEY, dashboards=dashboards)
    run.check()
    assert len(run.accepted) + len(run.conflicts) == 1_000
    assert len(run.accepted) >= 50
    assert tuple(reviews.weights) == run.versions[-1].http[0].weights
