"""`/services/<namespace>/<name>/adopt`: take control of a service, add a version to its split, give it all back."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, request

from webapp.errors import Conflict, CrossfadeError, InvalidInput, NotFound, Owned
from webapp.istio.adopt.check import check
from webapp.istio.adopt.choice import Choice, Wish, first_wish
from webapp.istio.adopt.consequences import FATAL, consequences
from webapp.istio.adopt.give_back import plan_return
from webapp.istio.adopt.newcomer import newcomers, plan_newcomer
from webapp.istio.adopt.plan import plan_adoption
from webapp.istio.adopt.proposal import Proposal, propose
from webapp.istio.adopt.steps import Plan, changed_meanwhile
from webapp.istio.snapshot import Snapshot
from webapp.views.adopt_form import read_wish
from webapp.views.models.adopt import OutcomeView
from webapp.views.pictures.adopt import Looked, adopt_view, outcome_view
from webapp.views.render import adapters, respond, wants_json
from webapp.views.shifts import refuse_when_read_only

blueprint = Blueprint("adopt", __name__, url_prefix="/services/<namespace>/<name>/adopt")

SHOWN_AS = {400, 409, 422}
"""Statuses of a page that shows what is wrong in its place; any other error in it is a refusal, 422."""


@blueprint.get("")
def page(namespace: str, name: str) -> Response:
    """Propose what could be done; `label` tells the pods apart by another label than the best."""
    proposal = _proposal(namespace, name, label=request.args.get("label", ""))
    return _answer(proposal, _first_look(proposal))


@blueprint.post("")
def adopt(namespace: str, name: str) -> Response:
    """Have the plan judged (`step` is preview), or carried out (apply) if it is still the one that was shown.

    Without any `subset` the form is as proposed. `plan_digest` and `seen` are the plan's own, `consent` names a tool.
    """
    step = request.form.get("step", "preview")
    if step not in {"preview", "apply"}:
        raise InvalidInput('The form field "step" is preview or apply.', field="step")
    if step == "apply":
        refuse_when_read_only()
    proposal = _proposal(namespace, name, label=request.form.get("label", ""))
    if proposal.reason:
        raise Conflict(f"There is nothing to take control of: {proposal.reason}")
    looked = _look(proposal, read_wish(request.form, proposal))
    if looked.plan is None:
        field, words = next(iter(looked.problems.items()))
        return _show(InvalidInput(words, field=field, detail={"problems": looked.problems}), proposal, looked)
    if step == "apply":
        return _carry_out("adopt", looked.plan, proposal, looked)
    return _answer(proposal, Looked(looked.wish, looked.plan, verdicts=_judge(looked.plan)))


@blueprint.post("/give-back")
def give_back(namespace: str, name: str) -> Response:
    """Take out what was made and added for this service; `plan_digest` and `seen` are the plan's own."""
    refuse_when_read_only()
    proposal = _proposal(namespace, name)
    return _carry_out("give-back", plan_return(_snapshot(), proposal.key), proposal, _first_look(proposal))


@blueprint.post("/add")
def add(namespace: str, name: str) -> Response:
    """Give a version that has appeared a destination with the weight 0; `newcomer` names it."""
    refuse_when_read_only()
    proposal, wanted = _proposal(namespace, name), request.form.get("newcomer", "")
    found = next((each for each in newcomers(_snapshot(), proposal.key) if each.name == wanted), None)
    if found is None:
        raise Conflict("This version has a destination by now, or no pods any more. Nothing was written.")
    return _carry_out("add", plan_newcomer(_snapshot(), proposal.key, found), proposal, _first_look(proposal))


def _snapshot() -> Snapshot:
    return adapters().cluster.snapshot()


def _proposal(namespace: str, name: str, *, label: str = "") -> Proposal:
    adapters().cluster.expect_may(("get", "list"), "services", namespace=namespace)
    service = _snapshot().services.get((namespace, name))
    if service is None:
        whole = adapters().cluster.status().state == "live"
        words = "It may just have been deleted." if whole else "The picture of the cluster is not complete right now."
        raise NotFound(f"There is no Service {namespace}/{name}. {words}")
    proposal = propose(_snapshot(), service, label=label)
    if not proposal.reason and adapters().cluster.hides_routes_to(proposal.key):
        words = "Routes of other namespaces lead to this service, and you may not see them: ask somebody who may."
        return replace(proposal, reason=words)
    return proposal


def _look(proposal: Proposal, wish: Wish) -> Looked:
    """Judge a form by what is known here: a plan, or what is wrong by field."""
    choice = check(_snapshot(), proposal, wish)
    if not isinstance(choice, Choice):
        return Looked(wish, problems=choice)
    try:
        plan = plan_adoption(proposal, choice)
    except Conflict as error:
        return Looked(wish, problems={"rule": error.message})
    for note in consequences(_snapshot(), plan):
        if note.code in FATAL:
            return Looked(wish, problems={"rule": f"{note.text} {note.cure}"})
    return Looked(wish, plan)


def _first_look(proposal: Proposal) -> Looked:
    """Judge the form as it is proposed; that nothing may be chosen in it yet is nobody's mistake."""
    wish = first_wish(proposal)
    return Looked(wish) if proposal.reason else Looked(wish, _look(proposal, wish).plan)


def _judge(plan: Plan) -> list[CrossfadeError | None]:
    """Have every step judged by the API server; each sees the cluster as it is, without the steps before it."""
    verdicts: list[CrossfadeError | None] = []
    for step in plan.steps:
        try:
            adapters().cluster.judge(step)
            verdicts.append(None)
        except CrossfadeError as error:
            verdicts.append(error)
    return verdicts


def _carry_out(action: str, plan: Plan, proposal: Proposal, looked: Looked) -> Response:
    """Write a plan that the person has seen, once the API server has judged all of it."""
    try:
        _expect_seen(plan)
        plan.expect_consents(request.form.getlist("consent"))
    except Conflict as error:
        field = "action" if action != "adopt" else "consent" if isinstance(error, Owned) else "plan"
        return _show(error, proposal, looked, field=field)
    verdicts = _judge(plan)
    for step, verdict in zip(plan.steps, verdicts, strict=True):
        if verdict:
            verdict.message = f"{step.full_name}: {verdict.message}"
            judged = replace(looked, verdicts=verdicts) if action == "adopt" else looked
            return _show(verdict, proposal, judged, field="plan" if action == "adopt" else "action")
    outcome = adapters().cluster.carry_out(plan.steps)
    adapters().metrics.count_written(action, outcome.error)
    view = outcome_view(action, plan, outcome)
    fresh = propose(_snapshot(), proposal.service)
    if outcome.error is None:
        return _answer(fresh, _first_look(fresh), outcome=view)
    outcome.error.detail |= {"done": view.done, "failed": view.failed, "pending": view.pending}
    return _show(outcome.error, fresh, _first_look(fresh), outcome=view)


def _expect_seen(plan: Plan) -> None:
    """Let a plan go on if it is the one that was shown.

    :raises InvalidInput: its digest was not sent.
    :raises Conflict: it is not; the words say who has changed what, as far as that can be told.
    """
    digest = request.form.get("plan_digest", "")
    if not digest:
        words = 'The form field "plan_digest" is missing: it says which plan you saw. Read the page, send its digest.'
        raise InvalidInput(words, field="plan_digest")
    if digest == plan.digest:
        return
    seen = dict(each.rpartition(" ")[::2] for each in request.form.getlist("seen"))
    for step in plan.steps:
        if step.before and seen.get(step.full_name, step.seen) != step.seen:
            raise changed_meanwhile(step.full_name, step.before)
    raise Conflict("This is not yet what was shown: the form or the cluster has changed. Look at it, then go on.")


def _show(
    error: CrossfadeError,
    proposal: Proposal,
    looked: Looked,
    *,
    field: str = "",
    outcome: OutcomeView | None = None,
) -> Response:
    """Answer an error: to scripts as every error, to people on the page, in its place."""
    if outcome is None and "Nothing was written" not in error.message:
        error.message += " Nothing was written."
    if wants_json():
        raise error
    if field:
        looked = replace(looked, problems={**looked.problems, field: error.message})
    status = error.status if error.status in SHOWN_AS else 422
    return _answer(proposal, looked, status=status, outcome=outcome)


def _answer(proposal: Proposal, looked: Looked, *, status: int = 200, outcome: OutcomeView | None = None) -> Response:
    view = adopt_view(proposal, looked, adapters().cluster, adapters().settings, outcome=outcome)
    return respond("pages/adopt.html", view, status=status)
