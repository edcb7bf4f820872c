"""What the two tables of translated VirtualServices are written with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.mesh.api import Raw


@dataclass(frozen=True)
class Ask:
    """One request to the case's host."""

    path: str = "/"
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    host: str = ""


@dataclass(frozen=True)
class Case:
    """HTTP routes of one VirtualService, and what is asked of it; `hosts` where its own one is not enough."""

    id: str
    http: list[Raw]
    asks: list[Ask]
    hosts: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """The host that is asked where a request names none."""
        return f"{self.id}.example"


def to(subset: str, *, host: str = "web", weight: int | None = None, **fields: Any) -> Raw:
    """Return a destination."""
    found: Raw = {"destination": {"host": host, **({"subset": subset} if subset else {})}, **fields}
    return found if weight is None else found | {"weight": weight}


def route(*destinations: Raw, **fields: Any) -> Raw:
    """Return a route."""
    return {"route": list(destinations), **fields}


V1, V2 = route(to("v1")), route(to("v2"))
ROOT = Ask()


def paths(*given: str) -> list[Ask]:
    """Return a request for each path."""
    return [Ask(each) for each in given]


def with_header(name: str, *values: str) -> list[Ask]:
    """Return a request without the header, and one for each value of it."""
    return [ROOT, *(Ask(headers={name: value}) for value in values)]
