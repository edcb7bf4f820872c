"""VirtualServices of every shape that Istio's tasks, concepts and reference show, written anew: a mesh of YAML files.

Each file is a topic. Its first document says what the others lead to: `services: {name: [versions]}` (or
`namespace/name`) become Services, DestinationRules with a subset a version, and pods, unless a document of the file is
the same object; `ports: {name: number}` are the Services' (http: 80 where it says nothing). A document without a
namespace is of the file's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.mesh.objects import endpoint_slice, pod, raw, service

Raw = dict[str, Any]

HERE = Path(__file__).resolve().parent
FILES = tuple(sorted(HERE.glob("*.yaml")))
API_VERSIONS = {"Service": "v1"}
ISTIO = "networking.istio.io/v1"


def documents(path: Path) -> Iterator[str]:
    """Split a file into its documents' texts, the first of which says what the others lead to."""
    yield from path.read_text().split("\n---\n")


@cache
def corpus() -> tuple[Raw, ...]:
    """Read all files as one mesh: namespaces first, then what the objects lead to, VirtualServices last."""
    objects: dict[tuple[str, str, str], Raw] = {}
    for path in FILES:
        head, *rest = (yaml.safe_load(text) for text in documents(path))
        for each in rest:
            each.setdefault("apiVersion", API_VERSIONS.get(each["kind"], ISTIO))
            each["metadata"].setdefault("namespace", head["namespace"])
        for each in (*rest, *_led_to(head)):
            objects.setdefault(_identity(each), each)
    for each in [each for each in objects.values() if each["kind"] == "Service"]:
        for made in _behind(each, list(objects.values())):
            objects[_identity(made)] = made
    namespaces = sorted({namespace for _, namespace, _ in objects})
    last_first = sorted(objects.values(), key=lambda each: each["kind"] == "VirtualService")
    return (*(raw("v1", "Namespace", name) for name in namespaces), *last_first)


def virtual_services() -> list[Raw]:
    """Give the corpus's VirtualServices."""
    return [each for each in corpus() if each["kind"] == "VirtualService"]


def name_of(obj: Raw) -> str:
    """Give `namespace/name`."""
    return f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"


def _identity(obj: Raw) -> tuple[str, str, str]:
    return obj["kind"], obj["metadata"]["namespace"], obj["metadata"]["name"]


def _led_to(head: Raw) -> Iterator[Raw]:
    """Make the Services that the head of a file names, and their DestinationRules."""
    ports = [{"name": name, "port": number} for name, number in head.get("ports", {"http": 80}).items()]
    for full_name, versions in head["services"].items():
        namespace, _, name = full_name.rpartition("/")
        where = {"namespace": namespace or head["namespace"]}
        yield service(name, selector={"app": name}, ports=ports, **where)
        subsets = [{"name": version, "labels": {"version": version}} for version in versions]
        yield raw(ISTIO, "DestinationRule", name, spec={"host": name, "subsets": subsets}, **where)


def _behind(made: Raw, objects: list[Raw]) -> Iterator[Raw]:
    """Make a ready pod for each subset of a Service, and its EndpointSlice."""
    metadata, selector = made["metadata"], made["spec"]["selector"]
    rules = (each for each in objects if each["kind"] == "DestinationRule")
    short = (rule for rule in rules if rule["metadata"]["namespace"] == metadata["namespace"])
    subsets = (
        subset
        for rule in short
        if rule["spec"]["host"].partition(".")[0] == metadata["name"]
        for subset in rule["spec"].get("subsets", ())
    )
    versions = {subset["name"]: subset.get("labels", {}) for subset in subsets} or {"only": {}}
    pods = [
        pod(
            f"{metadata['name']}-{version}",
            namespace=metadata["namespace"],
            labels={**selector, **labels},
            address=f"10.244.200.{number}",
        )
        for number, (version, labels) in enumerate(versions.items(), start=1)
    ]
    yield from pods
    yield endpoint_slice(made, pods)
