"""Raw objects for the demo's tests, and a Snapshot from a handful of them."""

from __future__ import annotations

from typing import Any

from webapp.demo.kube.kinds import KINDS
from webapp.demo.kube.store import Store
from webapp.demo.snapshot import snapshot_of
from webapp.istio.snapshot import Snapshot

Raw = dict[str, Any]

PLURALS = {kind.kind: kind.plural for kind in KINDS}


def raw(kind: str, name: str, *, namespace: str = "shop", labels: Raw | None = None, **fields: Any) -> Raw:
    return {"kind": kind, "metadata": {"namespace": namespace, "name": name, "labels": labels or {}}, **fields}


def gateway_objects() -> list[Raw]:
    """The ingress gateway's Service and pod, and a Gateway for every host."""
    labels = {"istio": "ingressgateway"}
    ports = [{"name": "http2", "port": 80, "targetPort": 8080}]
    return [
        raw("Service", "istio-ingressgateway", namespace="istio-system", spec={"selector": labels, "ports": ports}),
        raw("Pod", "gateway-pod", namespace="istio-system", labels=labels),
        gateway("public", "*"),
    ]


def gateway(name: str, *hosts: str, port: int = 80, protocol: str = "HTTP", **fields: Any) -> Raw:
    server = {"port": {"number": port, "name": "http", "protocol": protocol}, "hosts": list(hosts), **fields}
    return raw("Gateway", name, spec={"selector": {"istio": "ingressgateway"}, "servers": [server]})


def service(name: str, *pods: tuple[str, str, str], ports: tuple[int, ...] = (80,), ready: bool = True) -> list[Raw]:
    """A Service with its pods, each (name, version, address), and their EndpointSlice."""
    named = [{"name": f"http-{port}", "port": port, "targetPort": 8080} for port in ports]
    endpoints = [
        {"addresses": [address], "conditions": {"ready": ready}, "targetRef": {"kind": "Pod", "name": pod}}
        for pod, _, address in pods
    ]
    return [
        raw("Service", name, spec={"selector": {"app": name}, "ports": named}),
        *(raw("Pod", pod, labels={"app": name, "version": version}) for pod, version, _ in pods),
        raw(
            "EndpointSlice",
            f"{name}-abcde",
            labels={"kubernetes.io/service-name": name},
            endpoints=endpoints,
            ports=[{"name": f"http-{port}", "port": 8080} for port in ports],
        ),
    ]


def destination_rule(host: str, *versions: str, **spec: Any) -> Raw:
    subsets = [{"name": version, "labels": {"version": version}} for version in versions]
    return raw("DestinationRule", host.partition(".")[0], spec={"host": host, "subsets": subsets, **spec})


def destination(host: str = "web", subset: str = "", weight: int | None = None, **fields: Any) -> Raw:
    found: Raw = {"destination": {"host": host, **({"subset": subset} if subset else {})}, **fields}
    return found if weight is None else found | {"weight": weight}


def virtual_service(*routes: Raw, name: str = "web", host: str = "web.example", **fields: Any) -> Raw:
    spec = {"hosts": [host], "gateways": ["public"], "http": list(routes), **fields}
    return raw("VirtualService", name, spec=spec)


def put(store: Store, *objects: Raw) -> None:
    for each in objects:
        store.put(PLURALS[each["kind"]], each, manager="tests")


def snapshot(*objects: Raw) -> Snapshot:
    store = Store()
    put(store, *objects)
    return snapshot_of(store)
