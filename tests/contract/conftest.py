"""The suite speaks to a Kubernetes API through a kubeconfig alone: what it proves of one, any other can be held to.

`TESTS_CONTRACT_KUBECONFIG` names another cluster to run against: one with Istio's CRDs and validating webhook.
"""

from __future__ import annotations

import copy
import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from kubernetes import config
from kubernetes.client import ApiClient, Configuration

from tests.contract.rights import without_right
from webapp.demo.kube import KubeApi

KUBECONFIG = "TESTS_CONTRACT_KUBECONFIG"

WEIGHTED = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "reviews", "labels": {"app": "reviews"}},
    "spec": {
        "hosts": ["reviews"],
        "http": [
            {
                "route": [
                    {"destination": {"host": "reviews", "subset": "v1"}, "weight": 90},
                    {"destination": {"host": "reviews", "subset": "v2"}, "weight": 10},
                ]
            }
        ],
    },
}


@dataclass(frozen=True)
class Answer:
    """A whole answer; `body` is parsed where it is JSON, else text."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class Cluster:
    """A cluster as a client meets it, and a namespace in it that is the test's own."""

    kubeconfig: str
    client: ApiClient
    namespace: str
    forbidding: Callable[[str, str], AbstractContextManager[None]]
    istio: str = field(init=False)
    core: str = field(init=False)

    def __post_init__(self) -> None:
        self.istio = f"/apis/networking.istio.io/v1/namespaces/{self.namespace}"
        self.core = f"/api/v1/namespaces/{self.namespace}"

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send a request and return the open response; a text is sent as it is."""
        sent = {"Accept": accept, **({"Content-Type": content_type} if body is not None else {})}
        method, url, sent, _, _ = self.client.param_serialize(
            method, path, query_params=list((query or {}).items()), header_params=sent, auth_settings=["BearerToken"]
        )
        sent |= headers or {}
        if isinstance(body, str):
            return self.client.rest_client.pool_manager.request(
                method, url, body=body, headers=sent, preload_content=False, timeout=10.0
            )
        return self.client.call_api(method, url, sent, body, _request_timeout=10.0).response

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """Send a request and read its answer."""
        response = self.send(method, path, body, **options)
        text = response.data.decode()
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        return Answer(response.status, json.loads(text) if is_json else text, response.headers)

    def patch(self, path: str, operations: Any, **options: Any) -> Answer:
        """Send a JSON Patch."""
        return self.call("PATCH", path, operations, content_type="application/json-patch+json", **options)

    @contextmanager
    def watch(self, path: str, *, accept: str = "application/json", **query: Any) -> Iterator[Iterator[dict[str, Any]]]:
        """Open a watch; iterate its events."""
        response = self.send("GET", path, query={"watch": "1", "timeoutSeconds": 8, **query}, accept=accept)
        assert response.status == 200, response.data
        try:
            yield map(json.loads, _lines(response))
        finally:
            response.close()

    def create_virtual_service(self, name: str = "reviews", **metadata: Any) -> dict[str, Any]:
        """Create the 90/10 VirtualService."""
        wanted = copy.deepcopy(WEIGHTED)
        wanted["metadata"] |= {"name": name, **metadata}  # type: ignore[operator]
        answer = self.call("POST", f"{self.istio}/virtualservices", wanted)
        assert answer.status == 201, answer.body
        created: dict[str, Any] = answer.body
        return created


def _lines(response: Any) -> Iterator[bytes]:
    waiting = b""
    for piece in response.stream(amt=None):
        *whole, waiting = (waiting + piece).split(b"\n")
        yield from whole


@dataclass
class _Target:
    """`forbidding` takes the client whose user loses a right (verb, resource)."""

    kubeconfig: str
    forbidding: Callable[[ApiClient, str, str], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Target]:
    """The cluster that the whole suite runs against; an embedded one starts in no time."""
    with ExitStack() as stack:
        if path := os.environ.get(KUBECONFIG):
            yield _Target(path, without_right)
            return
        api = stack.enter_context(KubeApi())
        path = str(tmp_path_factory.mktemp("contract") / "kubeconfig")
        api.write_kubeconfig(path)
        api.faults.compact()  # a real server's memory does not reach back to version 1 either

        @contextmanager
        def forbidding(_: ApiClient, verb: str, resource: str) -> Iterator[None]:
            api.faults.forbid(verb, resource)
            try:
                yield
            finally:
                api.faults.clear()

        yield _Target(path, forbidding)


@pytest.fixture(scope="module")
def client(target: _Target) -> Iterator[ApiClient]:
    """A client as any program would configure it."""
    configuration = Configuration()
    config.load_kube_config(target.kubeconfig, client_configuration=configuration)
    configuration.retries = False
    with ApiClient(configuration) as client:
        yield client


@pytest.fixture
def cluster(target: _Target, client: ApiClient) -> Iterator[Cluster]:
    """The cluster, with a fresh namespace."""
    name = f"contract-{uuid.uuid4().hex[:12]}"
    cluster = Cluster(target.kubeconfig, client, name, partial(target.forbidding, client))
    created = cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": cluster.namespace}})
    assert created.status == 201, created.body
    yield cluster
    cluster.call("DELETE", f"/api/v1/namespaces/{cluster.namespace}")
