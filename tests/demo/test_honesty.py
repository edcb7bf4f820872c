"""The panel counts what the gateway counts: every request, every version, every kind of failure.

The demo's dashboard samples the tutorial's route while its second version fails in three ways; then it is paused, and
its totals are held against the counters of Envoy, which nobody else has asked anything.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from kubernetes import client, config

from tests.running import RunningDemo, running_demo

ROUTE = "/virtual-services/default/aspnetcore-virtualservice"
ANSWERS = f"{ROUTE}/http/0/answers"
CLUSTER = "cluster.outbound|80|{}|aspnetcore-service.default.svc.cluster.local"
ENOUGH = 60

Totals = dict[str, dict[str, int]]


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    with running_demo() as demo:
        yield demo


def ask(demo: RunningDemo, path: str, **form: str) -> Any:
    body = urlencode(form).encode() if form else None
    with urlopen(Request(demo.page_url + path, data=body, headers={"Accept": "application/json"})) as answer:
        return json.load(answer)


def totals(demo: RunningDemo) -> Totals:
    found: Totals = ask(demo, ANSWERS)["totals"]
    return found


def sampled_until(demo: RunningDemo, enough: Callable[[Totals], bool]) -> Totals:
    """Ask for the answers, which keeps the sampler going, until there are enough; pytest's time-out is the bound."""
    while not enough(found := totals(demo)):
        continue
    return found


def count(found: Totals, version: str, kind: str) -> int:
    return found.get(version, {}).get(kind, 0)


def paused(demo: RunningDemo) -> Totals:
    """Pause the panel and give its totals once its last answer is in."""
    ask(demo, f"{ROUTE}/http/0/sampling", action="pause")
    while (panel := ask(demo, ANSWERS))["state"] != "paused":
        continue
    found: Totals = panel["totals"]
    return found


def envoy_counters(demo: RunningDemo) -> dict[str, int]:
    admin = (demo.directory / "envoy" / "admin").read_text().strip()
    with urlopen(f"http://{admin}/stats?format=json&filter=ingress_http|aspnetcore-service") as answer:
        return {each["name"]: int(each["value"]) for each in json.load(answer)["stats"] if "value" in each}


def annotate(api: client.AppsV1Api, **switches: str | None) -> None:
    named = {f"crossfade.demo/{name.replace('_', '-')}": value for name, value in switches.items()}
    api.patch_namespaced_deployment(
        "aspnetcore-v2",
        "default",
        {"metadata": {"annotations": named}},
        _content_type="application/merge-patch+json",
    )


def test_the_panels_totals_are_the_gateways_counters(demo: RunningDemo) -> None:
    with config.new_client_from_config(str(demo.kubeconfig)) as api_client:
        apps = client.AppsV1Api(api_client)
        ask(demo, f"{ROUTE}/http/0/sampling", rate="50")
        sampled_until(demo, lambda found: count(found, "v1", "ok") > ENOUGH and count(found, "v2", "ok") > 2)
        annotate(apps, error_share="1")
        sampled_until(demo, lambda found: count(found, "v2", "app_error") > 2)
        annotate(apps, error_share=None, crash="true")
        sampled_until(demo, lambda found: count(found, "", "no_healthy_upstream") > 2)
        annotate(apps, crash=None)
        before = totals(demo)
        sampled_until(demo, lambda found: count(found, "v2", "ok") > count(before, "v2", "ok") + 2)

    found, gateway = paused(demo), envoy_counters(demo)

    kinds: Counter[str] = Counter()
    for by_kind in found.values():
        kinds.update(by_kind)
    listener = "http.ingress_http.downstream_rq_"
    assert sum(kinds.values()) == gateway[f"{listener}completed"] == gateway[f"{listener}total"]
    assert kinds["ok"] == gateway[f"{listener}2xx"]
    assert sum(kinds.values()) - kinds["ok"] == gateway[f"{listener}5xx"]
    # By version: what a pod answered is what the subset's cluster completed from its pods.
    first, second = CLUSTER.format("v1"), CLUSTER.format("v2")
    assert sum(found["v1"].values()) == gateway[f"{first}.upstream_rq_total"]
    # A request that broke off in the crash itself reached the second cluster, but its answer can't say so.
    told, broken = sum(found["v2"].values()), count(found, "", "upstream_failure")
    assert told <= gateway[f"{second}.upstream_rq_total"] <= told + broken
    # Without a pod Envoy answers by itself, and says so in a counter of its own.
    assert kinds["no_healthy_upstream"] == gateway[f"{second}.upstream_cx_none_healthy"]
    assert kinds["app_error"] > 2 and kinds["no_healthy_upstream"] > 2


def test_a_fresh_connection_is_one_for_each_answer(demo: RunningDemo) -> None:
    connections = "http.ingress_http.downstream_cx_total"
    paused(demo)
    before = envoy_counters(demo)[connections]
    # Another way to ask begins another window, whose totals are of this way alone.
    ask(demo, f"{ROUTE}/http/0/sampling", connection="fresh", action="start")
    sampled_until(demo, lambda _: envoy_counters(demo)[connections] > before + ENOUGH)
    found = paused(demo)
    assert envoy_counters(demo)[connections] - before == sum(map(sum, (each.values() for each in found.values())))
