"""Made-up views."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

from webapp.views.models.answers import AnswerRowView, AnswersView
from webapp.views.models.explain import (
    ExplainView,
    ExplanationView,
    GatewayAnswerView,
    RequestView,
    StepView,
    TakenView,
)
from webapp.views.models.mesh import MeshView, ServiceRowView, SplitView
from webapp.views.models.service import PodView, RouteReachView, ServiceView
from webapp.views.models.shared import ClusterView, DestinationView, NoteView, VersionView
from webapp.views.models.virtual_service import ChangeView, RouteView, SamplingView, UndoView, VirtualServiceView

REQUEST = "GET http://35.240.1.2/\nHost: example.org"


def cluster(**changes: Any) -> ClusterView:
    live = ClusterView(
        name="kind-demo", revision=0, state="live", age_seconds=0.3, text="live", progress=[], problems=[]
    )
    return replace(live, **changes)


def digest(weights: list[int]) -> str:
    """Stand in for the route's digest."""
    return sha256(repr(weights).encode()).hexdigest()[:16]


def destinations(
    weights: list[int], *, ready: list[int] | None = None, names: list[str] | None = None
) -> list[DestinationView]:
    whole = sum(weights)
    return [
        DestinationView(
            host="app",
            subset=f"v{place + 1}",
            port=None,
            version=names[place] if names else f"v{place + 1}",
            mark=place,
            weight=weight,
            share=100 * weight / whole if whole else None,
            ready=ready[place] if ready else 1,
            total=max(1, ready[place]) if ready else 1,
            tagged=False,
        )
        for place, weight in enumerate(weights)
    ]


def route(weights: list[int], *, ready: list[int] | None = None, **changes: Any) -> RouteView:
    view = RouteView(
        section="http",
        index=0,
        name="",
        match="path starts with /",
        route_digest=digest(weights),
        total=sum(weights) or 100,
        weighted=len(weights) > 1,
        destinations=destinations(weights, ready=ready),
        action="",
        extras=[],
        history=[ChangeView(weights, "kubectl", "2026-08-01T11:58:00Z", "12 min ago", True, False)],
        undo=UndoView(False, [], "There is no earlier split."),
        sampling=SamplingView("running", 10, "http://35.240.1.2", REQUEST, identified_by="the header x-app-version"),
        notes=[],
    )
    return replace(view, **changes)


def reweighted(before: RouteView, weights: list[int], *, by: str) -> RouteView:
    """The same route after a shift."""
    whole = sum(weights)
    return replace(
        before,
        route_digest=digest(weights),
        total=whole,
        destinations=[
            replace(each, weight=weight, share=100 * weight / whole)
            for each, weight in zip(before.destinations, weights, strict=True)
        ],
        history=[
            ChangeView(weights, by, "2026-08-01T12:10:00Z", "1 s ago", True, by != "crossfade"),
            *(replace(each, current=False) for each in before.history),
        ],
        undo=UndoView(True, before.history[0].weights),
    )


def virtual_service(*routes: RouteView, **changes: Any) -> VirtualServiceView:
    view = VirtualServiceView(
        cluster=cluster(),
        namespace="default",
        name="aspnetcore-virtualservice",
        hosts=["*"],
        gateways=["aspnetcore-gateway"],
        gateway_url="http://35.240.1.2",
        http_routes=list(routes) or [route([90, 10])],
        tls_routes=[],
        tcp_routes=[],
        notes=[],
        read_only=False,
    )
    return replace(view, **changes)


def versions(*counts: tuple[int, int]) -> list[VersionView]:
    return [
        VersionView(f"v{place + 1}", place, f"v{place + 1}", {"version": f"v{place + 1}"}, ready, total)
        for place, (ready, total) in enumerate(counts)
    ]


def row(namespace: str, name: str, split: SplitView, found: list[VersionView], **changes: Any) -> ServiceRowView:
    view = ServiceRowView(
        namespace=namespace,
        name=name,
        host=f"{name}.{namespace}.svc.cluster.local",
        kind="Service",
        versions=found,
        split=split,
        reached_at="mesh only",
        reached_as="",
        notes=[],
    )
    return replace(view, **changes)


def mesh(**changes: Any) -> MeshView:
    def split(weights: list[int], where: str = "shop/app") -> SplitView:
        return SplitView(destinations(weights), "", where, 0)

    warning = NoteView("warning", "no_ready_pods", "v3 has no ready pods.", "Scale its Deployment up.")
    owner = NoteView("owner", "owner", "Flagger owns this: it resets the weights to 100/0 when a rollout begins.")
    rows = [
        row(
            "default",
            "aspnetcore-service",
            split([90, 10], "default/aspnetcore-virtualservice"),
            versions((1, 1), (1, 1)),
            reached_at="http://35.240.1.2/",
        ),
        row(
            "payments",
            "api",
            split([95, 5]),
            versions((4, 4), (1, 1)),
            reached_at="http://35.240.1.2/",
            reached_as="pay.example",
            notes=[owner],
        ),
        row("shop", "catalog", split([98, 1, 1]), versions((1, 1), (1, 1), (1, 1))),
        row("shop", "checkout", split([40, 25, 15, 10, 6, 4]), versions(*[(1, 1)] * 6)),
        row(
            "shop",
            "ratings",
            SplitView([], "no split: about by pods, 75/25", "", None),
            versions((3, 3), (1, 1)),
            reached_at="not exposed",
        ),
        row("shop", "reviews", split([80, 20, 0]), versions((2, 2), (2, 2), (0, 1)), notes=[warning]),
        row(
            "shop",
            "api.partner.example",
            SplitView([], "one version", "", None),
            [],
            kind="ServiceEntry",
            reached_at="not exposed",
        ),
    ]
    view = MeshView(cluster(), ["default", "payments", "shop"], "", "", rows, len(rows), "")
    return replace(view, **changes)


def service(**changes: Any) -> ServiceView:
    pods = [
        PodView(f"reviews-v{mark + 1}-7d9f8c6b5-x{each}k2p", f"v{mark + 1}", mark, mark < 2, {})
        for mark in range(3)
        for each in range(2)
    ]
    pods.append(PodView("reviews-debug", None, None, True, {}))
    view = ServiceView(
        cluster=cluster(),
        namespace="shop",
        name="reviews",
        host="reviews.shop.svc.cluster.local",
        kind="Service",
        ports=["9080 http"],
        versions=versions((2, 2), (2, 2), (0, 2)),
        pods=pods,
        routes=[
            RouteReachView("shop", "reviews", 0, "header end-user is jason", ["mesh"], destinations([0, 100])),
            RouteReachView("shop", "reviews", 1, "everything", ["mesh"], destinations([80, 20, 0])),
        ],
        destination_rules=["shop/reviews"],
        reached_at="mesh only",
        notes=[NoteView("warning", "no_ready_pods", "v3 has no ready pods.", "Scale its Deployment up.")],
    )
    return replace(view, **changes)


def answers(**changes: Any) -> AnswersView:
    view = AnswersView(
        namespace="default",
        name="aspnetcore-virtualservice",
        http_route=0,
        state="running",
        asked_rate=10,
        reached_rate=9.9,
        rows=[
            AnswerRowView("v1", 0, 90.0, 89.2, 87.1, 91.0, 1204, 0, {"ok": 1204}, 3.1, 4.4),
            AnswerRowView("v2", 1, 10.0, 10.8, 9.0, 12.9, 146, 0, {"ok": 146}, 3.3, 5.2),
        ],
        total=1350,
        unidentified=0,
        failures=0,
        verdict="matches",
        verdict_text="The answers match 90/10.",
        since=1.0,
        window_seconds=60,
        totals={},
        window=[],
    )
    return replace(view, **changes)


def explain(**changes: Any) -> ExplainView:
    """A request that the last of several rules takes, not asked yet."""
    owner = ("default", "aspnetcore-virtualservice")
    steps = [
        StepView("shop", "everything", None, "", "passed", "host *: example.org of another is more specific"),
        StepView(*owner, None, "", "taken", "host example.org is example.org"),
        StepView(*owner, 0, "header end-user is jason", "passed", "header end-user is jason: the request has none"),
        StepView(*owner, 1, "port 81", "undecided", "port 81: the request's port is not known"),
        StepView(*owner, 2, "path starts with /", "taken", "path starts with /"),
    ]
    view = ExplainView(
        cluster=cluster(),
        namespace="default",
        name="aspnetcore-virtualservice",
        request=RequestView("POST", "example.org", "/cart?a=1", ["x-team: shop"], "default/aspnetcore-gateway", ""),
        gateways=["default/aspnetcore-gateway", "mesh"],
        methods=["GET", "POST"],
        problems={},
        explanation=ExplanationView(
            steps=steps,
            omitted=0,
            taken=TakenView(*owner, 2, "path starts with /", destinations([90, 10]), ""),
            because="Route 2 of default/aspnetcore-virtualservice takes the request, unless route 1 does.",
            certain=False,
            at="2026-08-01T12:10:00+00:00",
            request="POST http://35.240.1.2/cart?a=1\nHost: example.org\nx-team: shop",
            why_not="",
        ),
        answer=None,
    )
    return replace(view, **changes)


def gateway_answer(**changes: Any) -> GatewayAnswerView:
    view = GatewayAnswerView(
        status=200,
        kind="ok",
        by="app",
        version="v2",
        mark=1,
        latency_ms=4.2,
        headers={"server": "istio-envoy", "content-type": "application/json", "x-envoy-upstream-service-time": "3"},
        verdict="fits",
        text="v2 is among the destinations of route 2 of default/aspnetcore-virtualservice, with 10 of 100.",
    )
    return replace(view, **changes)
