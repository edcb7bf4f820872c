"""What the API server adds to Services and Deployments, and what it refuses of them.

https://kubernetes.io/docs/concepts/services-networking/service/
https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from ipaddress import ip_address, ip_network

from webapp.demo.kube.kinds import JsonObject, Kind
from webapp.demo.kube.status import Cause, invalid

NETWORK = ip_network("10.96.0.0/16")
"""Where Services have their addresses."""

FIRST_FREE = 10 * 256 + 1
"""The addresses before are left to objects that name theirs."""


def completed(kind: Kind, old: JsonObject | None, wanted: JsonObject, taken: Collection[str]) -> JsonObject:
    """Return an object as it is stored: with defaults, and a Service with an address that no other has (422).

    :param taken: the addresses that other Services have.
    """
    name = wanted["metadata"]["name"]
    spec, before = wanted.get("spec") or {}, (old or {}).get("spec", {})
    if kind.plural == "services":
        causes = list(_service_faults(spec, before, taken))
        spec = spec if causes else _service(spec, before, taken)
    elif kind.plural == "deployments":
        spec = {"replicas": 1} | spec
        causes = [*replica_faults(spec), *_deployment_faults(spec, before)]
    else:
        return wanted
    if causes:
        raise invalid(kind, name, causes)
    is_new_service = old is None and kind.plural == "services"
    return ({"status": {"loadBalancer": {}}} if is_new_service else {}) | wanted | {"spec": spec}


def replica_faults(spec: JsonObject) -> Iterator[Cause]:
    """Say what is wrong with `spec.replicas`, of a Deployment or of its Scale."""
    replicas = spec.get("replicas", 0)
    if replicas < 0:
        yield Cause("spec.replicas", f"Invalid value: {replicas}: must be greater than or equal to 0")


def _service(spec: JsonObject, before: JsonObject, taken: Collection[str]) -> JsonObject:
    given: JsonObject = {"type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster"} | spec
    given["ports"] = [{"protocol": "TCP", "targetPort": port.get("port")} | port for port in spec.get("ports") or ()]
    if given["type"] == "ExternalName":
        return given
    address = spec.get("clusterIP") or before.get("clusterIP") or _free_address(taken)
    families = {"ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"}
    return families | given | {"clusterIP": address, "clusterIPs": [address]}


def _free_address(taken: Collection[str]) -> str:
    return next(str(each) for number in range(FIRST_FREE, 2**16) if str(each := NETWORK[number]) not in taken)


def _service_faults(spec: JsonObject, before: JsonObject, taken: Collection[str]) -> Iterator[Cause]:
    address, held = spec.get("clusterIP") or "", before.get("clusterIP") or ""
    listed = json.dumps([address])
    if not spec.get("ports") and spec.get("type") != "ExternalName" and address != "None":
        yield Cause("spec.ports", "Required value", "FieldValueRequired")
    elif held and address and address != held:
        yield Cause("spec.clusterIPs[0]", f"Invalid value: {listed}: may not change once set")
    elif address and address not in {"None", held}:
        cannot = f"Invalid value: {listed}: failed to allocate IP {address}:"
        if not _is_address(address):
            words = f'Invalid value: "{address}": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
            yield Cause("spec.clusterIPs[0]", words)
        elif ip_address(address) not in NETWORK:
            range_words = f"is not in the valid range. The range of valid IPs is {NETWORK}"
            yield Cause("spec.clusterIPs", f"{cannot} the provided IP ({address}) {range_words}")
        elif address in taken:
            yield Cause("spec.clusterIPs", f"{cannot} provided IP is already allocated")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _deployment_faults(spec: JsonObject, before: JsonObject) -> Iterator[Cause]:
    selector = spec.get("selector")
    labels = spec.get("template", {}).get("metadata", {}).get("labels") or {}
    if not selector:
        yield Cause("spec.selector", "Required value", "FieldValueRequired")
    if not (selector or {}).get("matchLabels", {}).items() <= labels.items() or not selector:
        shown = json.dumps(labels, separators=(",", ":"), sort_keys=True)
        yield Cause(
            "spec.template.metadata.labels", f"Invalid value: {shown}: `selector` does not match template `labels`"
        )
    if before and selector != before.get("selector"):
        shown = json.dumps(selector, separators=(",", ":"), sort_keys=True)
        yield Cause("spec.selector", f"Invalid value: {shown}: field is immutable")
