"""The mesh as the embedded API's store has it, for readers in the same process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from webapp.demo.kube.store import Store
from webapp.istio.objects import Key, ObjectMeta, RawObject
from webapp.istio.parse import (
    parse_destination_rule,
    parse_endpoint_slice,
    parse_gateway,
    parse_pod,
    parse_service,
    parse_service_entry,
    parse_virtual_service,
)
from webapp.istio.snapshot import Snapshot


class _Parsed(Protocol):
    @property
    def metadata(self) -> ObjectMeta: ...


_Object = TypeVar("_Object", bound=_Parsed)


RESOURCES = frozenset(
    {"services", "pods", "endpointslices", "virtualservices", "destinationrules", "gateways", "serviceentries"}
)
"""What a snapshot is made of."""


def snapshot_of(store: Store) -> Snapshot:
    """Parse what the store has; its revision is at most as new as the objects."""
    revision = store.revision

    def read(resource: str, parse: Callable[[RawObject], _Object]) -> dict[Key, _Object]:
        _, stored = store.state(resource)
        return {each.metadata.key: each for each in map(parse, stored)}

    return Snapshot(
        revision=revision,
        services=read("services", parse_service),
        pods=read("pods", parse_pod),
        endpoint_slices=read("endpointslices", parse_endpoint_slice),
        virtual_services=read("virtualservices", parse_virtual_service),
        destination_rules=read("destinationrules", parse_destination_rule),
        gateways=read("gateways", parse_gateway),
        service_entries=read("serviceentries", parse_service_entry),
    )
