"""Istio's and Kubernetes' objects as values: only what Crossfade reads of them.

Field names are Istio's and Kubernetes' own. Every top-level object keeps the JSON it was parsed from in `raw`, so
that a patch can be built against exactly what was read; nothing here is ever written back from the parsed form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

RawObject: TypeAlias = Mapping[str, Any]
"""An object as JSON, just as the API server sent it."""

JsonPatch: TypeAlias = list[dict[str, Any]]
"""RFC 6902 operations: `{"op": "replace", "path": "/spec/http/0/route/1/weight", "value": 10}`."""

Key: TypeAlias = tuple[str, str]
"""(namespace, name)"""

Section: TypeAlias = Literal["http", "tls", "tcp"]
"""The list in a VirtualService's spec that a route stands in."""


@dataclass(frozen=True, slots=True)
class ManagedField:
    """One entry of `metadata.managedFields`: who wrote last, how and when (`time` is RFC 3339, may be empty)."""

    manager: str
    operation: str
    time: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OwnerReference:
    """One entry of `metadata.ownerReferences`."""

    api_version: str
    kind: str
    name: str
    controller: bool


@dataclass(frozen=True, slots=True)
class ObjectMeta:
    """The part of `metadata` that Crossfade reads."""

    namespace: str
    name: str
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    owner_references: tuple[OwnerReference, ...] = ()
    managed_fields: tuple[ManagedField, ...] = ()

    @property
    def key(self) -> Key:
        """(namespace, name)"""
        return self.namespace, self.name

    @property
    def full_name(self) -> str:
        """`namespace/name`, as pages and messages say it."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class StringMatch:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#StringMatch; `present` is `{}`."""

    kind: Literal["exact", "prefix", "regex", "present"]
    value: str = ""


@dataclass(frozen=True, slots=True)
class HttpMatch:
    """One entry of `spec.http[].match`: all conditions of one entry hold together; entries are alternatives.

    https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest
    `unknown` names fields that this version does not understand; such a match is never guessed at.
    """

    name: str = ""
    uri: StringMatch | None = None
    ignore_uri_case: bool = False
    scheme: StringMatch | None = None
    method: StringMatch | None = None
    authority: StringMatch | None = None
    headers: Mapping[str, StringMatch] = field(default_factory=dict)
    without_headers: Mapping[str, StringMatch] = field(default_factory=dict)
    query_params: Mapping[str, StringMatch] = field(default_factory=dict)
    port: int | None = None
    source_labels: Mapping[str, str] = field(default_factory=dict)
    source_namespace: str = ""
    gateways: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class L4Match:
    """One entry of `spec.tls[].match` or `spec.tcp[].match`; `sni_hosts` are TLS routes' alone.

    https://istio.io/latest/docs/reference/config/networking/virtual-service/#TLSMatchAttributes
    https://istio.io/latest/docs/reference/config/networking/virtual-service/#L4MatchAttributes
    """

    sni_hosts: tuple[str, ...] = ()
    destination_subnets: tuple[str, ...] = ()
    port: int | None = None
    source_labels: Mapping[str, str] = field(default_factory=dict)
    source_namespace: str = ""
    gateways: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Destination:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination; `host` as written."""

    host: str
    subset: str | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class RouteDestination:
    """One entry of a route's `route`. `weight` is None where the object has none; `headers` is raw and HTTP's alone."""

    destination: Destination
    weight: int | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """What routes of all sections have: `index` is its place in `spec.<section>`. Only HTTP routes have a name."""

    index: int
    name: str = ""
    match: tuple[HttpMatch, ...] | tuple[L4Match, ...] = ()
    route: tuple[RouteDestination, ...] = ()
    section: Section = "http"
    raw: RawObject = field(default_factory=dict, repr=False)

    @property
    def weights(self) -> tuple[int, ...]:
        """Weights as Istio reads them: relative; absent among several means 0; a single destination takes all.

        https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRouteDestination
        https://istio.io/latest/docs/reference/config/networking/virtual-service/#RouteDestination
        """
        if len(self.route) == 1:
            return (100,)
        return tuple(destination.weight or 0 for destination in self.route)


@dataclass(frozen=True, slots=True)
class HttpRoute(Route):
    """One entry of `spec.http`. Its own fields below `match` are raw."""

    match: tuple[HttpMatch, ...] = ()
    redirect: Mapping[str, Any] | None = None
    direct_response: Mapping[str, Any] | None = None
    delegate: Mapping[str, Any] | None = None
    rewrite: Mapping[str, Any] | None = None
    timeout: str | None = None
    retries: Mapping[str, Any] | None = None
    fault: Mapping[str, Any] | None = None
    mirror: Mapping[str, Any] | None = None
    mirrors: tuple[Mapping[str, Any], ...] = ()
    cors_policy: Mapping[str, Any] | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class L4Route(Route):
    """One entry of `spec.tls` or `spec.tcp`: it takes whole connections.

    https://istio.io/latest/docs/reference/config/networking/virtual-service/#TLSRoute
    https://istio.io/latest/docs/reference/config/networking/virtual-service/#TCPRoute
    """

    match: tuple[L4Match, ...] = ()


@dataclass(frozen=True, slots=True)
class VirtualService:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService

    `gateways` as written, `("mesh",)` where absent. `conditions` are raw entries of `status.conditions`.
    """

    metadata: ObjectMeta
    hosts: tuple[str, ...]
    gateways: tuple[str, ...] = ("mesh",)
    export_to: tuple[str, ...] = ()
    http: tuple[HttpRoute, ...] = ()
    tls: tuple[L4Route, ...] = ()
    tcp: tuple[L4Route, ...] = ()
    conditions: tuple[Mapping[str, Any], ...] = ()
    raw: RawObject = field(default_factory=dict, repr=False)

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of all sections."""
        return *self.http, *self.tls, *self.tcp


@dataclass(frozen=True, slots=True)
class Subset:
    """https://istio.io/latest/docs/reference/config/networking/destination-rule/#Subset"""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    traffic_policy: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class DestinationRule:
    """https://istio.io/latest/docs/reference/config/networking/destination-rule/#DestinationRule"""

    metadata: ObjectMeta
    host: str
    subsets: tuple[Subset, ...] = ()
    traffic_policy: Mapping[str, Any] | None = None
    export_to: tuple[str, ...] = ()
    raw: RawObject = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Server:
    """One entry of a Gateway's `spec.servers`."""

    port: int
    port_name: str
    protocol: str
    hosts: tuple[str, ...]
    tls_mode: str = ""
    https_redirect: bool = False
    bind: str = ""


@dataclass(frozen=True, slots=True)
class Gateway:
    """https://istio.io/latest/docs/reference/config/networking/gateway/#Gateway"""

    metadata: ObjectMeta
    selector: Mapping[str, str] = field(default_factory=dict)
    servers: tuple[Server, ...] = ()
    raw: RawObject = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """https://istio.io/latest/docs/reference/config/networking/service-entry/#ServiceEntry"""

    metadata: ObjectMeta
    hosts: tuple[str, ...]
    ports: tuple[ServicePort, ...] = ()
    resolution: str = ""
    location: str = ""
    endpoints: tuple[Mapping[str, Any], ...] = ()
    raw: RawObject = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One entry of a Service's `spec.ports`; `target_port` is a number or a container port's name."""

    port: int
    name: str = ""
    protocol: str = "TCP"
    app_protocol: str = ""
    target_port: int | str | None = None
    node_port: int | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A Kubernetes Service. `external_addresses` come from `status.loadBalancer.ingress` and `spec.externalIPs`."""

    metadata: ObjectMeta
    type: str = "ClusterIP"
    cluster_ip: str = ""
    selector: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[ServicePort, ...] = ()
    external_addresses: tuple[str, ...] = ()
    external_name: str = ""
    session_affinity: str = ""
    conditions: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod's metadata: its labels say which version it is (readiness comes from the EndpointSlices)."""

    metadata: ObjectMeta

    @property
    def has_proxy(self) -> bool:
        """Whether a proxy of Istio's ends mutual TLS for it: a sidecar of its own, or the node's.

        https://istio.io/latest/docs/reference/config/labels/#SecurityTlsMode
        https://istio.io/latest/docs/reference/config/annotations/#SidecarStatus
        """
        annotations = self.metadata.annotations
        return (
            self.metadata.labels.get("security.istio.io/tlsMode") == "istio"
            or "sidecar.istio.io/status" in annotations
            or annotations.get("ambient.istio.io/redirection") == "enabled"
        )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One entry of an EndpointSlice; `pod` is the name in `targetRef`, empty where it names no pod."""

    addresses: tuple[str, ...]
    ready: bool
    pod: str = ""
    node: str = ""


@dataclass(frozen=True, slots=True)
class EndpointSlice:
    """A `discovery.k8s.io/v1` EndpointSlice; `service` is its label `kubernetes.io/service-name`."""

    metadata: ObjectMeta
    service: str
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[Mapping[str, Any], ...] = ()
