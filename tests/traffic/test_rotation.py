"""Gateway pods are asked in turn, each by its own address."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from threading import Condition

import pytest

from tests.traffic.conftest import Serve
from tests.traffic.servers import DEADLINE_SECONDS, always, reply, target
from webapp.traffic.answers import Answer, Kind
from webapp.traffic.prober import Prober
from webapp.traffic.rotation import LEAST_SHARE
from webapp.traffic.sampler import WORKERS, Sampler
from webapp.traffic.shifts import Shift
from webapp.traffic.targets import GatewayPod, Target

PODS = tuple(GatewayPod(f"gw-{number}", f"192.0.2.{number}:8080") for number in (1, 2, 3))
OLD, NEW = {"v1": 100, "v2": 0}, {"v1": 0, "v2": 100}


class Pods:
    """Asked in place of the gateways: those that hang don't answer, the others do with the version that they have."""

    def __init__(self) -> None:
        self.changed = Condition()
        self.asked: list[str] = []
        self.hanging: set[str] = set()
        self.versions: dict[str, str] = {}

    def ask(self, target: Target, *, asked_at: float) -> Answer:
        url = target.gateway_url
        with self.changed:
            self.asked.append(url)
            self.changed.notify_all()
            answered = self.changed.wait_for(lambda: url not in self.hanging, DEADLINE_SECONDS)
            version = self.versions.get(url, "v1")
        return Answer(0, asked_at, 0.001, Kind.OK if answered else Kind.TIMEOUT, version, 200)

    def set(self, *, hanging: set[str] | None = None, versions: dict[str, str] | None = None) -> None:
        with self.changed:
            self.hanging = self.hanging if hanging is None else hanging
            self.versions = self.versions if versions is None else versions
            self.changed.notify_all()

    def until_asked(self, number: int) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: len(self.asked) >= number, DEADLINE_SECONDS)


def url(pod: GatewayPod) -> str:
    return f"http://{pod.address}"


@pytest.fixture
def pods() -> Iterator[Pods]:
    pods = Pods()
    yield pods
    pods.set(hanging=set())


@pytest.fixture
def sampler(pods: Pods) -> Iterator[Sampler]:
    sampler = Sampler(target("http://192.0.2.99:80", gateways=PODS), pods, rate=50)
    yield sampler
    pods.set(hanging=set())
    sampler.stop()


def test_each_in_turn_and_the_answer_says_whose_it_is(sampler: Sampler, pods: Pods) -> None:
    sampler.start()
    assert sampler.wait_for_answer(8, DEADLINE_SECONDS)
    assert sampler.drain(DEADLINE_SECONDS)
    assert pods.asked[:6] == [url(each) for each in PODS] * 2
    answers, summary = sampler.snapshot()
    assert Counter(each.gateway for each in answers) == {each.name: each.requests for each in summary.gateways}
    assert [each.name for each in summary.gateways] == [each.name for each in PODS]


def test_one_that_goes_leaves_the_turn_and_one_that_comes_joins_it(sampler: Sampler, pods: Pods) -> None:
    sampler.start()
    assert pods.until_asked(6)
    started = sampler.snapshot()[1].started
    fourth = GatewayPod("gw-4", "192.0.2.4:8080")
    with pods.changed:
        sampler.retarget(target("http://192.0.2.99:80", gateways=(PODS[0], fourth)))
        before = len(pods.asked)
    assert pods.until_asked(before + 8)
    # One question may have been on its way out.
    assert set(pods.asked[before + 1 :]) == {url(PODS[0]), url(fourth)}
    assert sampler.snapshot()[1].started == started


def test_one_that_hangs_keeps_nobody_from_the_others(sampler: Sampler, pods: Pods) -> None:
    pods.set(hanging={url(PODS[1])})
    sampler.start()
    begun = time.monotonic()
    assert pods.until_asked(30)
    share = max(LEAST_SHARE, WORKERS // len(PODS))
    asked = Counter(pods.asked)
    assert asked[url(PODS[1])] == share
    assert asked[url(PODS[0])] + asked[url(PODS[2])] >= 30 - share
    assert len(pods.asked) <= (time.monotonic() - begun) * 50 + 1


def test_the_laggard_is_named_until_it_follows(sampler: Sampler, pods: Pods) -> None:
    now = time.time()
    pods.set(versions={url(PODS[0]): "v2", url(PODS[1]): "v2"})
    sampler.shift(Shift(now, now, before=OLD, after=NEW))
    sampler.retarget(target("http://192.0.2.99:80", gateways=PODS, asked=NEW))
    sampler.start()
    assert sampler.wait_for_answer(18, DEADLINE_SECONDS)
    summary = sampler.snapshot()[1]
    assert summary.in_effect is not None
    assert summary.in_effect.text.startswith("In effect on 2 of 3 gateways, not yet on gw-3, ")
    assert summary.verdict == "undecided"

    pods.set(versions={url(each): "v2" for each in PODS})
    assert sampler.wait_for_answer(sampler.snapshot()[0][-1].sequence + 12, DEADLINE_SECONDS)
    summary = sampler.snapshot()[1]
    assert summary.in_effect is not None and summary.in_effect.high is not None
    assert summary.in_effect.text.startswith("In effect on 3 of 3 gateways after ")
    assert summary.since == pytest.approx(now + summary.in_effect.high)
    assert [row.answers for row in summary.rows if row.version == "v1"] == [0]


def test_a_dead_ones_failures_are_its_own(serve: Serve, prober: Prober) -> None:
    alive = serve(always(reply(headers={"x-app-version": "v1"})))
    gateways = (GatewayPod("up", alive.url.removeprefix("http://")), GatewayPod("gone", "127.0.0.1:1"))
    sampler = Sampler(target(alive.url, gateways=gateways), prober, rate=50)
    sampler.start()
    try:
        assert sampler.wait_for_answer(9, DEADLINE_SECONDS)
        assert sampler.drain(DEADLINE_SECONDS)
        up, gone = sampler.snapshot()[1].gateways
        assert (up.unanswered, gone.unanswered) == ({}, {"refused": gone.requests})
        assert gone.requests > 2
        # Its own connection, kept alive.
        assert (alive.connections, len(alive.requests)) == (1, up.requests)
    finally:
        sampler.stop()
