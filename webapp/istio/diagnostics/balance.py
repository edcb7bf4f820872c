"""How requests spread behind a destination: hashes, affinity, pods without a sidecar.

https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from webapp.istio.diagnostics.note import Note
from webapp.istio.mesh import key_of_host, pods_without_sidecar, versions_of
from webapp.istio.names import resolve_host
from webapp.istio.objects import HttpRoute, Route, VirtualService
from webapp.istio.parse_values import mapping, text
from webapp.istio.rules import Policy, policy_for
from webapp.istio.snapshot import Snapshot
from webapp.istio.words import destination_versions

_HASHES = {"httpHeaderName": "the header", "httpQueryParameterName": "the query parameter"}


def balance_notes(snapshot: Snapshot, virtual_service: VirtualService, route: Route) -> Iterator[Note]:
    """Note what makes seen shares differ from the weights, though nothing is wrong with the route."""
    if isinstance(route, HttpRoute):
        yield from _sticky(snapshot, virtual_service, route)
    yield from _affinity(snapshot, virtual_service, route)
    yield from _by_pods(snapshot, virtual_service, route)
    yield from _mutual_tls(snapshot, virtual_service, route)


def _sticky(snapshot: Snapshot, virtual_service: VirtualService, route: HttpRoute) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings-ConsistentHashLB"""
    namespace = virtual_service.metadata.namespace
    found: dict[str, None] = {}
    for each in route.route:
        policy = policy_for(snapshot, each.destination, "loadBalancer", namespace=namespace)
        if policy and (by := _hash_words(policy)):
            found[f"DestinationRule {policy.rule.metadata.full_name} keeps callers at one pod by {by}"] = None
    for words in found:
        if len(route.route) > 1:
            sentence = f"{words}, but the split is drawn anew for each request: one caller sees several versions."
            cure = "Where a caller is to stay with one version, match a header or a cookie in a route of its own."
        else:
            sentence = (
                f"{words}, so the shares of pods and versions are those of the callers: lumpy where these are few."
            )
            cure = "Split between subsets by weight, or take the hash out of the rule."
        yield Note("info", "sticky", sentence, cure)


def _hash_words(policy: Policy) -> str:
    settings = mapping(policy.settings.get("consistentHash"))
    for field, words in _HASHES.items():
        if name := text(settings.get(field)):
            return f"{words} {name}"
    if cookie := mapping(settings.get("httpCookie")):
        return f"the cookie {text(cookie.get('name'))}"
    return "their address" if settings.get("useSourceIp") is True else ""


def _affinity(snapshot: Snapshot, virtual_service: VirtualService, route: Route) -> Iterator[Note]:
    """https://kubernetes.io/docs/reference/networking/virtual-ips/#session-affinity"""
    namespace = virtual_service.metadata.namespace
    for host in dict.fromkeys(resolve_host(each.destination.host, namespace=namespace) for each in route.route):
        key = key_of_host(snapshot, host)
        service = snapshot.services.get(key) if key else None
        if service and service.session_affinity == "ClientIP":
            sentence = f"Service {service.metadata.full_name} has sessionAffinity ClientIP: callers without a sidecar "
            sentence += "stay with one pod, whatever the weights say; Istio's proxies pay it no heed."
            yield Note("info", "session-affinity", sentence, "Take sessionAffinity out of the Service.")


def _by_pods(snapshot: Snapshot, virtual_service: VirtualService, route: Route) -> Iterator[Note]:
    """https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings-SimpleLB"""
    if len(route.route) != 1 or route.route[0].destination.subset:
        return
    namespace, destination = virtual_service.metadata.namespace, route.route[0].destination
    key = key_of_host(snapshot, resolve_host(destination.host, namespace=namespace))
    versions = [version for version in versions_of(snapshot, key) if version.ready] if key else []
    if len(versions) < 2:
        return
    policy = policy_for(snapshot, destination, "loadBalancer", namespace=namespace)
    balancer = text(policy.settings.get("simple")) if policy else ""
    if policy and mapping(policy.settings.get("consistentHash")):
        return  # which has a note of its own
    counts = ", ".join(f"{version.name} {version.ready}" for version in versions)
    sentence = f"Without a split, each version's share is about that of its ready pods ({counts}): the balancer is "
    yield Note(
        "info",
        "by-pods",
        f"{sentence}{balancer if balancer not in {'', 'UNSPECIFIED'} else 'LEAST_REQUEST'}.",
        "Name the subsets in the route to shift by weight.",
    )


def _mutual_tls(snapshot: Snapshot, virtual_service: VirtualService, route: Route) -> Iterator[Note]:
    """https://istio.io/latest/docs/ops/common-problems/network-issues/#503-errors-after-setting-destination-rule"""
    namespace = virtual_service.metadata.namespace
    fate = "answered 503" if isinstance(route, HttpRoute) else "closed"
    for each, version in zip(route.route, destination_versions(route), strict=True):
        policy = policy_for(snapshot, each.destination, "tls", namespace=namespace)
        if policy is None or policy.settings.get("mode") != "ISTIO_MUTUAL":
            continue
        bare = pods_without_sidecar(snapshot, each.destination, namespace)
        if bare:
            named = ", ".join(islice(bare, 3)) + (f" and {len(bare) - 3} more" if len(bare) > 3 else "")
            sentence = (
                f"DestinationRule {policy.rule.metadata.full_name} asks for ISTIO_MUTUAL, and {version} has pods "
            )
            sentence += f"without a sidecar ({named}): what is sent to them is {fate}."
            cure = "Inject the sidecar into these pods, or take the tls mode out of the rule."
            yield Note("warning", "mutual-tls-without-sidecar", sentence, cure)
