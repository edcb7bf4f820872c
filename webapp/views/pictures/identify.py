"""The picture of the guide: what differs between a route's answers, and what that means by now."""

from __future__ import annotations

from collections.abc import Sequence

from webapp.cluster.cluster import Cluster
from webapp.istio.mesh import answer_marks, report_names
from webapp.istio.objects import HttpRoute, VirtualService
from webapp.istio.ownership import owner_of
from webapp.istio.routes import match_words, route_digest
from webapp.istio.sampling import sampling_choice
from webapp.panel import panel_of
from webapp.settings import Settings
from webapp.traffic.guide import Candidate, Observation, candidates
from webapp.views.identify_form import Chosen
from webapp.views.models.sampling import CandidateView, GroupView, IdentifyView
from webapp.views.pictures.parts import may_not_write, status_view
from webapp.views.pictures.virtual_service import identified_by

WORDS = {"header": "header", "json_field": "JSON field", "pattern": "expression"}


def identify_view(
    virtual_service: VirtualService,
    route: HttpRoute,
    observations: Sequence[Observation],
    cluster: Cluster,
    settings: Settings,
    *,
    sent: Chosen | None = None,
    problems: dict[str, str] | None = None,
) -> IdentifyView:
    """Show what the last answers tell; `virtual_service` may be newer than the cluster's snapshot."""
    snapshot, namespace = cluster.snapshot(), virtual_service.metadata.namespace
    panel = panel_of(snapshot, virtual_service, route, settings=settings, in_cluster=cluster.in_cluster)
    choice = sampling_choice(virtual_service, route)
    chosen = choice.told_by if choice else None
    versions = list(answer_marks(snapshot, virtual_service, route))
    reports = report_names(snapshot, virtual_service, route)
    owner = owner_of(virtual_service.metadata)
    names = [f"{value} = {version}" for value, version in chosen.names.items()] if chosen else []
    shown = sent or Chosen(chosen.by if chosen else "header", chosen.what if chosen else "", names)

    def meaning(by: str, what: str, value: str) -> str:
        named = chosen.names if chosen and (chosen.by, chosen.what) == (by, what) else {}
        return named.get(value) or reports.get(value, "")

    def candidate_view(each: Candidate) -> CandidateView:
        groups = [GroupView(value, answers, meaning(each.by, each.what, value)) for value, answers in each.groups]
        return CandidateView(each.by, each.what, f"{WORDS[each.by]} {each.what}", groups, each.without)

    return IdentifyView(
        cluster=status_view(cluster.status(), snapshot),
        namespace=namespace,
        name=virtual_service.metadata.name,
        http_route=route.index,
        route_digest=route_digest(route),
        match=match_words(route),
        versions=versions,
        state=panel.state,
        looked_at=len(observations),
        identified=sum(each.version is not None for each in observations),
        tagged=panel.tagged,
        told_by=identified_by(panel, settings),
        chosen=chosen is not None,
        candidates=[candidate_view(each) for each in candidates(observations, versions=len(versions))],
        by=shown.by,
        what=shown.what,
        names=shown.names,
        owner=owner.tool if owner else "",
        read_only=settings.read_only,
        may_not=may_not_write(cluster, settings, namespace=namespace),
        problems=problems or {},
    )
