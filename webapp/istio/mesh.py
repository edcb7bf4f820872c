"""The picture of the mesh: services with their versions, and the routes that reach them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from webapp.istio.delegates import Carried, roots_by_delegate
from webapp.istio.names import resolve_host, service_of_host
from webapp.istio.objects import Destination, HttpRoute, Key, Pod, Route, VirtualService
from webapp.istio.rules import rules_for_host, subsets_for_host
from webapp.istio.services import host_of, key_of_host, service_keys
from webapp.istio.snapshot import Snapshot, remembered
from webapp.istio.words import destination_versions

__all__ = [
    "Version",
    "answer_marks",
    "carried_reaching",
    "destination_pods",
    "host_of",
    "key_of_host",
    "natural",
    "pods_of",
    "pods_without_sidecar",
    "report_names",
    "route_marks",
    "routes_reaching",
    "rules_for_host",
    "service_keys",
    "subsets_for_host",
    "unsplit_versions",
    "version_label",
    "versions_of",
]

VERSION_LABELS = ("version", "app.kubernetes.io/version")
"""Labels that name a pod's version, the first that is there: https://istio.io/latest/docs/ops/deployment/application-requirements/"""


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
    ready = snapshot.ready_pods(host_key)
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
        for mark, (name, (subset, labels)) in enumerate(sorted(found.items(), key=lambda item: natural(item[0])))
    )


def pods_of(snapshot: Snapshot, host_key: Key) -> tuple[tuple[Pod, str | None, bool], ...]:
    """List a service's pods: each with the version that claims it (None where none does) and whether it is ready."""
    versions = [version for version in versions_of(snapshot, host_key) if version.labels]
    ready = snapshot.ready_pods(host_key)
    return tuple(
        (pod, next((each.name for each in versions if _has(pod, each.labels)), None), pod.metadata.name in ready)
        for pod in sorted(snapshot.pods_by_service.get(host_key, ()), key=lambda pod: natural(pod.metadata.name))
    )


def _has(pod: Pod, labels: Mapping[str, str]) -> bool:
    return labels.items() <= pod.metadata.labels.items()


def _count(pods: Iterable[Pod], ready: frozenset[str]) -> tuple[int, int]:
    names = [pod.metadata.name for pod in pods]
    return sum(name in ready for name in names), len(names)


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
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
    return _count(pods, snapshot.ready_pods(key))


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


def pods_without_sidecar(snapshot: Snapshot, destination: Destination, namespace: str) -> tuple[str, ...]:
    """Name a destination's pods that no proxy of Istio's stands before, in order of their names."""
    found = _pods(snapshot, destination, namespace)
    return tuple(sorted(pod.metadata.name for pod in (found[1] if found else ()) if not pod.has_proxy))


def route_marks(snapshot: Snapshot, virtual_service: VirtualService, route: Route) -> tuple[int, ...]:
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


def unsplit_versions(snapshot: Snapshot, virtual_service: VirtualService, route: Route) -> tuple[Version, ...]:
    """List the versions that answer by their pods, since a lone destination without a subset splits nothing."""
    if len(route.route) != 1 or route.route[0].destination.subset:
        return ()
    host = resolve_host(route.route[0].destination.host, namespace=virtual_service.metadata.namespace)
    key = key_of_host(snapshot, host)
    return versions_of(snapshot, key) if key else ()


def answer_marks(snapshot: Snapshot, virtual_service: VirtualService, route: HttpRoute) -> dict[str, int]:
    """Map each version that may answer to its mark: the destinations', or the service's where nothing splits them."""
    if unsplit := unsplit_versions(snapshot, virtual_service, route):
        return {version.name: version.mark for version in unsplit}
    return dict(zip(destination_versions(route), route_marks(snapshot, virtual_service, route), strict=True))


def report_names(snapshot: Snapshot, virtual_service: VirtualService, route: HttpRoute) -> dict[str, str]:
    """Map what answers may report to versions: the destinations' own names, and pods' version labels.

    A label's value that pods of two destinations have tells nothing and is left out. Where nothing splits the
    service's versions, answers report these.
    """
    if unsplit := unsplit_versions(snapshot, virtual_service, route):
        labels = {value: each.name for each in unsplit for name in VERSION_LABELS if (value := each.labels.get(name))}
        return labels | {version.name: version.name for version in unsplit}
    names = destination_versions(route)
    having: defaultdict[str, set[str]] = defaultdict(set)
    for name, each in zip(names, route.route, strict=True):
        found = _pods(snapshot, each.destination, virtual_service.metadata.namespace)
        for pod in found[1] if found else ():
            if label := version_label(pod):
                having[label[1]].add(name)
    told = {value: next(iter(who)) for value, who in having.items() if len(who) == 1}
    return told | {name: name for name in names}


@remembered
def routes_reaching(snapshot: Snapshot, key: Key) -> tuple[tuple[VirtualService, Route], ...]:
    """List the routes with a destination on this service, in order of their VirtualServices' names.

    Delegates' routes are among them; `carried_reaching` says through which roots these are reached.
    """
    host = host_of(snapshot, key)
    return tuple(
        (virtual_service, route)
        for virtual_service in snapshot.virtual_services_by_destination.get(host, ())
        for route in virtual_service.routes
        if any(_leads_to(each.destination, host, virtual_service) for each in route.route)
    )


def _leads_to(destination: Destination, host: str, virtual_service: VirtualService) -> bool:
    return resolve_host(destination.host, namespace=virtual_service.metadata.namespace) == host


def carried_reaching(snapshot: Snapshot, key: Key) -> tuple[Carried, ...]:
    """List the HTTP routes with a destination on this service as proxies have them, a delegate's once a root.

    A route of a VirtualService without hosts that nobody delegates to is not among them.
    https://istio.io/latest/docs/reference/config/networking/virtual-service/#Delegate
    """
    found: list[Carried] = []
    for virtual_service, route in routes_reaching(snapshot, key):
        if not isinstance(route, HttpRoute):
            continue
        if virtual_service.hosts:
            found.append(Carried(virtual_service, route, virtual_service, route))
        for root, root_route in roots_by_delegate(snapshot).get(virtual_service.metadata.key, ()):
            found.append(Carried(virtual_service, route, root, root_route))
    return tuple(found)
