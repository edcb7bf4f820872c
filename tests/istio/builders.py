"""Raw objects for tests, as an API server would send them, and a Snapshot from a handful of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.istio import parse
from webapp.istio.objects import HttpRoute, RawObject, VirtualService
from webapp.istio.snapshot import Snapshot

Raw = dict[str, Any]


def raw_object(kind: str, name: str, *, namespace: str = "shop", spec: Any = None, **metadata: Any) -> Raw:
    found = {"kind": kind, "metadata": {"namespace": namespace, "name": name, **metadata}}
    return found if spec is None else found | {"spec": spec}


def destination(host: str = "web", subset: str | None = None, weight: int | None = None, **fields: Any) -> Raw:
    raw: Raw = {"destination": {"host": host} | ({"subset": subset} if subset else {}), **fields}
    return raw if weight is None else raw | {"weight": weight}


def http_route(*destinations: Raw, **fields: Any) -> Raw:
    return {"route": list(destinations), **fields} if destinations else fields


def split(*weights: Any, **fields: Any) -> Raw:
    """A route over subsets v1, v2, … of `web` with these weights."""
    return http_route(*(destination("web", f"v{n}", weight) for n, weight in enumerate(weights, start=1)), **fields)


def virtual_service(
    *routes: Raw,
    name: str = "web",
    namespace: str = "shop",
    hosts: list[str] | None = None,
    gateways: list[str] | None = None,
    conditions: list[Raw] | None = None,
    tls: list[Raw] | None = None,
    tcp: list[Raw] | None = None,
    **metadata: Any,
) -> Raw:
    spec: Raw = {"hosts": ["web.example"] if hosts is None else hosts, "http": list(routes)}
    spec |= {section: given for section, given in (("tls", tls), ("tcp", tcp)) if given is not None}
    if gateways is not None:
        spec["gateways"] = gateways
    metadata.setdefault("resourceVersion", "7")
    raw = raw_object("VirtualService", name, namespace=namespace, spec=spec, **metadata)
    return raw if conditions is None else raw | {"status": {"conditions": conditions}}


def parsed(*routes: Raw, **fields: Any) -> VirtualService:
    return parse.parse_virtual_service(virtual_service(*routes, **fields))


def parsed_route(raw: Raw, **fields: Any) -> HttpRoute:
    return parsed(raw, **fields).http[0]


def destination_rule(host: str = "web", *subsets: str | Raw, name: str = "", **metadata: Any) -> Raw:
    given = [each if isinstance(each, dict) else {"name": each, "labels": {"version": each}} for each in subsets]
    spec = {"host": host, "subsets": given}
    return raw_object("DestinationRule", name or host.replace("*", "any"), spec=spec, **metadata)


def service(name: str = "web", selector: Mapping[str, str] | None = None, **fields: Any) -> Raw:
    namespace, status = fields.pop("namespace", "shop"), fields.pop("status", {})
    spec = {"clusterIP": "10.96.0.7", "ports": [{"name": "http", "port": 80, "targetPort": 8080}], **fields}
    spec["selector"] = {"app": name} if selector is None else dict(selector)
    return raw_object("Service", name, namespace=namespace, spec=spec) | {"status": status}


def pod(name: str, *, namespace: str = "shop", **labels: str) -> Raw:
    return raw_object(
        "Pod", name, namespace=namespace, labels={each.replace("__", "/"): labels[each] for each in labels}
    )


def endpoint_slice(service_name: str, ready: Mapping[str, bool], *, name: str = "", **fields: Any) -> Raw:
    """Endpoints of pods by name, ready or not."""
    metadata = {"namespace": fields.pop("namespace", "shop"), "labels": {"kubernetes.io/service-name": service_name}}
    endpoints = [
        {"addresses": ["10.244.0.9"], "conditions": {"ready": each}, "targetRef": {"kind": "Pod", "name": pod_name}}
        for pod_name, each in ready.items()
    ]
    return raw_object("EndpointSlice", name or f"{service_name}-1", **metadata) | {"endpoints": endpoints, **fields}


def workload(name: str = "web", /, **ready_by_version: tuple[int, int]) -> list[Raw]:
    """A Service with pods of versions, each (ready, all): `workload("web", v1=(1, 1), v2=(0, 1))`."""
    pods, ready = [], {}
    for version, (ready_count, count) in ready_by_version.items():
        for number in range(count):
            pods.append(pod(f"{name}-{version}-{number}", app=name, version=version))
            ready[f"{name}-{version}-{number}"] = number < ready_count
    return [service(name), *pods, endpoint_slice(name, ready)]


def gateway(name: str = "edge", *servers: Raw, selector: Mapping[str, str] | None = None, **metadata: Any) -> Raw:
    spec = {"selector": {"istio": "ingress"} if selector is None else dict(selector)}
    return raw_object("Gateway", name, spec=spec | {"servers": list(servers or [server()])}, **metadata)


def server(number: int = 80, protocol: str = "HTTP", *hosts: str, **fields: Any) -> Raw:
    port = {"number": number, "name": f"{protocol.lower()}-{number}", "protocol": protocol}
    return {"port": port, "hosts": list(hosts or ["*"]), **fields}


def front(namespace: str = "istio-system", *ports: int) -> Raw:
    """The Service before the pods labelled `istio=ingress`, at 80 and 443 where nothing else is said."""
    opened = [{"name": f"http-{number}", "port": number} for number in ports or (80, 443)]
    return service("front", {"istio": "ingress"}, namespace=namespace, ports=opened)


def service_entry(*hosts: str, name: str = "outside", spec: Raw | None = None, **metadata: Any) -> Raw:
    ports = [{"number": 80, "name": "http", "protocol": "HTTP"}]
    given = {"hosts": list(hosts), "ports": ports, "resolution": "DNS"} | (spec or {})
    return raw_object("ServiceEntry", name, spec=given, **metadata)


def snapshot(*raws: RawObject) -> Snapshot:
    """Parse objects of any kind into a Snapshot."""

    def by_key(kind: str, parse_one: Any) -> Any:
        values = [parse_one(raw) for raw in raws if raw["kind"] == kind]
        return {value.metadata.key: value for value in values}

    return Snapshot(
        services=by_key("Service", parse.parse_service),
        pods=by_key("Pod", parse.parse_pod),
        endpoint_slices=by_key("EndpointSlice", parse.parse_endpoint_slice),
        virtual_services=by_key("VirtualService", parse.parse_virtual_service),
        destination_rules=by_key("DestinationRule", parse.parse_destination_rule),
        gateways=by_key("Gateway", parse.parse_gateway),
        service_entries=by_key("ServiceEntry", parse.parse_service_entry),
    )
