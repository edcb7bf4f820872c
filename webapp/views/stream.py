"""`/stream`: a page's one stream of server-sent events."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from itertools import takewhile

from flask import Blueprint, Response, request

from webapp.errors import InvalidInput
from webapp.istio.snapshot import Key
from webapp.live import Live
from webapp.traffic.stream import Subscription
from webapp.views.render import adapters

blueprint = Blueprint("stream", __name__)

HEARTBEAT = b": heartbeat\n\n"
"""A comment line: it keeps proxies from cutting a quiet stream, and shows a writer that the reader has gone."""

HEARTBEAT_SECONDS = 10
LOOK_SECONDS = 0.5
"""How often a silent stream looks whether the process is about to stop."""

SEND_BUFFER = 64 * 1024
"""Bytes that the kernel may hold for one viewer: what lies there is no longer new when a slow one gets it."""


@blueprint.get("/stream")
def events() -> Response:
    """Send `mesh`, and for `virtual_service=namespace/name` also `answers` and `shift`, until the client leaves.

    Who comes back names the last id that he heard, by the header `Last-Event-ID` or, since only a browser's own
    reconnect sends that, by `last_event_id`: he gets what he missed, or all anew where that is not known here.
    """
    return follow(request.args.get("virtual_service", ""))


def follow(virtual_service: str, *, audience: bool = False) -> Response:
    """Answer with the stream of `namespace/name`, or of the mesh alone where that is empty.

    :param audience: the viewer sits in the room, where places are counted apart.
    """
    key = _key(virtual_service)
    live, cluster = adapters().live, adapters().cluster
    if key:
        cluster.expect_may(("get", "list"), "virtualservices", namespace=key[0])
    last = request.headers.get("Last-Event-ID") or request.args.get("last_event_id", "")
    subscription = live.watch(key, after=last, audience=audience)
    if connection := request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket"):
        bound(subscription, connection)
    # From here on no request is at hand: the generator runs while the answer is being sent.
    shown = takewhile(lambda _: key is None or cluster.shows(key), _send(live, subscription, key))
    response = Response(shown, mimetype="text/event-stream")
    response.call_on_close(lambda: live.leave(key, subscription))
    response.headers["X-Accel-Buffering"] = "no"
    return response


def bound(subscription: Subscription, connection: socket.socket) -> None:
    """Let a viewer's connection hold little, and end it when he has stopped reading: the place is another's then."""

    def end() -> None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    subscription.on_stuck = end


def _key(text: str) -> Key | None:
    if not text:
        return None
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}/[a-z0-9][a-z0-9.-]{0,252}", text):
        raise InvalidInput(f'"{text}" is not possible: "virtual_service" is namespace/name.', field="virtual_service")
    namespace, _, name = text.partition("/")
    return namespace, name


def _send(live: Live, subscription: Subscription, key: Key | None) -> Iterator[bytes]:
    yield b": crossfade\n\n"
    silent = 0.0
    while not live.stopping():
        if subscription.behind:
            yield from live.catch_up(key, subscription)
        event = subscription.next(LOOK_SECONDS)
        if event is not None:
            silent = 0.0
            yield event
        elif subscription.closed:
            return
        elif (silent := silent + LOOK_SECONDS) >= HEARTBEAT_SECONDS:
            silent = 0.0
            yield HEARTBEAT
