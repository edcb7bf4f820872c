"""A small client for the real API server: what a test says to it, without another library's opinion."""

from __future__ import annotations

import base64
import copy
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
import yaml

Raw = dict[str, Any]

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True)
class Answer:
    """`body` is parsed where it is JSON, else text."""

    status: int
    body: Any


class Refused(AssertionError):
    """The API server did not do what a test needs done."""


class Api:
    """An API server as one user sees it.

    :param authority: path of the certificate that vouches for it; read when it is first needed.
    """

    def __init__(self, url: str, token: str, authority: Path) -> None:
        self.url, self._token, self._authority = url, token, authority
        self._pool = urllib3.PoolManager(
            ca_certs=str(authority), retries=False, timeout=urllib3.Timeout(total=TIMEOUT_SECONDS), maxsize=8
        )

    def as_user(self, token: str) -> Api:
        """Return the same API server for another token, over the same connections."""
        other = copy.copy(self)
        other._token = token
        return other

    def call(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json", **query: str
    ) -> Answer:
        """Send one request; OSError where nobody answers."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": content_type}
        sent = None if body is None else json.dumps(body).encode()
        url = f"{self.url}{path}" + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")
        try:
            response = self._pool.request(method, url, body=sent, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise ConnectionError(str(error)) from error
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        return Answer(response.status, response.json() if is_json else response.data.decode())

    def done(self, method: str, path: str, body: Any = None, **options: str) -> Raw:
        """Send one request that has to succeed; return its object.

        :raises Refused: it does not.
        """
        answer = self.call(method, path, body, **options)
        if answer.status >= 300:
            raise Refused(f"{method} {path}: {answer.status} {answer.body}")
        found: Raw = answer.body
        return found

    def patch(self, path: str, operations: Any) -> Answer:
        """Send a JSON Patch."""
        return self.call("PATCH", path, operations, content_type=JSON_PATCH)

    def written(self, path: str, *, since: str) -> list[Raw]:
        """Return an object as it was after each write since a resourceVersion, and in the second that follows now.

        https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
        """
        kind, _, name = path.rpartition("/")
        query = f"watch=1&timeoutSeconds=1&resourceVersion={since}&fieldSelector=metadata.name%3D{name}"
        headers = {"Authorization": f"Bearer {self._token}"}
        lines = self._pool.request("GET", f"{self.url}{kind}?{query}", headers=headers).data.splitlines()
        return [json.loads(each)["object"] for each in lines]

    def apply(self, *objects: Raw) -> list[Raw]:
        """Create objects, or merge them into those that are there; a `status` is written as its controller would."""
        return [self._apply(each) for each in objects]

    def _apply(self, wanted: Raw) -> Raw:
        path = path_of(wanted)
        # Asked first: a create of a Service that is there is refused for its clusterIP, not for its name.
        if self.call("GET", path).status == 404:
            stored = self.done("POST", path.rpartition("/")[0], wanted)
        else:
            stored = self.done("PATCH", path, wanted, content_type=MERGE_PATCH)
        if "status" in wanted:
            stored = self.done("PATCH", f"{path}/status", {"status": wanted["status"]}, content_type=MERGE_PATCH)
        return stored

    def delete(self, *objects: Raw) -> None:
        """Delete objects at once; what is not there stays so."""
        for each in objects:
            answer = self.call("DELETE", path_of(each), gracePeriodSeconds="0")
            if answer.status not in {200, 202, 404}:
                raise Refused(f"{path_of(each)}: {answer.status} {answer.body}")

    @property
    def token(self) -> str:
        """What this user shows."""
        return self._token

    def write_kubeconfig(self, path: Path, *, url: str = "", user: Mapping[str, Any] | None = None) -> Path:
        """Write a kubeconfig for this user (JSON, which is YAML too).

        :param url: another way to the same server.
        :param user: how the user proves who he is, if not by his token.
        """
        authority = base64.b64encode(self._authority.read_bytes()).decode()
        name = path.name
        cluster = {"server": url or self.url, "certificate-authority-data": authority}
        kubeconfig = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": dict(user or {"token": self._token})}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": "default"}}],
            "current-context": name,
        }
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(kubeconfig, file)
        return path

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()


def path_of(obj: Mapping[str, Any]) -> str:
    """Return an object's address; the plural follows from the kind, as in every API group that is used here."""
    metadata, kind = obj["metadata"], str(obj["kind"]).lower()
    if kind.endswith("y") and kind[-2] not in "aeiou":
        plural = f"{kind[:-1]}ies"
    else:
        plural = f"{kind}es" if kind.endswith("s") else f"{kind}s"
    version = str(obj["apiVersion"])
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    where = f"/namespaces/{metadata['namespace']}" if metadata.get("namespace") else ""
    return f"{root}{where}/{plural}/{metadata['name']}"


def read_objects(path: Path) -> list[Raw]:
    """Read the objects of a YAML file."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    documents: Iterable[Any] = yaml.load_all(path.read_text(), loader)
    return [each for each in documents if each]
