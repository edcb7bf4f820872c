"""More pods of the ingress gateway: each an Envoy in a network namespace of its own, on a wire to ours.

istiod tells all of them to listen at `0.0.0.0` of one port: with one network for all, the kernel would spread
connections over them whatever address is asked. On each one's way to istiod stands a relay, which can hold it back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.mesh.control_plane import NODE_ADDRESS, XDS_PORT
from tests.mesh.gateway import ADMIN_PORT, GATEWAY_ACCOUNT, GATEWAY_LABELS, GATEWAY_POD
from tests.mesh.mesh import RealMesh
from tests.mesh.objects import ROOT_NAMESPACE, endpoint_slice, installation, pod
from tests.mesh.processes import Program
from tests.mesh.proxy import Proxy, envoy_bootstrap
from tests.mesh.relay import Relay
from webapp.demo.bootstrap import find_envoy

ON_A_WIRE = """
set -e
exec 9</proc/self/ns/net
exec unshare --net sh -c '
set -e
name=$1 outside=$2 inside=$3
shift 3
ip link add eth0 type veth peer name "$name"
ip link set "$name" netns /proc/self/fd/9
nsenter --net=/proc/self/fd/9 sh -c "ip addr add $outside/30 dev $name && ip link set $name up"
ip link set lo up
ip addr add "$inside/30" dev eth0
ip link set eth0 up
ip route add default via "$outside"
exec "$@"
' sh "$@"
"""
"""Make the wire from inside, since nobody else knows the new namespace; it goes with the last process there."""


class GatewayPod:
    """One more pod of the gateway.

    :param relay: its way to istiod.
    """

    def __init__(self, mesh: RealMesh, relay: Relay, *, number: int) -> None:
        self.relay = relay
        self.name = f"gateway-{number}"
        self.address = f"10.251.{number}.2"
        outside = f"10.251.{number}.1"
        self.raw = pod(self.name, namespace=ROOT_NAMESPACE, labels=GATEWAY_LABELS, address=self.address)
        directory = mesh.kubeconfig.parent
        config = directory / f"{self.name}.json"
        config.write_text(json.dumps(self._bootstrap(directory)))
        envoy: list[str | Path] = [find_envoy(), "--config-path", config, "--concurrency", "1", "--disable-hot-restart"]
        self.program = Program(
            self.name,
            ["sh", "-c", ON_A_WIRE, "sh", f"gw{number}", outside, self.address, *envoy, "--log-level", "warning"],
            directory=directory,
            is_ready=self._is_ready,
        )

    def _bootstrap(self, directory: Path) -> dict[str, object]:
        """Return the first gateway's own, with another name, by the relay, and with an admin that we can reach."""
        like = Proxy(
            role="router",
            name=GATEWAY_POD,  # whose agent brings the certificates
            namespace=ROOT_NAMESPACE,
            address=self.address,
            account=GATEWAY_ACCOUNT,
            labels=GATEWAY_LABELS,
            admin_port=ADMIN_PORT,
            directory=directory,
        )
        text = json.dumps(envoy_bootstrap(like))
        istiod, by_relay = (
            f'"127.0.0.1", "port_value": {XDS_PORT}',
            f'"{NODE_ADDRESS}", "port_value": {self.relay.port}',
        )
        admin, reachable = f'"127.0.0.1", "port_value": {ADMIN_PORT}', f'"{self.address}", "port_value": {ADMIN_PORT}'
        assert istiod in text and admin in text, text
        made: dict[str, object] = json.loads(text.replace(istiod, by_relay).replace(admin, reachable))
        assert isinstance(node := made["node"], dict)
        node["id"] = node["id"].replace(GATEWAY_POD, self.name)
        node["metadata"]["NAME"] = self.name
        return made

    def _is_ready(self) -> bool:
        try:
            with urlopen(f"http://{self.address}:{ADMIN_PORT}/ready", timeout=2) as answer:
                return bool(answer.read() == b"LIVE\n")
        except URLError as error:
            raise ConnectionError(str(error)) from error


@contextmanager
def more_gateways(mesh: RealMesh, *numbers: int) -> Iterator[list[GatewayPod]]:
    """Run more pods of the gateway beside the first until the block ends; gives them in the order of their numbers."""
    with ExitStack() as stack:
        relays = [stack.enter_context(Relay(XDS_PORT, host=NODE_ADDRESS)) for _ in numbers]
        pods = [GatewayPod(mesh, relay, number=each) for each, relay in zip(numbers, relays, strict=True)]
        for each in pods:
            # A pod comes before its proxy: istiod learns from its labels what it is.
            mesh.api.apply(each.raw)
            stack.callback(mesh.api.delete, each.raw)
            each.program.start()
            stack.callback(each.program.stop)
        stack.callback(announce, mesh, [])
        announce(mesh, pods)
        yield pods


def announce(mesh: RealMesh, pods: Sequence[GatewayPod]) -> None:
    """Say which pods are ready beside the first one, as the endpoint slice controller would."""
    installed = {(each["kind"], each["metadata"]["name"]): each for each in installation()}
    first, door = installed["Pod", GATEWAY_POD], installed["Service", "istio-ingressgateway"]
    mesh.api.apply(endpoint_slice(door, [first, *(each.raw for each in pods)]))
