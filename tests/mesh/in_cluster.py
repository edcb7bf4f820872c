"""The dashboard as deploy/ ships it: its objects on the API server, its pods as processes, people at the gateway."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import yaml

from tests.deploy.dockerfile import ROOT, stages
from tests.mesh.api import Raw
from tests.mesh.build import KUBECTL
from tests.mesh.control_plane import CERTIFICATE, SHARED
from tests.mesh.dashboard import OURS
from tests.mesh.mesh import RealMesh
from tests.mesh.objects import endpoint_slice, raw
from tests.mesh.processes import Program
from tests.mesh.proxy import Proxy, introduce, program

DEPLOY = ROOT / "deploy"
BASE = DEPLOY / "base"
OVERLAYS = sorted(each.parent for each in DEPLOY.glob("overlays/*/kustomization.yaml"))
PAGES, PROBES = 8000, 8001
SIDECARS_ADMIN = 15100
MUTUAL_TLS = {"security.istio.io/tlsMode": "istio"}
"""The label by which an injected pod says that it can."""
TIMEOUT_SECONDS = 15.0
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
IN_A_POD = f"""
set -e
mount -t tmpfs tmpfs /var/run
mkdir -p {ACCOUNT}
cp "$1"/* {ACCOUNT}
mount -o remount,bind,ro /var/run
mount -o remount,bind,ro /
if touch /writable /tmp/writable 2>/dev/null; then echo "the file system can be written to" >&2; exit 1; fi
shift
exec "$@"
"""
"""What a kubelet prepares: the account's files, and a file system that nobody can write to."""


def render(folder: Path) -> list[Raw]:
    """Return the objects of a kustomization."""
    done = subprocess.run([KUBECTL.path, "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def only(objects: Sequence[Raw], kind: str) -> Raw:
    """Return the one object of a kind."""
    [found] = [each for each in objects if each["kind"] == kind]
    return found


def settings_of(pod: Raw) -> dict[str, str]:
    """Return the variables that a manifest gives to the dashboard."""
    return {each["name"]: each["value"] for each in pod["spec"]["containers"][0]["env"]}


class Pod:
    """One pod of the Deployment, at an address of its own.

    :param proxied: a sidecar listens at that address, and the dashboard where none but the sidecar can speak to it.
    """

    def __init__(
        self, mesh: RealMesh, objects: Sequence[Raw], folder: Path, *, number: int, proxied: bool = False
    ) -> None:
        self.address = f"10.244.8.{number}"
        self.own_address = "127.0.0.1" if proxied else self.address
        template = only(objects, "Deployment")["spec"]["template"]
        name = f"crossfade-{number}"
        spec = template["spec"] | {"nodeName": "node-1"}
        status = {
            "phase": "Running",
            "podIP": self.address,
            "podIPs": [{"ip": self.address}],
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        metadata = only(objects, "Deployment")["metadata"]
        self.raw = raw("v1", "Pod", name, namespace=metadata["namespace"], spec=spec, status=status)
        self.raw["metadata"] |= template["metadata"]
        self.sidecar: Program | None = None
        if proxied:
            self.raw["metadata"]["labels"] = template["metadata"]["labels"] | MUTUAL_TLS
            proxy = Proxy(
                role="sidecar",
                name=f"{name}-proxy",
                namespace=metadata["namespace"],
                address=self.address,
                account=spec["serviceAccountName"],
                labels=self.raw["metadata"]["labels"],
                admin_port=SIDECARS_ADMIN + number,
                directory=folder,
            )
            introduce(mesh.api, proxy)
            self.sidecar = program(proxy)
        account = mesh.account(namespace=metadata["namespace"], name=spec["serviceAccountName"])
        files = folder / name
        files.mkdir()
        (files / "token").write_text(account.token)
        (files / "namespace").write_text(metadata["namespace"])
        (files / "ca.crt").write_text((mesh.kubeconfig.parent / "certificates" / CERTIFICATE).read_text())
        command: list[str | Path] = [
            "unshare",
            "--mount",
            "sh",
            "-c",
            IN_A_POD,
            "sh",
            files,
            sys.executable,
            "-m",
            "webapp",
            "serve",
        ]
        self.program = Program(
            name, command, directory=folder, environment=self._environment(), is_ready=lambda: self.probe("/readyz")
        )

    def _environment(self) -> dict[str, str]:
        """Return the image's, the manifest's and the kubelet's variables; a pod's own addresses are `0.0.0.0` to it."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        image = {name: value for name, value in stages()[-1].pairs("ENV").items() if name.startswith(OURS)}
        settings = image | settings_of(self.raw)
        settings = {name: value.replace("0.0.0.0", self.own_address) for name, value in settings.items()}
        kubelet = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(SHARED.api)}
        return inherited | settings | kubelet | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}

    def start(self) -> None:
        """Start its processes, the sidecar first, and wait until they are ready."""
        if self.sidecar:
            self.sidecar.start()
        self.program.start()

    def stop(self) -> None:
        """End its processes."""
        self.program.stop()
        if self.sidecar:
            self.sidecar.stop()

    def ask(self, path: str, *, port: int = PROBES, **headers: str) -> tuple[int, str]:
        """Ask by the pod's own address; return (status, body)."""
        connection = HTTPConnection(self.address, port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def probe(self, path: str) -> bool:
        """Ask as the kubelet does."""
        return self.ask(path)[0] == 200

    def vanish(self) -> None:
        """End all its processes at once, as a lost node would."""
        os.killpg(self.program.pid, signal.SIGKILL)
        self.program.stop()


def listening(pod: Pod, namespace: str) -> Raw:
    """Return what makes a sidecar listen itself, for want of the kernel's rules that lead connections to it.

    https://istio.io/latest/docs/reference/config/networking/sidecar/#IstioIngressListener
    """
    ingress = [
        {
            "port": {"number": port, "protocol": "HTTP", "name": f"http-{port}"},
            "bind": pod.address,
            "defaultEndpoint": f"{pod.own_address}:{port}",
        }
        for port in (PAGES, PROBES)
    ]
    selector = {"labels": pod.raw["metadata"]["labels"]}
    spec = {"workloadSelector": selector, "ingress": ingress, "egress": [{"hosts": ["~/*"]}]}
    return raw("networking.istio.io/v1", "Sidecar", pod.raw["metadata"]["name"], namespace=namespace, spec=spec)


@contextmanager
def deployed(
    mesh: RealMesh, objects: Sequence[Raw], folder: Path, *, replicas: int, proxied: bool = False
) -> Iterator[list[Pod]]:
    """Apply the objects and run the Deployment's pods, until the block ends.

    :param proxied: each with a sidecar.
    """
    # A namespace comes before what is in it; kustomize sorts them so.
    mesh.api.apply(*objects)
    pods = [Pod(mesh, objects, folder, number=number, proxied=proxied) for number in range(1, replicas + 1)]
    service = only(objects, "Service")
    made = [*(pod.raw for pod in pods), endpoint_slice(service, [pod.raw for pod in pods], port=PAGES)]
    made += [listening(pod, service["metadata"]["namespace"]) for pod in pods if proxied]
    try:
        # A sidecar learns from its pod's labels what it has to do.
        mesh.api.apply(*(each for each in made if proxied))
        for pod in pods:
            pod.start()
        mesh.api.apply(*made)
        yield pods
    finally:
        for pod in pods:
            pod.stop()
        mesh.api.delete(*made, *(each for each in objects if each["kind"] not in {"Namespace", "ServiceAccount"}))
