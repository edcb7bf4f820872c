"""What the API server itself writes into an object's metadata."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from webapp.demo.kube.kinds import JsonObject, Kind

SERVERS_OWN = frozenset({"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"})
IDENTITY = frozenset({"name", "namespace", "generateName"})


def stamped(
    kind: Kind, old: JsonObject | None, wanted: JsonObject, *, manager: str, subresource: str, now: datetime
) -> JsonObject:
    """Return the object to store in place of `old`; `old` itself where nothing differs.

    Identity, creation time and resourceVersion are the server's: what `wanted` says of them does not count.
    """
    time = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    before = old or {"metadata": {}}
    kept = {key: before["metadata"][key] for key in SERVERS_OWN if key in before["metadata"]}
    metadata = {key: value for key, value in wanted["metadata"].items() if key not in SERVERS_OWN}
    new = kind.shown(wanted | {"metadata": metadata | kept}, kind.versions[0])
    was, becomes = _writable(before), _writable(new)
    gained, lost = changed_fields(was, becomes), changed_fields(becomes, was)
    if old is not None and not gained and not lost:
        return old
    own = new["metadata"]
    if old is None:
        own |= {"uid": str(uuid.uuid4()), "creationTimestamp": time}
    if kind.counts_generations and (old is None or (gained | lost).keys() - {"f:metadata", "f:status"}):
        own["generation"] = own.get("generation", 0) + 1
    entry = {
        "manager": manager,
        "operation": "Update",
        "apiVersion": new["apiVersion"],
        "time": time,
        "fieldsType": "FieldsV1",
        "fieldsV1": gained,
        **({"subresource": subresource} if subresource else {}),
    }
    own["managedFields"] = _managed(before["metadata"].get("managedFields", ()), entry, lost)
    return new


def changed_fields(old: Mapping[str, object], new: Mapping[str, object]) -> JsonObject:
    """Name what `new` has otherwise than `old`, as FieldsV1 does: `{"f:spec": {"f:http": {}}}`.

    Objects are looked into, lists count as a whole, which is what Istio's CRDs say of theirs.
    https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
    """
    found: JsonObject = {}
    for key, value in new.items():
        before = old.get(key)
        if key in old and before == value:
            continue
        inner = changed_fields(before if isinstance(before, dict) else {}, value) if isinstance(value, dict) else {}
        if inner or not value or not isinstance(before, dict):
            found[f"f:{key}"] = inner
    return found


def _writable(stored: JsonObject) -> JsonObject:
    metadata = {key: value for key, value in stored["metadata"].items() if key not in SERVERS_OWN | IDENTITY}
    content = {key: value for key, value in stored.items() if key not in {"apiVersion", "kind", "metadata"}}
    return content | ({"metadata": metadata} if metadata else {})


def _managed(entries: Sequence[JsonObject], entry: JsonObject, lost: JsonObject) -> list[JsonObject]:
    """Hand the fields of `entry` over to its manager; whoever is left with none disappears."""
    identity = _manager_of(entry)
    others: list[JsonObject] = []
    for each in entries:
        left = _without(_without(each["fieldsV1"], entry["fieldsV1"]), lost)
        if _manager_of(each) == identity:
            entry = entry | {"fieldsV1": _union(left, entry["fieldsV1"])}
        elif left:
            others.append(each | {"fieldsV1": left})
    return [*others, entry] if entry["fieldsV1"] else others


def _manager_of(entry: JsonObject) -> tuple[str, str]:
    return entry["manager"], entry.get("subresource", "")


def _union(fields: JsonObject, more: JsonObject) -> JsonObject:
    merged = {key: _union(fields[key], inner) for key, inner in more.items() if key in fields}
    return fields | more | merged


def _without(fields: JsonObject, gone: JsonObject) -> JsonObject:
    left: JsonObject = {}
    for key, inner in fields.items():
        if key not in gone:
            left[key] = inner
        elif rest := _without(inner, gone[key]):
            left[key] = rest
    return left
