"""The picture survives an API server that misbehaves, and says what is wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from webapp.cluster.access import load_access
from webapp.cluster.client import Client
from webapp.cluster.cluster import Cluster, Timing
from webapp.cluster.kinds import KINDS
from webapp.cluster.probe import Probe
from webapp.cluster.worker import Worker
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings

Make = Callable[..., dict[str, Any]]


def weights(cluster: Cluster) -> tuple[int, ...]:
    return cluster.snapshot().virtual_services["default", "reviews"].http[0].weights


@pytest.fixture
def routed(api: KubeApi, virtual_service: Make) -> KubeApi:
    """An API server with one VirtualService of 90/10."""
    api.store.put("virtualservices", virtual_service(), manager="test")
    return api


def verbs_after(api: KubeApi, earlier: int) -> set[str]:
    return {each.verb for each in list(api.requests)[earlier:] if each.resource}


def test_a_cut_watch_goes_on_where_it_was(routed: KubeApi, watching: Any, until: Any, virtual_service: Make) -> None:
    cluster, asked = watching(), len(routed.requests)
    assert routed.faults.cut_watches() == len(KINDS)
    routed.store.put("virtualservices", virtual_service(weights=(50, 50)), manager="test")
    until(cluster, lambda: weights(cluster) == (50, 50))
    assert routed.faults.wait_for_watches(len(KINDS), 5.0)
    assert verbs_after(routed, asked) == {"watch"}
    until(cluster, lambda: cluster.status().problems == ())


def test_a_watch_that_ends_in_time_is_taken_up_again(
    routed: KubeApi, watching: Any, until: Any, virtual_service: Make
) -> None:
    cluster = watching(timing=Timing(watch=(1, 1), silence=3.0))
    until(cluster, lambda: sum(each.verb == "watch" for each in routed.requests) >= 2 * len(KINDS))
    assert (cluster.status().state, cluster.status().problems) == ("live", ())
    assert sum(each.verb == "list" for each in routed.requests) == len(KINDS)
    routed.store.put("virtualservices", virtual_service(weights=(50, 50)), manager="test")
    until(cluster, lambda: weights(cluster) == (50, 50))


@pytest.mark.parametrize(
    "expire",
    [
        pytest.param(lambda api: api.faults.expire_watches(), id="event"),
        pytest.param(
            lambda api: (api.faults.answer(410, verb="watch", times=len(KINDS)), api.faults.cut_watches()), id="answer"
        ),
    ],
)
def test_what_has_expired_is_listed_again_without_a_blank_picture(
    routed: KubeApi, watching: Any, until: Any, virtual_service: Make, expire: Callable[[KubeApi], object]
) -> None:
    cluster, asked = watching(), len(routed.requests)
    routed.faults.delay(0.3, verb="list")
    expire(routed)
    until(cluster, lambda: "list" in verbs_after(routed, asked))
    assert weights(cluster) == (90, 10)
    routed.store.delete("virtualservices", namespace="default", name="reviews")
    routed.store.put("virtualservices", virtual_service("ratings"), manager="test")
    until(cluster, lambda: list(cluster.snapshot().virtual_services) == [("default", "ratings")])
    until(cluster, lambda: cluster.status().state == "live" and not cluster.status().problems)


def test_a_version_that_the_server_has_forgotten_is_listed_again(
    routed: KubeApi, watching: Any, until: Any, virtual_service: Make
) -> None:
    cluster = watching()
    routed.faults.stall(verb="watch")
    routed.faults.cut_watches()
    routed.store.put("virtualservices", virtual_service(weights=(50, 50)), manager="test")
    routed.faults.compact()
    routed.faults.clear()
    until(cluster, lambda: weights(cluster) == (50, 50))


@pytest.mark.parametrize("code", [429, 500])
def test_errors_of_the_server_are_outlived(
    routed: KubeApi, watching: Any, until: Any, virtual_service: Make, code: int
) -> None:
    routed.faults.answer(code, verb="list", times=10)
    cluster = watching()
    assert weights(cluster) == (90, 10)
    routed.faults.answer(code, verb="watch", times=10)
    routed.faults.cut_watches()
    routed.store.put("virtualservices", virtual_service(weights=(50, 50)), manager="test")
    until(cluster, lambda: weights(cluster) == (50, 50))


def test_a_lasting_error_is_said_and_not_hammered_at(routed: KubeApi, watching: Any, until: Any) -> None:
    cluster = watching(timing=Timing())
    routed.faults.answer(500, verb="watch", resource="virtualservices", times=-1)
    asked = len(routed.requests)
    routed.faults.cut_watches()
    until(cluster, lambda: cluster.status().state == "stale")
    assert cluster.status().age_seconds > 2
    assert cluster.status().problems == (
        "Can't read virtualservices: The API server answered with status 500: Internal error occurred: told to",
    )
    assert weights(cluster) == (90, 10)
    tries = [each for each in list(routed.requests)[asked:] if each.resource == "virtualservices"]
    assert 3 <= len(tries) <= 8
    routed.faults.clear()
    until(cluster, lambda: cluster.status().state == "live" and not cluster.status().problems)


@pytest.mark.parametrize("verb", ["list", "watch"])
def test_a_missing_right_is_named_and_the_rest_is_shown(routed: KubeApi, watching: Any, until: Any, verb: str) -> None:
    routed.faults.forbid(verb, "pods")
    routed.store.put("pods", {"metadata": {"name": "reviews-1"}}, manager="test")
    cluster = watching(wait=False)
    until(cluster, lambda: any(f"May not {verb} pods: " in problem for problem in cluster.status().problems))
    until(cluster, lambda: cluster.snapshot().virtual_services)
    until(cluster, lambda: all(each.done for each in cluster.status().progress))
    routed.faults.clear()
    until(cluster, lambda: cluster.snapshot().pods and not cluster.status().problems)


def test_unknown_credentials_are_said(routed: KubeApi, settings: Settings, watching: Any, until: Any) -> None:
    with open(settings.kubeconfig, "r+") as file:
        content = file.read().replace(routed.token, "of-somebody-else")
        file.seek(0)
        file.write(content)
        file.truncate()
    cluster = watching(wait=False)
    until(cluster, lambda: cluster.status().state == "down")
    assert cluster.status().problems == ("The API server does not accept this dashboard's credentials: Unauthorized.",)


def test_a_server_that_is_not_there_is_named_and_found_when_it_comes(
    routed: KubeApi, watching: Any, until: Any
) -> None:
    routed.stop()
    cluster = watching(wait=False)
    until(cluster, lambda: cluster.status().state == "down")
    assert cluster.status().problems == (f"The API server at {routed.url} does not answer: connection refused.",)
    routed.start()
    until(cluster, lambda: cluster.status().state == "live")
    assert weights(cluster) == (90, 10)


def test_the_last_picture_stays_while_the_server_is_away(
    routed: KubeApi, watching: Any, until: Any, virtual_service: Make
) -> None:
    cluster = watching()
    routed.stop()
    routed.store.put("virtualservices", virtual_service(weights=(50, 50)), manager="test")
    until(cluster, lambda: cluster.status().state == "stale")
    status = cluster.status()
    assert status.problems == (f"The API server at {routed.url} does not answer: connection refused.",)
    assert 2 < status.age_seconds < 5
    assert weights(cluster) == (90, 10)
    routed.start()
    until(cluster, lambda: weights(cluster) == (50, 50))
    until(cluster, lambda: cluster.status().state == "live" and not cluster.status().problems)
    # What comes back may be another server: nothing is taken for known.
    assert sum(each.verb == "list" for each in routed.requests) == 2 * len(KINDS)


def test_a_connection_that_says_nothing_is_given_up(
    routed: KubeApi, watching: Any, until: Any, virtual_service: Make
) -> None:
    cluster = watching(timing=Timing(watch=(1, 1), silence=1.2))
    routed.faults.stall(verb="watch", resource="virtualservices", times=1)
    routed.faults.cut_watches()
    routed.store.put("virtualservices", virtual_service(weights=(50, 50)), manager="test")
    until(cluster, lambda: weights(cluster) == (50, 50))


def test_connections_that_slept_through_an_outage_are_made_anew(
    routed: KubeApi, watching: Any, until: Any, virtual_service: Make
) -> None:
    cluster = watching(timing=Timing(), probe_seconds=0.2)
    routed.faults.stall(verb="watch", resource="virtualservices", times=1)
    routed.faults.cut_watches()
    routed.store.put("virtualservices", virtual_service(weights=(50, 50)), manager="test")
    routed.faults.answer(503, verb="get", times=3)
    until(cluster, lambda: weights(cluster) == (50, 50))


def test_a_slow_server_is_waited_for(routed: KubeApi, watching: Any) -> None:
    routed.faults.delay(0.1)
    assert weights(watching()) == (90, 10)


def test_the_probe_tells_when_the_server_is_back(routed: KubeApi, settings: Settings) -> None:
    client = Client(load_access(settings))
    back, returned_at = threading.Event(), []

    def on_return(lost_at: float) -> None:
        returned_at.append(lost_at)
        back.set()

    probe = Probe(client, heard_at=lambda: 7.0, on_return=on_return, interval_seconds=0.1)
    routed.faults.answer(500, times=3)
    worker = Worker("probe", client, probe.run)
    worker.start()
    assert back.wait(5.0)
    worker.ask_to_stop()
    worker.join()
    assert returned_at == [7.0]
    assert probe.error is None
    assert {each.path for each in routed.requests} == {"/livez"}


def test_a_quiet_cluster_is_live_because_it_is_asked(routed: KubeApi, watching: Any, until: Any) -> None:
    cluster = watching(probe_seconds=0.2)
    until(cluster, lambda: [each.path for each in routed.requests].count("/livez") >= 2)
    assert cluster.status().age_seconds < 1


def test_a_server_without_a_pulse_is_said(routed: KubeApi, watching: Any, until: Any) -> None:
    cluster = watching(probe_seconds=0.2)
    routed.faults.answer(503, times=-1)
    until(cluster, lambda: cluster.status().problems)
    assert cluster.status().problems[0].startswith("The API server is busy or not ready (503)")
    routed.faults.clear()
    until(cluster, lambda: not cluster.status().problems)
