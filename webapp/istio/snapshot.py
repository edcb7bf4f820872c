"""The mesh at one moment: parsed objects by kind, and the indexes that pages ask for.

Each index is built when it is first asked for, in one pass over its objects, and then kept up by each change; what a
page asks costs a look-up, however large the mesh is. What is worked out from them can be `remembered`: the answer then
holds, from Snapshot to Snapshot, for as long as nothing has changed that it was drawn from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from webapp.istio.groupings import Grouping
from webapp.istio.memory import Memory, Token
from webapp.istio.names import resolve_host, service_of_host
from webapp.istio.objects import (
    DestinationRule,
    EndpointSlice,
    Gateway,
    Key,
    Pod,
    Service,
    ServiceEntry,
    VirtualService,
)

__all__ = ["Grouping", "Key", "Snapshot", "remembered"]

Label: TypeAlias = tuple[str, str]
_V = TypeVar("_V")
_P = ParamSpec("_P")


def _key(found: Pod | EndpointSlice | VirtualService) -> Key:
    return found.metadata.key


def _namespace_and_first_label(_: Snapshot, service: Service) -> Iterator[tuple[str, Label]]:
    """Give a Service's namespace and one label that each of its pods is sure to have."""
    if service.selector:
        yield service.metadata.namespace, min(service.selector.items())


def _destinations_hosts(_: Snapshot, virtual_service: VirtualService) -> dict[str, None]:
    namespace = virtual_service.metadata.namespace
    named = (each.destination.host for route in virtual_service.routes for each in route.route)
    return dict.fromkeys(resolve_host(host, namespace=namespace) for host in named)


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
    groups: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    memory: Memory = field(default_factory=Memory, init=False, repr=False, compare=False)
    read: set[Token] | None = field(default=None, init=False, repr=False, compare=False)

    endpoint_slices_by_service = Grouping[Key, EndpointSlice](
        "endpoint_slices", lambda _, each: [(each.metadata.namespace, each.service)], order=_key
    )
    """EndpointSlices by the (namespace, name) of the Service they belong to."""

    pods_by_namespace = Grouping[str, Pod]("pods", lambda _, pod: [pod.metadata.namespace])

    pods_by_label = Grouping[Label, Pod]("pods", lambda _, pod: pod.metadata.labels.items())
    """Pods of all namespaces by each of their labels (Gateways select across namespaces), in any order."""

    _services_by_first_label = Grouping[tuple[str, Label], Service]("services", _namespace_and_first_label)

    pods_by_service = Grouping[Key, Pod](
        "pods",
        lambda snapshot, pod: (service.metadata.key for service in snapshot.services_selecting(pod)),
        order=_key,
        also=("services",),
    )
    """Pods that each Service selects, in order of their names."""

    virtual_services_by_destination = Grouping[str, VirtualService]("virtual_services", _destinations_hosts, order=_key)
    """VirtualServices by the full host names of their routes' destinations, in order of their names."""

    rules_by_host = Grouping[str, DestinationRule](
        "destination_rules",
        lambda _, rule: [resolve_host(rule.host, namespace=rule.metadata.namespace)],
        order=lambda rule: (rule.metadata.creation_timestamp, rule.metadata.name, rule.metadata.namespace),
    )
    """DestinationRules by their full host name or wildcard, the oldest first."""

    @property
    def quiet(self) -> Snapshot:
        """The Snapshot itself, where this one takes note of what is read."""
        return self

    def services_selecting(self, pod: Pod) -> Iterator[Service]:
        """Find the Services whose selector a pod's labels fulfil; a Service without a selector selects nothing.

        https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors
        """
        labels = pod.metadata.labels
        for label in labels.items():
            for service in self._services_by_first_label.get((pod.metadata.namespace, label), ()):
                if service.selector.items() <= labels.items():
                    yield service

    def ready_pods(self, key: Key) -> frozenset[str]:
        """Name the pods that are ready behind a Service, however many of its slices name them."""
        slices = self.endpoint_slices_by_service.get(key, ())
        return frozenset(each.pod for slice_ in slices for each in slice_.endpoints if each.ready and each.pod)

    @property
    def rule_wildcard_lengths(self) -> tuple[int, ...]:
        """Lengths of what stands behind the `*` of DestinationRules' hosts, the longest (most specific) first."""
        return _rule_wildcard_lengths(self)

    @property
    def service_entry_by_host(self) -> Mapping[str, ServiceEntry]:
        """ServiceEntries by each of their hosts, Kubernetes Services' own hosts left out."""
        return _service_entry_by_host(self)

    def successor(self, revision: int, news: Mapping[str, Mapping[Key, Any]]) -> Snapshot:
        """Give the Snapshot after a change, with the indexes and the answers that it leaves as they were.

        :param news: by field, what each object that has changed is now; None where it is gone.
        """
        kinds: dict[str, Any] = {kind: _renewed(getattr(self, kind), changed) for kind, changed in news.items()}
        after = replace(self, revision=revision, **kinds)
        touched: set[Token] = set(news)
        for grouping in self.groups.copy():
            if touched.isdisjoint(grouping.also):
                anew = grouping.carry(self, after, news.get(grouping.kind, {}).keys())
                touched.update((grouping, group) for group in anew)
        object.__setattr__(after, "memory", self.memory.successor(touched))
        return after


class _Reading(Snapshot):
    """A Snapshot that takes note of what is read of it."""

    _quiet: Snapshot

    @classmethod
    def of(cls, snapshot: Snapshot) -> _Reading:
        """Read the same objects, indexes and answers."""
        quiet, reading = snapshot.quiet, object.__new__(cls)
        read = set[Token]()
        reading.__dict__.update(_quiet=quiet, groups=quiet.groups, memory=quiet.memory, read=read)
        return reading

    @property
    def quiet(self) -> Snapshot:
        """The Snapshot that is read."""
        return self._quiet

    def __getattr__(self, name: str) -> Any:
        """Give a field that is not the reading's own: a kind's objects."""
        self.__dict__["read"].add(name)
        return getattr(self._quiet, name)


def _renewed(before: Mapping[Key, Any], news: Mapping[Key, Any]) -> dict[Key, Any]:
    after = dict(before)
    for key, found in news.items():
        if found is None:
            after.pop(key, None)
        else:
            after[key] = found
    return after


def remembered(work: Callable[Concatenate[Snapshot, _P], _V]) -> Callable[Concatenate[Snapshot, _P], _V]:
    """Let a function of a Snapshot and of hashable values answer a question once, until what it read has changed.

    Only for questions whose number the Snapshot's own objects bound, and for answers that nobody changes and that
    don't hold the Snapshot.
    """

    @wraps(work)
    def ask(snapshot: Snapshot, /, *args: _P.args, **kwargs: _P.kwargs) -> _V:
        question = (work, args, *kwargs.items())
        known = snapshot.memory.get(question)
        if known is None:
            reading = _Reading.of(snapshot)
            given = work(reading, *args, **kwargs)
            known = snapshot.memory.put(question, given, reading.read or ())
        if snapshot.read is not None:
            snapshot.read.update(known.read)
        answer: _V = known.given
        return answer

    return ask


@remembered
def _rule_wildcard_lengths(snapshot: Snapshot) -> tuple[int, ...]:
    return tuple(sorted({len(host) - 1 for host in snapshot.rules_by_host if host.startswith("*")}, reverse=True))


@remembered
def _service_entry_by_host(snapshot: Snapshot) -> Mapping[str, ServiceEntry]:
    return {
        host.lower(): entry
        for _, entry in sorted(snapshot.service_entries.items())
        for host in entry.hosts
        if service_of_host(host.lower()) not in snapshot.services
    }
