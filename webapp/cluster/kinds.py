"""The kinds of objects that are watched: where they are served, how they are read, where they stand in a Snapshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from webapp.istio.objects import RawObject
from webapp.istio.parse import (
    parse_destination_rule,
    parse_endpoint_slice,
    parse_gateway,
    parse_pod,
    parse_service,
    parse_service_entry,
    parse_virtual_service,
)

ISTIO = "networking.istio.io"
ISTIO_VERSIONS = ("v1", "v1beta1", "v1alpha3")
"""Newest first; the same objects are served under each. https://istio.io/latest/blog/2024/v1-apis/"""


@dataclass(frozen=True, slots=True)
class Kind:
    """One watched kind.

    :param resource: the plural that addresses and RBAC use; also its name on pages.
    :param field: its place in `Snapshot`.
    :param versions: API versions in the order of preference; the first that is served is used.
    :param metadata_only: ask for labels and names without the spec, which for pods is most of the bytes.
        https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-metadata-only-representations
    :param noisy: most changes of such an object touch nothing that is read of it; they are not passed on.
    """

    resource: str
    field: str
    parse: Callable[[RawObject], Any]
    group: str = ""
    versions: tuple[str, ...] = ("v1",)
    metadata_only: bool = False
    noisy: bool = False

    def paths(self) -> tuple[str, ...]:
        """List the addresses of the kind's objects in all namespaces, one an API version."""
        root = f"/apis/{self.group}" if self.group else "/api"
        return tuple(f"{root}/{version}/{self.resource}" for version in self.versions)

    def accept(self, *, watch: bool) -> str:
        """Name the representation to ask for; servers without metadata-only answers send whole objects."""
        if not self.metadata_only:
            return "application/json"
        as_kind = "PartialObjectMetadata" if watch else "PartialObjectMetadataList"
        return f"application/json;as={as_kind};g=meta.k8s.io;v=v1,application/json"


VIRTUAL_SERVICES = Kind("virtualservices", "virtual_services", parse_virtual_service, ISTIO, ISTIO_VERSIONS)

KINDS = (
    VIRTUAL_SERVICES,
    Kind("destinationrules", "destination_rules", parse_destination_rule, ISTIO, ISTIO_VERSIONS),
    Kind("gateways", "gateways", parse_gateway, ISTIO, ISTIO_VERSIONS),
    Kind("serviceentries", "service_entries", parse_service_entry, ISTIO, ISTIO_VERSIONS),
    Kind("services", "services", parse_service),
    Kind("pods", "pods", parse_pod, metadata_only=True, noisy=True),
    Kind("endpointslices", "endpoint_slices", parse_endpoint_slice, "discovery.k8s.io", noisy=True),
)


def list_path(path: str, namespace: str) -> str:
    """Turn the address of a kind's objects in all namespaces into that of one, if one is given."""
    return object_path(path).replace("{namespace}", namespace).removesuffix("/{name}") if namespace else path


def object_path(path: str) -> str:
    """Turn the address of a kind's objects into that of one, with `{namespace}` and `{name}` to be filled in."""
    version, _, resource = path.rpartition("/")
    return f"{version}/namespaces/{{namespace}}/{resource}/{{name}}"
