"""Sets of objects on the API server, one after the other; what two that follow each other share stays where it is."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tests.mesh.api import MERGE_PATCH, Api, Raw, path_of
from tests.mesh.objects import raw

ISTIO = "networking.istio.io/v1"
_API_VERSIONS = {"Service": "v1", "Pod": "v1", "Namespace": "v1"}
_SENT = ("namespace", "name", "labels", "annotations")
_CONTAINERS = {"containers": [{"name": "app", "image": "none"}]}


def as_sent(given: Raw) -> Raw:
    """Complete an object of the pure tests, which say only what counts there, so that an API server takes it."""
    kind, spec = given["kind"], dict(given.get("spec", {}))
    if kind == "Pod":
        spec = _CONTAINERS | spec
    elif kind == "Service":
        spec.pop("clusterIP", None)
        if spec.get("type") == "ExternalName":
            spec.setdefault("externalName", "outside.example")
    metadata = {name: given["metadata"][name] for name in _SENT if name in given["metadata"]}
    sent: dict[str, Any] = {"apiVersion": given.get("apiVersion", _API_VERSIONS.get(kind, ISTIO)), "kind": kind}
    sent |= {"metadata": metadata, "spec": spec}
    return sent | ({"status": given["status"]} if given.get("status") else {})


class Stage:
    """What is stored at the moment; `close` takes all of it away."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._shown: dict[str, tuple[str, Raw]] = {}
        self._namespaces: set[str] = set()

    def show(self, objects: Iterable[Raw]) -> list[Raw]:
        """Store these objects and no others; return them as the API server has them.

        :raises Refused: it does not take one of them; the message says why.
        """
        wanted = {path_of(each): each for each in objects}
        texts = {path: json.dumps(each, sort_keys=True) for path, each in wanted.items()}
        self._remove(path for path, (text, _) in list(self._shown.items()) if texts.get(path) != text)
        for path, each in wanted.items():
            if path not in self._shown:
                self._shown[path] = (texts[path], self._store(each))
        return [self._shown[path][1] for path in wanted]

    def close(self) -> None:
        """Delete what is stored; its namespaces stay, since nobody here would finish their deletion."""
        self._remove(list(self._shown))

    def _store(self, obj: Raw) -> Raw:
        namespace = obj["metadata"]["namespace"]
        if namespace not in self._namespaces:
            self._api.apply(raw("v1", "Namespace", namespace))
            self._namespaces.add(namespace)
        path = path_of(obj)
        stored = self._api.done("POST", path.rpartition("/")[0], obj)
        if "status" in obj:
            body = {"status": obj["status"]}
            stored = self._api.done("PATCH", f"{path}/status", body, content_type=MERGE_PATCH)
        return stored

    def _remove(self, paths: Iterable[str]) -> None:
        for path in paths:
            self._api.delete(self._shown.pop(path)[1])
