"""The objects that the demo starts with: `objects/*.yaml`."""

from __future__ import annotations

from importlib.resources import files

import yaml

from webapp.demo.kube.kinds import KINDS
from webapp.demo.kube.store import Store
from webapp.demo.translate import GATEWAY_SERVICE

INFRASTRUCTURE = ("infrastructure.yaml",)
SAMPLES = ("tutorial.yaml", "shop-services.yaml", "shop.yaml")
MANAGER = "kubectl-client-side-apply"

_PLURALS = {kind.kind: kind.plural for kind in KINDS}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C, where it is there, takes a tenth of the time."""


def load_objects(store: Store, *, empty: bool) -> None:
    """Put the objects into the store; `empty` is the infrastructure alone: namespaces, a node, the ingress gateway."""
    for name in INFRASTRUCTURE if empty else (*INFRASTRUCTURE, *SAMPLES):
        written = (files("webapp.demo") / "objects" / name).read_text(encoding="utf-8")
        for each in yaml.load_all(written, Loader=_LOADER):  # noqa: S506
            store.put(_PLURALS[each["kind"]], each, manager=MANAGER)


def set_gateway_port(store: Store, port: int) -> None:
    """Say on the gateway's Service at which port of this machine it is reached."""
    namespace, name = GATEWAY_SERVICE
    service = store.get("services", namespace=namespace, name=name)
    if service is not None:
        spec = {**service["spec"], "ports": [{**service["spec"]["ports"][0], "port": port}]}
        store.put("services", {**service, "spec": spec}, manager=MANAGER)
