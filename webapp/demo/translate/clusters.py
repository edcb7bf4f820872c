"""Services and ServiceEntries as Envoy's clusters, one a port and subset, named as istiod names them.

https://istio.io/latest/docs/ops/diagnostic-tools/proxy-cmd/#deep-dive-into-envoy-configuration
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, TypeAlias

from webapp.demo.translate.matches import Envoy
from webapp.istio.mesh import rules_for_host, subsets_for_host
from webapp.istio.names import service_host, service_of_host
from webapp.istio.objects import Service, ServiceEntry, ServicePort, Subset
from webapp.istio.parse_values import integer, mapping, text, texts_by_name
from webapp.istio.snapshot import Snapshot

Addresses: TypeAlias = Mapping[str, tuple[str, int]]
"""A pod's address as its objects have it → where it really listens."""

PORTS = range(1, 65536)
"""One endpoint with another port makes Envoy refuse all clusters."""

_UNLIMITED = 2**32 - 1
_BALANCERS = {
    "ROUND_ROBIN": "ROUND_ROBIN",
    "RANDOM": "RANDOM",
    "LEAST_REQUEST": "LEAST_REQUEST",
    "LEAST_CONN": "LEAST_REQUEST",
    "UNSPECIFIED": "LEAST_REQUEST",
}
_TRANSLATED = {("loadBalancer", simple) for simple in _BALANCERS}
_SIDECAR = ("security.istio.io/tlsMode", "istio")
"""The label of a pod that ends mutual TLS (https://istio.io/latest/docs/reference/config/labels/#SecurityTlsMode)."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one ready pod, or one endpoint of a ServiceEntry, is reached."""

    host: str
    port: int
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Upstream:
    """A host that a route may name: its ports, its clusters, and what of it is not translated."""

    host: str
    ports: tuple[int, ...]
    clusters: tuple[Envoy, ...]
    notes: tuple[str, ...]


def cluster_name(host: str, port: int, subset: str | None) -> str:
    """Return Istio's name of a cluster: `outbound|80|v1|reviews.shop.svc.cluster.local`."""
    return f"outbound|{port}|{subset or ''}|{host}"


def upstreams(snapshot: Snapshot, addresses: Addresses) -> dict[str, Upstream]:
    """Return every host of the mesh by its full name; all subsets of its DestinationRules, named by a route or not.

    Istiod gives a gateway all of them too. So a shift to a subset needs no new cluster, and Envoy's counters last.
    """
    found = {}
    for (namespace, name), service in snapshot.services.items():
        host = service_host((namespace, name))
        ports = {
            each.port: list(_service_endpoints(snapshot, service, each, addresses))
            for each in service.ports
            if each.protocol == "TCP"
        }
        notes = [f"Service {namespace}/{name} of type ExternalName"] if service.external_name else []
        found[host] = _upstream(snapshot, host, ports, notes)
    for host, entry in snapshot.service_entry_by_host.items():
        ports = {each.port: list(_entry_endpoints(snapshot, entry, each, addresses)) for each in entry.ports}
        notes = [] if entry.endpoints else [f"ServiceEntry {entry.metadata.name} without endpoints of its own"]
        found[host] = _upstream(snapshot, host, ports, notes)
    return found


def _upstream(snapshot: Snapshot, host: str, ports: Mapping[int, list[Endpoint]], notes: list[str]) -> Upstream:
    rule = next(iter(rules_for_host(snapshot, host)), None)
    policy = (rule and rule.traffic_policy) or {}
    subsets = subsets_for_host(snapshot, host)
    labels: dict[str | None, Mapping[str, str]] = {None: {}, **{name: each.labels for name, each in subsets.items()}}
    clusters = tuple(
        _cluster(cluster_name(host, port, subset), _labelled(endpoints, wanted), policy)
        for port, endpoints in ports.items()
        for subset, wanted in labels.items()
    )
    # On one machine nothing is encrypted, and pods that count as having sidecars answer all the same.
    is_mutual = all(_SIDECAR in each.labels.items() for endpoints in ports.values() for each in endpoints)
    modes = {"DISABLE", *(("ISTIO_MUTUAL",) if is_mutual else ())}
    return Upstream(host, tuple(ports), clusters, (*notes, *_policy_notes(host, policy, subsets, modes)))


def _labelled(endpoints: Iterable[Endpoint], labels: Mapping[str, str]) -> list[Endpoint]:
    return [each for each in endpoints if labels.items() <= each.labels.items()]


def _service_endpoints(
    snapshot: Snapshot, service: Service, port: ServicePort | None, addresses: Addresses
) -> Iterator[Endpoint]:
    """Yield the ready endpoints, each pod once; `port` None is for pods in `addresses` only."""
    key = service.metadata.key
    seen: set[str] = set()
    for endpoint_slice in snapshot.endpoint_slices_by_service.get(key, ()):
        named = {text(each.get("name")): integer(each.get("port")) or 0 for each in endpoint_slice.ports}
        number = named.get(port.name, 0) if port else 0
        for each in endpoint_slice.endpoints:
            if not each.ready or not each.addresses or each.addresses[0] in seen:
                continue
            seen.add(each.addresses[0])
            pod = snapshot.pods.get((key[0], each.pod))
            host, local_port = addresses.get(each.addresses[0], (each.addresses[0], number))
            if local_port in PORTS:
                yield Endpoint(host, local_port, pod.metadata.labels if pod else {})


def _entry_endpoints(
    snapshot: Snapshot, entry: ServiceEntry, port: ServicePort, addresses: Addresses
) -> Iterator[Endpoint]:
    """Yield the endpoints that a ServiceEntry lists; one that names a Service stands for that Service's pods.

    https://istio.io/latest/docs/reference/config/networking/workload-entry/#WorkloadEntry
    """
    for each in entry.endpoints:
        address, labels = text(each.get("address")), texts_by_name(each.get("labels"))
        number = integer(mapping(each.get("ports")).get(port.name)) or integer(port.target_port) or port.port
        service = snapshot.services.get(service_of_host(address) or ("", ""))
        if service is not None:
            for pod in _service_endpoints(snapshot, service, None, addresses):
                yield Endpoint(pod.host, pod.port, labels)
        elif address and number in PORTS:
            host, local_port = addresses.get(address, (address, number))
            yield Endpoint(host, local_port, labels)


def _cluster(name: str, endpoints: list[Endpoint], policy: Mapping[str, Any]) -> Envoy:
    """Return a cluster; without endpoints Envoy answers 503 "no healthy upstream" for it.

    The limits and the switched-off panic mode are Istio's; so is LEAST_REQUEST.
    https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings-SimpleLB
    """
    balancer = text(mapping(policy.get("loadBalancer")).get("simple"))
    limits = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests", "max_retries"), _UNLIMITED)
    return {
        "name": name,
        "type": "STATIC" if all(map(_is_ip, endpoints)) else "STRICT_DNS",
        "connect_timeout": "10s",
        "lb_policy": _BALANCERS.get(balancer, "LEAST_REQUEST"),
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "circuit_breakers": {"thresholds": [limits]},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _socket_address(each)}} for each in endpoints]}],
        },
    }


def _socket_address(endpoint: Endpoint) -> Envoy:
    return {"socket_address": {"address": endpoint.host, "port_value": endpoint.port}}


def _is_ip(endpoint: Endpoint) -> bool:
    try:
        ip_address(endpoint.host)
    except ValueError:
        return False
    return True


def _policy_notes(
    host: str, policy: Mapping[str, Any], subsets: Mapping[str, Subset], modes: Collection[str]
) -> Iterator[str]:
    """Say what of the DestinationRule's traffic policies is not translated.

    :param modes: of `tls`, those that make no difference here.
    """
    for key, value in sorted(policy.items()):
        simple, mode = mapping(value).get("simple"), mapping(value).get("mode")
        if not (key == "tls" and mode in modes) and (key, simple) not in _TRANSLATED:
            yield f"trafficPolicy.{key} for {host}"
    for name, subset in subsets.items():
        if subset.traffic_policy:
            yield f"trafficPolicy of subset {name} of {host}"
