"""Which route takes a request, and what the gateway answers to it."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.views.models.shared import ClusterView, DestinationView


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request as a person writes it, which need not be one that can be sent.

    :param headers: lines, `name: value`.
    :param gateway: `namespace/name`, a name in the VirtualService's own namespace, or `mesh`.
    :param source_namespace: the caller's, for `mesh`; empty where it does not matter.
    """

    method: str
    host: str
    path: str
    headers: list[str]
    gateway: str
    source_namespace: str


@dataclass(frozen=True, slots=True)
class StepView:
    """One rule that was looked at: a whole VirtualService (`http_route` None) or one of its routes.

    :param match: a route's match in words, empty for a VirtualService.
    :param outcome: `taken` (of a VirtualService: its routes are asked), `passed` or `undecided`; `because` says why.
    """

    namespace: str
    virtual_service: str
    http_route: int | None
    match: str
    outcome: str
    because: str


@dataclass(frozen=True, slots=True)
class TakenView:
    """The route that takes the request; `action` is what it does where it has no destinations."""

    namespace: str
    virtual_service: str
    http_route: int
    match: str
    destinations: list[DestinationView]
    action: str


@dataclass(frozen=True, slots=True)
class ExplanationView:
    """The decision, rule by rule.

    :param omitted: how many steps are left out of the middle, where there are very many.
    :param because: the outcome in a sentence; `certain` is whether no rule before it was undecided.
    :param at: when it was worked out, RFC 3339.
    :param request: the exact request that would be sent to the gateway; empty where none can be.
    :param why_not: why none can be sent, in a sentence; empty where one can.
    """

    steps: list[StepView]
    omitted: int
    taken: TakenView | None
    because: str
    certain: bool
    at: str
    request: str
    why_not: str


@dataclass(frozen=True, slots=True)
class GatewayAnswerView:
    """What came of sending the request once.

    :param status: HTTP status, None where no answer came.
    :param kind: see `webapp.traffic.answers.Kind`.
    :param by: who answered: `app`, `gateway` (Envoy by itself) or `nobody`.
    :param version: the destination's version that the answer names, None where it names none of the taken route's.
    :param headers: a few of the answer's, by lower-case name.
    :param verdict: `fits`, `differs` or `unknown`: whether the answer is what the explanation says; in words in `text`.
    """

    status: int | None
    kind: str
    by: str
    version: str | None
    mark: int | None
    latency_ms: float
    headers: dict[str, str]
    verdict: str
    text: str


@dataclass(frozen=True, slots=True)
class ExplainView:
    """The page `/virtual-services/<namespace>/<name>/explain`.

    :param gateways: what can be chosen as `request.gateway`.
    :param problems: sentences by the field that they are about; with any there is no explanation.
    """

    cluster: ClusterView
    namespace: str
    name: str
    request: RequestView
    gateways: list[str]
    methods: list[str]
    problems: dict[str, str]
    explanation: ExplanationView | None
    answer: GatewayAnswerView | None
