"""The mesh's objects as a gateway's Envoy configuration: a pure function.

What Istio's istiod does for an ingress gateway, for as much of Istio as a demo shows. All HTTP servers of all
Gateways that select the gateway's pods share one listener, whatever port they name. What is not translated is said
in `Translation.notes`, so that a page can show it; nothing is dropped in silence.

Known differences from istiod: its default of two retries is left out (`retries` in a VirtualService works), and
`corsPolicy`, `delegate` and most of a DestinationRule's `trafficPolicy` are noted only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from webapp.demo.translate.actions import Note, route_action
from webapp.demo.translate.clusters import Addresses, Upstream, cluster_name, upstreams
from webapp.demo.translate.matches import Envoy, Untranslatable, is_catch_all, route_match
from webapp.istio.names import gateway_key, host_matches, resolve_host
from webapp.istio.objects import Destination, Gateway, HttpMatch, HttpRoute, Key, VirtualService
from webapp.istio.snapshot import Snapshot

__all__ = ["GATEWAY_SERVICE", "ROUTE_CONFIGURATION", "Addresses", "Envoy", "Translation", "translate"]

GATEWAY_SERVICE: Key = ("istio-system", "istio-ingressgateway")
"""The Service whose pods the gateway's Envoy stands for: Gateways select them by label."""

ROUTE_CONFIGURATION = "ingress"


@dataclass(frozen=True, slots=True)
class Translation:
    """Envoy's configuration, and what of each VirtualService (by key) is not in it, as parts of sentences.

    :param route_config: an `envoy.config.route.v3.RouteConfiguration`.
    :param clusters: each an `envoy.config.cluster.v3.Cluster`, sorted by name.
    """

    route_config: Envoy
    clusters: list[Envoy]
    notes: Mapping[Key, tuple[str, ...]]


@dataclass(slots=True)
class _Binding:
    """One host of one VirtualService at the gateway: through which Gateways and which of their servers' ports."""

    gateways: set[Key] = field(default_factory=set)
    ports: set[int] = field(default_factory=set)
    https_redirect: bool = False


def translate(snapshot: Snapshot, addresses: Addresses) -> Translation:
    """Return routes and clusters for the gateway.

    :param addresses: pods that live on this machine; an address that is not in it is dialled as it is.
    """
    found = upstreams(snapshot, addresses)
    labels = _gateway_labels(snapshot)
    routes: defaultdict[str, list[Envoy]] = defaultdict(list)
    redirecting: set[str] = set()
    notes: dict[Key, tuple[str, ...]] = {}
    # For a host of several VirtualServices the oldest comes first, as in istiod.
    for key, virtual_service in sorted(
        snapshot.virtual_services.items(), key=lambda item: (item[1].metadata.creation_timestamp, item[0])
    ):
        noted: dict[str, None] = {}
        for host, binding in _bindings(snapshot, virtual_service, labels, noted).items():
            routes[host] += _routes(virtual_service, binding, labels, found, noted)
            if binding.https_redirect:
                redirecting.add(host)
        if noted:
            notes[key] = tuple(noted)
    return Translation(
        route_config={
            "name": ROUTE_CONFIGURATION,
            # The gateway's port on this machine is any free one, and `curl` names it in the Host header.
            "ignore_port_in_host_matching": True,
            # A route may name a cluster that does not exist: its share is answered 503, the rest goes on working.
            "validate_clusters": False,
            "virtual_hosts": [
                {
                    "name": host,
                    "domains": [host],
                    "routes": sorted(routes[host], key=lambda route: is_catch_all(route["match"])),
                    **({"require_tls": "ALL"} if host in redirecting else {}),
                }
                for host in sorted(routes)
            ],
        },
        clusters=sorted((each for one in found.values() for each in one.clusters), key=lambda each: str(each["name"])),
        notes=notes,
    )


def _gateway_labels(snapshot: Snapshot) -> Mapping[str, str]:
    """Return what labels the gateway's pods have: those of a pod, or else what its Service selects."""
    service = snapshot.services.get(GATEWAY_SERVICE)
    if service is None or not service.selector:
        return {}
    for pod in snapshot.pods_by_namespace.get(GATEWAY_SERVICE[0], ()):
        if service.selector.items() <= pod.metadata.labels.items():
            return pod.metadata.labels
    return service.selector


def _bindings(
    snapshot: Snapshot, virtual_service: VirtualService, labels: Mapping[str, str], noted: dict[str, None]
) -> dict[str, _Binding]:
    """Return the hosts that this VirtualService has at the gateway.

    https://istio.io/latest/docs/reference/config/networking/gateway/#Server
    """
    found: defaultdict[str, _Binding] = defaultdict(_Binding)
    namespace = virtual_service.metadata.namespace
    for name in virtual_service.gateways:
        key = gateway_key(name, namespace=namespace)
        gateway = snapshot.gateways.get(key)
        if name == "mesh" or gateway is None or not gateway.selector.items() <= labels.items():
            continue
        for port, https_redirect, server_host in _http_hosts(gateway, namespace, noted):
            for own in virtual_service.hosts:
                host = _narrower(resolve_host(own, namespace=namespace), server_host)
                if host:
                    found[host].gateways.add(key)
                    found[host].ports.add(port)
                    found[host].https_redirect |= https_redirect
    if found and virtual_service.tls:
        noted["tls routes"] = None
    if found and virtual_service.tcp:
        noted["tcp routes"] = None
    return found


def _http_hosts(gateway: Gateway, namespace: str, noted: dict[str, None]) -> Iterator[tuple[int, bool, str]]:
    """Yield (port, whether it redirects to HTTPS, host) of a Gateway's HTTP servers that admit the namespace."""
    for server in gateway.servers:
        if server.protocol not in {"HTTP", "HTTP2", "GRPC"}:
            noted[f"the {server.protocol} server on port {server.port} of Gateway {gateway.metadata.name}"] = None
            continue
        for each in server.hosts:
            admitted, slash, host = each.rpartition("/")
            if (
                not slash
                or admitted in {"*", namespace}
                or (admitted == "." and namespace == gateway.metadata.namespace)
            ):
                yield server.port, server.https_redirect, host.lower()


def _narrower(one: str, other: str) -> str | None:
    """Return the hosts that both names stand for, None where there are none."""
    if host_matches(other, one):
        return one
    return other if host_matches(one, other) else None


def _routes(
    virtual_service: VirtualService,
    binding: _Binding,
    labels: Mapping[str, str],
    found: Mapping[str, Upstream],
    noted: dict[str, None],
) -> Iterator[Envoy]:
    """Yield an Envoy Route for each entry of each route's match, in order, up to the first that takes everything."""
    for route in virtual_service.http:
        where = f"http[{route.index}]" + (f" ({route.name})" if route.name else "")
        note = partial(_note, noted, where)
        cluster_of = partial(
            _cluster_of, found=found, namespace=virtual_service.metadata.namespace, port=min(binding.ports), note=note
        )
        action: Envoy | None = None
        for match in route.match or (HttpMatch(),):
            if not _applies(match, binding, labels, virtual_service.metadata.namespace):
                continue
            try:
                translated = route_match(match)
            except Untranslatable as reason:
                note(f"{reason}; this match takes no request")
                continue
            action = action or route_action(route, cluster_of, note)
            yield {"name": _route_name(virtual_service, route), "match": translated, **action}
            if is_catch_all(translated):
                return


def _note(noted: dict[str, None], where: str, words: str) -> None:
    noted[f"{where}: {words}"] = None


def _route_name(virtual_service: VirtualService, route: HttpRoute) -> str:
    return f"{virtual_service.metadata.namespace}/{virtual_service.metadata.name}/http/{route.index}"


def _applies(match: HttpMatch, binding: _Binding, labels: Mapping[str, str], namespace: str) -> bool:
    """Say whether an entry holds for this gateway at all: decided here, since no request can change it."""
    named = {gateway_key(each, namespace=namespace) for each in match.gateways}
    return (
        (not named or not named.isdisjoint(binding.gateways))
        and (match.port is None or match.port in binding.ports)
        and match.source_labels.items() <= labels.items()
        and match.source_namespace in {"", GATEWAY_SERVICE[0]}
    )


def _cluster_of(
    destination: Destination, *, found: Mapping[str, Upstream], namespace: str, port: int, note: Note
) -> str:
    """Return the cluster's name, which may be of none that exists: that share is answered 503.

    A Service with one port is reached there; with several, the gateway's own port is taken, as in istiod.
    """
    host = resolve_host(destination.host, namespace=namespace)
    upstream = found.get(host)
    for words in upstream.notes if upstream else ():
        note(words)
    only = upstream.ports[0] if upstream and len(upstream.ports) == 1 else port
    return cluster_name(host, destination.port or only, destination.subset)
