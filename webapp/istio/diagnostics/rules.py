"""One DestinationRule: whether a service has its host, and settings that don't do what they seem to.

https://istio.io/latest/docs/reference/config/networking/destination-rule/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from webapp.istio.diagnostics.note import Note, analysed
from webapp.istio.names import resolve_host
from webapp.istio.objects import DestinationRule
from webapp.istio.parse_values import integer, mapping, mapping_or_none, mappings, text, texts
from webapp.istio.rules import ROOT_NAMESPACE, stray_rules
from webapp.istio.snapshot import Snapshot

_CHECKED = {"SIMPLE", "MUTUAL"}


def rule_notes(rule: DestinationRule) -> Iterator[Note]:
    """Note what a rule's settings leave open, whichever host it is for."""
    yield from _authorities(rule)
    words = [*_selector_words(rule), *(each for policy in _policies(rule) for each in _policy_words(policy))]
    if words:
        sentence = f"DestinationRule {rule.metadata.full_name}: {'; '.join(dict.fromkeys(words))}."
        yield analysed("IST0133", Note("info", "rule-settings", sentence, "Correct the rule's trafficPolicy."))


def stray_notes(snapshot: Snapshot, fqdn: str, *namespaces: str) -> Iterator[Note]:
    """Note rules that look as if they were meant for a host, but are for one that the mesh does not have.

    :param namespaces: where such a rule would be, beside the root namespace: the service's, and its callers'.

    https://istio.io/latest/docs/reference/config/analysis/ist0174/
    """
    for rule in stray_rules(snapshot).get(fqdn.partition(".")[0], ()):
        if rule.metadata.namespace in {*namespaces, ROOT_NAMESPACE}:
            host = resolve_host(rule.host, namespace=rule.metadata.namespace)
            sentence = f"DestinationRule {rule.metadata.full_name} is for {host}, and the mesh has no such service."
            cure = "Write the service's full name as its host: a short one is completed with the rule's own namespace."
            yield analysed("IST0174", Note("info", "rule-without-service", sentence, cure))


def _authorities(rule: DestinationRule) -> Iterator[Note]:
    """Note TLS whose server is checked by nothing that the rule names.

    https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings-ca_certificates
    """
    policy = mapping(rule.traffic_policy)
    selected = mapping(rule.raw.get("spec")).get("workloadSelector") is not None
    places = [("IST0128", "", policy)]
    for each in mappings(policy.get("portLevelSettings")):
        places.append(("IST0129", f" at port {integer(mapping(each.get('port')).get('number'))}", each))
    for ist, where, place in places:
        tls = mapping(place.get("tls"))
        named = text(tls.get("caCertificates")) or (selected and text(tls.get("credentialName")))
        if text(tls.get("mode")) in _CHECKED and not named:
            sentence = f"DestinationRule {rule.metadata.full_name} starts TLS{where} ({tls['mode']}) and names no "
            sentence += "caCertificates: older proxies then take any certificate, newer ones what the system trusts."
            cure = "Set caCertificates (`system` takes the system's own)."
            yield analysed(ist, Note("info", "server-not-verified", sentence, cure))


def _policies(rule: DestinationRule) -> Iterator[Mapping[str, Any]]:
    """Give every policy of a rule: its own, its subsets', and those of their ports."""
    for policy in map(mapping, (rule.traffic_policy, *(subset.traffic_policy for subset in rule.subsets))):
        yield policy
        yield from mappings(policy.get("portLevelSettings"))


def _selector_words(rule: DestinationRule) -> Iterator[str]:
    selector = mapping_or_none(mapping(rule.raw.get("spec")).get("workloadSelector"))
    if selector is not None and not mapping(selector.get("matchLabels")):
        yield "its workloadSelector has no labels, so it selects every workload of the namespace"


def _policy_words(policy: Mapping[str, Any]) -> Iterator[str]:
    """https://istio.io/latest/docs/reference/config/networking/destination-rule/#OutlierDetection"""
    outlier = mapping_or_none(policy.get("outlierDetection"))
    balancer = mapping(policy.get("loadBalancer"))
    if outlier and outlier.get("consecutiveErrors"):
        yield "consecutiveErrors is out of date: consecutiveGatewayErrors or consecutive5xxErrors is meant"
    if mapping(balancer.get("consistentHash")).get("minimumRingSize"):
        yield "minimumRingSize is out of date: ringHash is meant"
    for name in ("localityLbSetting", "zoneAwareLbSetting"):
        locality = mapping(balancer.get(name))
        if outlier is None and (mappings(locality.get("failover")) or texts(locality.get("failoverPriority"))):
            yield "failover needs outlierDetection, which tells when a place has failed, and there is none"
