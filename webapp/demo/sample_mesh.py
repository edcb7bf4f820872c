"""The objects that the demo starts with: `objects/*.yaml`, and the first steps of deploy/helloworld."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import yaml

from webapp.demo.kube.defaults import completed
from webapp.demo.kube.kinds import KINDS, JsonObject
from webapp.demo.kube.store import Store
from webapp.demo.translate import GATEWAY_SERVICE

INFRASTRUCTURE = ("infrastructure.yaml",)
SAMPLES = ("shop-services.yaml", "shop.yaml")
WALK = ("1-service-and-v1.yaml", "2-gateway.yaml", "4-v2.yaml", "5-destination-rule.yaml")
"""The steps of deploy/helloworld that the tutorial stands on; its VirtualService is one with a split."""

MANAGER = "kubectl-client-side-apply"

_KINDS = {kind.kind: kind for kind in KINDS}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C, where it is there, takes a tenth of the time."""


def helloworld() -> Path:
    """Return the folder of the walk: inside of the package in an installed wheel, deploy/helloworld in a checkout."""
    installed = Path(__file__).parent / "helloworld"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "deploy" / "helloworld"


def tutorial_objects() -> list[JsonObject]:
    """Return the tutorial: what the walk sets up, split 90 to 10."""
    walk = (each for name in WALK for each in _read((helloworld() / name).read_text(encoding="utf-8")))
    return [*walk, *_read_ours("tutorial.yaml")]


def load_objects(store: Store, *, empty: bool) -> None:
    """Put the objects into the store; `empty` is the infrastructure alone: namespaces, a node, the ingress gateway."""
    objects = [each for name in INFRASTRUCTURE for each in _read_ours(name)]
    if not empty:
        objects += [*tutorial_objects(), *(each for name in SAMPLES for each in _read_ours(name))]
    taken: set[str] = set()
    for each in objects:
        kind = _KINDS[each["kind"]]
        stored = store.put(kind.plural, completed(kind, None, each, taken), manager=MANAGER)
        taken.add(stored.get("spec", {}).get("clusterIP", ""))


def set_gateway_port(store: Store, port: int) -> None:
    """Say on the gateway's Service at which port of this machine it is reached."""
    namespace, name = GATEWAY_SERVICE
    service = store.get("services", namespace=namespace, name=name)
    if service is not None:
        spec = {**service["spec"], "ports": [{**service["spec"]["ports"][0], "port": port}]}
        store.put("services", {**service, "spec": spec}, manager=MANAGER)


def _read_ours(name: str) -> Iterator[JsonObject]:
    return _read((files("webapp.demo") / "objects" / name).read_text(encoding="utf-8"))


def _read(written: str) -> Iterator[JsonObject]:
    return (each for each in yaml.load_all(written, Loader=_LOADER) if each)  # noqa: S506
