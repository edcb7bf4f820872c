"""What a scraper finds."""

from __future__ import annotations

import re
from functools import partial

from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from tests.mesh.processes import wait_until
from tests.views.test_shifts import PAGE, digest, shift
from webapp.cluster.kinds import KINDS
from webapp.composition import Adapters
from webapp.demo.kube.server import KubeApi
from webapp.version import __version__
from webapp.views.probes import create_probes

Sample = tuple[str, tuple[tuple[str, str], ...]]


def scrape(adapters: Adapters) -> dict[Sample, float]:
    """Return each sample by its name and labels."""
    answer = create_probes(adapters).test_client().get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def writes(found: dict[Sample, float], action: str) -> dict[str, float]:
    """Return outcome → count of one action."""
    counts = {(*labels,): value for (name, labels), value in found.items() if name == "crossfade_writes_total"}
    return {outcome: count for ((_, did), (_, outcome)), count in counts.items() if did == action}


def test_shifts_and_conflicts_are_counted_from_nought(client: FlaskClient, adapters: Adapters) -> None:
    assert writes(scrape(adapters), "weights") == {"stored": 0.0, "conflict": 0.0}
    assert shift(client, "70", "30").status_code == 200
    assert shift(client, "60", "40", seen="0" * 16).status_code == 409
    assert shift(client, "60", "60").status_code == 400
    assert client.post(f"{PAGE}/http/0/undo", data={"route_digest": digest(client)}).status_code == 200
    assert writes(scrape(adapters), "weights") == {"stored": 1.0, "conflict": 1.0, "invalid_input": 1.0}
    assert writes(scrape(adapters), "undo") == {"stored": 1.0, "conflict": 0.0}


def has_grown(adapters: Adapters, key: Sample, before: float) -> bool:
    return scrape(adapters)[key] > before


def test_each_watch_has_its_age(adapters: Adapters, api: KubeApi) -> None:
    ages = {labels: age for (name, labels), age in scrape(adapters).items() if name == "crossfade_watch_age_seconds"}
    assert {labels[0][1] for labels in ages} == {kind.resource for kind in KINDS}
    assert all(0 <= age < 30 for age in ages.values())
    # Where the API server is silent, each grows; what was on its way when it fell silent may still come in.
    api.faults.stall()
    for key, age in scrape(adapters).items():
        if key[0] == "crossfade_watch_age_seconds":
            wait_until(partial(has_grown, adapters, key, age), f"{key} to grow")


def test_viewers_and_samplers_are_counted(client: FlaskClient, adapters: Adapters) -> None:
    assert scrape(adapters)["crossfade_viewers", ()] == scrape(adapters)["crossfade_samplers", ()] == 0
    started = client.post(f"{PAGE}/http/0/sampling", data={"action": "start"}, headers={"Accept": "application/json"})
    assert started.status_code == 200
    assert writes(scrape(adapters), "sampling") == {"stored": 1.0}
    subscription = adapters.live.watch(("shop", "web"))
    wait_until(lambda: scrape(adapters)["crossfade_samplers", ()] == 1, "the sampler")
    assert scrape(adapters)["crossfade_viewers", ()] == 1
    adapters.live.leave(("shop", "web"), subscription)
    assert scrape(adapters)["crossfade_viewers", ()] == 0


def test_the_process_and_its_version_are_told(adapters: Adapters) -> None:
    found = scrape(adapters)
    assert found["crossfade_build_info", (("version", __version__),)] == 1
    assert found["process_resident_memory_bytes", ()] > 1e6
    assert all(re.fullmatch(r"(crossfade|process)_\w+", name) for name, _ in found)
