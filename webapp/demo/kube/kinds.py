"""The table of kinds that the embedded API serves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]

# Objects of a store hold no cycles: not looking for them saves a quarter of a long list's time.
encoded = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

ISTIO = "networking.istio.io"
READ_WRITE = ("create", "delete", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object: `versions` are served alike, the preferred one first; objects are stored under that one.

    `counts_generations`: `metadata.generation` grows with each change outside of metadata and status.
    `answers_deleted`: DELETE answers with the object instead of a Status.
    """

    group: str
    versions: tuple[str, ...]
    plural: str
    kind: str
    namespaced: bool = True
    has_status: bool = True
    has_scale: bool = False
    counts_generations: bool = True
    answers_deleted: bool = False
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = READ_WRITE

    @property
    def is_custom(self) -> bool:
        """Whether a CustomResourceDefinition defines it: these differ in lists, patch types and unfenced updates."""
        return self.group == ISTIO

    @property
    def subresources(self) -> tuple[str, ...]:
        """What can be read and written of its objects by itself."""
        return (*(("scale",) if self.has_scale else ()), *(("status",) if self.has_status else ()))

    @property
    def group_resource(self) -> str:
        """The words of Kubernetes' messages: `virtualservices.networking.istio.io`, `pods`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def group_kind(self) -> str:
        """The words of messages about invalid objects: `VirtualService.networking.istio.io`, `Pod`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    def api_version(self, version: str = "") -> str:
        """`apiVersion` of the objects, in the stored version unless another is asked for."""
        version = version or self.versions[0]
        return f"{self.group}/{version}" if self.group else version

    def root(self, version: str) -> str:
        """Return the start of its addresses: `api/v1`, `apis/apps/v1`."""
        return f"{'apis' if self.group else 'api'}/{self.api_version(version)}"

    def shown(self, stored: JsonObject, version: str) -> JsonObject:
        """Return a stored object as that version shows it, `apiVersion` and `kind` first."""
        return {"apiVersion": self.api_version(version), "kind": self.kind} | {
            key: value for key, value in stored.items() if key not in {"apiVersion", "kind"}
        }


def _istio(plural: str, kind: str, *short_names: str) -> Kind:
    return Kind(
        ISTIO,
        ("v1", "v1beta1", "v1alpha3"),
        plural,
        kind,
        short_names=short_names,
        categories=("istio-io", "networking-istio-io"),
    )


NAMESPACES = Kind("", ("v1",), "namespaces", "Namespace", False, counts_generations=False, short_names=("ns",))

SCALE = Kind("autoscaling", ("v1",), "scales", "Scale")
"""What the subresource `scale` of other kinds is; it has no address of its own.

https://kubernetes.io/docs/reference/kubernetes-api/autoscaling-resources/scale-v1/
"""

KINDS: tuple[Kind, ...] = (
    NAMESPACES,
    Kind("", ("v1",), "nodes", "Node", False, counts_generations=False, short_names=("no",)),
    Kind("", ("v1",), "pods", "Pod", answers_deleted=True, short_names=("po",), categories=("all",)),
    Kind(
        "",
        ("v1",),
        "services",
        "Service",
        counts_generations=False,
        answers_deleted=True,
        short_names=("svc",),
        categories=("all",),
    ),
    Kind("apps", ("v1",), "deployments", "Deployment", has_scale=True, short_names=("deploy",), categories=("all",)),
    Kind("discovery.k8s.io", ("v1",), "endpointslices", "EndpointSlice", has_status=False),
    _istio("destinationrules", "DestinationRule", "dr"),
    _istio("gateways", "Gateway", "gw"),
    _istio("serviceentries", "ServiceEntry", "se"),
    _istio("virtualservices", "VirtualService", "vs"),
    Kind(
        "authorization.k8s.io",
        ("v1",),
        "selfsubjectaccessreviews",
        "SelfSubjectAccessReview",
        namespaced=False,
        has_status=False,
        verbs=("create",),
    ),
)
