"""Which proxies take a VirtualService, and whether its hosts are theirs and its own alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from webapp.istio.bound import bound_by_host, carries, full_hosts
from webapp.istio.delegates import roots_by_delegate
from webapp.istio.diagnostics.note import Note, analysed
from webapp.istio.gateways import MESH
from webapp.istio.matching import gateway_names
from webapp.istio.names import host_matches, resolve_host
from webapp.istio.objects import VirtualService
from webapp.istio.services import key_of_host
from webapp.istio.snapshot import Snapshot
from webapp.istio.visibility import exported_to_nobody, share_a_namespace
from webapp.istio.words import match_words

_MOST_NAMED = 3


def reach_notes(snapshot: Snapshot, virtual_service: VirtualService) -> Iterator[Note]:
    """Note which proxies don't take the object, and who has the same hosts."""
    if not virtual_service.hosts:
        yield from _delegate(snapshot, virtual_service)
        return
    yield from _no_proxy(snapshot, virtual_service)
    yield from _shared_hosts(snapshot, virtual_service)
    yield from _callers_in_the_mesh(snapshot, virtual_service)


def _delegate(snapshot: Snapshot, virtual_service: VirtualService) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#Delegate"""
    roots = roots_by_delegate(snapshot).get(virtual_service.metadata.key, ())
    if roots:
        named = [f"{root.metadata.full_name} route {route.index} ({match_words(route)})" for root, route in roots]
        more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        sentence = f"These routes are reached by delegation from {', '.join(named[:_MOST_NAMED])}{more}."
        yield Note("info", "delegated", sentence)
    else:
        sentence = "It has no hosts, and no VirtualService that may delegates to it: no proxy takes its routes."
        yield Note("warning", "no-proxy", sentence, "Give it hosts, or name it as a delegate.")


def _no_proxy(snapshot: Snapshot, virtual_service: VirtualService) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-export_to"""
    names = gateway_names(virtual_service, virtual_service.gateways)
    there = [name for name in names if name == MESH or tuple(name.split("/", 1)) in snapshot.gateways]
    exported = ", ".join(virtual_service.export_to)
    cure = "Name the namespaces of the proxies in spec.exportTo, or leave it out: then all see it."
    if exported_to_nobody(virtual_service.export_to):
        sentence = f"No proxy takes this VirtualService: exportTo ({exported}) names no namespace."
    elif not there:
        sentence = "No proxy takes this VirtualService: none of its gateways exists, and mesh is not among them."
        cure = "Name a gateway that exists, or mesh for callers inside of the mesh."
    elif not any(carries(snapshot, virtual_service, name) for name in there):
        sentence = (
            f"No proxy takes this VirtualService: its gateways' pods are in namespaces that exportTo ({exported}) "
        )
        sentence += "leaves out."
    else:
        return
    yield Note("warning", "no-proxy", sentence, cure)


def _shared_hosts(snapshot: Snapshot, virtual_service: VirtualService) -> Iterator[Note]:
    """https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services"""
    for gateway in gateway_names(virtual_service, virtual_service.gateways):
        for host in full_hosts(virtual_service):
            sharing = bound_by_host(snapshot).get((gateway, host), ())
            # Only the first are looked at, for a host such as * may have any number of them.
            others = [
                other
                for other in islice(sharing, 2 * _MOST_NAMED)
                if other.metadata.key != virtual_service.metadata.key
                and share_a_namespace(
                    (virtual_service.metadata.namespace, virtual_service.export_to),
                    (other.metadata.namespace, other.export_to),
                )
            ]
            if others and gateway == MESH:
                yield _conflict(virtual_service, host, others, sharing[0])
            elif others:
                yield _merged(gateway, host, others)


def _conflict(virtual_service: VirtualService, host: str, others: list[VirtualService], first: VirtualService) -> Note:
    """https://istio.io/latest/docs/reference/config/analysis/ist0109/"""
    winner = "this one" if first.metadata.key == virtual_service.metadata.key else first.metadata.full_name
    sentence = (
        f"{_named(others)} {_has(others)} the host {host} for callers inside of the mesh too. A sidecar takes the "
    )
    sentence += f"routes of one of them: the oldest, {winner}, unless the caller's namespace has one of its own."
    return analysed("IST0109", Note("warning", "host-in-conflict", sentence, "Put all routes of the host into one."))


def _merged(gateway: str, host: str, others: list[VirtualService]) -> Note:
    sentence = f"{_named(others)} {_has(others)} the host {host} at gateway {gateway} too: the routes are merged, and "
    sentence += "Istio promises no order between them."
    return Note("info", "host-shared", sentence, "Let no two of their matches take the same request.")


def _named(others: list[VirtualService]) -> str:
    names = [other.metadata.full_name for other in others]
    return ", ".join(names[:_MOST_NAMED]) + (" and more" if len(names) > _MOST_NAMED else "")


def _has(others: list[VirtualService]) -> str:
    return "has" if len(others) == 1 else "have"


def _callers_in_the_mesh(snapshot: Snapshot, virtual_service: VirtualService) -> Iterator[Note]:
    """Note a split that holds at the gateway, while a pod that calls the Service by its own name knows nothing of it.

    https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-gateways
    """
    namespace = virtual_service.metadata.namespace
    split = [route for route in virtual_service.http if len(route.route) > 1]
    hosts = dict.fromkeys(
        resolve_host(each.destination.host, namespace=namespace) for route in split for each in route.route
    )
    bare = [
        host
        for host in hosts
        if key_of_host(snapshot, host) in snapshot.services and not _has_mesh_routes(snapshot, virtual_service, host)
    ]
    if bare:
        lacks = "gateways lacks mesh" if MESH not in virtual_service.gateways else "hosts lacks that name"
        sentence = (
            f"Callers inside of the mesh that call {' or '.join(bare)} are not covered by these routes, for {lacks}: "
        )
        sentence += "what they are answered is spread by pods."
        cure = (
            f"Add mesh to spec.gateways and {' and '.join(bare)} to spec.hosts, if their requests are to be split too."
        )
        yield Note("info", "mesh-not-covered", sentence, cure)


def _has_mesh_routes(snapshot: Snapshot, virtual_service: VirtualService, host: str) -> bool:
    own = MESH in virtual_service.gateways and any(host_matches(each, host) for each in full_hosts(virtual_service))
    return own or (MESH, host) in bound_by_host(snapshot)
