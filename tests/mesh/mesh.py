"""A real mesh on one machine: etcd, kube-apiserver, istiod with its webhook, and the Envoy that istiod feeds.

It runs in a network namespace of its own (`python -m tests.mesh`): pods have addresses in 10.244.0.0/16 and Services
in 10.96.0.0/16, all of which are this machine's there. The work of controllers and kubelets is done by hand.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import TracebackType

from tests.mesh import control_plane, gateway
from tests.mesh.api import Api, Raw, path_of, read_objects
from tests.mesh.build import CRDS
from tests.mesh.objects import installation, raw, refused_by_webhook, webhook
from tests.mesh.processes import Program, wait_until

CA_SECRET = "/api/v1/namespaces/istio-system/secrets/istio-ca-secret"
RBAC_API = "rbac.authorization.k8s.io"


class RealMesh:
    """The programs, started one after the other, and the ways in.

    Each program can be stopped and started again (`mesh.etcd.stop()`, `mesh.etcd.start()`); its data stays.

    :param directory: an empty one, for data, logs and kubeconfigs.
    """

    def __init__(self, directory: Path) -> None:
        self.kubeconfig = directory / "admin.kubeconfig"
        self.etcd = control_plane.etcd(directory)
        self.api_server = control_plane.api_server(directory)
        self.istiod = control_plane.istiod(directory, self.kubeconfig)
        self.gateway = gateway.envoy(directory)
        authority = directory / "certificates" / control_plane.CERTIFICATE
        self.api = Api(control_plane.API_URL, control_plane.ADMIN_TOKEN, authority)

    @property
    def programs(self) -> tuple[Program, ...]:
        """All programs, in the order of their start."""
        return self.etcd, self.api_server, self.istiod, self.gateway

    def start(self) -> None:
        """Start all, with the webhook in force.

        :raises NotReady: a part does not come up; the message has the end of its log.
        """
        self.etcd.start()
        self.api_server.start()
        self.api.write_kubeconfig(self.kubeconfig)
        self.api.apply(*installation())
        self._define_istios_kinds()
        self.istiod.start()
        self._switch_webhook_on()
        self.gateway.start()

    def stop(self) -> None:
        """End all, the last started first."""
        for program in reversed(self.programs):
            program.stop()
        self.api.close()

    def __enter__(self) -> RealMesh:
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

    def _define_istios_kinds(self) -> None:
        definitions = read_objects(CRDS)
        self.api.apply(*definitions)
        for each in definitions:
            spec = each["spec"]
            path = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
            wait_until(partial(self._is_there, path), f"{path} served")

    def _is_there(self, path: str) -> bool:
        return self.api.call("GET", path).status == 200

    def _switch_webhook_on(self) -> None:
        """Let the API server ask istiod from now on, and wait until it does."""
        wait_until(partial(self._is_there, CA_SECRET), "istiod's certificate")
        self.api.apply(webhook(self.api.done("GET", CA_SECRET)["data"]["ca-cert.pem"]))
        probe = refused_by_webhook()
        path = path_of(probe).rpartition("/")[0]

        def is_denied() -> bool:
            answer = self.api.call("POST", path, probe, dryRun="All")
            return answer.status == 400 and "denied the request" in answer.body["message"]

        wait_until(is_denied, "istiod's webhook")
