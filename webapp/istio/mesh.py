"""The picture of the mesh: services with their versions, and the routes that reach them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from webapp.istio.names import resolve_host, service_host, service_of_host
from webapp.istio.objects import Destination, DestinationRule, HttpRoute, Key, Pod, Subset, VirtualService
from webapp.istio.snapshot import Snapshot, remembered
from webapp.istio.words import destination_versions

VERSION_LABELS = ("version", "app.kubernetes.io/version")
"""Labels that name a pod's version, the first that is there: https://istio.io/latest/docs/ops/deployment/application-requirements/"""

ROOT_NAMESPACE = "istio-system"
_API_SERVER: Key = ("default", "kubernetes")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a service.

    :param mark: its place among the service's versions in natural order, which is its place in the palette.
    :param subset: the DestinationRule's subset, None where only pods' labels tell of this version.
    :param labels: what its pods have.
    :param total: pods selected by these labels and by the service; `ready` of them are ready.
    """

    name: str
    mark: int
    subset: str | None
    labels: Mapping[str, str]
    ready: int
    total: int


def service_keys(snapshot: Snapshot) -> tuple[Key, ...]:
    """List what traffic can be sent to: Services by name, and hosts of ServiceEntries as (namespace, host)."""
    entries = ((entry.metadata.namespace, host) for host, entry in snapshot.service_entry_by_host.items())
    return tuple(sorted((snapshot.services.keys() - {_API_SERVER}) | set(entries)))


def host_of(snapshot: Snapshot, key: Key) -> str:
    """Give the full host name of one of `service_keys`."""
    return service_host(key) if key in snapshot.services else key[1]


def key_of_host(snapshot: Snapshot, fqdn: str) -> Key | None:
    """Give the one of `service_keys` that a full host name belongs to, None where the mesh knows no such host."""
    key = service_of_host(fqdn)
    if key in snapshot.services:
        return key
    entry = snapshot.service_entry_by_host.get(fqdn)
    if entry is None:  # a ServiceEntry's host may be a wildcard
        suffixes = (fqdn[place:] for place, each in enumerate(fqdn) if each == ".")
        fqdn = next((f"*{suffix}" for suffix in suffixes if f"*{suffix}" in snapshot.service_entry_by_host), "")
        entry = snapshot.service_entry_by_host.get(fqdn)
    return (entry.metadata.namespace, fqdn) if entry else None


def rules_for_host(snapshot: Snapshot, fqdn: str, *, namespace: str = "") -> tuple[DestinationRule, ...]:
    """List the DestinationRules for a host, those that Istio prefers first.

    A rule in the client's `namespace` goes before one in the service's, and that before one in the root namespace;
    then the most specific host (its own name, then the longest wildcard); then the oldest.
    https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration
    """
    wildcards = (f"*{fqdn[len(fqdn) - length :]}" for length in snapshot.rule_wildcard_lengths if length < len(fqdn))
    found = [rule for host in (fqdn, *wildcards) for rule in snapshot.rules_by_host.get(host, ())]
    service = service_of_host(fqdn)
    order = (namespace, service[0] if service else "", ROOT_NAMESPACE)

    def rank(rule: DestinationRule) -> int:
        return order.index(rule.metadata.namespace) if rule.metadata.namespace in order else len(order)

    return tuple(sorted(found, key=rank))


@remembered
def subsets_for_host(snapshot: Snapshot, fqdn: str, *, namespace: str = "") -> Mapping[str, Subset]:
    """Give the subsets that routes to a host can name: those of the preferred rule, and of others beside it.

    Rules of one namespace for one host add up; of two subsets with one name the older rule's counts.
    https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services
    """
    found = [
        ((rule.metadata.namespace, resolve_host(rule.host, namespace=rule.metadata.namespace)), rule)
        for rule in rules_for_host(snapshot, fqdn, namespace=namespace)
    ]
    subsets: dict[str, Subset] = {}
    for place, rule in found:
        if place == found[0][0]:
            for subset in rule.subsets:
                subsets.setdefault(subset.name, subset)
    return subsets


def version_label(pod: Pod) -> tuple[str, str] | None:
    """Give the label, name and value, that says which version a pod is."""
    labels = pod.metadata.labels
    return next(((name, labels[name]) for name in VERSION_LABELS if labels.get(name)), None)


@remembered
def versions_of(snapshot: Snapshot, host_key: Key) -> tuple[Version, ...]:
    """List a service's versions in natural order (v2 before v10).

    They are the subsets of its DestinationRule, and the values of its pods' version label that no subset covers.
    A ServiceEntry's host has subsets alone, without pods.
    """
    pods = snapshot.pods_by_service.get(host_key, ())
    ready = snapshot.ready_pods_by_service.get(host_key, frozenset())
    subsets = subsets_for_host(snapshot, host_of(snapshot, host_key), namespace=host_key[0])
    found: dict[str, tuple[str | None, Mapping[str, str]]] = {
        subset.name: (subset.name, subset.labels) for subset in subsets.values()
    }
    for pod in pods:
        label = version_label(pod)
        if label and not any(_has(pod, subset.labels) for subset in subsets.values() if subset.labels):
            found.setdefault(label[1], (None, dict([label])))
    return tuple(
        Version(name, mark, subset, labels, *_count((pod for pod in pods if _has(pod, labels)), ready))
        for mark, (name, (subset, labels)) in enumerate(sorted(found.items(), key=lambda item: _natural(item[0])))
    )


def pods_of(snapshot: Snapshot, host_key: Key) -> tuple[tuple[Pod, str | None, bool], ...]:
    """List a service's pods: each with the version that claims it (None where none does) and whether it is ready."""
    versions = [version for version in versions_of(snapshot, host_key) if version.labels]
    ready = snapshot.ready_pods_by_service.get(host_key, frozenset())
    return tuple(
        (pod, next((each.name for each in versions if _has(pod, each.labels)), None), pod.metadata.name in ready)
        for pod in sorted(snapshot.pods_by_service.get(host_key, ()), key=lambda pod: _natural(pod.metadata.name))
    )


def _has(pod: Pod, labels: Mapping[str, str]) -> bool:
    return labels.items() <= pod.metadata.labels.items()


def _count(pods: Iterable[Pod], ready: frozenset[str]) -> tuple[int, int]:
    names = [pod.metadata.name for pod in pods]
    return sum(name in ready for name in names), len(names)


def _natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Give what sorts names by the numbers in them; a longer number without its zeros is a larger one."""
    parts = (part.lstrip("0") if part[0] in "0123456789" else part for part in re.findall(r"[0-9]+|[^0-9]+", name))
    return [(len(part) if part.isdecimal() or not part else -1, part) for part in parts], name


@remembered
def destination_pods(snapshot: Snapshot, destination: Destination, namespace: str) -> tuple[int, int] | None:
    """Count a destination's pods: (ready, all). `namespace` is that of the VirtualService.

    :return: None where it does not lead to pods of a Service (a ServiceEntry, an ExternalName, an unknown host);
        (0, 0) where no rule defines its subset.
    """
    found = _pods(snapshot, destination, namespace)
    if found is None:
        return None
    key, pods = found
    return _count(pods, snapshot.ready_pods_by_service.get(key, frozenset()))


def _pods(snapshot: Snapshot, destination: Destination, namespace: str) -> tuple[Key, tuple[Pod, ...]] | None:
    """Find the Service that a destination leads to, and those of its pods that the subset selects."""
    fqdn = resolve_host(destination.host, namespace=namespace)
    key = service_of_host(fqdn)
    service = snapshot.services.get(key) if key else None
    if key is None or service is None or not service.selector:
        return None
    pods = snapshot.pods_by_service.get(key, ())
    if destination.subset is None:
        return key, pods
    subset = subsets_for_host(snapshot, fqdn, namespace=namespace).get(destination.subset)
    return key, tuple(pod for pod in pods if _has(pod, subset.labels)) if subset else ()


def route_marks(snapshot: Snapshot, virtual_service: VirtualService, route: HttpRoute) -> tuple[int, ...]:
    """Give each destination its mark: that of the service's version; the place in the route across several hosts."""
    return _marks(snapshot, virtual_service.metadata.namespace, tuple(each.destination for each in route.route))


@remembered
def _marks(snapshot: Snapshot, namespace: str, destinations: tuple[Destination, ...]) -> tuple[int, ...]:
    hosts = {resolve_host(each.host, namespace=namespace) for each in destinations}
    key = key_of_host(snapshot, hosts.pop()) if len(hosts) == 1 else None
    if key is None:
        return tuple(range(len(destinations)))
    versions = versions_of(snapshot, key)
    known: dict[str | None, int] = {version.name: version.mark for version in versions}
    marks: list[int] = []
    for each in destinations:
        free = max((*marks, len(versions) - 1)) + 1
        marks.append(known.get(each.subset, free))
    return tuple(marks)


def report_names(snapshot: Snapshot, virtual_service: VirtualService, route: HttpRoute) -> dict[str, str]:
    """Map what answers may report to destinations' versions: their own names, and pods' version labels.

    A label's value that pods of two destinations have tells nothing and is left out.
    """
    names = destination_versions(route)
    having: defaultdict[str, set[str]] = defaultdict(set)
    for name, each in zip(names, route.route, strict=True):
        found = _pods(snapshot, each.destination, virtual_service.metadata.namespace)
        for pod in found[1] if found else ():
            if label := version_label(pod):
                having[label[1]].add(name)
    told = {value: next(iter(who)) for value, who in having.items() if len(who) == 1}
    return told | {name: name for name in names}


def routes_reaching(snapshot: Snapshot, key: Key) -> tuple[tuple[VirtualService, HttpRoute], ...]:
    """List the HTTP routes with a destination on this service, in order of their VirtualServices' names."""
    return snapshot.routes_by_host.get(host_of(snapshot, key), ())
