"""Twenty people at one slider: nothing is lost, nothing is overwritten unseen, and all are told the truth."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.racing import CLIENTS, AdapterClient, race
from webapp.settings import Settings

KEY = ("default", "reviews")


@pytest.mark.parametrize("dashboards", [1, 4], ids=["one dashboard", "four dashboards"])
def test_of_a_thousand_shifts_each_is_stored_in_order_or_refused(
    reviews: Any, settings: Settings, watching: Any, until: Any, dashboards: int
) -> None:
    running = [watching(wait=False) for _ in range(dashboards)]
    for each in running:
        until(each, lambda each=each: KEY in each.snapshot().virtual_services)
    clients = [AdapterClient(running[number % dashboards], KEY, f"client-{number}") for number in range(CLIENTS)]
    run = race(settings.kubeconfig, KEY, clients)
    run.check()
    assert tuple(reviews.weights) == run.versions[-1].http[0].weights
