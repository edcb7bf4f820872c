"""`crossfade status`: the services of the mesh, their versions and splits, a line each."""

from __future__ import annotations

import sys

from webapp.commands.cluster import synced_cluster
from webapp.errors import CrossfadeError
from webapp.settings import Settings
from webapp.views.models.mesh import MeshView, ServiceRowView
from webapp.views.pictures.mesh import Choice, mesh_view

HEADER = ("SERVICE", "VERSIONS", "TRAFFIC NOW", "REACHED AT", "NOTES")


def run_status(settings: Settings, *, namespace: str) -> int:
    """Print the mesh, or one namespace of it, and return the exit code: 0, or 4 where it can't be read."""
    try:
        with synced_cluster(settings) as cluster:
            print(table(mesh_view(cluster, settings, Choice(namespace=namespace))), end="")
    except CrossfadeError as error:
        print(f"crossfade: {error.message}", file=sys.stderr)
        return 4
    return 0


def table(view: MeshView) -> str:
    """Write the mesh as columns of text, as kubectl does; what stands in the way of the picture comes first."""
    rows = [HEADER, *(_cells(row) for row in view.services)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    said = [each for each in (view.cluster.scope, *view.cluster.problems) if each]
    return "\n".join([*said, *(lines if view.services else [view.empty]), ""])


def _cells(row: ServiceRowView) -> tuple[str, ...]:
    versions = " ".join(f"{each.name} {each.ready}/{each.total}" for each in row.versions)
    split = "/".join(f"{each.version} {each.weight}" for each in row.split.destinations) or row.split.text
    reached = f"{row.reached_at} as {row.reached_as}" if row.reached_as else row.reached_at
    notes = " ".join(note.text for note in row.notes)
    return f"{row.namespace}/{row.name}", versions or "-", split, reached, notes or "-"
