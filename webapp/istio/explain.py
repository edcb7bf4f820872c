"""Which route takes this request? The decision of a gateway, or of a sidecar, rule by rule and in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from webapp.istio.bound import best_host, bound_by_gateway, carries, specificity
from webapp.istio.delegates import Carried, carried_routes
from webapp.istio.gateways import MESH, serves_host
from webapp.istio.matching import Finding, Request, judge_matches, judge_route
from webapp.istio.names import resolve_host, service_host
from webapp.istio.objects import HttpMatch, HttpRoute, Key, StringMatch, VirtualService
from webapp.istio.snapshot import Snapshot

__all__ = ["Explanation", "Request", "Step", "explain"]


@dataclass(frozen=True, slots=True)
class Step:
    """One rule that was looked at: a whole VirtualService (`http_route` None) or one of its routes.

    :param http_route: the route's place in `virtual_service`, which is a delegate where `because` says so.
    :param taken: the rule takes the request, which ends the search, or the VirtualService's routes are asked.
    :param undecided: whether it takes the request can't be told here.
    """

    virtual_service: Key
    http_route: int | None
    taken: bool
    because: str
    undecided: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was looked at, in order, and what takes the request; `because` says the outcome in one sentence."""

    steps: tuple[Step, ...]
    taken: tuple[VirtualService, HttpRoute] | None
    because: str = ""

    @property
    def certain(self) -> bool:
        """Whether no rule before the outcome was undecided."""
        return not any(step.undecided for step in self.steps)


def explain(snapshot: Snapshot, request: Request, *, gateway: Key | Literal["mesh"]) -> Explanation:
    """Find the route that takes a request which arrives at a Gateway, or leaves a pod of the mesh.

    First the host chooses the VirtualServices, then the first route that matches takes the request.
    https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-hosts
    https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-http
    """
    name = MESH if isinstance(gateway, str) else "/".join(gateway)
    host = _host_of(snapshot, request, name)
    if not isinstance(gateway, str) and (closed := _closed(snapshot, gateway, host)):
        return Explanation((), None, closed)
    steps: list[Step] = []
    rows: list[tuple[Carried, tuple[HttpMatch, ...]]] = []
    for virtual_service, finding in _choice(snapshot, request, name, host):
        steps.append(Step(virtual_service.metadata.key, None, bool(finding.holds), finding.because))
        if finding.holds:
            rows.extend((each, each.route.match) for each in carried_routes(snapshot, virtual_service))
    if not any(step.taken for step in steps):
        return Explanation(tuple(steps), None, _nobody(name, host))
    if sum(step.taken for step in steps) > 1:
        rows = _catch_all_last(rows)
    for carried, match in rows:
        finding = _judge(carried, match, request, name)
        key, index = carried.virtual_service.metadata.key, carried.route.index
        because = ", ".join(filter(None, (finding.because, carried.words)))
        steps.append(Step(key, index, bool(finding.holds), because, finding.holds is None))
        if finding.holds:
            outcome = f"Route {index} of {'/'.join(key)} takes the request"
            taken = (carried.virtual_service, carried.route)
            return Explanation(tuple(steps), taken, _unless_undecided(outcome, steps))
    return Explanation(
        tuple(steps), None, _unless_undecided("No route takes the request, so it is answered 404", steps)
    )


def _unless_undecided(outcome: str, steps: list[Step]) -> str:
    unsure = [f"{step.http_route} of {'/'.join(step.virtual_service)}" for step in steps if step.undecided]
    return f"{outcome}, unless route {' or '.join(unsure)} does." if unsure else f"{outcome}."


def _nobody(gateway: str, host: str) -> str:
    if gateway == MESH:
        return f"No VirtualService for callers in the mesh has the host {host}: its Service is called directly."
    return f"No VirtualService that gateway {gateway} carries has the host {host or '(none)'}: it answers 404."


def _closed(snapshot: Snapshot, gateway: Key, host: str) -> str:
    """https://istio.io/latest/docs/reference/config/networking/gateway/#Server-hosts"""
    found = snapshot.gateways.get(gateway)
    if found is None:
        return f"Gateway {'/'.join(gateway)} does not exist."
    if not any(serves_host(found, pattern, host) for server in found.servers for pattern in server.hosts):
        return f"No server of Gateway {'/'.join(gateway)} has the host {host or '(none)'}: it answers 404."
    return ""


def _host_of(snapshot: Snapshot, request: Request, gateway: str) -> str:
    """Give the host without its port; inside of the mesh a Service's shorter names mean its full one.

    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#namespaces-of-services
    """
    host = request.host.lower()
    bare, _, port = host.rpartition(":")
    if port.isdecimal() and (":" not in bare or bare.endswith("]")):
        host = bare
    if gateway != MESH:
        return host
    if "." not in host and request.source_namespace:
        return resolve_host(host, namespace=request.source_namespace)
    name, _, rest = host.partition(".")
    namespace, _, suffix = rest.partition(".")
    key = (namespace, name)
    return service_host(key) if suffix in {"", "svc"} and key in snapshot.services else host


def _choice(snapshot: Snapshot, request: Request, gateway: str, host: str) -> Iterator[tuple[VirtualService, Finding]]:
    """Choose by host: the most specific one. A gateway merges several VirtualServices for it, a sidecar takes one.

    https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services
    """
    fitting = [(each, best) for each in bound_by_gateway(snapshot).get(gateway, ()) if (best := best_host(each, host))]
    caller = request.source_namespace
    seen = [each for each in fitting if carries(snapshot, each[0], gateway, source_namespace=caller)]
    if gateway == MESH:
        seen.sort(key=lambda each: each[0].metadata.namespace != caller)  # a caller's own go before others'
    seen_keys = {each.metadata.key for each, _ in seen}
    chosen = max((best for _, best in seen), key=specificity, default="")
    winners = [each for each, best in seen if best == chosen]
    for virtual_service, best in fitting:
        if virtual_service.metadata.key not in seen_keys:
            yield virtual_service, Finding(False, "exportTo keeps it from the proxies that decide here")
        elif best != chosen:
            yield virtual_service, Finding(False, f"host {best}: {chosen} of another is more specific")
        elif gateway == MESH and virtual_service is not winners[0]:
            first = winners[0].metadata.full_name
            yield virtual_service, Finding(False, f"host {best}: {first} has it too, and a sidecar takes one alone")
    for place, virtual_service in enumerate(winners[: 1 if gateway == MESH else None], start=1):
        words = (
            f"host {chosen} is {host}" if chosen == host else f"host {chosen} covers {host or 'a request without one'}"
        )
        merged = f"; {len(winners)} VirtualServices are merged, this is number {place} by age"
        yield virtual_service, Finding(True, words + (merged if gateway != MESH and len(winners) > 1 else ""))


def _judge(carried: Carried, match: tuple[HttpMatch, ...], request: Request, gateway: str) -> Finding:
    """Ask the root's match before the delegate's own: both have to hold.

    https://istio.io/latest/docs/reference/config/networking/virtual-service/#Delegate
    """
    own = Finding(True, "it has no match, so it takes everything")
    if match:
        own = judge_matches(carried.virtual_service, match, request, gateway=gateway)
    if not carried.delegated:
        return own
    root = judge_route(carried.root, carried.root_route, request, gateway=gateway)
    return min(own, root, key=lambda finding: (finding.holds is not False, finding.holds is not None))


def _catch_all_last(
    rows: list[tuple[Carried, tuple[HttpMatch, ...]]],
) -> list[tuple[Carried, tuple[HttpMatch, ...]]]:
    """Put what takes everything behind the rest, as a gateway does where it merges VirtualServices.

    https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services
    """
    specific: list[tuple[Carried, tuple[HttpMatch, ...]]] = []
    last: list[tuple[Carried, tuple[HttpMatch, ...]]] = []
    ended: set[Key] = set()
    for carried, match in rows:
        if carried.root.metadata.key in ended:
            continue  # within one VirtualService nothing behind a match for everything is ever asked
        narrow = tuple(each for each in match if not takes_every_path(each))
        wide = not match or len(narrow) < len(match)
        if wide and not (carried.delegated and carried.root_route.match):
            ended.add(carried.root.metadata.key)
            specific.extend([(carried, narrow)] if narrow else [])
            last.append((carried, ()))
        else:
            specific.append((carried, match))
    return specific + last


def takes_every_path(match: HttpMatch) -> bool:
    """Whether a match asks for nothing but a path under `/`, at whichever proxy it holds."""
    any_path = match.uri in {None, StringMatch("prefix", "/"), StringMatch("prefix", ""), StringMatch("regex", ".*")}
    return any_path and match == HttpMatch(name=match.name, uri=match.uri, ignore_uri_case=match.ignore_uri_case)
