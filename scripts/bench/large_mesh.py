"""A large mesh on a real API server, with objects as heavy as an installation's: created by many hands at once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from tests.mesh.api import MERGE_PATCH, Api, Raw, path_of
from tests.mesh.gateway import GATEWAY_LABELS
from tests.mesh.objects import endpoint_slice, pod, raw, service

SERVICES = 1_000
NAMESPACES = 10
VERSIONS = ("v1", "v1", "v1", "v2", "v2")
"""Of the pods of each service."""
HANDS = 8
ISTIO = "networking.istio.io/v1"
STATUS = {
    "initContainers": ["istio-init"],
    "containers": ["istio-proxy"],
    "volumes": ["workload-socket", "credential-socket", "workload-certs", "istio-envoy", "istio-data", "istio-podinfo"],
    "imagePullSecrets": None,
    "revision": "default",
}
"""What istiod's injector notes on each pod."""


def name_of(number: int) -> tuple[str, str]:
    """Return the namespace and the name of a service, which are also its VirtualService's."""
    return f"team-{number % NAMESPACES}", f"app-{number:04}"


def create(api: Api) -> int:
    """Create it all; return the number of objects."""
    gateway = raw(ISTIO, "Gateway", "edge", namespace="istio-system", spec=_edge())
    api.apply(*(raw("v1", "Namespace", f"team-{number}") for number in range(NAMESPACES)), gateway)
    made = [_workload(number) for number in range(SERVICES)]
    pods = [each for _, pods, _ in made for each in pods]
    _all(api, (each for each, _, _ in made))
    _all(api, pods)
    _all(api, (each for _, _, slice_ in made for each in slice_))
    _all(api, (_destination_rule(*name_of(number)) for number in range(SERVICES)))
    _all(api, (_virtual_service(*name_of(number)) for number in range(SERVICES)))
    return 4 * SERVICES + len(pods)


def _all(api: Api, objects: Iterable[Raw]) -> None:
    def post(each: Raw) -> None:
        path = path_of(each)
        api.done("POST", path.rpartition("/")[0], each)
        if each["kind"] == "Pod":
            # As its kubelet reports it: to us only its managedFields matter, which every list carries.
            api.done("PATCH", f"{path}/status", {"status": each["status"]}, content_type=MERGE_PATCH)

    with ThreadPoolExecutor(HANDS) as hands:
        for _ in hands.map(post, objects):
            pass


def _edge() -> Raw:
    port = {"number": 80, "name": "http", "protocol": "HTTP"}
    return {"selector": dict(GATEWAY_LABELS), "servers": [{"port": port, "hosts": ["*"]}]}


def _workload(number: int) -> tuple[Raw, list[Raw], list[Raw]]:
    namespace, name = name_of(number)
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    made = service(name, namespace=namespace, selector={"app": name}, ports=ports)
    pods = []
    for place, version in enumerate(VERSIONS):
        address = len(VERSIONS) * number + place
        digest = f"{7_000_000_000 + number}"
        labels = {
            "app": name,
            "version": version,
            "pod-template-hash": digest,
            "security.istio.io/tlsMode": "istio",
            "service.istio.io/canonical-name": name,
            "service.istio.io/canonical-revision": version,
        }
        found = pod(
            f"{name}-{version}-{digest}-{place}",
            namespace=namespace,
            labels=labels,
            address=f"10.244.{100 + address // 250}.{address % 250 + 1}",
        )
        found["metadata"]["annotations"] = {
            "istio.io/rev": "default",
            "kubectl.kubernetes.io/default-container": "app",
            "prometheus.io/path": "/stats/prometheus",
            "prometheus.io/port": "15020",
            "prometheus.io/scrape": "true",
            "sidecar.istio.io/status": json.dumps(STATUS),
        }
        pods.append(found)
    return made, pods, [endpoint_slice(made, pods)]


def _destination_rule(namespace: str, name: str) -> Raw:
    subsets = [{"name": version, "labels": {"version": version}} for version in dict.fromkeys(VERSIONS)]
    spec = {"host": name, "subsets": subsets, "trafficPolicy": {"connectionPool": {"tcp": {"maxConnections": 100}}}}
    return raw(ISTIO, "DestinationRule", name, namespace=namespace, spec=spec)


def _virtual_service(namespace: str, name: str) -> Raw:
    def to(version: str, weight: int) -> Raw:
        return {"destination": {"host": name, "subset": version, "port": {"number": 80}}, "weight": weight}

    canary = {
        "name": "canary",
        "match": [{"headers": {"x-canary": {"exact": "always"}}}],
        "route": [to("v2", 100)],
    }
    main = {
        "name": "main",
        "match": [{"uri": {"prefix": "/"}}],
        "route": [to("v1", 90), to("v2", 10)],
        "timeout": "5s",
        "retries": {"attempts": 3, "perTryTimeout": "2s", "retryOn": "5xx"},
    }
    spec = {"hosts": [f"{name}.{namespace}.example"], "gateways": ["istio-system/edge"], "http": [canary, main]}
    return raw(ISTIO, "VirtualService", name, namespace=namespace, spec=spec)
