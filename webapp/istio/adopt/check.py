"""Judge a form: each field with a sentence that says how to mend it, or what it asks for, understood."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from webapp.errors import InvalidInput
from webapp.istio.adopt.choice import (
    NEW_GATEWAY,
    Choice,
    ChosenSubset,
    NewGateway,
    NewVirtualService,
    Row,
    Wish,
    label_words,
)
from webapp.istio.adopt.labels import MOST_SUBSETS, has_labels
from webapp.istio.adopt.proposal import Candidate, Proposal, http_port, known_subsets
from webapp.istio.bound import bound_by_host
from webapp.istio.gateways import serves_host
from webapp.istio.history import last_writer
from webapp.istio.objects import Destination, Gateway, HttpRoute, Key, RouteDestination, VirtualService
from webapp.istio.snapshot import Snapshot
from webapp.istio.weights import parse_weights

LONGEST_LABEL = 63
LONGEST_NAME = 253
_SHOWN_CHARACTERS = 60

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
OBJECT_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names"""
SUBSET_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?")
"""A part of a cluster's name in proxies. https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names"""
HOST = re.compile(rf"\*|(\*\.)?{_LABEL}(\.{_LABEL})*")
"""https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-hosts"""
_WORD = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
LABEL_NAME = re.compile(rf"({OBJECT_NAME.pattern}/)?{_WORD}")
LABEL_VALUE = re.compile(_WORD)
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set"""

Problems = dict[str, str]
"""Sentences by the field that they are about; a row's field ends in its place: `labels-1`."""


def check(snapshot: Snapshot, proposal: Proposal, wish: Wish) -> Choice | Problems:
    """Understand a form for a service, or say what is wrong with it."""
    return _Check(snapshot, proposal, wish).judge()


class _Check:
    """One look at one form; `problems` grows, and the first word about a field counts."""

    def __init__(self, snapshot: Snapshot, proposal: Proposal, wish: Wish) -> None:
        self.snapshot, self.proposal, self.wish = snapshot, proposal, wish
        self.problems: Problems = {}

    def judge(self) -> Choice | Problems:
        subsets = self._subsets()
        if self.proposal.rule is None:
            self._object_name("rule", self.wish.rule, self.snapshot.destination_rules.keys(), "DestinationRule")
        routes = self._routes()
        virtual_service = self._virtual_service()
        if not routes and virtual_service is None and not self.problems:
            self._say("route", "Choose what is split: a route, callers in the mesh, or a gateway.")
        return self.problems or Choice(subsets, self.wish.rule, routes, virtual_service, self.wish.tag)

    def _say(self, field: str, words: str) -> None:
        self.problems.setdefault(field, words)

    def _subsets(self) -> tuple[ChosenSubset, ...]:
        rows = self.wish.rows
        if not 2 <= len(rows) <= MOST_SUBSETS:
            self._say("subset", f"A split has 2 to {MOST_SUBSETS} subsets here; {len(rows)} came.")
            return ()
        weights = self._weights()
        known = {each.name: each.labels for each in known_subsets(self.snapshot, self.proposal.key)}
        pods = self.snapshot.pods_by_service.get(self.proposal.key, ())
        claimed: dict[str, str] = {}
        found = []
        for place, row in enumerate(rows):
            self._subset_name(place, row, [each.subset for each in rows[:place]])
            labels = read_labels(row.labels)
            if isinstance(labels, str):
                self._say(f"labels-{place}", labels)
                continue
            if row.subset in known and known[row.subset] != labels:
                there = label_words(known[row.subset]) or "no labels"
                words = f"There is a subset {row.subset} with {there}: choose another name, or its labels."
                self._say(f"subset-{place}", words)
            selected = [pod.metadata.name for pod in has_labels(pods, labels)]
            if not selected:
                self._say(f"labels-{place}", f"No pod of {'/'.join(self.proposal.key)} has {_shown(row.labels)}.")
            if twice := next((claimed[name] for name in selected if name in claimed), ""):
                words = f"The subset {twice} selects some of these pods already: each belongs to one version."
                self._say(f"labels-{place}", words)
            claimed.update(dict.fromkeys(selected, row.subset))
            found.append(ChosenSubset(row.subset, labels, weights[place], row.subset in known))
        return tuple(found)

    def _subset_name(self, place: int, row: Row, earlier: Collection[str]) -> None:
        if not SUBSET_NAME.fullmatch(row.subset):
            words = f"A subset's name has letters, digits and hyphens, 63 at most: {_shown(row.subset)} does not fit."
            self._say(f"subset-{place}", words)
        elif row.subset in earlier:
            self._say(f"subset-{place}", f"Two subsets are called {row.subset}.")

    def _weights(self) -> tuple[int, ...]:
        try:
            return read_weights(self.wish)
        except InvalidInput as error:
            self._say("weight", f"{error.message[:1].upper()}{error.message[1:]}.")
            return (0,) * len(self.wish.rows)

    def _routes(self) -> tuple[Candidate, ...]:
        known = {each.name: each for each in self.proposal.candidates}
        for name in self.wish.routes:
            if name not in known:
                self._say("route", self._no_candidate(name))
        return tuple(known[name] for name in dict.fromkeys(self.wish.routes) if name in known)

    def _no_candidate(self, name: str) -> str:
        namespace, _, rest = name.partition("/")
        found = self.snapshot.virtual_services.get((namespace, rest.partition("/")[0]))
        if found is None:
            return f"There is no VirtualService {_shown(name)} any more: it was deleted in the meantime."
        by = (last_writer(found.metadata) or ("somebody", ""))[0]
        return (
            f"VirtualService {found.metadata.full_name} has no such route to {'/'.join(self.proposal.key)} alone any "
            f"more: {by} changed it. Look at it again."
        )

    def _virtual_service(self) -> NewVirtualService | None:
        wish = self.wish
        if not wish.mesh and not wish.gateway:
            return None
        self._object_name(
            "virtual_service", wish.virtual_service, self.snapshot.virtual_services.keys(), "VirtualService"
        )
        if wish.mesh and self.proposal.mesh_reason:
            self._say("mesh", f"{self.proposal.mesh_reason} Split its route instead.")
        if not self.proposal.ports:
            words = "No port of this service may carry HTTP by its name, so HTTP routes would not hold: name it http-…."
            self._say("mesh" if wish.mesh else "gateway", words)
        gateway = self._gateway() if wish.gateway else None
        return NewVirtualService(wish.virtual_service, wish.mesh, gateway, wish.host, self._port() if gateway else None)

    def _port(self) -> int | None:
        """Judge the port that the gateway leads to: it has to be named where the service has several.

        https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination-port
        """
        if len(self.proposal.service.ports) < 2:
            return None
        number = _number(self.wish.port)
        if number not in self.proposal.ports:
            self._say("port", f"Choose one of the service's ports for HTTP: {_listed(self.proposal.ports)}.")
        if self.wish.mesh:
            words = "This service has several ports, and the gateway leads to one: cover the mesh and the gateway one "
            self._say("mesh", f"{words}after the other.")
        return number

    def _gateway(self) -> Gateway | NewGateway | None:
        host, key = self.wish.host, self.proposal.key
        if len(host) > LONGEST_NAME or not HOST.fullmatch(host):
            self._say("host", "Name the host that callers ask for, such as shop.example, or * for any.")
        elif self.wish.mesh and host == "*":
            self._say("host", "Callers in the mesh need a host of their own: beside them, * can't be any host here.")
        if self.wish.gateway == NEW_GATEWAY:
            return self._new_gateway()
        namespace, _, name = self.wish.gateway.partition("/")
        gateway = self.snapshot.gateways.get((namespace, name))
        if gateway is None or not http_port(gateway):
            self._say("gateway", f"There is no Gateway {_shown(self.wish.gateway)} with a server for HTTP.")
            return None
        patterns = [each for server in gateway.servers for each in server.hosts]
        if not any(serves_host(gateway, each, host, namespace=key[0]) for each in patterns):
            self._say("host", f"Gateway {gateway.metadata.full_name} serves {_listed(patterns)}, not this host.")
        for other in bound_by_host(self.snapshot).get((gateway.metadata.full_name, host), ()):
            self._say("host", self._taken(other, gateway.metadata.full_name))
        return gateway

    def _taken(self, other: VirtualService, gateway: str) -> str:
        return (
            f"VirtualService {other.metadata.full_name} answers for this host at {gateway} already, and which of two "
            "is asked first is left open by Istio: choose another host, or split that one's route."
        )

    def _new_gateway(self) -> NewGateway:
        wish, key = self.wish, self.proposal.key
        self._object_name("gateway_name", wish.gateway_name, self.snapshot.gateways.keys(), "Gateway")
        port = _number(wish.gateway_port) or 0
        if not 1 <= port <= 65535:
            self._say("gateway_port", "A port is a number from 1 to 65535.")
        selector = read_labels(wish.selector)
        if isinstance(selector, str):
            self._say("selector", selector)
            return NewGateway((key[0], wish.gateway_name), port, {})
        if not any(selector.items() <= pod.metadata.labels.items() for pod in self.snapshot.pods.values()):
            self._say("selector", f"No pod has {_shown(wish.selector)}: which are the gateway's?")
        for gateway in self.snapshot.gateways.values():
            for other in self._bound_to(gateway) if gateway.selector == selector else ():
                self._say("host", self._taken(other, gateway.metadata.full_name))
        return NewGateway((key[0], wish.gateway_name), port, selector)

    def _bound_to(self, gateway: Gateway) -> tuple[VirtualService, ...]:
        return bound_by_host(self.snapshot).get((gateway.metadata.full_name, self.wish.host), ())

    def _object_name(self, field: str, name: str, taken: Collection[Key], kind: str) -> None:
        namespace = self.proposal.key[0]
        if len(name) > LONGEST_NAME or not OBJECT_NAME.fullmatch(name):
            words = "a name has small letters, digits, hyphens and dots, and begins and ends with a letter or digit"
            self._say(field, f"Kubernetes would refuse {_shown(name)}: {words}.")
        elif (namespace, name) in taken:
            self._say(field, f"There is a {kind} {namespace}/{name} already: choose another name.")


def read_weights(wish: Wish) -> tuple[int, ...]:
    """Read the rows' weights as those of a new split, which add up to 100.

    :raises InvalidInput: see `parse_weights`.
    """
    split = HttpRoute(0, route=tuple(RouteDestination(Destination("")) for _ in wish.rows))
    return parse_weights([row.weight for row in wish.rows], route=split)


def read_labels(written: str) -> dict[str, str] | str:
    """Read `version=v1,track=stable`; a sentence where it can't be."""
    labels: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in written.split(","))):
        name, equals, value = (each.strip() for each in part.partition("="))
        if not equals:
            return f"Write labels as name=value: {_shown(part)} has no equals sign."
        if not LABEL_NAME.fullmatch(name) or not LABEL_VALUE.fullmatch(value):
            return f"Kubernetes has no such label: {_shown(part)}. Letters, digits, hyphens, underscores and dots."
        if name in labels:
            return f"The label {name} is there twice."
        labels[name] = value
    return labels or "Write the labels that these pods alone have, such as version=v1."


def _number(written: str) -> int | None:
    return int(written) if re.fullmatch(r"[0-9]{1,5}", written) else None


def _listed(values: Iterable[object]) -> str:
    return ", ".join(map(str, values)) or "none"


def _shown(written: str) -> str:
    """Quote what somebody wrote, cut and without control characters."""
    kept = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in written[:_SHOWN_CHARACTERS])
    return f'"{kept}{"…" if len(written) > _SHOWN_CHARACTERS else ""}"' if written else "an empty name"
