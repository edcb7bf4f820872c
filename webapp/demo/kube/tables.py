"""Objects as tables, which is how kubectl asks for what it prints.

https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from webapp.demo.kube.kinds import JsonObject

NONE = "<none>"


class Column(NamedTuple):
    """One column; one that is `wide` is shown by `-o wide` alone."""

    name: str
    cell: Callable[[JsonObject], Any]
    wide: bool = False
    type: str = "string"


def table(plural: str, shown: Sequence[tuple[JsonObject, JsonObject | None]], metadata: JsonObject) -> JsonObject:
    """Return a Table with a row for each (object, what goes with its row)."""
    columns = COLUMNS.get(plural, (NAME, AGE))
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [
            {
                "name": each.name,
                "type": each.type,
                "format": "name" if each is NAME else "",
                "description": "",
                "priority": int(each.wide),
            }
            for each in columns
        ],
        "rows": [
            {"cells": [each.cell(stored) for each in columns]} | ({"object": beside} if beside else {})
            for stored, beside in shown
        ],
    }


def age(seconds: float) -> str:
    """Return a duration in kubectl's short words: `95s`, `3m20s`, `5h`, `12d`."""
    whole = int(max(seconds, 0))
    for unit, letter, below, finer, finer_letter, finer_below in (
        (1, "s", 120, 0, "", 0),
        (60, "m", 180, 1, "s", 10),
        (3_600, "h", 48, 60, "m", 8),
        (86_400, "d", 730, 3_600, "h", 8),
    ):
        count, rest = divmod(whole, unit)
        if count < below:
            more = rest // finer if finer and count < finer_below else 0
            return f"{count}{letter}" + (f"{more}{finer_letter}" if more else "")
    return f"{whole // 31_536_000}y"


def _age(stored: JsonObject) -> str:
    created = stored["metadata"].get("creationTimestamp")
    return age((datetime.now(UTC) - datetime.fromisoformat(created)).total_seconds()) if created else "<unknown>"


def _at(path: str, default: Any = NONE) -> Callable[[JsonObject], Any]:
    """Read a field by its dotted path."""

    def read(stored: JsonObject) -> Any:
        found: Any = stored
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
        return default if found in (None, "") else found

    return read


def _written(path: str) -> Callable[[JsonObject], str | None]:
    """Read a field of a CRD's column: a list is written as JSON."""
    read = _at(path, None)

    def written(stored: JsonObject) -> str | None:
        found = read(stored)
        return found if found is None or isinstance(found, str) else json.dumps(found, separators=(",", ":"))

    return written


def _joined(items: Any, default: str = NONE) -> str:
    return ",".join(map(str, items)) or default


def _labels(path: str) -> Callable[[JsonObject], str]:
    return lambda stored: _joined(f"{name}={value}" for name, value in sorted(_at(path, {})(stored).items()))


def _containers(stored: JsonObject) -> list[JsonObject]:
    found: list[JsonObject] = _at("status.containerStatuses", [])(stored)
    return found


def _pod_ready(stored: JsonObject) -> str:
    wanted = _at("spec.containers", [])(stored)
    return f"{sum(bool(each.get('ready')) for each in _containers(stored))}/{len(wanted)}"


def _pod_status(stored: JsonObject) -> str:
    waiting = (each.get("state", {}).get("waiting", {}).get("reason") for each in _containers(stored))
    return next(filter(None, waiting), None) or str(_at("status.phase", "Pending")(stored))


def _restarts(stored: JsonObject) -> str:
    return str(sum(each.get("restartCount", 0) for each in _containers(stored)))


def _external_ip(stored: JsonObject) -> str:
    spec = stored.get("spec", {})
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName", ""))
    given = [each.get("ip") or each.get("hostname") for each in _at("status.loadBalancer.ingress", [])(stored)]
    pending = "<pending>" if spec.get("type") == "LoadBalancer" else NONE
    return _joined([*given, *spec.get("externalIPs", ())], pending)


def _ports(stored: JsonObject) -> str:
    return _joined(
        f"{each['port']}{':' + str(each['nodePort']) if each.get('nodePort') else ''}/{each.get('protocol', 'TCP')}"
        for each in stored.get("spec", {}).get("ports", ())
    )


def _deployment_ready(stored: JsonObject) -> str:
    return f"{_at('status.readyReplicas', 0)(stored)}/{_at('spec.replicas', 1)(stored)}"


def _of_containers(name: str) -> Callable[[JsonObject], str]:
    return lambda stored: _joined(each.get(name, "") for each in _at("spec.template.spec.containers", [])(stored))


def _node_status(stored: JsonObject) -> str:
    ready = [each["status"] for each in _at("status.conditions", [])(stored) if each.get("type") == "Ready"]
    return {"True": "Ready", "False": "NotReady"}.get(ready[0] if ready else "", "Unknown")


NAME = Column("Name", _at("metadata.name"))
AGE = Column("Age", _age)
_CRD_AGE = Column("Age", _age, type="date")

COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "namespaces": (NAME, Column("Status", _at("status.phase")), AGE),
    "nodes": (NAME, Column("Status", _node_status), Column("Roles", lambda _: NONE), AGE),
    "pods": (
        NAME,
        Column("Ready", _pod_ready),
        Column("Status", _pod_status),
        Column("Restarts", _restarts),
        AGE,
        Column("IP", _at("status.podIP"), wide=True),
        Column("Node", _at("spec.nodeName"), wide=True),
        Column("Nominated Node", _at("status.nominatedNodeName"), wide=True),
        Column("Readiness Gates", lambda _: NONE, wide=True),
    ),
    "services": (
        NAME,
        Column("Type", _at("spec.type", "ClusterIP")),
        Column("Cluster-IP", _at("spec.clusterIP")),
        Column("External-IP", _external_ip),
        Column("Port(s)", _ports),
        AGE,
        Column("Selector", _labels("spec.selector"), wide=True),
    ),
    "deployments": (
        NAME,
        Column("Ready", _deployment_ready),
        Column("Up-to-date", _at("status.updatedReplicas", 0)),
        Column("Available", _at("status.availableReplicas", 0)),
        AGE,
        Column("Containers", _of_containers("name"), wide=True),
        Column("Images", _of_containers("image"), wide=True),
        Column("Selector", _labels("spec.selector.matchLabels"), wide=True),
    ),
    "endpointslices": (
        NAME,
        Column("AddressType", _at("addressType")),
        Column("Ports", lambda stored: _joined(each["port"] for each in stored.get("ports", ()))),
        Column("Endpoints", lambda stored: _joined(a for e in stored.get("endpoints", ()) for a in e["addresses"])),
        AGE,
    ),
    "destinationrules": (NAME, Column("Host", _written("spec.host")), _CRD_AGE),
    "gateways": (NAME, _CRD_AGE),
    "serviceentries": (
        NAME,
        Column("Hosts", _written("spec.hosts")),
        Column("Location", _written("spec.location")),
        Column("Resolution", _written("spec.resolution")),
        _CRD_AGE,
    ),
    "virtualservices": (
        NAME,
        Column("Gateways", _written("spec.gateways")),
        Column("Hosts", _written("spec.hosts")),
        _CRD_AGE,
    ),
}
