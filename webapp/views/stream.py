"""`/stream`: a page's one stream of server-sent events."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flask import Blueprint, Response, request

from webapp.errors import InvalidInput
from webapp.istio.snapshot import Key
from webapp.live import Live
from webapp.traffic.stream import Subscription
from webapp.views.render import adapters

blueprint = Blueprint("stream", __name__)

HEARTBEAT_SECONDS = 10
LOOK_SECONDS = 0.5
"""How often a silent stream looks whether the process is about to stop."""


@blueprint.get("/stream")
def events() -> Response:
    """Send `mesh`, and for `virtual_service=namespace/name` also `answers` and `shift`, until the client leaves."""
    key = _key(request.args.get("virtual_service", ""))
    live = adapters().live
    subscription = live.watch(key)
    # From here on no request is at hand: the generator runs while the answer is being sent.
    response = Response(_send(live, subscription, key), mimetype="text/event-stream")
    response.call_on_close(lambda: live.leave(key, subscription))
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _key(text: str) -> Key | None:
    if not text:
        return None
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}/[a-z0-9][a-z0-9.-]{0,252}", text):
        raise InvalidInput(f'"{text}" is not possible: "virtual_service" is namespace/name.', field="virtual_service")
    namespace, _, name = text.partition("/")
    return namespace, name


def _send(live: Live, subscription: Subscription, key: Key | None) -> Iterator[bytes]:
    yield b": crossfade\n\n"
    yield from live.opening(key)
    silent, lost = 0.0, 0
    while not live.stopping():
        event = subscription.next(LOOK_SECONDS)
        if event is not None:
            silent = 0.0
            yield event
            if subscription.lost != lost:
                # This viewer was too slow for some events: it gets the whole state, not a picture with holes.
                lost = subscription.lost
                yield from live.opening(key)
        elif subscription.closed:
            return
        elif (silent := silent + LOOK_SECONDS) >= HEARTBEAT_SECONDS:
            silent = 0.0
            yield b": heartbeat\n\n"
