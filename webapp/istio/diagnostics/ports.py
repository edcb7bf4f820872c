"""Ports: HTTP routes hold only where Istio knows, or finds out, that a port speaks HTTP; TLS and TCP routes likewise.

https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/
"""

from __future__ import annotations

from collections.abc import Iterator

from webapp.istio.bound import full_hosts
from webapp.istio.diagnostics.extras import mirror_destinations
from webapp.istio.diagnostics.note import Note, analysed
from webapp.istio.gateways import MESH
from webapp.istio.names import host_matches, resolve_host, service_of_host
from webapp.istio.objects import HttpRoute, Route, Section, Service, ServicePort, VirtualService
from webapp.istio.services import key_of_host
from webapp.istio.snapshot import Snapshot

_HTTP = {"http", "http2", "http_proxy", "grpc", "grpc-web"}
_TLS = {"https", "tls"}
_TCP = {"tcp", "mongo", "redis", "mysql"}
_KNOWN = _HTTP | _TLS | _TCP | {"udp"}
_FITTING: dict[Section, set[str]] = {"http": _HTTP, "tls": _TLS, "tcp": _TCP}
"""https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-tcp, -tls and -http"""
_APP_PROTOCOLS = {"kubernetes.io/h2c": "http2", "kubernetes.io/ws": "http", "kubernetes.io/wss": "https"}
_SERVERS_FIRST = {25, 53, 3306, 27017}
"""Ports that count as TCP without a name: their servers speak first, so nothing could be found out."""


def protocol_of(port: ServicePort) -> str:
    """Tell which protocol Istio takes a port for: `http`, `tcp`, …; empty where it finds out by the first bytes.

    `appProtocol` goes before the name, of which the part before the first dash counts.
    https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/#explicit-protocol-selection
    """
    if port.protocol == "UDP":
        return "udp"
    name = _APP_PROTOCOLS.get(port.app_protocol, port.app_protocol or port.name).lower()
    protocol = "grpc-web" if name.startswith("grpc-web") else name.partition("-")[0]
    if protocol in _KNOWN:
        return protocol
    return "tcp" if port.port in _SERVERS_FIRST else ""


def port_notes(snapshot: Snapshot, virtual_service: VirtualService, route: Route) -> Iterator[Note]:
    """Note ports of a route's destinations that are not for its protocol, or that can't be told, once a Service."""
    namespace = virtual_service.metadata.namespace
    destinations = [each.destination for each in route.route]
    if isinstance(route, HttpRoute):
        destinations += mirror_destinations(route)
    for host, number in dict.fromkeys(
        (resolve_host(each.host, namespace=namespace), each.port) for each in destinations
    ):
        whose, there = _ports_of(snapshot, host)
        ports = [port for port in there if number in {None, port.port}]
        numbers = ", ".join(str(port.port) for port in there)
        if there and not ports:
            sentence = f"{whose} has no port {number}, only {numbers}."
            cure = "Correct the destination's port, or add it to the Service."
            yield analysed("IST0101", Note("warning", "port-not-found", sentence, cure))
        elif len(ports) > 1:
            sentence = f"{whose} has several ports ({numbers}) and the route names none: "
            sentence += "the port of the caller's request, or of the gateway's listener, is used."
            cure = "Name the port in the destination."
            yield analysed("IST0112", Note("info", "port-not-named", sentence, cure))
        elif ports and service_of_host(host) in snapshot.services:
            yield from _protocol(whose, ports[0], route.section, in_mesh=_called_by_itself(virtual_service, host))


def _called_by_itself(virtual_service: VirtualService, host: str) -> bool:
    """Tell whether callers in the mesh come to the route by the service's own host: then its port's protocol counts.

    A gateway's server has a protocol of its own, and so has the port of another host.
    """
    return MESH in virtual_service.gateways and any(host_matches(each, host) for each in full_hosts(virtual_service))


def _ports_of(snapshot: Snapshot, host: str) -> tuple[str, tuple[ServicePort, ...]]:
    """Give what has a host, in words, and its ports: none where nothing does, or where it names none."""
    key = key_of_host(snapshot, host)
    if key is None:
        return "", ()
    if service := snapshot.services.get(key):
        return f"Service {service.metadata.full_name}", service.ports
    entry = snapshot.service_entry_by_host[key[1]]
    return f"ServiceEntry {entry.metadata.full_name}", entry.ports


def service_port_notes(service: Service) -> Iterator[Note]:
    """Note a Service's ports whose protocol can't be told by their names, whether or not a route leads there.

    https://istio.io/latest/docs/reference/config/analysis/ist0118/
    https://istio.io/latest/docs/reference/config/analysis/ist0150/
    """
    whose = f"Service {service.metadata.full_name}"
    for port in service.ports:
        if service.type == "ExternalName" and protocol_of(port) in {"", "tcp"}:
            sentence = (
                f"{whose} is an ExternalName, and its port {port.port} is {_called(port)}: proxies may take every "
            )
            sentence += "connection to that port of any address for it."
            cure = "Name the port after its protocol, http, https or tls."
            yield analysed("IST0150", Note("info", "external-name-port", sentence, cure))
        elif service.type != "ExternalName" and not protocol_of(port):
            yield _unknown(whose, port, "http")


def _called(port: ServicePort) -> str:
    return f"named {port.name}" if port.name else "without a name"


def _unknown(whose: str, port: ServicePort, section: Section) -> Note:
    sentence = f"Port {port.port} of {whose} is {_called(port)}: Istio finds out by the first bytes whether it is HTTP."
    return analysed("IST0118", Note("info", f"port-not-{section}", sentence, _named(section)))


def _named(section: Section) -> str:
    return f"Name the port {section}, or {section}-…, or set its appProtocol, in the Service."


def _protocol(whose: str, port: ServicePort, section: Section, *, in_mesh: bool) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/analysis/ist0118/"""
    protocol = protocol_of(port)
    if not protocol:
        yield _unknown(whose, port, section)
    elif in_mesh and protocol not in _FITTING[section]:
        sentence = f"Port {port.port} of {whose} is {_called(port)}: Istio takes it for {protocol.upper()}, so "
        sentence += f"{section.upper()} routes don't hold for callers inside of the mesh."
        yield Note("warning", f"port-not-{section}", sentence, _named(section))
