"""The walk through deploy/helloworld: each step, and what is true after it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import urllib3

from tests.mesh import processes
from tests.running import ROOT

FOLDER = ROOT / "deploy" / "helloworld"
WITHOUT_MTLS = ROOT / "deploy" / "helloworld-without-mtls"
SERVICE = "default/aspnetcore-service"
ELSEWHERE = "elsewhere.example"
DEADLINE_SECONDS = 15.0
wait_until = partial(processes.wait_until, seconds=DEADLINE_SECONDS)
REQUESTS = 60
"""Of two versions that share requests three to one, so many miss one in less than one run in ten millions."""


@dataclass(frozen=True)
class Step:
    """One file; afterwards, who answers at the gateway (None: nobody), and what the mesh's page says of a service."""

    file: str
    answers: frozenset[str | None]
    versions: tuple[tuple[str, int, int], ...]
    traffic: str = ""
    weights: tuple[tuple[str, int], ...] = ()
    service: str = SERVICE
    host: str = ""

    @property
    def path(self) -> Path:
        return FOLDER / self.file


NOBODY = frozenset({None})
ONE, BOTH = (("v1", 1, 1),), (("v1", 1, 1), ("v2", 1, 1))
BY_PODS = "no split: about by pods, 50/50"
PINNED = (("v2", 100),)

STEPS = (
    Step("1-service-and-v1.yaml", NOBODY, ONE, "one version"),
    Step("2-gateway.yaml", NOBODY, ONE, "one version"),
    Step("3-virtual-service.yaml", frozenset({"v1"}), ONE, "one version"),
    Step("4-v2.yaml", frozenset({"v1", "v2"}), BOTH, BY_PODS),
    Step("5-destination-rule.yaml", frozenset({"v1", "v2"}), BOTH, BY_PODS),
    Step("6-virtual-service-v2.yaml", frozenset({"v2"}), BOTH, weights=PINNED),
    Step("7-elsewhere.yaml", frozenset({"v2"}), BOTH, weights=PINNED),
    Step(
        "8-external-hosts.yaml",
        frozenset({"one", "two"}),
        (),
        weights=(("one", 75), ("two", 25)),
        service="default/one.hello.example",
        host=ELSEWHERE,
    ),
)


@dataclass(frozen=True)
class Visitor:
    """Asks the pages for JSON, and the gateway for answers."""

    pool: urllib3.PoolManager
    page_url: str
    gateway_url: str

    def page(self, path: str) -> Any:
        return json.loads(
            self.pool.request("GET", f"{self.page_url}{path}", headers={"Accept": "application/json"}).data
        )

    def says(self, step: Step) -> bool:
        """Whether the mesh's page says what is true after a step."""
        found = {f"{each['namespace']}/{each['name']}": each for each in self.page("/")["services"]}
        service = found.get(step.service)
        return service is not None and step == Step(
            step.file,
            step.answers,
            tuple((each["name"], each["ready"], each["total"]) for each in service["versions"]),
            service["split"]["text"],
            tuple((each["version"], each["weight"]) for each in service["split"]["destinations"]),
            step.service,
            step.host,
        )

    def answers(self, host: str = "", number: int = REQUESTS) -> Counter[str | None]:
        """Ask the gateway, and count which version answered; None is the gateway's own 404."""
        counted: Counter[str | None] = Counter()
        for _ in range(number):
            answer = self.pool.request("GET", self.gateway_url, headers={"Host": host} if host else {})
            assert answer.status in {200, 404}, answer.data
            counted[answer.headers.get("x-app-version")] += 1
        return counted


@contextmanager
def visiting(page_url: str, gateway_url: str) -> Iterator[Visitor]:
    """Give a visitor of a running demo."""
    with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=DEADLINE_SECONDS)) as pool:
        yield Visitor(pool, page_url, gateway_url)
