"""What the tests of adoption share: a service with pods, a plan carried out as an API server would, and back."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jsonpatch

from tests.istio.builders import Raw, snapshot, workload
from webapp.istio.adopt.check import check
from webapp.istio.adopt.choice import Choice, Wish, first_wish
from webapp.istio.adopt.give_back import plan_return
from webapp.istio.adopt.plan import plan_adoption
from webapp.istio.adopt.proposal import Proposal, propose
from webapp.istio.adopt.steps import Plan, Step
from webapp.istio.snapshot import Snapshot

KEY = ("shop", "web")
PODS: Mapping[str, tuple[int, int]] = {"v1": (3, 3), "v2": (1, 1)}
KINDS = ("DestinationRule", "VirtualService", "Gateway")


class World:
    """Raw objects, and what a plan makes of them."""

    def __init__(self, *raws: Raw, pods: Mapping[str, tuple[int, int]] = PODS) -> None:
        self.raws = {self.name_of(raw): raw for raw in (*workload("web", **pods), *raws)}

    @staticmethod
    def name_of(raw: Raw) -> tuple[str, str, str]:
        return raw["kind"], raw["metadata"]["namespace"], raw["metadata"].get("name", "")

    @property
    def snapshot(self) -> Snapshot:
        return snapshot(*self.raws.values())

    @property
    def istio(self) -> dict[tuple[str, str, str], Raw]:
        return {name: raw for name, raw in self.raws.items() if name[0] in KINDS}

    def spec(self, kind: str, name: str = "web", namespace: str = "shop") -> Any:
        return self.raws[kind, namespace, name]["spec"]

    def annotations(self, kind: str, name: str = "web") -> Any:
        return self.raws[kind, "shop", name]["metadata"].get("annotations", {})

    def propose(self, **options: Any) -> Proposal:
        found = self.snapshot
        return propose(found, found.services[KEY], **options)

    def check(self, **wished: Any) -> Choice | dict[str, str]:
        proposal = self.propose()
        return check(self.snapshot, proposal, replace(first_wish(proposal), **wished))

    def plan(self, **wished: Any) -> Plan:
        choice = self.check(**wished)
        assert isinstance(choice, Choice), choice
        return plan_adoption(self.propose(), choice)

    def problems(self, **wished: Any) -> dict[str, str]:
        found = self.check(**wished)
        assert isinstance(found, dict), found
        return found

    def carry_out(self, steps: Sequence[Step]) -> None:
        """Do what an API server does with each step; a patch is applied by another's hand."""
        for step in steps:
            name = step.kind, step.namespace, step.name
            if step.verb == "create":
                assert name not in self.raws
                self.raws[name] = copy.deepcopy(dict(step.after or {}))
            elif step.verb == "delete":
                del self.raws[name]
            else:
                assert step.before is not None
                patch = step.patch_for(step.before)
                found = self.raws[name]
                found["metadata"].setdefault("resourceVersion", "")
                self.raws[name] = jsonpatch.apply_patch(found, patch)

    def adopt(self, **wished: Any) -> Plan:
        plan = self.plan(**wished)
        self.carry_out(plan.steps)
        return plan

    def give_back(self) -> Plan:
        plan = plan_return(self.snapshot, KEY)
        self.carry_out(plan.steps)
        return plan


def shown(plan: Plan) -> list[str]:
    """Each step as `verb Kind name`."""
    return [f"{step.verb} {step.kind} {step.name}" for step in plan.steps]


def wished(world: World) -> Wish:
    return first_wish(world.propose())
