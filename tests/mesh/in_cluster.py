"""The dashboard as deploy/ ships it: its objects on the API server, its pods as processes, people at the gateway."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import yaml

from tests.deploy.dockerfile import ROOT, stages
from tests.mesh.api import Raw
from tests.mesh.build import KUBECTL
from tests.mesh.control_plane import CERTIFICATE, SHARED
from tests.mesh.dashboard import OURS, Stream
from tests.mesh.gateway import EXTERNAL_ADDRESS
from tests.mesh.mesh import RealMesh
from tests.mesh.objects import endpoint_slice, raw
from tests.mesh.processes import Program

DEPLOY = ROOT / "deploy"
BASE = DEPLOY / "base"
OVERLAYS = sorted(each.parent for each in DEPLOY.glob("overlays/*/kustomization.yaml"))
PAGES, PROBES = 8000, 8001
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


class Pod:
    """One pod of the Deployment, at an address of its own."""

    def __init__(self, mesh: RealMesh, objects: Sequence[Raw], folder: Path, *, number: int) -> None:
        self.address = f"10.244.8.{number}"
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
        account = mesh.account(namespace=metadata["namespace"], name=spec["serviceAccountName"])
        files = folder / name
        files.mkdir()
        (files / "token").write_text(account.token)
        (files / "namespace").write_text(metadata["namespace"])
        (files / "ca.crt").write_text((mesh.kubeconfig.parent / "certificates" / CERTIFICATE).read_text())
        command = ["unshare", "--mount", "sh", "-c", IN_A_POD, "sh", files, sys.executable, "-m", "webapp", "serve"]
        self.program = Program(
            name, command, directory=folder, environment=self._environment(spec), is_ready=lambda: self.probe("/readyz")
        )

    def _environment(self, spec: Raw) -> dict[str, str]:
        """Return the image's, the manifest's and the kubelet's variables; a pod's own addresses are `0.0.0.0` to it."""
        [container] = spec["containers"]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        image = {name: value for name, value in stages()[-1].pairs("ENV").items() if name.startswith(OURS)}
        settings = image | {each["name"]: each["value"] for each in container["env"]}
        settings = {name: value.replace("0.0.0.0", self.address) for name, value in settings.items()}
        kubelet = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(SHARED.api)}
        return inherited | settings | kubelet | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}

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


class Answer(NamedTuple):
    """What a person got."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def view(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Person:
    """Somebody who opens the dashboard at the ingress gateway and keeps its cookies.

    :param host: the name by which he knows it.
    :param prefix: where its pages begin, without the slash at the end.
    """

    def __init__(self, host: str, prefix: str = "") -> None:
        self.host, self.prefix = host, prefix
        self.cookie = ""

    def get(self, path: str, *, accept: str = "application/json") -> Answer:
        """Ask for a page; an address that a page gave begins with the prefix already."""
        return self._whole("GET", self.prefix + path.removeprefix(self.prefix), {"Accept": accept})

    def post(self, path: str, **form: Any) -> Answer:
        """Send a form as the page's own script would."""
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"http://{self.host}",
            "Sec-Fetch-Site": "same-origin",
        }
        return self._whole("POST", self.prefix + path, headers, urlencode(form, doseq=True))

    @contextmanager
    def stream(self, query: str = "") -> Iterator[Stream]:
        """Open a page's stream."""
        with self._asking("GET", f"{self.prefix}/stream{query}", {}) as response:
            assert response.status == 200
            yield Stream(response)

    @contextmanager
    def _asking(
        self, method: str, path: str, headers: dict[str, str], body: str | None = None
    ) -> Iterator[HTTPResponse]:
        connection = HTTPConnection(EXTERNAL_ADDRESS, 80, timeout=TIMEOUT_SECONDS)
        kept = {"Cookie": self.cookie} if self.cookie else {}
        try:
            connection.request(method, path, body=body, headers={"Host": self.host} | kept | headers)
            with connection.getresponse() as response:
                self.cookie = response.headers.get("Set-Cookie", self.cookie).partition(";")[0]
                yield response
        finally:
            connection.close()

    def _whole(self, method: str, path: str, headers: dict[str, str], body: str | None = None) -> Answer:
        with self._asking(method, path, headers, body) as response:
            return Answer(response.status, dict(response.headers), response.read().decode())


@contextmanager
def deployed(mesh: RealMesh, objects: Sequence[Raw], folder: Path, *, replicas: int) -> Iterator[list[Pod]]:
    """Apply the objects and run the Deployment's pods, until the block ends."""
    # A namespace comes before what is in it; kustomize sorts them so.
    mesh.api.apply(*objects)
    pods = [Pod(mesh, objects, folder, number=number) for number in range(1, replicas + 1)]
    service = only(objects, "Service")
    made = [*(pod.raw for pod in pods), endpoint_slice(service, [pod.raw for pod in pods], port=PAGES)]
    try:
        for pod in pods:
            pod.program.start()
        mesh.api.apply(*made)
        yield pods
    finally:
        for pod in pods:
            pod.program.stop()
        mesh.api.delete(*made, *(each for each in objects if each["kind"] not in {"Namespace", "ServiceAccount"}))
