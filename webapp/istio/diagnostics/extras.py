"""What else a route is told to do, where that leads nowhere or is out of date: mirrors, faults, claims of tokens.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRoute
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from webapp.istio.diagnostics.note import Note, analysed
from webapp.istio.gateways import MESH
from webapp.istio.names import resolve_host
from webapp.istio.objects import Destination, HttpRoute, L4Match, Route, VirtualService
from webapp.istio.parse_values import integer, mapping, text
from webapp.istio.rules import subsets_for_host
from webapp.istio.services import key_of_host
from webapp.istio.snapshot import Snapshot

_LARGE_BODY_BYTES = 100 * 1024
_CLAIM = "@request.auth.claims"
_AUTHENTICATION = "https://istio.io/latest/docs/tasks/security/authentication/jwt-route/"


def extra_notes(snapshot: Snapshot, virtual_service: VirtualService, route: Route) -> Iterator[Note]:
    """Note what a route's other fields would not do."""
    if isinstance(route, HttpRoute):
        yield from _mirrors(snapshot, virtual_service, route)
        yield from _claims(virtual_service, route)
        yield from _out_of_date(route)
        yield from _abort(route)
        yield from _body(route)
    else:
        yield from _addresses(route)


def mirror_destinations(route: HttpRoute) -> tuple[Destination, ...]:
    """Give where a route's requests are copied to."""
    raws = [route.mirror] if route.mirror is not None else []
    raws += [mapping(each.get("destination")) for each in route.mirrors]
    return tuple(
        Destination(
            text(raw.get("host")), text(raw.get("subset")) or None, integer(mapping(raw.get("port")).get("number"))
        )
        for raw in raws
    )


def _mirrors(snapshot: Snapshot, virtual_service: VirtualService, route: HttpRoute) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMirrorPolicy"""
    namespace = virtual_service.metadata.namespace
    for each in dict.fromkeys(mirror_destinations(route)):
        fqdn = resolve_host(each.host, namespace=namespace)
        if key_of_host(snapshot, fqdn) is None:
            sentence = f"The mesh has no service {each.host}, so the copies of this route's requests go nowhere."
            cure = "Correct the mirror's host, or create the Service or ServiceEntry."
        elif each.subset and each.subset not in subsets_for_host(snapshot, fqdn, namespace=namespace):
            sentence = f"No DestinationRule for {each.host} defines the subset {each.subset}, so the copies of this "
            sentence += "route's requests go nowhere."
            cure = "Add the subset to the DestinationRule of the mirror's host."
        else:
            continue
        yield analysed("IST0101", Note("warning", "mirror-not-found", sentence, cure))


def _claims(virtual_service: VirtualService, route: HttpRoute) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/analysis/ist0149/"""
    names = [name for match in route.match for name in (*match.headers, *match.without_headers)]
    if any(name.lower().startswith(_CLAIM) for name in names) and any(
        each != MESH for each in virtual_service.gateways
    ):
        sentence = "It asks for claims of a signed token: these are known only where a RequestAuthentication holds for "
        sentence += "the gateway's pods, and those are not read here."
        yield analysed("IST0149", Note("info", "claims", sentence, f"Have one for them: {_AUTHENTICATION}"))


def _out_of_date(route: HttpRoute) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPFaultInjection-Delay-percent"""
    if integer(mapping(mapping(route.fault).get("delay")).get("percent")):
        sentence = "fault.delay.percent is out of date."
        yield analysed("IST0002", Note("info", "field-out-of-date", sentence, "Write fault.delay.percentage.value."))
    if any(integer(route.raw.get(field)) is not None for field in ("mirrorPercent", "mirror_percent")):
        sentence = "mirrorPercent is out of date."
        yield analysed("IST0133", Note("info", "field-out-of-date", sentence, "Write mirrorPercentage.value."))


def _abort(route: HttpRoute) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPFaultInjection-Abort"""
    abort: Any = mapping(route.fault).get("abort")
    if abort is not None and not any(field in mapping(abort) for field in ("httpStatus", "grpcStatus", "http2Error")):
        sentence = "Its fault aborts with no status, so nothing is aborted."
        cure = "Give the abort an httpStatus or a grpcStatus."
        yield analysed("IST0133", Note("info", "abort-without-status", sentence, cure))


def _body(route: HttpRoute) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPBody"""
    body = mapping(mapping(route.direct_response).get("body"))
    size = max(len(text(body.get("string")).encode()), len(text(body.get("bytes"))) * 3 // 4)
    if size > _LARGE_BODY_BYTES:
        sentence = f"The body of its own answer has {size // 1024} KB, and every proxy of the mesh is sent it."
        yield analysed("IST0133", Note("info", "large-body", sentence, "Let a service answer with it."))


def _addresses(route: Route) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/networking/virtual-service/#TLSMatchAttributes-sni_hosts"""
    names = [name for match in route.match if isinstance(match, L4Match) for name in match.sni_hosts]
    if found := next(filter(_is_address, names), ""):
        sentence = f"Callers send names as SNI, so hardly anybody is taken by the address {found}."
        yield analysed("IST0133", Note("info", "sni-address", sentence, "Name the host that callers ask for."))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
