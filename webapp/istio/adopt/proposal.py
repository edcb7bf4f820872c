"""What can be taken control of, and what the form begins with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from webapp.istio.adopt.labels import Telling, fleeting_label, free_name, has_labels, subset_name, tellings
from webapp.istio.bound import bound_by_gateway, full_hosts
from webapp.istio.diagnostics.ports import protocol_of
from webapp.istio.gateways import MESH
from webapp.istio.mesh import routes_reaching, rules_for_host
from webapp.istio.names import host_matches, resolve_host, service_host
from webapp.istio.objects import DestinationRule, Gateway, Key, Route, Service, Subset, VirtualService
from webapp.istio.parse_values import mapping
from webapp.istio.snapshot import Snapshot
from webapp.istio.weights import USUAL_TOTAL, apportion

INGRESS_SELECTOR: Mapping[str, str] = {"istio": "ingressgateway"}
"""https://istio.io/latest/docs/reference/config/networking/gateway/"""
INGRESS_PORT = 80

_HTTP = {"", "http", "http2", "http_proxy", "grpc", "grpc-web"}


@dataclass(frozen=True, slots=True)
class ProposedSubset:
    """A version that can be named in routes: `ready` of `total` pods, and the weight that is near what it gets now."""

    name: str
    labels: Mapping[str, str]
    ready: int
    total: int
    weight: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A route that sends everything to the service without a subset, so that its pods' number decides."""

    virtual_service: VirtualService
    route: Route

    @property
    def name(self) -> str:
        """`namespace/name/section/index`, as the form names it."""
        return f"{self.virtual_service.metadata.full_name}/{self.route.section}/{self.route.index}"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is there, and what would be made.

    :param reason: why there is nothing to take control of, in a sentence with its cure; empty where there is.
    :param label: which label tells the pods apart; `others` do too.
    :param unmatched: how many ready pods no subset selects.
    :param rule: the DestinationRule that is extended, None where one is made; `rule_name` is its name.
    :param inherited: the rule that holds now, whose traffic policy a new one takes over.
    :param candidates: routes that can become splits; `routed` are the VirtualServices with any route to it.
    :param mesh_reason: why callers in the mesh can't be given a VirtualService of their own; empty where they can.
    :param gateways: those with a server for HTTP, by name.
    :param ports: the service's ports that may carry HTTP.
    """

    service: Service
    host: str
    reason: str
    label: str = ""
    others: tuple[str, ...] = ()
    missing: int = 0
    subsets: tuple[ProposedSubset, ...] = ()
    unmatched: int = 0
    rule: DestinationRule | None = None
    rule_name: str = ""
    inherited: DestinationRule | None = None
    candidates: tuple[Candidate, ...] = ()
    routed: tuple[Key, ...] = ()
    mesh_reason: str = ""
    gateways: tuple[Gateway, ...] = ()
    virtual_service_name: str = ""
    gateway_name: str = ""
    gateway_port: int = INGRESS_PORT
    selector: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()

    @property
    def key(self) -> Key:
        """The service's (namespace, name)."""
        return self.service.metadata.key


def propose(snapshot: Snapshot, service: Service, *, label: str = "") -> Proposal:
    """Work out what can be done for a service.

    :param label: tell its pods apart by this one rather than by the best.
    """
    key, host = service.metadata.key, service_host(service.metadata.key)
    pods = snapshot.pods_by_service.get(key, ())
    telling = tellings(pods)
    chosen = next((each for each in telling if each.label == label), next(iter(telling), None))
    if chosen is None:
        return Proposal(service, host, _why_not(service, snapshot))
    rule, inherited = rule_for(snapshot, key)
    subsets = _subsets(snapshot, key, chosen, rule)
    ready = snapshot.ready_pods(key)
    selected = {pod.metadata.name for each in subsets for pod in has_labels(pods, each.labels)}
    selector, port = _usual_gateway(snapshot)
    taken = {name for namespace, name in snapshot.virtual_services if namespace == key[0]}
    gateways_taken = {name for namespace, name in snapshot.gateways if namespace == key[0]}
    rules_taken = {name for namespace, name in snapshot.destination_rules if namespace == key[0]}
    return Proposal(
        service,
        host,
        "",
        label=chosen.label,
        others=tuple(each.label for each in telling if each is not chosen),
        missing=chosen.missing,
        subsets=subsets,
        unmatched=len(ready - selected),
        rule=rule,
        rule_name=rule.metadata.name if rule else free_name(key[1], rules_taken),
        inherited=inherited,
        candidates=candidates(snapshot, key),
        routed=tuple(dict.fromkeys(owner.metadata.key for owner, _ in routes_reaching(snapshot, key))),
        mesh_reason=mesh_reason(snapshot, host),
        gateways=tuple(each for _, each in sorted(snapshot.gateways.items()) if http_port(each)),
        virtual_service_name=free_name(key[1], taken),
        gateway_name=free_name(f"{key[1]}-gateway", gateways_taken),
        gateway_port=port,
        selector=selector,
        ports=tuple(each.port for each in service.ports if protocol_of(each) in _HTTP),
    )


def _why_not(service: Service, snapshot: Snapshot) -> str:
    pods = snapshot.pods_by_service.get(service.metadata.key, ())
    if not service.selector:
        return "This Service selects no pods, so there are no versions to tell apart."
    if not pods:
        return "No pod has the labels that this Service selects: start two versions, then come back."
    if len(pods) > 1 and (fleeting := fleeting_label(pods)):
        return (
            f"Only {fleeting} tells these pods apart, and every rollout changes it: a subset by it would soon select "
            "no pod. Give each version's pods a label of their own, such as version=v2."
        )
    return (
        "All pods look like one version. Start a second one beside it, with a label that tells the two apart, such as "
        "version=v2, and it can be given its share here."
    )


def rule_for(snapshot: Snapshot, key: Key) -> tuple[DestinationRule | None, DestinationRule | None]:
    """Find the rule to extend, and the one whose policy a new rule would put out of force.

    Of several rules Istio takes one alone, the nearest and most specific, so a new rule for the service's own name has
    to say what the wildcard's or the root namespace's said. Of rules for one host in one namespace the subsets add up.
    https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration
    """
    host = service_host(key)
    rules = rules_for_host(snapshot, host, namespace=key[0])
    own = [
        rule
        for rule in rules
        if rule.metadata.namespace == key[0]
        and resolve_host(rule.host, namespace=key[0]) == host
        and "workloadSelector" not in mapping(rule.raw.get("spec"))
    ]
    return (own[0], None) if own else (None, next(iter(rules), None))


def _subsets(
    snapshot: Snapshot, key: Key, telling: Telling, rule: DestinationRule | None
) -> tuple[ProposedSubset, ...]:
    pods, ready = snapshot.pods_by_service.get(key, ()), snapshot.ready_pods(key)
    known = known_subsets(snapshot, key)
    taken = {subset.name for subset in (*known, *(rule.subsets if rule else ()))}
    found: list[tuple[str, Mapping[str, str], int, int]] = []
    for value in telling.values:
        labels = {telling.label: value}
        name = next((subset.name for subset in known if subset.labels == labels), "")
        if not name:
            name = subset_name(value, taken)
            taken.add(name)
        selected = [pod.metadata.name for pod in has_labels(pods, labels)]
        found.append((name, labels, sum(each in ready for each in selected), len(selected)))
    weights = apportion(USUAL_TOTAL, [ready_pods for _, _, ready_pods, _ in found])
    return tuple(ProposedSubset(*each, weight) for each, weight in zip(found, weights, strict=True))


def known_subsets(snapshot: Snapshot, key: Key) -> tuple[Subset, ...]:
    """Give the subsets of the rules for a service beside it, each name once: those that count there."""
    host = service_host(key)
    found: dict[str, Subset] = {}
    for rule in rules_for_host(snapshot, host, namespace=key[0]):
        if rule.metadata.namespace == key[0] and resolve_host(rule.host, namespace=key[0]) == host:
            for subset in rule.subsets:
                found.setdefault(subset.name, subset)
    return tuple(found.values())


def candidates(snapshot: Snapshot, key: Key) -> tuple[Candidate, ...]:
    """List the routes whose one destination is the service without a subset."""
    return tuple(
        Candidate(virtual_service, route)
        for virtual_service, route in routes_reaching(snapshot, key)
        if len(route.route) == 1 and route.route[0].destination.subset is None
    )


def mesh_reason(snapshot: Snapshot, host: str) -> str:
    """Say why callers in the mesh have a VirtualService already: sidecars take one for a host, and don't merge them.

    https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services
    """
    for virtual_service in bound_by_gateway(snapshot).get(MESH, ()):
        if any(host_matches(each, host) for each in full_hosts(virtual_service)):
            return f"VirtualService {virtual_service.metadata.full_name} routes callers in the mesh already."
    return ""


def http_port(gateway: Gateway) -> int:
    """Give the port of a Gateway's first server for plain HTTP, 0 where it has none."""
    return next((each.port for each in gateway.servers if each.protocol in {"HTTP", "HTTP2"}), 0)


def _usual_gateway(snapshot: Snapshot) -> tuple[Mapping[str, str], int]:
    """Give the selector and the HTTP port that most Gateways have: Istio's own installation's, where there is none."""
    seen = Counter(
        (tuple(sorted(gateway.selector.items())), http_port(gateway))
        for gateway in snapshot.gateways.values()
        if gateway.selector and http_port(gateway)
    )
    if not seen:
        return INGRESS_SELECTOR, INGRESS_PORT
    (selector, port), _ = min(seen.items(), key=lambda each: (-each[1], each[0]))
    return dict(selector), port
