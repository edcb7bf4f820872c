"""The objects that a real cluster's controllers and installers would make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.mesh.api import Raw
from tests.mesh.control_plane import ISTIOD_ADDRESS
from tests.mesh.gateway import EXTERNAL_ADDRESS, GATEWAY_ADDRESS, GATEWAY_LABELS, GATEWAY_POD

ROOT_NAMESPACE = "istio-system"
ISTIO_GROUPS = [f"{each}.istio.io" for each in ("networking", "security", "telemetry", "extensions")]


def raw(api_version: str, kind: str, name: str, *, namespace: str = "", labels: Any = None, **fields: Any) -> Raw:
    """Return an object."""
    metadata: Raw = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": metadata | ({"labels": dict(labels)} if labels else {}),
        **fields,
    }


def pod(name: str, *, namespace: str, labels: Mapping[str, str], address: str, ready: bool = True) -> Raw:
    """Return a pod as its kubelet reports it."""
    status = {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [{"type": "Ready", "status": str(ready)}],
    }
    spec = {"nodeName": "node-1", "containers": [{"name": "app", "image": "crossfade-hello"}]}
    return raw("v1", "Pod", name, namespace=namespace, labels=labels, spec=spec, status=status)


def service(name: str, *, namespace: str, selector: Mapping[str, str], ports: Sequence[Raw], **spec: Any) -> Raw:
    """Return a Service."""
    return raw(
        "v1", "Service", name, namespace=namespace, labels=selector, spec={"selector": selector, "ports": ports, **spec}
    )


def endpoint_slice(service_: Raw, pods: Sequence[Raw], *, port: int | None = None) -> Raw:
    """Return what the endpoint slice controller makes of a Service and the pods that it selects.

    :param port: the pods' own, where the Service names it by a word.
    """
    metadata = service_["metadata"]
    endpoints = [
        {
            "addresses": [each["status"]["podIP"]],
            "conditions": {"ready": each["status"]["conditions"][0]["status"] == "True"},
            "targetRef": {"kind": "Pod", "name": each["metadata"]["name"], "namespace": metadata["namespace"]},
        }
        for each in pods
    ]
    ports = [
        {"name": each.get("name", ""), "port": port or each.get("targetPort", each["port"]), "protocol": "TCP"}
        for each in service_["spec"]["ports"]
    ]
    return raw(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        f"{metadata['name']}-by-hand",
        namespace=metadata["namespace"],
        labels={"kubernetes.io/service-name": metadata["name"]},
        addressType="IPv4",
        endpoints=endpoints,
        ports=ports,
    )


def installation() -> list[Raw]:
    """Return what an installation of Istio has: istiod's Service and the ingress gateway."""
    door = service(
        "istio-ingressgateway",
        namespace=ROOT_NAMESPACE,
        selector=GATEWAY_LABELS,
        type="LoadBalancer",
        clusterIP="10.96.0.80",
        # No kube-proxy runs here: a port has to be the pods' own.
        ports=[
            {"name": "http2", "port": 80, "targetPort": 80},
            {"name": "http-alternative", "port": 8080, "targetPort": 8080},
        ],
    )
    gateway_pod = pod(GATEWAY_POD, namespace=ROOT_NAMESPACE, labels=GATEWAY_LABELS, address=GATEWAY_ADDRESS)
    https = [{"name": "https-webhook", "port": 443, "targetPort": 443}]
    return [
        raw("v1", "Namespace", ROOT_NAMESPACE),
        service("istiod", namespace=ROOT_NAMESPACE, selector={"app": "istiod"}, ports=https, clusterIP=ISTIOD_ADDRESS),
        door | {"status": {"loadBalancer": {"ingress": [{"ip": EXTERNAL_ADDRESS}]}}},
        gateway_pod,
        endpoint_slice(door, [gateway_pod]),
    ]


def webhook(authority: str) -> Raw:
    """Return the configuration of istiod's validating webhook, strict as after an installation has settled.

    :param authority: base64 of the certificate that vouches for istiod.
    """
    rule = {"operations": ["CREATE", "UPDATE"], "apiGroups": ISTIO_GROUPS, "apiVersions": ["*"], "resources": ["*"]}
    hook = {
        "name": "rev.validation.istio.io",
        "clientConfig": {
            "service": {"name": "istiod", "namespace": ROOT_NAMESPACE, "path": "/validate"},
            "caBundle": authority,
        },
        "rules": [rule],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    return raw(
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        "istio-validator-istio-system",
        webhooks=[hook],
    )


def refused_by_webhook() -> Raw:
    """Return a VirtualService that only the webhook refuses: what shows that it is asked."""
    route = {"route": [{"destination": {"host": "none"}, "weight": -1}]}
    spec = {"hosts": ["probe.example"], "http": [route]}
    return raw("networking.istio.io/v1", "VirtualService", "probe", namespace="default", spec=spec)
