"""A small mesh: one service with two versions behind a gateway, one inside the mesh only."""

from __future__ import annotations

from typing import Any

ISTIO = "networking.istio.io/v1"


def pod(namespace: str, name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": namespace, "name": name, "labels": labels}}


def service(namespace: str, name: str, spec: dict[str, Any], status: dict[str, Any] | None = None) -> dict[str, Any]:
    metadata = {"namespace": namespace, "name": name}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec, "status": status or {}}


def endpoint_slice(namespace: str, name: str, pods: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "namespace": namespace,
            "name": f"{name}-1",
            "labels": {"kubernetes.io/service-name": name},
        },
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": [
            {
                "addresses": [address],
                "conditions": {"ready": True},
                "targetRef": {"kind": "Pod", "namespace": namespace, "name": pod_name},
            }
            for pod_name, address in pods.items()
        ],
    }


def virtual_service(weights: tuple[int, int] = (90, 10), **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": ISTIO,
        "kind": "VirtualService",
        "metadata": {"namespace": "shop", "name": "web", **metadata},
        "spec": {
            "hosts": ["shop.example"],
            "gateways": ["edge"],
            "http": [
                {
                    "name": "main",
                    "timeout": "7s",
                    "route": [
                        {"destination": {"host": "web", "subset": "v1"}, "weight": weights[0]},
                        {"destination": {"host": "web", "subset": "v2"}, "weight": weights[1]},
                    ],
                }
            ],
        },
    }


OBJECTS: list[tuple[str, dict[str, Any]]] = [
    ("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}),
    (
        "services",
        service(
            "shop",
            "web",
            {
                "clusterIP": "10.96.0.7",
                "selector": {"app": "web"},
                "ports": [{"name": "http", "port": 80, "targetPort": 8080}],
            },
        ),
    ),
    ("pods", pod("shop", "web-1", {"app": "web", "version": "v1"})),
    ("pods", pod("shop", "web-2", {"app": "web", "version": "v2"})),
    ("endpointslices", endpoint_slice("shop", "web", {"web-1": "10.244.0.1", "web-2": "10.244.0.2"})),
    (
        "services",
        service("shop", "inner", {"clusterIP": "10.96.0.8", "selector": {"app": "inner"}, "ports": [{"port": 80}]}),
    ),
    (
        "destinationrules",
        {
            "apiVersion": ISTIO,
            "kind": "DestinationRule",
            "metadata": {"namespace": "shop", "name": "web"},
            "spec": {
                "host": "web",
                "subsets": [
                    {"name": "v1", "labels": {"version": "v1"}},
                    {"name": "v2", "labels": {"version": "v2"}},
                ],
            },
        },
    ),
    (
        "gateways",
        {
            "apiVersion": ISTIO,
            "kind": "Gateway",
            "metadata": {"namespace": "shop", "name": "edge"},
            "spec": {
                "selector": {"istio": "ingressgateway"},
                "servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
            },
        },
    ),
    ("pods", pod("istio-system", "gateway-1", {"istio": "ingressgateway"})),
    (
        "services",
        service(
            "istio-system",
            "istio-ingressgateway",
            {
                "type": "LoadBalancer",
                "clusterIP": "10.96.0.9",
                "selector": {"istio": "ingressgateway"},
                "ports": [{"name": "http2", "port": 80, "targetPort": 8080}],
            },
            {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}},
        ),
    ),
    ("virtualservices", virtual_service()),
]
