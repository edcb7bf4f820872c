"""The demo's own tutorial on the real mesh: its objects as they are shipped, its pods run by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.mesh.api import Raw, path_of
from tests.mesh.asking import Asking
from tests.mesh.mesh import RealMesh
from tests.mesh.processes import wait_until
from tests.mesh.workloads import Workloads
from webapp.demo.sample_mesh import tutorial_objects

NAMESPACE, NAME = "default", "aspnetcore-virtualservice"
HOST = "aspnetcore-service.default.svc.cluster.local"


@contextmanager
def running_tutorial(mesh: RealMesh) -> Iterator[str]:
    """Run it until the block ends; gives the VirtualService's address once the gateway answers with it.

    It ends when the gateway has forgotten it too: else the next one would begin with this one's weights.
    """
    objects = {each["kind"]: each for each in tutorial_objects()}
    # Its pods have no sidecars here, which would speak TLS.
    del objects["DestinationRule"]["spec"]["trafficPolicy"]
    with Workloads(mesh.api, NAMESPACE) as workloads:
        workloads.run_pods(objects["Service"], {"v1": 1, "v2": 1})
        workloads.apply(*objects.values())
        wait_until(lambda: _status() == 200, "the tutorial through the gateway")
        yield path_of(objects["VirtualService"])
    wait_until(lambda: _status() == 0, "the tutorial's end at the gateway")


def _status() -> int:
    """Ask over a connection of its own: an old one may lead to a listener that is being closed."""
    with Asking() as gateway:
        return gateway.status()


def weights_patch(*weights: int) -> list[Raw]:
    """Return what shifts the tutorial's route."""
    return [
        {"op": "replace", "path": f"/spec/http/0/route/{index}/weight", "value": weight}
        for index, weight in enumerate(weights)
    ]
