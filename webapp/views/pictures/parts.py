"""Pieces that several pages show."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from webapp.cluster.cluster import Cluster, ClusterStatus
from webapp.events import STATE_WORDS
from webapp.istio.diagnostics import Note
from webapp.istio.mesh import Version, destination_pods, route_marks
from webapp.istio.objects import Route, VirtualService
from webapp.istio.patch import is_tagged
from webapp.istio.routes import destination_versions
from webapp.istio.snapshot import Snapshot
from webapp.istio.weights import shares
from webapp.settings import Settings
from webapp.traffic.targets import TAG_HEADER
from webapp.views.models.shared import ClusterView, DestinationView, NoteView, ProgressView, VersionView


def status_view(status: ClusterStatus, snapshot: Snapshot) -> ClusterView:
    """Put the adapter's status into words, beside the revision of the picture that a page is drawn from."""
    return ClusterView(
        name=status.name,
        revision=snapshot.revision,
        state=status.state,
        age_seconds=round(status.age_seconds, 1),
        text=STATE_WORDS[status.state],
        progress=[ProgressView(each.kind, each.listed, each.expected, each.done) for each in status.progress],
        problems=[each for each in status.problems if each != status.scope],
        scope=status.scope,
        as_of=(datetime.now(UTC) - timedelta(seconds=status.age_seconds)).isoformat(timespec="seconds"),
    )


def note_views(notes: Iterable[Note]) -> list[NoteView]:
    """Turn notes into their view."""
    return [NoteView(note.level, note.code, note.text, note.cure, note.ist, note.link) for note in notes]


def version_view(version: Version) -> VersionView:
    """Turn a version into its view."""
    return VersionView(version.name, version.mark, version.subset, dict(version.labels), version.ready, version.total)


def destination_views(snapshot: Snapshot, virtual_service: VirtualService, route: Route) -> list[DestinationView]:
    """Show each destination of a route with its weight, what that means, and the pods behind it."""
    marks = route_marks(snapshot, virtual_service, route)
    views = []
    versions, weights = destination_versions(route), route.weights
    for each, version, mark, weight, share in zip(route.route, versions, marks, weights, shares(weights), strict=True):
        pods = destination_pods(snapshot, each.destination, virtual_service.metadata.namespace)
        views.append(
            DestinationView(
                host=each.destination.host,
                subset=each.destination.subset,
                port=each.destination.port,
                version=version,
                mark=mark,
                weight=weight,
                share=None if share is None else round(share, 1),
                ready=pods[0] if pods else None,
                total=pods[1] if pods else None,
                tagged=is_tagged(each, TAG_HEADER),
            )
        )
    return views


def lacks_right(cluster: Cluster, verb: str, resource: str, *, namespace: str) -> str:
    """Say that the person or this dashboard may not do something there; empty where that is not known."""
    if cluster.can(verb, resource, namespace=namespace) is not False:
        return ""
    what = f"{verb} {resource} in namespace {namespace}"
    if cluster.person:
        return (
            f"You ({cluster.person.name}) may not {what}: ask whoever grants rights there for a role that has this one."
        )
    return f"This dashboard may not {what}: its role lacks that right."


def may_not_write(cluster: Cluster, settings: Settings, *, namespace: str) -> str:
    """Say why controls of a VirtualService are disabled; empty where none is known, and where there are no controls."""
    return "" if settings.read_only else lacks_right(cluster, "patch", "virtualservices", namespace=namespace)


def ago(at: str, now: datetime) -> str:
    """Say how long ago an RFC 3339 moment was: `4 s ago`, `12 min ago`, `3 h ago`, `5 d ago`; empty if unknown."""
    try:
        then = datetime.fromisoformat(at)
    except ValueError:
        return ""
    seconds = max(0, int((now - then.astimezone(UTC)).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"
