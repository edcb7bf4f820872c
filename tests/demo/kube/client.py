"""A plain HTTPS client of the embedded API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import urllib3

from webapp.demo.kube import KubeApi

ISTIO = "/apis/networking.istio.io/v1/namespaces/default/virtualservices"
PODS = "/api/v1/namespaces/default/pods"


def virtual_service(name: str = "reviews", weights: tuple[int, int] = (90, 10)) -> dict[str, Any]:
    """A VirtualService with two weighted destinations."""
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": name},
        "spec": {
            "hosts": [name],
            "http": [
                {
                    "route": [
                        {"destination": {"host": name, "subset": subset}, "weight": weight}
                        for subset, weight in zip(("v1", "v2"), weights, strict=True)
                    ]
                }
            ],
        },
    }


@dataclass
class Client:
    """A plain HTTP client that carries the token."""

    api: KubeApi
    pool: urllib3.PoolManager

    def open(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request; return the open response."""
        sent = {"Authorization": f"Bearer {self.api.token}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        encoded = body if isinstance(body, str | None) else json.dumps(body)
        return self.pool.request(
            method, self.api.url + path, body=encoded, headers=sent, preload_content=False, timeout=10.0
        )

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Send a request; return status and body."""
        response = self.open(method, path, body, **headers)
        text = response.data.decode()
        is_json = response.headers["Content-Type"] == "application/json"
        return response.status, json.loads(text) if is_json else text

    def shift(self, weight: int, name: str = "reviews") -> tuple[int, Any]:
        """Patch the first weight."""
        operations = [{"op": "replace", "path": "/spec/http/0/route/0/weight", "value": weight}]
        return self.call("PATCH", f"{ISTIO}/{name}", operations, Content_Type="application/json-patch+json")

    def watch(self, path: str = ISTIO, query: str = "resourceVersion=0") -> Iterator[dict[str, Any]]:
        """Open a watch; return its events."""
        response = self.open("GET", f"{path}?watch=1&{query}")
        assert response.status == 200
        return self._events(response)

    def _events(self, response: Any) -> Iterator[dict[str, Any]]:
        waiting = b""
        try:
            for piece in response.stream(amt=None):
                *whole, waiting = (waiting + piece).split(b"\n")
                yield from map(json.loads, whole)
        finally:
            response.close()
