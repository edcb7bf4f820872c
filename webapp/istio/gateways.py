"""Where the ingress gateway of a VirtualService is reached: Gateway → pods → the Service before them → an address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from webapp.istio.names import gateway_key, hosts_overlap, resolve_host
from webapp.istio.objects import Gateway, Key, Pod, Server, Service, ServicePort, VirtualService
from webapp.istio.parse_values import integer, text
from webapp.istio.snapshot import Snapshot, remembered

MESH = "mesh"
"""The name in `gateways` that stands for the sidecars of the mesh."""

_SCHEMES = {"HTTP": "http", "HTTP2": "http", "GRPC": "http", "HTTPS": "https"}
_SERVICE_TYPES = ("LoadBalancer", "NodePort")


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    """Where a Gateway is reached.

    :param url: with a port and without a path, such as `http://192.0.2.1:80`.
    :param gateway: the Gateway's `namespace/name`.
    :param pods: (name, `address:port`) of each ready pod behind the Service, by name: reached inside of the cluster.
    """

    url: str
    gateway: str
    pods: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NoGateway:
    """There is no address to send to; `reason` is a sentence with the cure, where there is one."""

    reason: str


def gateway_address(
    virtual_service: VirtualService, snapshot: Snapshot, *, in_cluster: bool
) -> GatewayAddress | NoGateway:
    """Find the address at which a VirtualService's routes are reached, from inside of the cluster or from outside.

    https://istio.io/latest/docs/reference/config/networking/gateway/#Gateway
    """
    namespace = virtual_service.metadata.namespace
    keys = [gateway_key(name, namespace=namespace) for name in virtual_service.gateways if name != MESH]
    if not keys:
        return NoGateway(
            "These routes are mesh only: no gateway carries them, they hold for callers inside of the mesh."
        )
    hosts = tuple(resolve_host(host, namespace=namespace) for host in virtual_service.hosts)
    answers = [_address(snapshot, key, namespace=namespace, hosts=hosts, in_cluster=in_cluster) for key in keys]
    return next((answer for answer in answers if isinstance(answer, GatewayAddress)), answers[0])


@remembered
def _address(
    snapshot: Snapshot, key: Key, *, namespace: str, hosts: tuple[str, ...], in_cluster: bool
) -> GatewayAddress | NoGateway:
    name = "/".join(key)
    gateway = snapshot.gateways.get(key)
    if gateway is None:
        return NoGateway(f"Gateway {name} does not exist: create it, or name another one in spec.gateways.")
    servers = _servers(gateway, namespace, hosts)
    if not servers:
        words = ", ".join(hosts) or "no host"
        return NoGateway(f"Gateway {name} has no HTTP server for {words}: add the host to one of its servers.")
    selected = " ".join(f"{label}={value}" for label, value in gateway.selector.items())
    if not selected:
        return NoGateway(f"Gateway {name} has no selector, so it can't be told which pods it configures.")
    doors = [(service, server, port) for server in servers for service, port in doors_of(snapshot, key, server)]
    if not doors and not gateway_pods(snapshot, gateway):
        return NoGateway(f"Gateway {name} selects pods labelled {selected}, and there are none: is it running?")
    if not doors:
        port = servers[0].port
        return NoGateway(f"No Service leads to port {port} of the pods labelled {selected} (Gateway {name}).")
    for door in doors:
        if url := _inside(*door) if in_cluster else _outside(*door):
            return GatewayAddress(url, name, _ready_pods(snapshot, gateway, door[0], door[2]))
    return NoGateway(_why_closed(*doors[0], in_cluster=in_cluster))


@remembered
def doors_of(snapshot: Snapshot, key: Key, server: Server) -> tuple[tuple[Service, ServicePort], ...]:
    """Give the Services' ports that lead to a Gateway's server, those that are open to the most callers first."""
    pods = gateway_pods(snapshot, snapshot.gateways[key])
    services = sorted({each.metadata.key for pod in pods for each in snapshot.services_selecting(pod)})
    by_openness = sorted((snapshot.services[each] for each in services), key=_openness)
    return tuple((service, port) for service in by_openness for port in _ports(snapshot, service, server))


@remembered
def gateways_behind(snapshot: Snapshot) -> Mapping[Key, tuple[str, ...]]:
    """Give the Gateways, as `namespace/name`, that each Service leads to."""
    found: dict[Key, list[str]] = {}
    for key, gateway in sorted(snapshot.gateways.items()):
        doors = (doors_of(snapshot, key, server) for server in gateway.servers)
        for service in {service.metadata.key for each in doors for service, _ in each}:
            found.setdefault(service, []).append("/".join(key))
    return {service: tuple(names) for service, names in found.items()}


def gateway_pods(snapshot: Snapshot, gateway: Gateway) -> tuple[Pod, ...]:
    """Give the pods that a Gateway configures, in whichever namespace; none where it has no selector.

    https://istio.io/latest/docs/reference/config/networking/gateway/#Gateway-selector
    """
    selector = gateway.selector.items()
    found = snapshot.pods_by_label.get(min(selector), ()) if selector else ()
    return tuple(pod for pod in found if selector <= pod.metadata.labels.items())


@remembered
def gateways_sharing_pods(snapshot: Snapshot, key: Key) -> tuple[Gateway, ...]:
    """Give the other Gateways that configure some of a Gateway's pods, or would if there were any, by name.

    https://istio.io/latest/docs/reference/config/networking/gateway/#Gateway-selector
    """
    gateway = snapshot.gateways[key]
    own, selector = {pod.metadata.key for pod in gateway_pods(snapshot, gateway)}, gateway.selector.items()

    def shares(other: Gateway) -> bool:
        one_holds_the_other = selector <= other.selector.items() or other.selector.items() <= selector
        return one_holds_the_other or any(pod.metadata.key in own for pod in gateway_pods(snapshot, other))

    others = (snapshot.gateways[each] for each in sorted(snapshot.gateways) if each != key)
    return tuple(other for other in others if shares(other))


def _servers(gateway: Gateway, namespace: str, hosts: tuple[str, ...]) -> list[Server]:
    """Give the servers that carry HTTP for one of the hosts.

    Plain ones go first, those that want a certificate of the caller's late, those that only redirect last.
    """
    fitting = [
        server
        for server in gateway.servers
        if server.protocol in _SCHEMES
        and "PASSTHROUGH" not in server.tls_mode
        and any(_serves(gateway, pattern, namespace, hosts) for pattern in server.hosts)
    ]
    return sorted(fitting, key=_closedness)


def _closedness(server: Server) -> tuple[bool, bool, str]:
    return server.https_redirect, "MUTUAL" in server.tls_mode, _SCHEMES[server.protocol]


def _serves(gateway: Gateway, pattern: str, namespace: str, hosts: tuple[str, ...]) -> bool:
    """Compare with one of a server's hosts, which may be limited to a namespace: `shop/*.example.com`, `./*`.

    https://istio.io/latest/docs/reference/config/networking/gateway/#Server-hosts
    """
    limit, _, host = pattern.rpartition("/")
    if (gateway.metadata.namespace if limit == "." else limit) not in {"", "*", namespace}:
        return False
    return any(hosts_overlap(host, each) for each in hosts)


def serves_host(gateway: Gateway, pattern: str, host: str, *, namespace: str | None = None) -> bool:
    """Whether one of a server's hosts stands for a host, for VirtualServices of a namespace (None: of any)."""
    own = pattern.rpartition("/")[0] if namespace is None else namespace
    own = gateway.metadata.namespace if own == "." else own
    return _serves(gateway, pattern, own, (host,))


def _openness(service: Service) -> int:
    return _SERVICE_TYPES.index(service.type) if service.type in _SERVICE_TYPES else len(_SERVICE_TYPES)


def _ports(snapshot: Snapshot, service: Service, server: Server) -> Iterator[ServicePort]:
    """Find the Service's ports that lead to a server: a Gateway may name the Service's port or the pods' own.

    https://istio.io/latest/docs/reference/config/networking/gateway/#Port
    """
    ports = [port for port in service.ports if port.protocol == "TCP"]
    yield from (port for port in ports if port.port == server.port)
    slices = snapshot.endpoint_slices_by_service.get(service.metadata.key, ())
    numbers = {(text(each.get("name")), integer(each.get("port"))) for slice_ in slices for each in slice_.ports}
    for port in ports:
        # A target that is a name has its number in the EndpointSlices, under the Service port's own name.
        by_name = isinstance(port.target_port, str) and (port.name, server.port) in numbers
        if port.port != server.port and (by_name or port.target_port == server.port):
            yield port


def _ready_pods(
    snapshot: Snapshot, gateway: Gateway, service: Service, port: ServicePort
) -> tuple[tuple[str, str], ...]:
    """Give each ready pod of a Gateway that a Service's port leads to; of two addresses the Service's own family.

    https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#ownership
    """
    namespace = service.metadata.namespace
    own = {pod.metadata.name for pod in gateway_pods(snapshot, gateway) if pod.metadata.namespace == namespace}
    found: dict[str, list[tuple[str, int]]] = {}
    for slice_ in snapshot.endpoint_slices_by_service.get(service.metadata.key, ()):
        number = next((integer(each.get("port")) for each in slice_.ports if text(each.get("name")) == port.name), 0)
        for endpoint in slice_.endpoints:
            if number and endpoint.ready and endpoint.pod in own:
                found.setdefault(endpoint.pod, []).extend((address, number) for address in endpoint.addresses[:1])

    def is_of_another_family(address: tuple[str, int]) -> bool:
        return (":" in address[0]) != (":" in service.cluster_ip)

    return tuple((name, _host_port(*min(found[name], key=is_of_another_family))) for name in sorted(found))


def _host_port(host: str, port: int) -> str:
    return f"{f'[{host}]' if ':' in host else host}:{port}"


def _url(server: Server, host: str, port: int) -> str:
    return f"{_SCHEMES[server.protocol]}://{_host_port(host, port)}"


def _inside(service: Service, server: Server, port: ServicePort) -> str:
    return _url(server, service.cluster_ip, port.port) if service.cluster_ip not in {"", "None"} else ""


def _outside(service: Service, server: Server, port: ServicePort) -> str:
    return _url(server, service.external_addresses[0], port.port) if service.external_addresses else ""


def _why_closed(service: Service, server: Server, port: ServicePort, *, in_cluster: bool) -> str:
    name, scheme = service.metadata.full_name, _SCHEMES[server.protocol]
    if in_cluster:
        return f"Service {name} has no cluster IP: set CROSSFADE_GATEWAY_URL to an address of the gateway."
    if port.node_port:
        return (
            f"Service {name} is reached at port {port.node_port} of every node, and no node's address is known here: "
            f"set `CROSSFADE_GATEWAY_URL={scheme}://NODE:{port.node_port}`."
        )
    namespace, service_name = service.metadata.key
    return (
        f"Service {name} has no address outside of the cluster: run "
        f"`kubectl -n {namespace} port-forward service/{service_name} 8080:{port.port}` "
        f"and set `CROSSFADE_GATEWAY_URL={scheme}://127.0.0.1:8080`."
    )
