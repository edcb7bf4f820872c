"""The mesh at one moment: parsed objects by kind, and the indexes that pages ask for.

Each index is built once a Snapshot, when it is first asked for, in one pass over its objects; what a page then
asks costs a look-up, however large the mesh is. What is worked out from them can be `remembered` in the same way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from webapp.istio.names import resolve_host, service_of_host
from webapp.istio.objects import (
    DestinationRule,
    EndpointSlice,
    Gateway,
    HttpRoute,
    Key,
    Pod,
    Service,
    ServiceEntry,
    VirtualService,
)

__all__ = ["Key", "Snapshot", "remembered"]

Label: TypeAlias = tuple[str, str]
_K = TypeVar("_K")
_V = TypeVar("_V")
_P = ParamSpec("_P")


def _grouped(pairs: Iterable[tuple[_K, _V]]) -> Mapping[_K, tuple[_V, ...]]:
    found: defaultdict[_K, list[_V]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return {key: tuple(values) for key, values in found.items()}


@dataclass(frozen=True)
class Snapshot:
    """All objects as they were at one moment; never changed, so that a page is drawn from one picture.

    `revision` grows by one with every change that the cluster adapter took in.
    """

    revision: int = 0
    services: Mapping[Key, Service] = field(default_factory=dict)
    pods: Mapping[Key, Pod] = field(default_factory=dict)
    endpoint_slices: Mapping[Key, EndpointSlice] = field(default_factory=dict)
    virtual_services: Mapping[Key, VirtualService] = field(default_factory=dict)
    destination_rules: Mapping[Key, DestinationRule] = field(default_factory=dict)
    gateways: Mapping[Key, Gateway] = field(default_factory=dict)
    service_entries: Mapping[Key, ServiceEntry] = field(default_factory=dict)

    @cached_property
    def memory(self) -> dict[Any, Any]:
        """Answers of functions that are `remembered`; it ends with the Snapshot."""
        return {}

    @cached_property
    def endpoint_slices_by_service(self) -> Mapping[Key, tuple[EndpointSlice, ...]]:
        """EndpointSlices by the (namespace, name) of the Service they belong to."""
        return _grouped(((each.metadata.namespace, each.service), each) for each in self.endpoint_slices.values())

    @cached_property
    def pods_by_namespace(self) -> Mapping[str, tuple[Pod, ...]]:
        """Pods by namespace."""
        return _grouped((pod.metadata.namespace, pod) for pod in self.pods.values())

    @cached_property
    def pods_by_label(self) -> Mapping[Label, tuple[Pod, ...]]:
        """Pods of all namespaces by each of their labels (Gateways select across namespaces)."""
        return _grouped((label, pod) for pod in self.pods.values() for label in pod.metadata.labels.items())

    @cached_property
    def _services_by_first_label(self) -> Mapping[tuple[str, Label], tuple[Service, ...]]:
        """Services with a selector, by their namespace and one label that a selected pod is sure to have."""
        return _grouped(
            ((service.metadata.namespace, min(service.selector.items())), service)
            for service in self.services.values()
            if service.selector
        )

    def services_selecting(self, pod: Pod) -> Iterator[Service]:
        """Find the Services whose selector a pod's labels fulfil; a Service without a selector selects nothing.

        https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors
        """
        labels = pod.metadata.labels
        for label in labels.items():
            for service in self._services_by_first_label.get((pod.metadata.namespace, label), ()):
                if service.selector.items() <= labels.items():
                    yield service

    @cached_property
    def pods_by_service(self) -> Mapping[Key, tuple[Pod, ...]]:
        """Pods that each Service selects."""
        return _grouped(
            (service.metadata.key, pod) for pod in self.pods.values() for service in self.services_selecting(pod)
        )

    @cached_property
    def ready_pods_by_service(self) -> Mapping[Key, frozenset[str]]:
        """Names of the pods that are ready behind each Service, however many of its slices name them."""
        ready: defaultdict[Key, set[str]] = defaultdict(set)
        for each in self.endpoint_slices.values():
            names = (endpoint.pod for endpoint in each.endpoints if endpoint.ready and endpoint.pod)
            ready[each.metadata.namespace, each.service].update(names)
        return {key: frozenset(names) for key, names in ready.items()}

    @cached_property
    def routes_by_host(self) -> Mapping[str, tuple[tuple[VirtualService, HttpRoute], ...]]:
        """HTTP routes by the full host name of their destinations, each once a host, in order of their names."""
        return _grouped(
            (host, (virtual_service, route))
            for (namespace, _), virtual_service in sorted(self.virtual_services.items())
            for route in virtual_service.http
            for host in dict.fromkeys(resolve_host(d.destination.host, namespace=namespace) for d in route.route)
        )

    @cached_property
    def rules_by_host(self) -> Mapping[str, tuple[DestinationRule, ...]]:
        """DestinationRules by their full host name or wildcard, the oldest first."""
        rules = sorted(
            self.destination_rules.values(),
            key=lambda rule: (rule.metadata.creation_timestamp, rule.metadata.name, rule.metadata.namespace),
        )
        return _grouped((resolve_host(rule.host, namespace=rule.metadata.namespace), rule) for rule in rules)

    @cached_property
    def rule_wildcard_lengths(self) -> tuple[int, ...]:
        """Lengths of what stands behind the `*` of DestinationRules' hosts, the longest (most specific) first."""
        return tuple(sorted({len(host) - 1 for host in self.rules_by_host if host.startswith("*")}, reverse=True))

    @cached_property
    def service_entry_by_host(self) -> Mapping[str, ServiceEntry]:
        """ServiceEntries by each of their hosts, Kubernetes Services' own hosts left out."""
        return {
            host.lower(): entry
            for _, entry in sorted(self.service_entries.items())
            for host in entry.hosts
            if service_of_host(host.lower()) not in self.services
        }


def remembered(work: Callable[Concatenate[Snapshot, _P], _V]) -> Callable[Concatenate[Snapshot, _P], _V]:
    """Let a function of a Snapshot and of hashable values answer the same question once a Snapshot.

    Only for questions whose number the Snapshot's own objects bound, and for answers that nobody changes.
    """

    @wraps(work)
    def answer(snapshot: Snapshot, /, *args: _P.args, **kwargs: _P.kwargs) -> _V:
        question = (work, args, *kwargs.items())
        if question not in snapshot.memory:
            snapshot.memory[question] = work(snapshot, *args, **kwargs)
        found: _V = snapshot.memory[question]
        return found

    return answer
