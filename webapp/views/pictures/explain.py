"""The picture of one request: which route takes it, and what the gateway answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from webapp.istio.explain import Explanation, Request, Step, explain
from webapp.istio.gateways import NoGateway, gateway_address
from webapp.istio.mesh import report_names, route_marks
from webapp.istio.objects import HttpRoute, VirtualService
from webapp.istio.routes import action_words, destination_versions, match_words
from webapp.istio.snapshot import Snapshot
from webapp.panel import Panel, identification_of
from webapp.settings import Settings
from webapp.traffic.answers import Kind
from webapp.traffic.identify import is_envoys_own, kind_of, report_of, version_of
from webapp.traffic.prober import Reply
from webapp.traffic.targets import TAG_HEADER, Identification, Target, unaskable
from webapp.views.models.explain import ExplanationView, GatewayAnswerView, RequestView, StepView, TakenView
from webapp.views.pictures.parts import destination_views
from webapp.views.request_form import gateway_of, headers_of

MOST_STEPS = 200
SHOWN_HEADERS = ("server", "content-type", "location", "retry-after", "x-envoy-upstream-service-time", TAG_HEADER)
_LONGEST_VALUE = 200
_LONGEST_REPORT = 60


@dataclass(frozen=True, slots=True)
class Explained:
    """A request with its explanation, and what to send for it; without a `target` `why_not` says why."""

    explanation: Explanation
    target: Target | None
    why_not: str = ""


def explained(
    request: RequestView, virtual_service: VirtualService, snapshot: Snapshot, settings: Settings, *, in_cluster: bool
) -> Explained:
    """Explain a request without problems. Its host is a header: the address is the gateway's own, whatever it says."""
    key = gateway_of(request)
    url, why_not = _address(request, virtual_service, snapshot, settings, in_cluster=in_cluster)
    path, _, query = request.path.partition("?")
    asked = Request(
        method=request.method,
        scheme=urlsplit(url).scheme or "http",
        # Without a Host of its own a request carries that of the address.
        host=request.host or urlsplit(url).netloc,
        path=path,
        headers=headers_of(request),
        query=query,
        source_namespace=request.source_namespace if key is None else "",
    )
    explanation = explain(snapshot, asked, gateway=key or "mesh")
    if why_not:
        return Explained(explanation, None, why_not)
    owner, route = explanation.taken or (virtual_service, None)
    target = Target(
        namespace=owner.metadata.namespace,
        name=owner.metadata.name,
        http_route=route.index if route else -1,
        gateway_url=url,
        method=request.method,
        host=request.host,
        path=request.path,
        headers=headers_of(request),
        identification=identification_of(snapshot, owner, route, settings) if route else Identification(),
        versions=report_names(snapshot, owner, route) if route else {},
    )
    reason = unaskable(target)
    return Explained(explanation, None, reason) if reason else Explained(explanation, target)


def _address(
    request: RequestView, virtual_service: VirtualService, snapshot: Snapshot, settings: Settings, *, in_cluster: bool
) -> tuple[str, str]:
    """Give the address of the gateway that was chosen, or why there is none."""
    key = gateway_of(request)
    if key is None:
        return "", (
            "A caller in the mesh is served by its own sidecar, which can't be asked from here: "
            "run curl in a pod of the mesh to see its answer."
        )
    if settings.gateway_url:
        return settings.gateway_url, ""
    through = replace(virtual_service, gateways=("/".join(key),))
    found = gateway_address(through, snapshot, in_cluster=in_cluster)
    return ("", found.reason) if isinstance(found, NoGateway) else (found.url, "")


def explanation_view(found: Explained, snapshot: Snapshot) -> ExplanationView:
    """Show the steps and the outcome."""
    explanation = found.explanation
    steps = explanation.steps
    omitted = max(0, len(steps) - MOST_STEPS)
    shown = steps[: MOST_STEPS - 1] + steps[-1:] if omitted else steps
    return ExplanationView(
        steps=[_step_view(step, snapshot) for step in shown],
        omitted=omitted,
        taken=_taken_view(snapshot, *explanation.taken) if explanation.taken else None,
        because=explanation.because,
        certain=explanation.certain,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        request=Panel("off", 0, target=found.target).request,
        why_not=found.why_not,
    )


def _step_view(step: Step, snapshot: Snapshot) -> StepView:
    namespace, name = step.virtual_service
    match = ""
    if step.http_route is not None:
        match = match_words(snapshot.virtual_services[step.virtual_service].http[step.http_route])
    outcome = "undecided" if step.undecided else "taken" if step.taken else "passed"
    return StepView(namespace, name, step.http_route, match, outcome, step.because)


def _taken_view(snapshot: Snapshot, owner: VirtualService, route: HttpRoute) -> TakenView:
    return TakenView(
        namespace=owner.metadata.namespace,
        virtual_service=owner.metadata.name,
        http_route=route.index,
        match=match_words(route),
        destinations=destination_views(snapshot, owner, route),
        action=action_words(route),
    )


def answer_view(found: Explained, target: Target, reply: Reply, snapshot: Snapshot) -> GatewayAnswerView:
    """Show what came of sending the target's request once, beside what was to be expected."""
    kind = reply.failure or kind_of(status=reply.status, headers=reply.headers, body=reply.body)
    report = report_of(headers=reply.headers, body=reply.body, by=target.identification)
    version = version_of(headers=reply.headers, body=reply.body, target=target)
    by = "nobody" if reply.failure else "gateway" if is_envoys_own(reply.headers) else "app"
    verdict, text = _verdict(found.explanation, kind, by, report[:_LONGEST_REPORT], version)
    return GatewayAnswerView(
        status=reply.status or None,
        kind=str(kind),
        by=by,
        version=version,
        mark=_marks(found.explanation, snapshot).get(version or ""),
        latency_ms=round(1000 * reply.latency_seconds, 1),
        headers=_few(reply.headers, target.identification.header),
        verdict=verdict,
        text=text,
    )


def _marks(explanation: Explanation, snapshot: Snapshot) -> dict[str, int]:
    if explanation.taken is None:
        return {}
    owner, route = explanation.taken
    return dict(zip(destination_versions(route), route_marks(snapshot, owner, route), strict=True))


def _few(headers: Mapping[str, str], version_header: str) -> dict[str, str]:
    names = dict.fromkeys([*SHOWN_HEADERS, version_header.lower()])
    return {name: headers[name][:_LONGEST_VALUE] for name in names if name in headers}


def _verdict(explanation: Explanation, kind: Kind, by: str, report: str, version: str | None) -> tuple[str, str]:
    if not kind.reached_gateway:
        return "unknown", "No answer came, so there is nothing to compare with the explanation."
    verdict, text = _compare(explanation, kind, by, report, version)
    if verdict == "differs" and not explanation.certain:
        return "unknown", f"{text} A rule that can't be decided here may have taken the request."
    return verdict, text


def _compare(explanation: Explanation, kind: Kind, by: str, report: str, version: str | None) -> tuple[str, str]:
    if explanation.taken is None:
        if kind is Kind.NO_ROUTE:
            return "fits", "The gateway has no route for this request either."
        return "differs", (
            "An answer came although no route shown here takes the request: "
            "another Gateway on the same pods may carry it, or the gateway has not learned the newest objects yet."
        )
    owner, route = explanation.taken
    where = f"route {route.index} of {owner.metadata.full_name}"
    if not route.route:
        does = f"R{where[1:]} {action_words(route)}"
        if route.redirect is not None and kind is Kind.REDIRECT:
            return "fits", f"{does}, and a redirect came."
        return "unknown", f"{does}, so there is no version to compare."
    if kind is Kind.NO_ROUTE:
        return "differs", f"The gateway has no route for this request, though {where} should take it."
    if version is not None:
        weight = sum(w for v, w in zip(destination_versions(route), route.weights, strict=True) if v == version)
        if weight:
            return "fits", f"{version} is among the destinations of {where}, with {weight} of {sum(route.weights)}."
        return "differs", f"{version} is a destination of {where}, but its weight is 0."
    if report:
        named = ", ".join(dict.fromkeys(destination_versions(route)))
        return "differs", f'The answer says "{report}", which is none of the destinations of {where} ({named}).'
    if by == "gateway":
        return "unknown", "Envoy answered by itself, so there is no version to compare."
    return "unknown", "The answer does not say which version gave it: tag the responses of that route, and it will."
