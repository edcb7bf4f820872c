"""`…/answers` and `…/answers.csv`: the live panel's window as numbers."""

from __future__ import annotations

import csv
import io
from typing import Any

from flask import Blueprint, Flask, Response, make_response, render_template

from webapp.events import Observed, as_row
from webapp.istio.mesh import answer_marks
from webapp.istio.routes import find_http_route
from webapp.traffic.answers import Answer
from webapp.traffic.failing import Failing
from webapp.traffic.shifts import InEffect
from webapp.traffic.summary import Row
from webapp.views.models.answers import (
    AnswerRowView,
    AnswersView,
    EffectView,
    FailingView,
    GatewayEffectView,
    GatewayView,
    LatencyView,
)
from webapp.views.pictures.virtual_service import cached_virtual_service
from webapp.views.render import adapters, respond

blueprint = Blueprint("answers", __name__, url_prefix="/virtual-services/<namespace>/<name>/http/<int:http_route>")

COLUMNS = [
    "sequence",
    "asked_at_unix_seconds",
    "version",
    "kind",
    "latency_milliseconds",
    "gateway",
    "upstream_milliseconds",
]


@blueprint.get("/answers")
def page(namespace: str, name: str, http_route: int) -> Response:
    """Show the table; as JSON with every answer of the window. Asking keeps the sampler running for a while."""
    return respond("pages/answers.html", answers_view(observe(namespace, name, http_route)))


@blueprint.get("/answers.csv", endpoint="csv")
def table(namespace: str, name: str, http_route: int) -> Response:
    """Send every answer of the window, one a line."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(COLUMNS)
    lines.writerows(_whole_row(answer) for answer in observe(namespace, name, http_route).answers)
    response = make_response(text.getvalue())
    response.content_type = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-http-{http_route}-answers.csv"'
    return response


def observe(namespace: str, name: str, http_route: int) -> Observed:
    """Look at one route's panel, and keep its sampler running for a while.

    :raises NotFound: there is no such VirtualService, or no such route.
    """
    virtual_service = cached_virtual_service(adapters().cluster, namespace=namespace, name=name)
    find_http_route(virtual_service, http_route)
    adapters().live.linger((namespace, name))
    return adapters().live.observe(virtual_service, http_route)


def answers_view(observed: Observed) -> AnswersView:
    """Turn what was observed into its view; without a sampler every row is there and empty."""
    route = observed.virtual_service.http[observed.http_route]
    mark_of = answer_marks(adapters().cluster.snapshot(), observed.virtual_service, route)
    summary = observed.summary
    return AnswersView(
        namespace=observed.virtual_service.metadata.namespace,
        name=observed.virtual_service.metadata.name,
        http_route=observed.http_route,
        state=observed.state,
        asked_rate=observed.panel.rate,
        reached_rate=summary.reached_rate if summary else 0.0,
        rows=[_row(row, mark_of) for row in summary.rows] if summary else [],
        total=summary.total if summary else 0,
        unidentified=summary.unidentified if summary else 0,
        failures=summary.failures if summary else 0,
        verdict=summary.verdict if summary else "no_data",
        verdict_text=summary.verdict_text if summary else "",
        since=summary.since if summary else None,
        window_seconds=summary.window_seconds if summary else 60,
        totals=observed.totals or {},
        window=[_whole_row(answer) for answer in observed.answers],
        in_effect=_effect(summary.in_effect) if summary and summary.in_effect else None,
        failing=_failing(summary.failing, tagged=observed.panel.tagged) if summary else None,
        gateways=[GatewayView(each.name, each.requests, each.unanswered) for each in summary.gateways]
        if summary
        else [],
    )


def _whole_row(answer: Answer) -> list[Any]:
    upstream = None if answer.upstream_seconds is None else round(1000 * answer.upstream_seconds)
    return [*as_row(answer), answer.gateway, upstream]


def _effect(stands: InEffect) -> EffectView:
    gateways = [GatewayEffectView(name, each.state, each.low, each.high) for name, each in stands.gateways]
    return EffectView(stands.state, stands.text, stands.low, stands.high, gateways)


def _failing(failing: Failing, *, tagged: bool) -> FailingView:
    # What was asked before the tag was set may still be in the window: it is on already, so it is no advice any more.
    return FailingView(failing.state, failing.text, "" if tagged else failing.hint)


def _row(row: Row, marks: dict[str, int]) -> AnswerRowView:
    return AnswerRowView(
        version=row.version,
        mark=marks.get(row.version or ""),
        asked=row.asked,
        seen=row.seen,
        low=row.low,
        high=row.high,
        answers=row.answers,
        failures=row.failures,
        kinds=row.kinds,
        p50_ms=row.latency.p50_ms,
        p95_ms=row.latency.p95_ms,
        p99_ms=row.latency.p99_ms,
        timed=row.latency.answers,
        upstream=LatencyView(row.upstream.answers, row.upstream.p50_ms, row.upstream.p95_ms, row.upstream.p99_ms),
    )


def draw(app: Flask, observed: Observed) -> str:
    """Render a panel's table for the stream, outside of any request."""
    with app.app_context():
        return render_template("fragments/answers.html", answers=answers_view(observed))
