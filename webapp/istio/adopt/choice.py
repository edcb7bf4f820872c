"""What a person asks for: in a form's words (`Wish`), and understood (`Choice`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webapp.istio.adopt.proposal import Candidate, Proposal
from webapp.istio.objects import Gateway, Key

NEW_GATEWAY = "new"


@dataclass(frozen=True, slots=True)
class Row:
    """One subset in the form's words: `labels` are `version=v1`, several with commas between them."""

    subset: str
    labels: str
    weight: str


@dataclass(frozen=True, slots=True)
class Wish:
    """The form as it stands, which need not be one that can be carried out.

    :param rule: the name of a new DestinationRule.
    :param routes: names of candidates.
    :param mesh: whether callers in the mesh get a VirtualService for the service's own host.
    :param gateway: `namespace/name` of one that is there, `new`, or empty for none.
    :param host: what callers of the gateway ask for.
    :param port: the service's port that the gateway leads to.
    :param virtual_service: the name of a new VirtualService.
    :param tag: whether each answer names its version.
    """

    rows: tuple[Row, ...]
    rule: str
    routes: tuple[str, ...]
    mesh: bool
    gateway: str
    host: str
    port: str
    virtual_service: str
    gateway_name: str
    gateway_port: str
    selector: str
    tag: bool


@dataclass(frozen=True, slots=True)
class ChosenSubset:
    """A subset with its weight; `exists` is whether the service's rules have it already."""

    name: str
    labels: Mapping[str, str]
    weight: int
    exists: bool


@dataclass(frozen=True, slots=True)
class NewGateway:
    """A Gateway that is made: one server for plain HTTP."""

    key: Key
    port: int
    selector: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NewVirtualService:
    """A VirtualService that is made; `port` is the service's, where the gateway has to be told."""

    name: str
    mesh: bool
    gateway: Gateway | NewGateway | None
    host: str
    port: int | None


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be done, with nothing left to misunderstand."""

    subsets: tuple[ChosenSubset, ...]
    rule_name: str
    routes: tuple[Candidate, ...]
    virtual_service: NewVirtualService | None
    tag: bool


def label_words(labels: Mapping[str, str]) -> str:
    """Write labels as the form does: `app=web,version=v1`."""
    return ",".join(f"{name}={value}" for name, value in labels.items())


def first_wish(proposal: Proposal) -> Wish:
    """Fill the form in as is proposed: every route that can be split; callers in the mesh where no route leads here."""
    mesh = not proposal.routed and not proposal.mesh_reason
    return Wish(
        rows=tuple(Row(each.name, label_words(each.labels), str(each.weight)) for each in proposal.subsets),
        rule=proposal.rule_name,
        routes=tuple(each.name for each in proposal.candidates),
        mesh=mesh,
        gateway="",
        host="",
        port=str(next(iter(proposal.ports), "")),
        virtual_service=proposal.virtual_service_name,
        gateway_name=proposal.gateway_name,
        gateway_port=str(proposal.gateway_port),
        selector=label_words(proposal.selector),
        tag=False,
    )
