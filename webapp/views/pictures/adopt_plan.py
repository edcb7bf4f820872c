"""A plan as people read it: each object as YAML with a diff, and what stands in its way."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import yaml

from webapp.cluster.cluster import Cluster
from webapp.errors import CrossfadeError
from webapp.istio.adopt.steps import Plan, Step, settle_seconds
from webapp.istio.diagnostics import Note
from webapp.istio.objects import RawObject
from webapp.istio.parse_values import mapping
from webapp.views.models.adopt import DiffLineView, PlanView, StepView
from webapp.views.models.virtual_service import OwnerView
from webapp.views.pictures.parts import lacks_right, note_views

CONTEXT_LINES = 3
_FIRST_HUNK = re.compile(r"@@ -[01][, ]")
_METADATA = ("namespace", "name", "labels", "annotations")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def plan_view(
    plan: Plan,
    cluster: Cluster,
    *,
    notes: Sequence[Note] = (),
    verdicts: Sequence[CrossfadeError | None] = (),
) -> PlanView:
    """Show a plan; `verdicts` are those of a dry run, one a step, where there was one."""
    judged = [*verdicts, *([None] * (len(plan.steps) - len(verdicts)))]
    return PlanView(
        steps=[
            _step_view(step, error, is_judged=place < len(verdicts))
            for place, (step, error) in enumerate(zip(plan.steps, judged, strict=True))
        ],
        digest=plan.digest,
        seen=[f"{name} {digest}" for name, digest in plan.seen.items()],
        left=list(plan.left),
        notes=note_views(notes),
        owners=[
            OwnerView(each.tool, each.name, each.consequence)
            for each in {owner.tool: owner for owner in plan.owners.values()}.values()
        ],
        may_not=_may_not(plan, cluster),
        settle_seconds=sum(settle_seconds(*each) for each in zip_longest(plan.steps, plan.steps[1:])),
    )


def _step_view(step: Step, error: CrossfadeError | None, *, is_judged: bool) -> StepView:
    before = _lines(step.before.raw if step.before else None)
    after = _lines(step.after)
    return StepView(
        verb=step.verb,
        kind=step.kind,
        namespace=step.namespace,
        name=step.name,
        why=step.why,
        diff=list(_diff(before, after)),
        yaml="\n".join(after),
        verdict=("refused" if error else "accepted") if is_judged else "",
        error=error.message if error else "",
    )


def _lines(raw: RawObject | None) -> list[str]:
    """Write an object as people keep it in files: without what the API server adds."""
    if raw is None:
        return []
    metadata = mapping(raw.get("metadata"))
    kept: dict[str, Any] = {name: metadata[name] for name in _METADATA if metadata.get(name)}
    if annotations := mapping(kept.get("annotations")):
        others = {name: each for name, each in annotations.items() if name != _LAST_APPLIED}
        kept |= {"annotations": others}
        if not others:
            del kept["annotations"]
    shown = {"apiVersion": raw.get("apiVersion"), "kind": raw.get("kind"), "metadata": kept, "spec": raw.get("spec")}
    written = yaml.safe_dump(_plain(shown), sort_keys=False, allow_unicode=True, width=120)
    return written.rstrip("\n").split("\n")


def _plain(value: Any) -> Any:
    """Copy JSON into dicts and lists of its own: what is named twice would be written as an anchor."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _diff(before: list[str], after: list[str]) -> Iterator[DiffLineView]:
    for line in list(difflib.unified_diff(before, after, n=CONTEXT_LINES, lineterm=""))[2:]:
        if not line.startswith("@@"):
            yield DiffLineView(line[:1], line[1:])
        elif not _FIRST_HUNK.match(line):
            yield DiffLineView("@", "")


def _may_not(plan: Plan, cluster: Cluster) -> str:
    lacks = (lacks_right(cluster, each.verb, each.resource, namespace=each.namespace) for each in plan.steps)
    found = next(filter(None, lacks), "")
    if not found or cluster.person:
        return found
    return f"{found} Give it the right, or write the objects below by hand."
