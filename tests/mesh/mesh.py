"""A real mesh on one machine: etcd, kube-apiserver, istiod with its webhook, and the Envoy that istiod feeds.

It runs in a network namespace of its own (`python -m tests.mesh`): pods have addresses in 10.244.0.0/16 and Services
in 10.96.0.0/16, all of which are this machine's there. The work of controllers and kubelets is done by hand.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tests.mesh import control_plane, gateway, proxy
from tests.mesh.api import path_of
from tests.mesh.bare import BareCluster
from tests.mesh.objects import installation, refused_by_webhook, webhook
from tests.mesh.processes import Program, wait_until
from tests.mesh.proxy import CA_SECRET


class RealMesh(BareCluster):
    """The programs, started one after the other, and the ways in.

    Each program can be stopped and started again (`mesh.etcd.stop()`, `mesh.etcd.start()`); its data stays.

    :param directory: an empty one, for data, logs and kubeconfigs.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.istiod = control_plane.istiod(directory, self.kubeconfig)
        self._gateway_proxy = gateway.gateway_proxy(directory)
        self.gateway = proxy.program(self._gateway_proxy)

    @property
    def programs(self) -> tuple[Program, ...]:
        """All programs, in the order of their start."""
        return *super().programs, self.istiod, self.gateway

    def start(self) -> None:
        """Start all, with the webhook in force.

        :raises NotReady: a part does not come up; the message has the end of its log.
        """
        super().start()
        self.api.apply(*installation())
        self.istiod.start()
        self._switch_webhook_on()
        proxy.introduce(self.api, self._gateway_proxy)
        self.gateway.start()

    def _switch_webhook_on(self) -> None:
        """Let the API server ask istiod from now on, and wait until it does."""
        wait_until(partial(self.is_there, CA_SECRET), "istiod's certificate")
        self.api.apply(webhook(self.api.done("GET", CA_SECRET)["data"]["ca-cert.pem"]))
        probe = refused_by_webhook()
        path = path_of(probe).rpartition("/")[0]

        def is_denied() -> bool:
            answer = self.api.call("POST", path, probe, dryRun="All")
            return answer.status == 400 and "denied the request" in answer.body["message"]

        wait_until(is_denied, "istiod's webhook")
