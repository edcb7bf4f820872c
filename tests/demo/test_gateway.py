"""The real gateway: how it follows the objects, what it says on them, and that it leaves nothing behind."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from threading import enumerate as threads
from typing import Any

import pytest

from tests.demo.backends import DEADLINE_SECONDS, PODS, World
from tests.demo.objects import Raw, destination, destination_rule, gateway_objects, put, raw, service, virtual_service
from webapp.demo.bootstrap import find_envoy
from webapp.demo.envoy_process import EnvoyProcess
from webapp.demo.errors import EnvoyFailed, EnvoyMissing
from webapp.demo.gateway import CONDITION, Gateway, noted_conditions
from webapp.demo.kube.store import Store
from webapp.istio.parse import parse_virtual_service

WEB = "web.shop.svc.cluster.local"
REFUSED = {"match": [{"uri": {"regex": "(a{1001})"}}], "route": [destination()]}
"""The check of regular expressions lets it through; RE2 has a limit of a thousand repetitions."""


def split(v1: int, v2: int, **fields: Any) -> Raw:
    return virtual_service(
        {"route": [destination(subset="v1", weight=v1), destination(subset="v2", weight=v2)]}, **fields
    )


def condition(world: World, name: str = "web") -> Raw | None:
    found = world.store.get("virtualservices", namespace="shop", name=name)
    assert found is not None
    return next((each for each in found.get("status", {}).get("conditions", ()) if each["type"] == CONDITION), None)


def upstream_requests(world: World, subset: str) -> int:
    return world.counter(f"cluster.outbound|80|{subset}|{WEB}.upstream_rq_total")


def test_a_shift_is_counted_by_envoy_itself(world: World) -> None:
    world.put(split(90, 10))
    counted = [Counter({subset: upstream_requests(world, subset) for subset in ("v1", "v2")})]
    downstream = world.counter("http.ingress_http.downstream_rq_2xx")
    for _ in range(300):
        world.ask()
    counted.append(Counter({subset: upstream_requests(world, subset) for subset in ("v1", "v2")}))
    world.put(split(10, 90))
    for _ in range(300):
        world.ask()
    counted.append(Counter({subset: upstream_requests(world, subset) for subset in ("v1", "v2")}))
    before, after = counted[1] - counted[0], counted[2] - counted[1]
    assert (before.total(), after.total()) == (300, 300)
    assert world.counter("http.ingress_http.downstream_rq_2xx") == downstream + 600
    # Five standard deviations around 270 of 300.
    assert 244 <= before["v1"] <= 296
    assert 244 <= after["v2"] <= 296


def test_nothing_fails_while_subsets_come_and_go(world: World) -> None:
    done = Event()

    def ask() -> Counter[int]:
        seen: Counter[int] = Counter()
        while not done.is_set():
            seen[world.ask().status] += 1
        return seen

    world.put(split(50, 50))
    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(ask) for _ in range(2)]
        for turn in range(8):
            new = f"new-{turn}"
            subsets = [{"name": new, "labels": {"version": "v3"}}, {"name": "v1", "labels": {"version": "v1"}}]
            rule, route = (
                destination_rule("web", subsets=subsets),
                virtual_service({"route": [destination(subset=new)]}),
            )
            # In one moment, as one picture: what is new is named at once, and what was named before is gone.
            with world.store._changed:
                put(world.store, rule, route, *service("web", *PODS[turn % 2 :]))
            world.settle()
        done.set()
        seen = sum((each.result() for each in asked), Counter())
    assert seen.keys() == {200}


def test_notes_come_and_go_as_a_condition(world: World) -> None:
    world.put(split(90, 10))
    assert condition(world) is None
    world.put(split(90, 10, http=[{"route": [destination()], "corsPolicy": {}}]))
    noted = condition(world)
    assert noted is not None
    assert (noted["status"], noted["reason"]) == ("False", "NotTranslated")
    assert noted["message"] == "The demo's gateway does not translate http[0]: corsPolicy."
    world.put(split(90, 10))
    clean = condition(world)
    assert clean is not None
    assert (clean["status"], clean["message"]) == ("True", "")


def test_a_status_of_another_type_stops_nothing(world: World) -> None:
    world.put({**split(90, 10, http=[{"route": [destination()], "corsPolicy": {}}]), "status": []})
    assert condition(world) is not None


def test_an_endpoint_that_cannot_be_stops_nothing(world: World) -> None:
    endpoints = [{"address": "192.0.2.1", "ports": {"http": 70_000}}, {"address": "no such name"}]
    spec = {"hosts": ["odd.example"], "ports": [{"number": 80, "name": "http"}], "endpoints": endpoints}
    world.put(raw("ServiceEntry", "odd", spec=spec), *service("late", ("late-1", "v1", "10.244.1.1")))
    world.put(virtual_service({"route": [destination("late")]}))
    assert world.ask().version == "v1"


def test_a_condition_is_written_once_and_others_stay() -> None:
    other = {"type": "Reconciled", "status": "True"}
    now = datetime(2026, 8, 1, tzinfo=UTC)
    first = noted_conditions(parse_virtual_service({"status": {"conditions": [other]}}), ["a", "b"], now=now)
    assert first is not None
    assert (first[0], first[1]["message"]) == (other, "The demo's gateway does not translate a; b.")
    assert first[1]["lastTransitionTime"] == "2026-08-01T00:00:00Z"
    assert noted_conditions(parse_virtual_service({"status": {"conditions": first}}), ["a", "b"], now=now) is None


def test_what_envoy_refuses_keeps_the_old_routes_and_holds_nobody_else_up(world: World) -> None:
    world.put(split(100, 0))
    world.put(virtual_service(REFUSED))
    assert world.ask().version == "v1"
    noted = condition(world)
    assert noted is not None
    assert "Envoy refuses it: invalid repetition size" in noted["message"]
    world.put(split(0, 100, name="other", host="other.example"))
    assert (world.ask(host="other.example").version, world.ask().version) == ("v2", "v1")
    world.put(split(0, 100))
    assert world.ask().version == "v2"
    clean = condition(world)
    assert clean is not None
    assert clean["status"] == "True"


def test_an_object_that_envoy_refuses_from_the_start_has_no_routes(world: World) -> None:
    world.put(virtual_service(REFUSED), split(100, 0, name="other", host="other.example"))
    assert (world.ask().status, world.ask(host="other.example").version) == (404, "v1")


def test_a_deleted_virtual_service_has_no_routes(world: World) -> None:
    world.put(split(100, 0))
    world.store.delete("virtualservices", namespace="shop", name="web")
    world.settle()
    assert world.ask().status == 404


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Gateway]:
    store = Store()
    put(store, *gateway_objects())
    gateway = Gateway(store, find_envoy(), tmp_path, addresses=dict)
    yield gateway
    gateway.stop()


def test_stop_leaves_no_process_and_no_thread(own: Gateway) -> None:
    own.start()
    own.wait_ready()
    process = own.envoy._process
    assert process is not None
    assert own.is_alive
    own.stop()
    assert process.returncode is not None
    assert not own.is_alive
    assert "gateway" not in {thread.name for thread in threads() if thread is own.follower._thread}
    own.stop()


def test_stop_before_it_is_ready(own: Gateway) -> None:
    own.start()
    own.stop()
    assert not own.is_alive


def test_envoys_death_is_noticed(own: Gateway) -> None:
    own.start()
    own.wait_ready()
    process = own.envoy._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait(DEADLINE_SECONDS)
    assert not own.is_alive
    put(own._store, virtual_service({"route": [destination()]}))
    assert not own.follower.wait_for(own._store.revision, DEADLINE_SECONDS)
    assert "Envoy" in str(own.follower.failure)


def test_a_port_that_is_taken_is_said(world: World, tmp_path: Path) -> None:
    envoy = EnvoyProcess(find_envoy(), tmp_path, port=world.gateway.envoy.port)
    envoy.start()
    with pytest.raises(EnvoyFailed, match="cannot bind"):
        envoy.wait_ready()
    envoy.stop()


def test_a_program_that_is_no_envoy_is_said(tmp_path: Path) -> None:
    envoy = EnvoyProcess(Path("/bin/false"), tmp_path)
    envoy.start()
    with pytest.raises(EnvoyFailed, match="Envoy has ended"):
        envoy.wait_ready()


def test_a_file_that_is_no_program_is_said(tmp_path: Path) -> None:
    program = tmp_path / "envoy"
    program.write_bytes(b"\x7fELF for another machine")
    program.chmod(0o755)
    envoy = EnvoyProcess(program, tmp_path)
    with pytest.raises(EnvoyFailed, match="--envoy PATH"):
        envoy.start()


def test_the_wheels_envoy_is_the_program_itself() -> None:
    assert find_envoy().read_bytes()[:4] == b"\x7fELF"


@pytest.mark.parametrize("given", ["/nowhere/envoy", __file__, "/tmp"])
def test_an_envoy_that_is_asked_for_must_be_there(given: str) -> None:
    with pytest.raises(EnvoyMissing, match=given):
        find_envoy(given)


def test_an_envoy_that_is_asked_for_is_taken() -> None:
    assert find_envoy("/bin/true") == Path("/bin/true")
