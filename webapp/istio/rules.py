"""DestinationRules: which of them a client's proxy looks up for a host, and what they say.

https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from webapp.istio.names import hosts_overlap, resolve_host, service_of_host
from webapp.istio.objects import Destination, DestinationRule, Subset
from webapp.istio.parse_values import integer, mapping, mapping_or_none, mappings
from webapp.istio.services import host_of, key_of_host, service_keys
from webapp.istio.snapshot import Snapshot, remembered
from webapp.istio.visibility import exported_to

ROOT_NAMESPACE = "istio-system"
"""Where Istio looks last: `meshConfig.rootNamespace`, which is this unless somebody changed it."""


class Policy(NamedTuple):
    """A part of a traffic policy, and the rule that says it."""

    rule: DestinationRule
    settings: Mapping[str, Any]


def rules_for_host(snapshot: Snapshot, fqdn: str, *, namespace: str = "") -> tuple[DestinationRule, ...]:
    """List the DestinationRules for a host that clients in a namespace may look up, those that Istio prefers first.

    A rule in the client's `namespace` goes before one in the service's, and that before one in the root namespace;
    then the most specific host (its own name, then the longest wildcard); then the oldest. Rules elsewhere, and those
    whose `exportTo` leaves the client out, are never looked up. Without a `namespace`: of whichever client.
    https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration
    https://istio.io/latest/docs/reference/config/networking/destination-rule/#DestinationRule-export_to
    """
    wildcards = (f"*{fqdn[len(fqdn) - length :]}" for length in snapshot.rule_wildcard_lengths if length < len(fqdn))
    found = [rule for host in (fqdn, *wildcards) for rule in snapshot.rules_by_host.get(host, ())]
    if not found:
        return ()
    service = service_of_host(fqdn) or key_of_host(snapshot, fqdn)
    order = (namespace, service[0] if service else "", ROOT_NAMESPACE)

    def rank(rule: DestinationRule) -> int:
        return order.index(rule.metadata.namespace) if rule.metadata.namespace in order else len(order)

    def is_seen(rule: DestinationRule) -> bool:
        own = rule.metadata.namespace
        return not namespace or own == namespace or exported_to(rule.export_to, own=own, namespace=namespace)

    return tuple(sorted((rule for rule in found if is_seen(rule) and (not namespace or rank(rule) < 3)), key=rank))


@remembered
def subsets_for_host(snapshot: Snapshot, fqdn: str, *, namespace: str = "") -> Mapping[str, Subset]:
    """Give the subsets that routes to a host can name: those of the preferred rule, and of others beside it.

    Rules of one namespace for one host add up; of two subsets with one name the older rule's counts.
    https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services
    """
    found = [
        ((rule.metadata.namespace, resolve_host(rule.host, namespace=rule.metadata.namespace)), rule)
        for rule in rules_for_host(snapshot, fqdn, namespace=namespace)
    ]
    subsets: dict[str, Subset] = {}
    for place, rule in found:
        if place == found[0][0]:
            for subset in rule.subsets:
                subsets.setdefault(subset.name, subset)
    return subsets


@remembered
def stray_rules(snapshot: Snapshot) -> Mapping[str, tuple[DestinationRule, ...]]:
    """Give the DestinationRules whose host nothing in the mesh has, by the first label of that host."""
    found: dict[str, tuple[DestinationRule, ...]] = {}
    hosts = [host_of(snapshot, key) for key in service_keys(snapshot)]
    for host, rules in snapshot.rules_by_host.items():
        wild = host.startswith("*") and any(hosts_overlap(host, each) for each in hosts)
        if not wild and key_of_host(snapshot, host) is None:
            first = host.partition(".")[0]
            found[first] = (*found.get(first, ()), *rules)
    return found


@remembered
def policy_for(
    snapshot: Snapshot, destination: Destination, field: Literal["loadBalancer", "tls"], *, namespace: str
) -> Policy | None:
    """Give what the preferred rule says of a destination: its subset's word, else its port's, else the rule's own.

    https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy
    """
    fqdn = resolve_host(destination.host, namespace=namespace)
    rule = next(iter(rules_for_host(snapshot, fqdn, namespace=namespace)), None)
    if rule is None:
        return None
    subset = subsets_for_host(snapshot, fqdn, namespace=namespace).get(destination.subset or "")
    for policy in (subset.traffic_policy if subset else None, rule.traffic_policy):
        by_port = (
            each
            for each in mappings(mapping(policy).get("portLevelSettings"))
            if destination.port and integer(mapping(each.get("port")).get("number")) == destination.port
        )
        for place in (*by_port, mapping(policy)):
            settings = mapping_or_none(place.get(field))
            if settings:
                return Policy(rule, settings)
    return None
