"""Take control of a service, step by step on one page, and give it back."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.views.models.shared import ClusterView, NoteView
from webapp.views.models.virtual_service import OwnerView


@dataclass(frozen=True, slots=True)
class SubsetRowView:
    """One subset as the form has it; `weight` is what was typed. `ready` and `total` are None where nobody knows."""

    subset: str
    labels: str
    weight: str
    mark: int
    ready: int | None
    total: int | None


@dataclass(frozen=True, slots=True)
class ShareView:
    """One part of the split that would be, as the bar shows it; `share` in percent."""

    version: str
    weight: int
    share: float | None
    mark: int


@dataclass(frozen=True, slots=True)
class RouteChoiceView:
    """A route that can become a split; `name` is what the form sends as `route`."""

    name: str
    namespace: str
    virtual_service: str
    match: str
    gateways: list[str]
    chosen: bool


@dataclass(frozen=True, slots=True)
class AdoptFormView:
    """The form as it stands, field by field.

    :param split: empty where the weights can't be read.
    :param missing: how many pods lack the `label` that tells them apart; `unmatched` ready ones are in no subset.
    :param rule_exists: the DestinationRule is there, and extended; else one called `rule` is made.
    :param split_already: VirtualServices with routes to it, none of which can become a split any more.
    :param mesh_reason: why callers in the mesh can't be chosen, empty where they can.
    :param gateway: chosen of `gateways` (`namespace/name`), `new`, or empty.
    :param ports: the service's ports to choose from, where it has several.
    """

    label: str
    other_labels: list[str]
    missing: int
    unmatched: int
    subsets: list[SubsetRowView]
    split: list[ShareView]
    rule: str
    rule_exists: bool
    routes: list[RouteChoiceView]
    split_already: list[str]
    mesh: bool
    mesh_reason: str
    gateway: str
    gateways: list[str]
    host: str
    port: str
    ports: list[int]
    virtual_service: str
    gateway_name: str
    gateway_port: str
    selector: str
    tag: bool


@dataclass(frozen=True, slots=True)
class DiffLineView:
    """A line of a diff; `sign` is `+`, `-`, `@` (lines are left out) or a space."""

    sign: str
    text: str


@dataclass(frozen=True, slots=True)
class StepView:
    """One object that is created, patched or deleted.

    :param yaml: the object as it will be, empty where it is deleted.
    :param verdict: what the API server's dry run says: `accepted`, `refused`, or empty where it was not asked.
    :param error: why it is refused.
    """

    verb: str
    kind: str
    namespace: str
    name: str
    why: str
    diff: list[DiffLineView]
    yaml: str
    verdict: str
    error: str


@dataclass(frozen=True, slots=True)
class PlanView:
    """What would be written, in order.

    :param digest: the proof of what the person saw, sent back as `plan_digest`.
    :param seen: the objects that it was worked out from, sent back as `seen`.
    :param left: sentences about what stays as it is, and why.
    :param notes: warnings that the plan would bring about.
    :param owners: who else manages these objects; each is to be named as `consent`.
    :param may_not: the right that is lacking, in a sentence; empty where none is known to.
    :param settle_seconds: how long proxies are given between the steps, in all.
    """

    steps: list[StepView]
    digest: str
    seen: list[str]
    left: list[str]
    notes: list[NoteView]
    owners: list[OwnerView]
    may_not: str
    settle_seconds: float


@dataclass(frozen=True, slots=True)
class NewcomerView:
    """A version with pods that a split has no destination for; `name` is what the form sends as `newcomer`."""

    name: str
    version: str
    labels: str
    ready: int
    total: int
    namespace: str
    virtual_service: str
    match: str
    plan: PlanView | None
    reason: str


@dataclass(frozen=True, slots=True)
class AdoptedView:
    """An object that carries a record of what was done for this service; `made` is whether Crossfade made it whole."""

    name: str
    made: bool


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """How far the last post came.

    :param action: adopt, give-back or add.
    :param done: the objects that were written, as sentences.
    :param failed: the object that was not, `error` says why; `pending` were not reached. All empty where all is done.
    """

    action: str
    done: list[str]
    failed: str
    error: str
    pending: list[str]
    left: list[str]
    waited_seconds: float


@dataclass(frozen=True, slots=True)
class AdoptView:
    """The page `/services/<namespace>/<name>/adopt`.

    :param reason: why there is nothing to take control of; then there is no form.
    :param problems: sentences by the field that they are about; with any there is no plan.
    :param give_back: what would be taken back, None where nothing was made or added.
    """

    cluster: ClusterView
    namespace: str
    name: str
    host: str
    reason: str
    form: AdoptFormView | None
    problems: dict[str, str]
    plan: PlanView | None
    adopted: list[AdoptedView]
    give_back: PlanView | None
    newcomers: list[NewcomerView]
    outcome: OutcomeView | None
    read_only: bool
