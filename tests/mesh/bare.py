"""A Kubernetes API with Istio's kinds and nothing behind it: etcd and kube-apiserver."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.mesh import control_plane
from tests.mesh.api import Api, Raw, read_objects
from tests.mesh.build import CRDS
from tests.mesh.control_plane import SHARED, Ports
from tests.mesh.objects import raw
from tests.mesh.processes import Program, wait_until

RBAC_API = "rbac.authorization.k8s.io"


class BareCluster:
    """The two programs, started one after the other, and the ways in.

    Each program can be stopped and started again (`cluster.etcd.stop()`, `cluster.etcd.start()`); its data stays.

    :param directory: an empty one, for data, logs and kubeconfigs.
    :param ports: where they listen; a cluster of a test's own needs others than the mesh's.
    """

    def __init__(self, directory: Path, ports: Ports = SHARED) -> None:
        self.kubeconfig = directory / "admin.kubeconfig"
        self.ports = ports
        self.etcd = control_plane.etcd(directory, ports)
        self.api_server = control_plane.api_server(directory, ports)
        authority = directory / "certificates" / control_plane.CERTIFICATE
        self.api = Api(ports.api_url, control_plane.ADMIN_TOKEN, authority)

    @property
    def programs(self) -> tuple[Program, ...]:
        """All programs, in the order of their start."""
        return self.etcd, self.api_server

    def start(self) -> None:
        """Start all.

        :raises NotReady: a part does not come up; the message has the end of its log.
        """
        self.etcd.start()
        self.api_server.start()
        self.api.write_kubeconfig(self.kubeconfig)
        self.define_istios_kinds()

    def stop(self) -> None:
        """End all, the last started first."""
        for program in reversed(self.programs):
            program.stop()
        self.api.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def account(self, *, namespace: str, name: str) -> Api:
        """Return the API server as a ServiceAccount sees it, by a token of its own.

        https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
        """
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        wanted = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        return self.api.as_user(self.api.done("POST", path, wanted)["status"]["token"])

    def account_with(self, role: str, rules: list[Raw], *, namespace: str = "default") -> Api:
        """Return a new ServiceAccount's view, which may do what the rules of a ClusterRole of that name say."""
        subject = {"kind": "ServiceAccount", "name": role, "namespace": namespace}
        reference = {"apiGroup": RBAC_API, "kind": "ClusterRole", "name": role}
        version = f"{RBAC_API}/v1"
        self.api.apply(
            raw("v1", "ServiceAccount", role, namespace=namespace),
            raw(version, "ClusterRole", role, rules=rules),
            raw(version, "ClusterRoleBinding", role, subjects=[subject], roleRef=reference),
        )
        return self.account(namespace=namespace, name=role)

    @property
    def limited(self) -> Api:
        """The API server as a user without any right of its own sees it."""
        return self.api.as_user(control_plane.LIMITED_TOKEN)

    def define_istios_kinds(self) -> None:
        """Create Istio's CRDs, and wait until each is served."""
        definitions = read_objects(CRDS)
        self.api.apply(*definitions)
        for each in definitions:
            spec = each["spec"]
            path = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
            wait_until(partial(self.is_there, path), f"{path} served")

    def is_there(self, path: str) -> bool:
        """Whether this address answers 200."""
        return self.api.call("GET", path).status == 200
