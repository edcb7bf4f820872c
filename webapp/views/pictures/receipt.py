"""The receipt of a route's last shift, from its history and the panel's window."""

from __future__ import annotations

from datetime import UTC, datetime

from webapp.events import Observed
from webapp.istio.history import NoUndo, changes, undo_weights
from webapp.istio.routes import match_words
from webapp.istio.timed import rfc3339
from webapp.panel import asked_of
from webapp.receipt import Receipt


def receipt_of(observed: Observed, *, now: datetime) -> Receipt:
    """Put together what is known of the shift that brought a route to the weights it has."""
    virtual_service = observed.virtual_service
    route = virtual_service.http[observed.http_route]
    newest = changes(virtual_service, route)[0]
    after = asked_of(route, route.weights)
    seen = next((shift for shift, _ in reversed(observed.shifts) if shift.after == after), None)
    earlier = undo_weights(virtual_service, route)
    recorded = {} if isinstance(earlier, NoUndo) else asked_of(route, earlier)
    concluded = " (who wrote the object last)" if newest.inferred and newest.by else ""
    return Receipt(
        namespace=virtual_service.metadata.namespace,
        name=virtual_service.metadata.name,
        route=match_words(route),
        at=newest.at or (rfc3339(datetime.fromtimestamp(round(seen.at), UTC)) if seen else ""),
        by=newest.by + concluded,
        before=dict(seen.before) if seen else recorded,
        after=after,
        read=(rfc3339(now.replace(microsecond=0)), virtual_service.metadata.resource_version),
        summary=observed.summary,
    )
