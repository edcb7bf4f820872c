"""The Gateways that a VirtualService names: there, with pods, with its hosts, and open to plain HTTP.

https://istio.io/latest/docs/reference/config/networking/gateway/
"""

from __future__ import annotations

from collections.abc import Iterator

from webapp.istio.bound import full_hosts
from webapp.istio.diagnostics.gateways import gateway_notes
from webapp.istio.diagnostics.note import Note, analysed
from webapp.istio.gateways import MESH, serves_host
from webapp.istio.names import gateway_key
from webapp.istio.objects import Gateway, Key, VirtualService
from webapp.istio.snapshot import Snapshot

_PLAIN = {"HTTP", "HTTP2", "GRPC", "GRPC-WEB"}


def door_notes(snapshot: Snapshot, virtual_service: VirtualService) -> Iterator[Note]:
    """Note what is wrong with each Gateway that a VirtualService names."""
    for name in dict.fromkeys(virtual_service.gateways):
        if name == MESH:
            continue
        key = gateway_key(name, namespace=virtual_service.metadata.namespace)
        if "." in name and "/" not in name:
            sentence = f"{name} is an older way to name the Gateway {'/'.join(key)}."
            yield analysed("IST0133", Note("info", "gateway-name", sentence, f"Write {'/'.join(key)}."))
        gateway = snapshot.gateways.get(key)
        if gateway is None:
            yield _not_found(key)
            continue
        yield from gateway_notes(snapshot, key)
        yield from _servers(gateway, virtual_service)


def _not_found(key: Key) -> Note:
    """https://istio.io/latest/docs/reference/config/analysis/ist0101/"""
    sentence = f"Gateway {'/'.join(key)} does not exist, so nothing reaches these routes through it."
    cure = "Create it, or name another one in spec.gateways."
    return analysed("IST0101", Note("warning", "gateway-not-found", sentence, cure))


def _servers(gateway: Gateway, virtual_service: VirtualService) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/analysis/ist0132/"""
    namespace, name = virtual_service.metadata.namespace, gateway.metadata.full_name
    by_host = {
        host: [
            server
            for server in gateway.servers
            if any(serves_host(gateway, pattern, host, namespace=namespace) for pattern in server.hosts)
        ]
        for host in full_hosts(virtual_service)
    }
    # A Service's own name beside the gateway's hosts is there for callers inside of the mesh.
    missing = [host for host, servers in by_host.items() if not servers]
    fitting = [server for servers in by_host.values() for server in servers]
    if missing and (not fitting or MESH not in virtual_service.gateways):
        sentence = f"Gateway {name} has no server for {' or '.join(missing)}, so it answers 404 there."
        cure = "Add the host to one of the Gateway's servers, or take it out of spec.hosts."
        yield analysed("IST0132", Note("info" if fitting else "warning", "host-not-in-gateway", sentence, cure))
    if not virtual_service.http or not fitting or any(server.protocol in _PLAIN for server in fitting):
        return
    if all("PASSTHROUGH" in server.tls_mode or server.protocol == "TCP" for server in fitting):
        sentence = f"Gateway {name} passes these hosts on without opening their TLS, so HTTP routes are never asked."
        cure = "Let the gateway end TLS (tls.mode SIMPLE), or split by tls or tcp routes."
        yield Note("warning", "gateway-passes-through", sentence, cure)
    else:
        sentence = f"Gateway {name} serves these hosts by HTTPS alone: plain HTTP finds no route there."
        yield Note("info", "gateway-tls-only", sentence, "Ask by https, or add an HTTP server to the Gateway.")
