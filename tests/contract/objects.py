"""Built-in objects that several tests create."""

from __future__ import annotations

from typing import Any

CONTAINER = {"name": "web", "image": "web:1", "ports": [{"name": "http", "containerPort": 8080}]}
LABELS = {"app": "web", "version": "v1"}


def service(name: str = "web", **spec: Any) -> dict[str, Any]:
    """Return a Service with one port."""
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    return {"metadata": {"name": name}, "spec": {"selector": {"app": "web"}, "ports": ports, **spec}}


def deployment(name: str = "web", **spec: Any) -> dict[str, Any]:
    """Return a Deployment of one container."""
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [CONTAINER]}}
    return {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": LABELS}, "template": template, **spec}}
