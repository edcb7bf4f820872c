"""A shift of weights as one decision: is the route still the one the person saw, and if so, which patch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from webapp.errors import Conflict
from webapp.istio.history import HISTORY, last_writer, record
from webapp.istio.objects import JsonPatch, Route, VirtualService
from webapp.istio.ownership import expect_consent
from webapp.istio.patch import weight_patch
from webapp.istio.routes import route_digest
from webapp.istio.timed import RETURN, returns_after, tolerated

_R = TypeVar("_R", bound=Route)


def expect_digest(virtual_service: VirtualService, route: _R, *, seen: str) -> _R:
    """Return the route if it is still the one whose digest the person saw.

    :raises Conflict: the route has another match, other destinations or other weights by now; `detail` has the
        weights, who wrote them and when (as far as managedFields tell) and the new `route_digest`.
    """
    digest = route_digest(route)
    if digest == seen:
        return route
    by, at = last_writer(virtual_service.metadata, route.section) or ("somebody", "")
    weights = list(route.weights)
    now = "/".join(map(str, weights)) or "without destinations"
    raise Conflict(
        f"This route was changed by {by} in the meantime and is now {now}. Nothing was written.",
        detail={"weights": weights, "by": by, "at": at, "route_digest": digest},
    )


def shift_patch(
    virtual_service: VirtualService,
    route: Route,
    *,
    seen: str,
    choose: Callable[[], tuple[int, ...]],
    by: str,
    now: datetime,
    consent: str = "",
    history: bool = True,
    return_seconds: int | None = None,
) -> JsonPatch:
    """Return the fenced patch that shifts one route, or an empty one where it has these weights already.

    :param route: as the object has it now.
    :param seen: the `route_digest` of what the person saw.
    :param choose: gives the new weights, once it is sure that nothing stands against them; may raise InvalidInput or
        Conflict.
    :param consent: the tool that manages the object, where the person has said that he knows.
    :param history: whether to record the change in the annotation `crossfade/history`, in the same patch; never done
        where the object's owner does not tolerate annotations.
    :param return_seconds: after how long the route goes back unless somebody keeps it; without it, a way back that
        waits on the route is taken out.
    :raises Conflict: see `expect_digest`.
    :raises Owned: see `expect_consent`.
    :raises InvalidInput: see `returns_after`.
    """
    expect_digest(virtual_service, route, seen=seen)
    owner = expect_consent(virtual_service.metadata, consent)
    weights = choose()
    returns = returns_after(virtual_service, route, weights, return_seconds=return_seconds, by=by, now=now)
    annotations = {RETURN: returns}
    if history and tolerated(owner):
        annotations[HISTORY] = record(virtual_service, route, weights, by=by, now=now)
    return weight_patch(virtual_service, route, weights, annotations=annotations)
