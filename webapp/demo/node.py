"""What a node's kubelet does: run the Pods that the store has, say how they are, and stop those that are gone."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol

from webapp.demo.controller_objects import SWITCH_PREFIX, address_of, pod_status
from webapp.demo.hello_switches import Switches
from webapp.demo.kube.store import Store
from webapp.istio.objects import Key, RawObject
from webapp.istio.parse_values import mapping, mappings, text, texts_by_name

GRACE_SECONDS = 1.0
"""How long a deleted pod still answers, so that the gateway stops asking it first."""

MOST_PODS = 500
"""More are left waiting: all of them live on this machine."""

SUBNET = [f"10.244.{third}.{fourth}" for third in range(1, 5) for fourth in range(1, 255)]

log = logging.getLogger(__name__)


class Runner(Protocol):
    """What runs the pods' program: `webapp.demo.fleet.Fleet`."""

    def start_pod(self, name: str, *, version: str, service: str) -> tuple[str, int]:
        """Start a pod, return where it listens."""

    def stop_pod(self, name: str) -> None:
        """Stop a pod."""

    def switch(self, name: str, switches: Mapping[str, Any]) -> bool:
        """Change a pod's switches, return whether it listens."""


@dataclass(slots=True)
class _Running:
    """A pod that runs: its address, its switches as annotations have them, and until when if it is gone already."""

    address: str
    ready: bool = True
    switches: Mapping[str, str] = field(default_factory=dict)
    stop_at: float | None = None


class Node:
    """The one node of the demo. `addresses` says where each pod's address is on this machine.

    For one thread; `addresses` is only ever replaced, so that another may read it.
    """

    def __init__(self, store: Store, runner: Runner) -> None:
        self.addresses: Mapping[str, tuple[str, int]] = {}
        self._store = store
        self._runner = runner
        self._running: dict[Key, _Running] = {}
        self._next = 0

    @property
    def is_stopping_pods(self) -> bool:
        """Whether `run` must be called again after `GRACE_SECONDS`."""
        return any(each.stop_at is not None for each in self._running.values())

    def run(self, pods: Sequence[RawObject], annotations: Mapping[str, Mapping[str, str]]) -> None:
        """Start Pods that have no address yet, throw switches, write statuses, stop what is gone for long enough.

        A Pod that has an address already runs elsewhere (the gateway's).

        :param annotations: of the Deployments by their uid: they hold for all their Pods.
        :raises FleetFailed: pods can't be run.
        """
        wanted: set[Key] = set()
        for pod in pods:
            key = pod["metadata"]["namespace"], pod["metadata"]["name"]
            if key not in self._running and (address_of(pod) or len(self._running) >= MOST_PODS):
                continue
            wanted.add(key)
            running = self._running.get(key) or self._start(key, pod)
            owner = next((text(each.get("uid")) for each in mappings(pod["metadata"].get("ownerReferences"))), "")
            own = texts_by_name(pod["metadata"].get("annotations"))
            self._switch(key, running, {**annotations.get(owner, {}), **own})
            status = pod_status(pod, address=running.address, ready=running.ready)
            self._store.put_status("pods", status, namespace=key[0], name=key[1], manager="kubelet")
        self._stop_all_but(wanted)

    def _start(self, key: Key, pod: RawObject) -> _Running:
        labels = texts_by_name(pod["metadata"].get("labels"))
        where = self._runner.start_pod("/".join(key), version=_version(pod, labels), service=labels.get("app", key[1]))
        address = self._free_address()
        self.addresses = {**self.addresses, address: where}
        self._running[key] = running = _Running(address)
        return running

    def _free_address(self) -> str:
        """Return the address after the one given last, so that one just given back stays free for long."""
        self._next = (self._next + 1) % len(SUBNET)
        while SUBNET[self._next] in self.addresses:
            self._next = (self._next + 1) % len(SUBNET)
        return SUBNET[self._next]

    def _switch(self, key: Key, running: _Running, annotations: Mapping[str, str]) -> None:
        thrown = {name: each for name, each in annotations.items() if name.startswith(SWITCH_PREFIX)}
        if thrown != running.switches:
            running.switches = thrown
            running.ready = self._runner.switch("/".join(key), switches_of(thrown))

    def _stop_all_but(self, wanted: set[Key]) -> None:
        now = time.monotonic()
        for key, running in list(self._running.items()):
            if key in wanted:
                continue
            if running.stop_at is None:
                running.stop_at = now + GRACE_SECONDS
            elif running.stop_at <= now:
                self._runner.stop_pod("/".join(key))
                del self._running[key]
                self.addresses = {a: where for a, where in self.addresses.items() if a != running.address}


def switches_of(annotations: Mapping[str, str]) -> dict[str, Any]:
    """Return all switches as annotations such as `crossfade.demo/error-share: "0.3"` throw them; the others rest.

    An annotation that is no switch, or has no value for one, is logged and left out.
    """
    switches = Switches()
    for name, written in annotations.items():
        switch = name.removeprefix(SWITCH_PREFIX).replace("-", "_")
        try:
            switches = switches.changed({switch: json.loads(written)})
        except ValueError as error:
            log.warning("The annotation %s: %s throws no switch: %s", name, written, error)
    return {name: getattr(switches, name) for name in Switches.__slots__}


def _version(pod: RawObject, labels: Mapping[str, str]) -> str:
    """Return what the pod calls itself: its label `version`, else the variable VERSION of a container, else v1."""
    containers = mappings(mapping(pod.get("spec")).get("containers"))
    variables = chain.from_iterable(mappings(each.get("env")) for each in containers)
    given = next((text(each.get("value")) for each in variables if each.get("name") == "VERSION"), "")
    return labels.get("version") or given or "v1"
