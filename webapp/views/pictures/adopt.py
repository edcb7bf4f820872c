"""The picture of an adoption: the form, the plan, and the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from webapp.cluster.cluster import Cluster
from webapp.cluster.objects_writer import Outcome
from webapp.errors import Conflict, CrossfadeError, InvalidInput
from webapp.istio.adopt.check import read_labels, read_weights
from webapp.istio.adopt.choice import Wish, label_words
from webapp.istio.adopt.consequences import consequences
from webapp.istio.adopt.give_back import adopted_objects, plan_return
from webapp.istio.adopt.labels import has_labels
from webapp.istio.adopt.newcomer import Newcomer, newcomers, plan_newcomer
from webapp.istio.adopt.proposal import Proposal
from webapp.istio.adopt.steps import Plan
from webapp.istio.snapshot import Snapshot
from webapp.istio.weights import shares
from webapp.istio.words import match_words
from webapp.settings import Settings
from webapp.views.models.adopt import (
    AdoptedView,
    AdoptFormView,
    AdoptView,
    NewcomerView,
    OutcomeView,
    RouteChoiceView,
    ShareView,
    SubsetRowView,
)
from webapp.views.pictures.adopt_plan import plan_view
from webapp.views.pictures.parts import status_view


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of a form: a plan or problems, and what the API server said of the plan's steps."""

    wish: Wish
    plan: Plan | None = None
    problems: Mapping[str, str] = field(default_factory=dict)
    verdicts: Sequence[CrossfadeError | None] = ()


def adopt_view(
    proposal: Proposal, looked: Looked, cluster: Cluster, settings: Settings, *, outcome: OutcomeView | None = None
) -> AdoptView:
    """Show the page."""
    snapshot, key = cluster.snapshot(), proposal.key
    adopted = [AdoptedView(name, made) for name, made in adopted_objects(snapshot, key)]
    notes = consequences(snapshot, looked.plan) if looked.plan else ()
    can_choose = not proposal.reason and bool(proposal.candidates or not proposal.mesh_reason or proposal.gateways)
    return AdoptView(
        cluster=status_view(cluster.status(), snapshot),
        namespace=key[0],
        name=key[1],
        host=proposal.host,
        reason=proposal.reason,
        form=_form_view(snapshot, proposal, looked.wish) if can_choose else None,
        problems=dict(looked.problems),
        plan=plan_view(looked.plan, cluster, notes=notes, verdicts=looked.verdicts) if looked.plan else None,
        adopted=adopted,
        give_back=plan_view(plan_return(snapshot, key), cluster) if adopted else None,
        newcomers=[_newcomer_view(snapshot, each, cluster, proposal) for each in newcomers(snapshot, key)],
        outcome=outcome,
        read_only=settings.read_only,
    )


def outcome_view(action: str, plan: Plan, outcome: Outcome) -> OutcomeView:
    """Say how far a plan came."""
    reached = len(outcome.done) + (outcome.failed is not None)
    verbs = {"create": "made", "patch": "changed", "delete": "deleted"}
    return OutcomeView(
        action=action,
        done=[f"{step.full_name} was {verbs[step.verb]}." for step in outcome.done],
        failed=outcome.failed.full_name if outcome.failed else "",
        error=outcome.error.message if outcome.error else "",
        pending=[step.full_name for step in plan.steps[reached:]],
        left=list(plan.left),
        waited_seconds=outcome.waited_seconds,
    )


def _form_view(snapshot: Snapshot, proposal: Proposal, wish: Wish) -> AdoptFormView:
    candidates = {each.virtual_service.metadata.key for each in proposal.candidates}
    return AdoptFormView(
        label=proposal.label,
        other_labels=list(proposal.others),
        missing=proposal.missing,
        unmatched=proposal.unmatched,
        subsets=_rows(snapshot, proposal, wish),
        split=_split(wish),
        rule=wish.rule,
        rule_exists=proposal.rule is not None,
        routes=[
            RouteChoiceView(
                name=each.name,
                namespace=each.virtual_service.metadata.namespace,
                virtual_service=each.virtual_service.metadata.name,
                match=match_words(each.route),
                gateways=list(each.virtual_service.gateways),
                chosen=each.name in wish.routes,
            )
            for each in proposal.candidates
        ],
        split_already=["/".join(key) for key in proposal.routed if key not in candidates],
        mesh=wish.mesh,
        mesh_reason=proposal.mesh_reason,
        gateway=wish.gateway,
        gateways=[each.metadata.full_name for each in proposal.gateways],
        host=wish.host,
        port=wish.port,
        ports=list(proposal.ports) if len(proposal.service.ports) > 1 else [],
        virtual_service=wish.virtual_service,
        gateway_name=wish.gateway_name,
        gateway_port=wish.gateway_port,
        selector=wish.selector,
        tag=wish.tag,
    )


def _rows(snapshot: Snapshot, proposal: Proposal, wish: Wish) -> list[SubsetRowView]:
    pods, ready = snapshot.pods_by_service.get(proposal.key, ()), snapshot.ready_pods(proposal.key)
    views = []
    for place, row in enumerate(wish.rows):
        labels = read_labels(row.labels)
        names = None if isinstance(labels, str) else [pod.metadata.name for pod in has_labels(pods, labels)]
        count = None if names is None else sum(name in ready for name in names)
        total = None if names is None else len(names)
        views.append(SubsetRowView(row.subset, row.labels, row.weight, place, count, total))
    return views


def _split(wish: Wish) -> list[ShareView]:
    try:
        weights = read_weights(wish)
    except InvalidInput:  # said beside the field
        return []
    return [
        ShareView(row.subset, weight, share, place)
        for place, (row, weight, share) in enumerate(zip(wish.rows, weights, shares(weights), strict=True))
    ]


def _newcomer_view(snapshot: Snapshot, newcomer: Newcomer, cluster: Cluster, proposal: Proposal) -> NewcomerView:
    reason, plan = "", None
    try:
        plan = plan_newcomer(snapshot, proposal.key, newcomer)
    except Conflict as error:
        reason = error.message
    return NewcomerView(
        name=newcomer.name,
        version=newcomer.subset.name,
        labels=label_words(newcomer.subset.labels),
        ready=newcomer.ready,
        total=newcomer.total,
        namespace=newcomer.virtual_service.metadata.namespace,
        virtual_service=newcomer.virtual_service.metadata.name,
        match=match_words(newcomer.route),
        plan=plan_view(plan, cluster) if plan else None,
        reason=reason,
    )
