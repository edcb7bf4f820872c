"""Whether a route takes an example that a person gives: surely not, surely, or it can't be known here."""

from __future__ import annotations

from webapp.istio.bound import best_host
from webapp.istio.matching import Finding, Request, judge_route
from webapp.istio.objects import HttpRoute, VirtualService
from webapp.istio.sample import SampleRequest
from webapp.istio.words import match_words


def judge_example(
    virtual_service: VirtualService, route: HttpRoute, example: SampleRequest, *, gateway: str, scheme: str
) -> Finding:
    """Judge an example that arrives at a gateway (`namespace/name`), by the host, this route, and those before it.

    Routes are tried in order and the first that matches takes the request.
    https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-http
    """
    host = example.host.lower()
    bare, _, port = host.rpartition(":")
    if port.isdecimal() and (":" not in bare or bare.endswith("]")):
        host = bare
    if not best_host(virtual_service, host):
        return Finding(False, f"host {host or '(none)'}: this VirtualService has {', '.join(virtual_service.hosts)}")
    request = Request(example.method, scheme, example.host, example.path, example.headers)
    own = judge_route(virtual_service, route, request, gateway=gateway)
    if own.holds is False:
        return own
    undecided = own if own.holds is None else None
    for earlier in virtual_service.http[: route.index]:
        finding = judge_route(virtual_service, earlier, request, gateway=gateway)
        where = f"route {earlier.index} ({match_words(earlier)}) stands before this one"
        if finding.holds:
            return Finding(False, f"{where} and takes it")
        if finding.holds is None:
            undecided = undecided or Finding(None, f"{where} and may take it: {finding.because}")
    return undecided or own
