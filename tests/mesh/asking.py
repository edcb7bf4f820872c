"""Requests to a gateway, and what came back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

from tests.mesh.gateway import EXTERNAL_ADDRESS

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Answer:
    """`asked` is what the application was asked, empty where the gateway answered itself."""

    status: int
    headers: Mapping[str, str]
    body: str
    asked: Mapping[str, Any]

    @property
    def version(self) -> str | None:
        """Who answered."""
        return self.headers.get("x-app-version")


class Asking:
    """One caller of a gateway, over connections that stay open."""

    def __init__(self, url: str = f"http://{EXTERNAL_ADDRESS}:8080") -> None:
        self.url = url
        self._pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=TIMEOUT_SECONDS))

    def __enter__(self) -> Asking:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.clear()

    def ask(self, path: str = "/", *, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
        """Send one request and read its answer; redirects are answers."""
        response = self._pool.request(method, f"{self.url}{path}", headers=dict(headers or {}), redirect=False)
        body = response.data.decode()
        told = {name.lower(): ",".join(response.headers.getlist(name)) for name in response.headers}
        asked = json.loads(body) if "x-app-version" in told and body else {}
        return Answer(response.status, told, body, asked)

    def status(self, path: str = "/", **headers: str) -> int:
        """Return the status alone, 0 where nobody listens."""
        try:
            return self.ask(path, headers=headers).status
        except urllib3.exceptions.HTTPError:
            return 0

    def count(self, number: int, path: str = "/", **headers: str) -> Counter[str | None]:
        """Send many requests and count who answered."""
        return Counter(self.ask(path, headers=headers).version for _ in range(number))
