"""Ports: HTTP routes hold only where Istio knows, or finds out, that a port speaks HTTP.

https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/
"""

from __future__ import annotations

from collections.abc import Iterator

from webapp.istio.diagnostics.note import Note, analysed
from webapp.istio.names import resolve_host, service_of_host
from webapp.istio.objects import HttpRoute, ServicePort, VirtualService
from webapp.istio.snapshot import Snapshot

_HTTP = {"http", "http2", "http_proxy", "grpc", "grpc-web"}
_KNOWN = _HTTP | {"tcp", "udp", "https", "tls", "mongo", "redis", "mysql"}
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


def port_notes(snapshot: Snapshot, virtual_service: VirtualService, route: HttpRoute) -> Iterator[Note]:
    """Note ports of a route's destinations that are not for HTTP, or that can't be told, once a Service."""
    namespace = virtual_service.metadata.namespace
    destinations = (each.destination for each in route.route)
    for host, number in dict.fromkeys(
        (resolve_host(each.host, namespace=namespace), each.port) for each in destinations
    ):
        key = service_of_host(host)
        service = snapshot.services.get(key) if key else None
        if service is None or not service.ports:
            continue
        ports = [port for port in service.ports if number in {None, port.port}]
        if not ports:
            there = ", ".join(str(port.port) for port in service.ports)
            sentence = f"Service {service.metadata.full_name} has no port {number}, only {there}."
            yield Note(
                "warning", "port-not-found", sentence, "Correct the destination's port, or add it to the Service."
            )
        elif len(ports) > 1:
            numbers = ", ".join(str(port.port) for port in ports)
            sentence = f"Service {service.metadata.full_name} has several ports ({numbers}) and the route names none: "
            sentence += "the port of the caller's request, or of the gateway's listener, is used."
            cure = "Name the port in the destination."
            yield analysed("IST0112", Note("info", "port-not-named", sentence, cure))
        else:
            yield from _protocol(service.metadata.full_name, ports[0])


def _protocol(service: str, port: ServicePort) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/analysis/ist0118/"""
    protocol = protocol_of(port)
    called = f"named {port.name}" if port.name else "without a name"
    cure = "Name the port http, or http-…, or set its appProtocol, in the Service."
    if not protocol:
        sentence = (
            f"Port {port.port} of Service {service} is {called}: Istio finds out by the first bytes whether it is HTTP."
        )
        yield analysed("IST0118", Note("info", "port-not-http", sentence, cure))
    elif protocol not in _HTTP:
        sentence = f"Port {port.port} of Service {service} is {called}: Istio takes it for {protocol.upper()}, so "
        sentence += "HTTP routes don't hold for callers inside of the mesh."
        yield Note("warning", "port-not-http", sentence, cure)
