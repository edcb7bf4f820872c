"""The walk's steps by the `kubernetes` client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from kubernetes import config
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError

from tests.walk.steps import Step

MERGE = "application/merge-patch+json"


@contextmanager
def connected(kubeconfig: Path) -> Iterator[DynamicClient]:
    """Give a client that has discovered what the cluster serves."""
    with TemporaryDirectory() as folder, config.new_client_from_config(str(kubeconfig)) as client:
        yield DynamicClient(client, cache_file=f"{folder}/discovery")


def objects_of(step: Step) -> list[dict[str, Any]]:
    """Return a step's objects in the file's order."""
    return [each for each in yaml.safe_load_all(step.path.read_text()) if each]


def apply(cluster: DynamicClient, step: Step) -> None:
    """Create a step's objects, or merge them into those that are there."""
    for wanted in objects_of(step):
        resource = cluster.resources.get(api_version=wanted["apiVersion"], kind=wanted["kind"])
        namespace = wanted["metadata"].get("namespace")
        try:
            resource.get(name=wanted["metadata"]["name"], namespace=namespace)
        except NotFoundError:
            resource.create(body=wanted, namespace=namespace)
        else:
            resource.patch(body=wanted, namespace=namespace, content_type=MERGE)


def delete(cluster: DynamicClient, step: Step) -> None:
    """Delete a step's objects, the last first; what is gone already stays so."""
    for gone in reversed(objects_of(step)):
        resource = cluster.resources.get(api_version=gone["apiVersion"], kind=gone["kind"])
        try:
            resource.delete(name=gone["metadata"]["name"], namespace=gone["metadata"].get("namespace"))
        except NotFoundError:
            continue
