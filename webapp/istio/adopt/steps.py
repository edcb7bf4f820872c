"""A plan as values: which objects are made, changed and deleted, one after the other, and what each would be then."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from webapp.errors import Conflict, Owned
from webapp.istio.adopt.record import CROSSFADE, MANAGED_BY, digest_of
from webapp.istio.history import last_writer
from webapp.istio.objects import DestinationRule, Gateway, JsonPatch, Key, RawObject, VirtualService
from webapp.istio.ownership import Owner, expect_consent, owner_of
from webapp.istio.parse import parse_destination_rule, parse_gateway, parse_virtual_service
from webapp.istio.parse_values import mapping
from webapp.istio.patch import annotation_operations, fence
from webapp.istio.snapshot import Snapshot

Verb: TypeAlias = Literal["create", "patch", "delete"]
KindName: TypeAlias = Literal["DestinationRule", "VirtualService", "Gateway"]
IstioObject: TypeAlias = DestinationRule | VirtualService | Gateway

API_VERSION = "networking.istio.io/v1"

RESOURCES: Mapping[str, str] = {
    "DestinationRule": "destinationrules",
    "VirtualService": "virtualservices",
    "Gateway": "gateways",
}
_FIELDS = {
    "DestinationRule": "destination_rules",
    "VirtualService": "virtual_services",
    "Gateway": "gateways",
}
_PARSERS = {
    "DestinationRule": parse_destination_rule,
    "VirtualService": parse_virtual_service,
    "Gateway": parse_gateway,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One object that is written.

    :param before: the object as it is, None where it is made.
    :param after: the object as it will be, None where it is deleted.
    :param operations: of a patch: JSON Patch operations on the spec, which hold for as long as the spec is the same.
    :param annotations: of a patch: annotations that are set with it, or removed (None).
    :param why: what the step does, in a sentence.
    """

    verb: Verb
    kind: KindName
    namespace: str
    name: str
    why: str
    before: IstioObject | None = None
    after: RawObject | None = None
    operations: tuple[Mapping[str, Any], ...] = ()
    annotations: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def resource(self) -> str:
        """The plural that addresses and RBAC use."""
        return RESOURCES[self.kind]

    @property
    def full_name(self) -> str:
        """`VirtualService shop/web`, as pages and messages say it."""
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def seen(self) -> str:
        """What the step was worked out from: a digest of the object's spec, empty where there is no object."""
        return digest_of(self.before.raw.get("spec")) if self.before else ""

    def expect_seen(self, found: IstioObject) -> None:
        """Let the step go on where the object's spec is still what it was worked out from.

        :raises Conflict: somebody changed it meanwhile; `detail` says who, as far as managedFields tell.
        """
        if digest_of(found.raw.get("spec")) != self.seen:
            raise changed_meanwhile(self.full_name, found)

    def patch_for(self, found: IstioObject) -> JsonPatch:
        """Give the fenced patch for an object that may have other labels and annotations by now.

        :raises Conflict: see `expect_seen`.
        """
        self.expect_seen(found)
        operations = [dict(each) for each in self.operations]
        return [fence(found), *operations, *annotation_operations(found, self.annotations)]


def changed_meanwhile(full_name: str, found: IstioObject) -> Conflict:
    """Say that an object is no longer what a plan was worked out from, and who changed it."""
    by, at = last_writer(found.metadata) or ("somebody", "")
    words = f"{full_name} was changed by {by} in the meantime. Look at it again."
    return Conflict(words, detail={"by": by, "at": at, "object": full_name})


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order in which they are carried out.

    :param left: sentences about what stays as it is, and why.
    """

    steps: tuple[Step, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The proof of what a person saw: which specs become which."""
        seen = [
            [step.verb, step.full_name, step.seen, mapping(step.after).get("spec"), dict(step.annotations)]
            for step in self.steps
        ]
        return digest_of(seen)

    @property
    def seen(self) -> Mapping[str, str]:
        """The objects that the plan was worked out from, by their full names, as digests of their specs."""
        return {step.full_name: step.seen for step in self.steps if step.before}

    @property
    def owners(self) -> Mapping[str, Owner]:
        """Who else manages objects that the plan changes, by the objects' full names."""
        found = {step.full_name: owner_of(step.before.metadata) for step in self.steps if step.before}
        return {name: owner for name, owner in found.items() if owner}

    def expect_consents(self, consents: Collection[str]) -> None:
        """Let the plan go on where the person has said that he knows who else manages the objects.

        :param consents: names of tools.
        :raises Owned: one is missing, or the tool takes annotations for changes, so that nothing could be recorded.
        """
        for step in self.steps:
            if step.before is None:
                continue
            owner = owner_of(step.before.metadata)
            if owner and not owner.tolerates_annotations:
                raise Owned(
                    f"{owner.tool} manages {step.full_name} and takes an annotation for a change of it, so what would "
                    "be added could not be recorded to be given back. Nothing was written.",
                    detail={"owner": owner.tool, "name": owner.name, "consequence": owner.consequence},
                )
            expect_consent(step.before.metadata, owner.tool if owner and owner.tool in consents else "")


def creation(kind: KindName, key: Key, spec: RawObject, *, annotations: Mapping[str, str], why: str) -> Step:
    """Give the step that makes an object, labelled as Crossfade's."""
    namespace, name = key
    metadata = {
        "namespace": namespace,
        "name": name,
        "labels": {MANAGED_BY: CROSSFADE},
        "annotations": dict(annotations),
    }
    raw = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
    return Step("create", kind, namespace, name, why, after=raw)


def change(
    found: DestinationRule | VirtualService,
    spec: RawObject,
    operations: Sequence[Mapping[str, Any]],
    *,
    annotations: Mapping[str, str | None],
    why: str,
) -> Step:
    """Give the step that changes an object's spec into another by operations, and sets annotations."""
    kind: KindName = "DestinationRule" if isinstance(found, DestinationRule) else "VirtualService"
    raw = copy.deepcopy(dict(found.raw))
    metadata = dict(mapping(raw.get("metadata")))
    kept = {name: each for name, each in mapping(metadata.get("annotations")).items() if name not in annotations}
    metadata["annotations"] = kept | {name: each for name, each in annotations.items() if each is not None}
    after = raw | {"metadata": metadata, "spec": spec}
    namespace, name = found.metadata.key
    return Step("patch", kind, namespace, name, why, found, after, tuple(operations), annotations)


def deletion(found: IstioObject, *, why: str) -> Step:
    """Give the step that deletes an object."""
    kinds: dict[type, KindName] = {
        DestinationRule: "DestinationRule",
        VirtualService: "VirtualService",
        Gateway: "Gateway",
    }
    namespace, name = found.metadata.key
    return Step("delete", kinds[type(found)], namespace, name, why, found)


def after(snapshot: Snapshot, steps: Sequence[Step]) -> Snapshot:
    """Give the mesh as it would be once the steps are carried out."""
    news: dict[str, dict[Key, Any]] = {}
    for step in steps:
        found = None if step.after is None else _PARSERS[step.kind](step.after)
        news.setdefault(_FIELDS[step.kind], {})[step.namespace, step.name] = found
    return snapshot.successor(snapshot.revision, news) if news else snapshot


LEARN_SECONDS = 2.0
"""Between subsets and the routes that name them."""
FORGET_SECONDS = 5.0
"""Between routes that name subsets no more and the subsets' end: the dangerous direction.

istiod gathers changes for 100 ms, for longer when it is busy, and of one push the clusters reach a proxy first: a route
would then, for a moment, name a cluster that is gone already.
https://istio.io/latest/docs/ops/best-practices/traffic-management/#avoid-503-errors-while-reconfiguring-service-routes
"""


def settle_seconds(step: Step, following: Step | None) -> float:
    """Say how long to wait after a step, so that proxies have learnt it before the one that follows."""
    if following and (step.kind, following.kind) == ("DestinationRule", "VirtualService"):
        return LEARN_SECONDS
    if following and (step.kind, following.kind) == ("VirtualService", "DestinationRule"):
        return FORGET_SECONDS
    return 0.0
