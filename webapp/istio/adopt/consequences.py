"""What a plan would bring about beside what it is for: the warnings that were not there before."""

from __future__ import annotations

from webapp.istio.adopt.steps import Plan, after
from webapp.istio.diagnostics import Note, route_notes, virtual_service_notes
from webapp.istio.objects import Key
from webapp.istio.snapshot import Snapshot

FATAL = {"subset-not-defined", "rule-not-seen"}
"""With these a share of the requests would be answered 503."""


def consequences(snapshot: Snapshot, plan: Plan) -> tuple[Note, ...]:
    """Note what the plan's VirtualServices would be warned of, and are not now."""
    keys = [(step.namespace, step.name) for step in plan.steps if step.kind == "VirtualService"]
    now = {note.code for key in keys for note in _warnings(snapshot, key)}
    then = after(snapshot, plan.steps)
    return tuple(dict.fromkeys(note for key in keys for note in _warnings(then, key) if note.code not in now))


def _warnings(snapshot: Snapshot, key: Key) -> list[Note]:
    virtual_service = snapshot.virtual_services.get(key)
    if virtual_service is None:
        return []
    notes = [*virtual_service_notes(snapshot, virtual_service)]
    for route in virtual_service.routes:
        notes.extend(route_notes(snapshot, virtual_service, route))
    return [note for note in notes if note.level == "warning"]
