"""The stream's own manners: heartbeats, slow viewers, and those who have stopped reading."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from webapp import create_app
from webapp.composition import Adapters, build_adapters
from webapp.live import MESH
from webapp.settings import Settings
from webapp.traffic.stream import BACKLOG, Hub
from webapp.views.stream import HEARTBEAT, SEND_BUFFER, bound


def test_a_silent_stream_shows_that_it_lives(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.views.stream.LOOK_SECONDS", 0.01)
    monkeypatch.setattr("webapp.views.stream.HEARTBEAT_SECONDS", 0.02)
    # Nothing was started, so there is no news.
    with create_app(build_adapters(settings)).test_client().get("/stream") as response:
        chunks = chunks_of(response)
        assert next(chunks).startswith(b":")
        assert b"event: mesh\n" in next(chunks)
        assert next(chunks) == next(chunks) == HEARTBEAT


def test_a_slow_viewer_goes_on_from_the_newest_state(adapters: Adapters, client: FlaskClient) -> None:
    with client.get("/stream?virtual_service=shop/web") as response:
        chunks = chunks_of(response)
        heard = answers_after(chunks)
        assert heard["reset"]
        for _ in range(BACKLOG + 1):
            adapters.live._hub.publish(MESH, "mesh", "old news")
        rest = [next(chunks), next(chunks)]
        assert [b"event: mesh\n" in rest[0], b"event: answers\n" in rest[1]] == [True, True]
        assert b"old news" not in rest[0]
        assert b'"reset": true' in rest[1]


def test_who_has_stopped_reading_is_cut_off() -> None:
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    with ours, theirs, Hub(1).subscribe(["a"]) as subscription:
        bound(subscription, ours)
        # Linux counts its own bookkeeping in: twice what was asked for.
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * SEND_BUFFER
        subscription.on_stuck()
        assert theirs.recv(1) == b""
        with pytest.raises(BrokenPipeError):
            ours.send(b"x")


def test_a_viewer_who_has_gone_already_is_no_error() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    ours.close()
    with Hub(1).subscribe(["a"]) as subscription:
        bound(subscription, ours)
        subscription.on_stuck()


def chunks_of(response: Any) -> Iterator[bytes]:
    return iter(response.response)


def answers_after(chunks: Iterator[bytes]) -> Any:
    """Read up to the first answers."""
    event = next(chunk for chunk in chunks if b"event: answers\n" in chunk)
    return json.loads(event.partition(b"data: ")[2])
