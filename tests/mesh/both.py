"""Two gateways before the same pods: the demo's, and the one that istiod feeds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mesh.api import Api
from tests.mesh.asking import Answer, Asking
from tests.mesh.gateway import admin
from tests.mesh.processes import wait_until
from webapp.demo.bootstrap import find_envoy
from webapp.demo.gateway import Gateway
from webapp.demo.kube.kinds import KINDS
from webapp.demo.kube.store import Store
from webapp.demo.snapshot import RESOURCES, snapshot_of
from webapp.demo.translate import translate

OWN_EACH_TIME = {"date", "x-envoy-upstream-service-time", "content-length"}
"""Response headers whose value is another each time; that they are there, or not, counts."""

BY_THE_PROXY = {
    "x-request-id",
    "x-envoy-attempt-count",
    "x-envoy-decorator-operation",
    "x-envoy-peer-metadata",
    "x-envoy-peer-metadata-id",
    "x-forwarded-client-cert",
    "x-envoy-expected-rq-timeout-ms",
    "x-forwarded-for",
    "x-envoy-internal",
}
"""Request headers that each proxy adds for itself: tracing, telemetry, its own address."""


@dataclass(frozen=True)
class Both:
    """A caller of each, and what the translator says that it leaves out, by VirtualService."""

    embedded: Asking
    real: Asking
    notes: Mapping[str, tuple[str, ...]]

    def differences(self, path: str, *, method: str = "GET", headers: Mapping[str, str]) -> list[str]:
        """Ask both the same; say what the answers, and what the pods were asked, do not have in common."""
        embedded, real = (
            _comparable(each.ask(path, method=method, headers=headers)) for each in (self.embedded, self.real)
        )
        return [
            f"{key}: {embedded.get(key)!r} by the demo's gateway, {real.get(key)!r} by istiod's"
            for key in sorted(embedded.keys() | real.keys())
            if embedded.get(key) != real.get(key)
        ]


@contextmanager
def both_gateways(api: Api, namespace: str, directory: Path, *, port: int) -> Iterator[Both]:
    """Give the demo's gateway the API server's objects of a namespace; both are asked at loopback, as one caller.

    :param port: of the Gateway in that namespace.
    """
    store = _store_of(api, namespace)
    gateway = Gateway(store, find_envoy(), directory, addresses=lambda: {})
    gateway.start()
    try:
        gateway.wait_ready()
        assert gateway.follower.wait_for(store.revision, 20.0), gateway.follower.failure
        translation = translate(snapshot_of(store), {})
        domains = {each for host in translation.route_config["virtual_hosts"] for each in host["domains"]}
        wait_until(lambda: domains <= _known_domains(), f"{sorted(domains)} at the istiod-fed gateway")
        with Asking(gateway.envoy.url) as embedded, Asking(f"http://127.0.0.1:{port}") as real:
            yield Both(embedded, real, {key[1]: noted for key, noted in translation.notes.items()})
    finally:
        gateway.stop()


def _store_of(api: Api, namespace: str) -> Store:
    """Copy what the demo's gateway reads: this namespace's objects, and the gateway's own."""
    store = Store()
    for kind in (each for each in KINDS if each.plural in RESOURCES):
        root = f"/apis/{kind.group}/v1" if kind.group else "/api/v1"
        for each in (namespace, "istio-system"):
            for item in api.done("GET", f"{root}/namespaces/{each}/{kind.plural}")["items"]:
                store.put(kind.plural, {**item, "kind": kind.kind}, manager="tests")
    return store


def _known_domains() -> set[str]:
    """Return the hosts that the istiod-fed gateway routes."""
    dump = json.loads(admin("/config_dump?resource=dynamic_route_configs"))
    return {
        domain
        for config in dump.get("configs", ())
        for host in config["route_config"].get("virtual_hosts", ())
        for domain in host["domains"]
    }


def _comparable(answer: Answer) -> dict[str, Any]:
    """Return what has to be the same of both, flat, so that a difference can be read."""
    told = {name: "" if name in OWN_EACH_TIME else value for name, value in answer.headers.items()}
    facts = dict(answer.asked)
    asked = {name: value for name, value in facts.pop("headers", {}).items() if name not in BY_THE_PROXY}
    return {
        "status": answer.status,
        "body": "" if facts else answer.body,
        **facts,
        **{f"response {name}": value for name, value in told.items()},
        **{f"request {name}": value for name, value in asked.items()},
    }
