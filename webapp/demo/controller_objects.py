"""The objects that the controller writes, as Kubernetes' own controllers shape them: pure functions on JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from webapp.istio.objects import RawObject
from webapp.istio.parse_values import integer, mapping, mappings, text, texts_by_name

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Letters of generated names: no vowels, so that no words come about.

https://pkg.go.dev/k8s.io/apimachinery/pkg/util/rand#SafeEncodeString
"""

HASH_LABEL = "pod-template-hash"
SERVICE_LABEL = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
SLICES = "endpointslice-controller.k8s.io"
NODE = "demo"
SWITCH_PREFIX = "crossfade.demo/"
SIDECAR_LABELS = {"security.istio.io/tlsMode": "istio"}
"""What Istio's injector writes on a pod that it gives a sidecar.

https://istio.io/latest/docs/reference/config/labels/#SecurityTlsMode
"""


def template_hash(deployment: RawObject) -> str:
    """Return a hash of the pod template: pods of another one are replaced."""
    return _letters(json.dumps(mapping(deployment.get("spec")).get("template"), sort_keys=True), 10)


def is_injected(namespace: RawObject | None) -> bool:
    """Say whether pods of a Namespace get a sidecar.

    https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/#automatic-sidecar-injection
    """
    return namespace is not None and label_of(namespace, "istio-injection") == "enabled"


def new_pod(deployment: RawObject, *, suffix: str, injected: bool = False) -> dict[str, Any]:
    """Return a Pod of a Deployment, not yet on a node; an injected one counts as having a sidecar."""
    metadata, template = deployment["metadata"], mapping(mapping(deployment.get("spec")).get("template"))
    hashed = template_hash(deployment)
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": metadata["name"], "uid": metadata["uid"]}
    given = mapping(template.get("metadata"))
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{metadata['name']}-{hashed}-{suffix}",
            "namespace": metadata["namespace"],
            "labels": {
                **(SIDECAR_LABELS if injected else {}),
                **texts_by_name(given.get("labels")),
                HASH_LABEL: hashed,
            },
            "annotations": texts_by_name(given.get("annotations")),
            "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
        },
        "spec": {**mapping(template.get("spec")), "nodeName": NODE},
    }


def pod_status(pod: RawObject, *, address: str, ready: bool) -> dict[str, Any]:
    """Return the status of a Pod that runs; one that is not ready has crashed."""
    waiting = {"reason": "CrashLoopBackOff", "message": f"the annotation {SWITCH_PREFIX}crash keeps it closed"}
    containers = mappings(mapping(pod.get("spec")).get("containers"))
    said = "True" if ready else "False"
    return {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Initialized", "status": "True"},
            {"type": "ContainersReady", "status": said},
            {"type": "Ready", "status": said},
        ],
        "containerStatuses": [
            {
                "name": text(each.get("name")),
                "image": text(each.get("image")),
                "ready": ready,
                "started": ready,
                "restartCount": 0,
                "state": {"running": {}} if ready else {"waiting": waiting},
            }
            for each in containers
        ],
    }


def is_ready(pod: RawObject) -> bool:
    """Say whether a Pod's Ready condition is true."""
    conditions = mappings(mapping(pod.get("status")).get("conditions"))
    return any((each.get("type"), each.get("status")) == ("Ready", "True") for each in conditions)


def label_of(one: RawObject, name: str) -> str:
    """Return one of an object's labels, empty where it has none of that name."""
    return text(mapping(one["metadata"].get("labels")).get(name))


def address_of(pod: RawObject) -> str:
    """Return a Pod's address, empty while it has none."""
    return text(mapping(pod.get("status")).get("podIP"))


def selected_by(service: RawObject, pods: Iterable[RawObject]) -> list[RawObject]:
    """Return the Pods that a Service selects and that have an address."""
    selector = texts_by_name(mapping(service.get("spec")).get("selector")).items()
    namespace = service["metadata"]["namespace"]
    return [
        pod
        for pod in pods
        if pod["metadata"]["namespace"] == namespace
        and selector <= texts_by_name(pod["metadata"].get("labels")).items()
        and address_of(pod)
    ]


def endpoint_slice(service: RawObject, pods: Sequence[RawObject]) -> dict[str, Any]:
    """Return the one EndpointSlice of a Service: the selected pods, ready or not, and the ports they listen on.

    https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
    """
    metadata = service["metadata"]
    owner = {"apiVersion": "v1", "kind": "Service", "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{metadata['name']}-{_letters(metadata['uid'], 5)}",
            "namespace": metadata["namespace"],
            "labels": {SERVICE_LABEL: metadata["name"], MANAGED_BY: SLICES},
            "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
        },
        "addressType": "IPv4",
        "endpoints": [_endpoint(pod) for pod in pods],
        "ports": [
            {
                "name": text(port.get("name")),
                "port": _target(port, pods),
                "protocol": text(port.get("protocol")) or "TCP",
            }
            for port in mappings(mapping(service.get("spec")).get("ports"))
        ],
    }


def deployment_status(deployment: RawObject, pods: Sequence[RawObject]) -> dict[str, Any]:
    """Return the status of a Deployment that has these Pods; counts of zero are left out, as Kubernetes does."""
    hashed, ready = template_hash(deployment), sum(map(is_ready, pods))
    updated = sum(label_of(pod, HASH_LABEL) == hashed for pod in pods)
    counts = {"replicas": len(pods), "updatedReplicas": updated, "readyReplicas": ready, "availableReplicas": ready}
    available = "True" if ready >= replicas_of(deployment) else "False"
    return {
        "observedGeneration": deployment["metadata"].get("generation", 1),
        **{name: count for name, count in counts.items() if count},
        "conditions": [{"type": "Available", "status": available}],
    }


def replicas_of(deployment: RawObject) -> int:
    """Return how many Pods a Deployment wants; 1 where it does not say."""
    wanted = integer(mapping(deployment.get("spec")).get("replicas"))
    return 1 if wanted is None else max(wanted, 0)


def _endpoint(pod: RawObject) -> dict[str, Any]:
    metadata, ready = pod["metadata"], is_ready(pod)
    target = {"kind": "Pod", "namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "addresses": [address_of(pod)],
        "conditions": {"ready": ready, "serving": ready, "terminating": False},
        "nodeName": text(mapping(pod.get("spec")).get("nodeName")) or NODE,
        "targetRef": target,
    }


def _target(port: Mapping[str, Any], pods: Sequence[RawObject]) -> int:
    """Return the number of a Service's target port, which may be the name of a container's port."""
    target = port.get("targetPort")
    for pod in pods if isinstance(target, str) else ():
        for container in mappings(mapping(pod.get("spec")).get("containers")):
            for each in mappings(container.get("ports")):
                if each.get("name") == target and (number := integer(each.get("containerPort"))):
                    return number
    return integer(target) or integer(port.get("port")) or 0


def _letters(written: str, count: int) -> str:
    digest = hashlib.sha256(written.encode()).digest()
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in digest[:count])
