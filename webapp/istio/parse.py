"""Objects from JSON. Tolerant: what is missing or of a wrong type counts as absent, and nothing here raises.

The API server has checked an object against the schema that it has, which may be older or newer than what is
known here; and a fake may hold anything. Places in lists are kept, since a patch names them: an entry that can't
be read stays as an empty one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from webapp.istio.objects import (
    Destination,
    DestinationRule,
    Endpoint,
    EndpointSlice,
    Gateway,
    HttpRoute,
    L4Route,
    ManagedField,
    ObjectMeta,
    OwnerReference,
    Pod,
    RawObject,
    RouteDestination,
    Section,
    Server,
    Service,
    ServiceEntry,
    ServicePort,
    Subset,
    VirtualService,
)
from webapp.istio.parse_match import parse_l4_matches, parse_matches
from webapp.istio.parse_values import integer, mapping, mapping_or_none, mappings, text, texts, texts_by_name

SIDECAR = "sidecar.istio.io/status"
POD_ANNOTATIONS = (SIDECAR, "ambient.istio.io/redirection")
"""https://istio.io/latest/docs/reference/config/annotations/; what the first one says is long and not read."""


def _metadata(raw: RawObject) -> ObjectMeta:
    found = mapping(raw.get("metadata"))
    return ObjectMeta(
        namespace=text(found.get("namespace")),
        name=text(found.get("name")),
        resource_version=text(found.get("resourceVersion")),
        generation=integer(found.get("generation")) or 0,
        creation_timestamp=text(found.get("creationTimestamp")),
        labels=texts_by_name(found.get("labels")),
        annotations=texts_by_name(found.get("annotations")),
        owner_references=tuple(
            OwnerReference(
                api_version=text(each.get("apiVersion")),
                kind=text(each.get("kind")),
                name=text(each.get("name")),
                controller=each.get("controller") is True,
            )
            for each in mappings(found.get("ownerReferences"))
        ),
        managed_fields=tuple(
            ManagedField(
                manager=text(each.get("manager")),
                operation=text(each.get("operation")),
                time=text(each.get("time")),
                fields=mapping(each.get("fieldsV1")),
            )
            for each in mappings(found.get("managedFields"))
        ),
    )


def _small_metadata(raw: RawObject) -> ObjectMeta:
    """Metadata of the kinds that come by the thousand: only what says whose they are."""
    found = mapping(raw.get("metadata"))
    return ObjectMeta(
        namespace=text(found.get("namespace")),
        name=text(found.get("name")),
        resource_version=text(found.get("resourceVersion")),
        labels=texts_by_name(found.get("labels")),
    )


def _destination(raw: RawObject) -> Destination:
    return Destination(
        host=text(raw.get("host")),
        subset=text(raw.get("subset")) or None,
        port=integer(mapping(raw.get("port")).get("number")),
    )


def _route_destinations(raw: RawObject) -> tuple[RouteDestination, ...]:
    return tuple(
        RouteDestination(
            destination=_destination(mapping(each.get("destination"))),
            weight=integer(each.get("weight")),
            headers=mapping(each.get("headers")),
        )
        for each in mappings(raw.get("route"))
    )


def _l4_routes(spec: RawObject, section: Section) -> tuple[L4Route, ...]:
    return tuple(
        L4Route(
            index=index,
            match=parse_l4_matches(raw.get("match")),
            route=_route_destinations(raw),
            section=section,
            raw=raw,
        )
        for index, raw in enumerate(mappings(spec.get(section)))
    )


def _http_route(index: int, raw: RawObject) -> HttpRoute:
    return HttpRoute(
        index=index,
        name=text(raw.get("name")),
        match=parse_matches(raw.get("match")),
        route=_route_destinations(raw),
        redirect=mapping_or_none(raw.get("redirect")),
        direct_response=mapping_or_none(raw.get("directResponse")),
        delegate=mapping_or_none(raw.get("delegate")),
        rewrite=mapping_or_none(raw.get("rewrite")),
        timeout=text(raw.get("timeout")) or None,
        retries=mapping_or_none(raw.get("retries")),
        fault=mapping_or_none(raw.get("fault")),
        mirror=mapping_or_none(raw.get("mirror")),
        mirrors=mappings(raw.get("mirrors")),
        cors_policy=mapping_or_none(raw.get("corsPolicy")),
        headers=mapping(raw.get("headers")),
        raw=raw,
    )


def parse_virtual_service(raw: RawObject) -> VirtualService:
    """Read a VirtualService. https://istio.io/latest/docs/reference/config/networking/virtual-service/"""
    spec = mapping(raw.get("spec"))
    return VirtualService(
        metadata=_metadata(raw),
        hosts=texts(spec.get("hosts")),
        gateways=texts(spec.get("gateways")) or ("mesh",),
        export_to=texts(spec.get("exportTo")),
        http=tuple(_http_route(index, each) for index, each in enumerate(mappings(spec.get("http")))),
        tls=_l4_routes(spec, "tls"),
        tcp=_l4_routes(spec, "tcp"),
        conditions=mappings(mapping(raw.get("status")).get("conditions")),
        raw=raw,
    )


def parse_destination_rule(raw: RawObject) -> DestinationRule:
    """Read a DestinationRule. https://istio.io/latest/docs/reference/config/networking/destination-rule/"""
    spec = mapping(raw.get("spec"))
    return DestinationRule(
        metadata=_metadata(raw),
        host=text(spec.get("host")),
        subsets=tuple(
            Subset(
                name=text(each.get("name")),
                labels=texts_by_name(each.get("labels")),
                traffic_policy=mapping_or_none(each.get("trafficPolicy")),
            )
            for each in mappings(spec.get("subsets"))
        ),
        traffic_policy=mapping_or_none(spec.get("trafficPolicy")),
        export_to=texts(spec.get("exportTo")),
        raw=raw,
    )


def parse_gateway(raw: RawObject) -> Gateway:
    """Read a Gateway. https://istio.io/latest/docs/reference/config/networking/gateway/"""
    spec = mapping(raw.get("spec"))
    return Gateway(
        metadata=_metadata(raw),
        selector=texts_by_name(spec.get("selector")),
        servers=tuple(
            Server(
                port=integer(mapping(each.get("port")).get("number")) or 0,
                port_name=text(mapping(each.get("port")).get("name")),
                protocol=text(mapping(each.get("port")).get("protocol")).upper(),
                hosts=texts(each.get("hosts")),
                tls_mode=text(mapping(each.get("tls")).get("mode")),
                https_redirect=mapping(each.get("tls")).get("httpsRedirect") is True,
                bind=text(each.get("bind")),
            )
            for each in mappings(spec.get("servers"))
        ),
        raw=raw,
    )


def parse_service_entry(raw: RawObject) -> ServiceEntry:
    """Read a ServiceEntry. https://istio.io/latest/docs/reference/config/networking/service-entry/"""
    spec = mapping(raw.get("spec"))
    return ServiceEntry(
        metadata=_metadata(raw),
        hosts=texts(spec.get("hosts")),
        ports=tuple(
            ServicePort(
                port=integer(each.get("number")) or 0,
                name=text(each.get("name")),
                protocol=text(each.get("protocol")),
                target_port=integer(each.get("targetPort")),
            )
            for each in mappings(spec.get("ports"))
        ),
        resolution=text(spec.get("resolution")),
        location=text(spec.get("location")),
        endpoints=mappings(spec.get("endpoints")),
        raw=raw,
    )


def _service_port(raw: Mapping[str, Any]) -> ServicePort:
    target = raw.get("targetPort")
    return ServicePort(
        port=integer(raw.get("port")) or 0,
        name=text(raw.get("name")),
        protocol=text(raw.get("protocol")) or "TCP",
        app_protocol=text(raw.get("appProtocol")),
        target_port=text(target) or integer(target),
        node_port=integer(raw.get("nodePort")),
    )


def parse_service(raw: RawObject) -> Service:
    """Read a Service. https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/"""
    spec = mapping(raw.get("spec"))
    ingress = mappings(mapping(mapping(raw.get("status")).get("loadBalancer")).get("ingress"))
    given = (text(each.get("ip")) or text(each.get("hostname")) for each in ingress)
    return Service(
        metadata=_metadata(raw),
        type=text(spec.get("type")) or "ClusterIP",
        cluster_ip=text(spec.get("clusterIP")),
        selector=texts_by_name(spec.get("selector")),
        ports=tuple(_service_port(each) for each in mappings(spec.get("ports"))),
        external_addresses=tuple(each for each in (*given, *texts(spec.get("externalIPs"))) if each),
        external_name=text(spec.get("externalName")),
        session_affinity=text(spec.get("sessionAffinity")),
        conditions=mappings(mapping(raw.get("status")).get("conditions")),
    )


def parse_pod(raw: RawObject) -> Pod:
    """Read a Pod's metadata, from a whole Pod or from its PartialObjectMetadata; of its annotations Istio's alone."""
    annotations = texts_by_name(mapping(raw.get("metadata")).get("annotations"))
    kept = {name: "" if name == SIDECAR else annotations[name] for name in POD_ANNOTATIONS if name in annotations}
    return Pod(metadata=replace(_small_metadata(raw), annotations=kept))


def parse_endpoint_slice(raw: RawObject) -> EndpointSlice:
    """Read an EndpointSlice; an endpoint that does not say whether it is ready is ready.

    https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions
    """
    metadata = _small_metadata(raw)
    return EndpointSlice(
        metadata=metadata,
        service=metadata.labels.get("kubernetes.io/service-name", ""),
        endpoints=tuple(
            Endpoint(
                addresses=texts(each.get("addresses")),
                ready=mapping(each.get("conditions")).get("ready") is not False,
                pod=text(target.get("name")) if target.get("kind") == "Pod" else "",
                node=text(each.get("nodeName")),
            )
            for each in mappings(raw.get("endpoints"))
            for target in [mapping(each.get("targetRef"))]
        ),
        ports=mappings(raw.get("ports")),
    )
