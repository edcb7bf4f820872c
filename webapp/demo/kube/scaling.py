"""The subresource `scale`: how many pods an object wants, and nothing else of it.

https://kubernetes.io/docs/reference/kubernetes-api/autoscaling-resources/scale-v1/
"""

from __future__ import annotations

from webapp.demo.kube.defaults import replica_faults
from webapp.demo.kube.kinds import SCALE, JsonObject
from webapp.demo.kube.status import Cause, invalid, unnamed_invalid

_SHARED = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(stored: JsonObject) -> JsonObject:
    """Return an object's Scale."""
    labels = stored["spec"].get("selector", {}).get("matchLabels", {})
    status = {
        "replicas": stored.get("status", {}).get("replicas", 0),
        "selector": ",".join(f"{name}={value}" for name, value in sorted(labels.items())),
    }
    return {
        "kind": SCALE.kind,
        "apiVersion": SCALE.api_version(),
        "metadata": {name: stored["metadata"][name] for name in _SHARED},
        "spec": {"replicas": stored["spec"].get("replicas", 1)},
        "status": status,
    }


def with_scale(stored: JsonObject, scale: JsonObject) -> JsonObject:
    """Return the object as its changed Scale wants it; 422 where that is no number of pods."""
    spec = scale.get("spec") or {}
    replicas = spec.get("replicas", 0)
    if isinstance(replicas, bool) or not isinstance(replicas, int):
        words = "json: cannot unmarshal into Go struct field ScaleSpec.spec.replicas of type int32"
        raise unnamed_invalid(Cause("patch", f"Invalid value: {words}"))
    if faults := list(replica_faults(spec)):
        raise invalid(SCALE, stored["metadata"]["name"], faults)
    return stored | {"spec": stored["spec"] | {"replicas": replicas}}
