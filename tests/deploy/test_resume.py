"""A viewer whose stream was cut comes back: to the process that he had heard, and to another."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from threading import Semaphore
from typing import Any

import pytest

from tests.traffic.servers import Server, always, reply
from tests.views.objects import virtual_service
from tests.views.test_serve import DEADLINE_SECONDS, get, next_event, open_stream, serving
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings

WATCHED = "?virtual_service=shop/web"


@dataclass(frozen=True)
class Heard:
    """One event as an EventSource has it: `id` is the last one that was named, by this event or before it."""

    id: str
    name: str
    data: dict[str, Any]


class Viewer:
    """Watches one process, from `last` on, until it is closed."""

    def __init__(self, port: int, *, last: str = "", by_header: bool = True) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
        headers = {"Last-Event-ID": last} if by_header else {}
        self._connection.request(
            "GET", f"/stream{WATCHED}{'' if by_header else f'&last_event_id={last}'}", headers=headers
        )
        self._response = self._connection.getresponse()
        self._events = self._read(last)
        self.heard: list[Heard] = []

    def until(self, wanted: Callable[[Heard], object]) -> Heard:
        """Hear events until one of them is it; the connection's time-out bounds the wait."""
        for event in self._events:
            self.heard.append(event)
            if wanted(event):
                return event
        raise AssertionError("the stream ended before")

    def close(self) -> str:
        """Leave; returns the last id."""
        self._response.close()
        self._connection.close()
        return self.heard[-1].id

    @property
    def sequences(self) -> list[int]:
        """Of the answers of the gateway that he was told."""
        return [row[0] for event in self.heard if event.name == "answers" for row in event.data["window"]]

    def _read(self, last: str) -> Iterator[Heard]:
        fields: dict[str, str] = {}
        for raw in self._response:
            line = raw.decode().rstrip("\n")
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
                continue
            last = fields.pop("id", last)
            if "event" in fields:
                yield Heard(last, fields["event"], json.loads(fields["data"]))
            fields = {}


class Gateway(Server):
    """Answers as v1 does."""

    def __init__(self) -> None:
        self._asked = Semaphore(0)
        super().__init__(always(reply("200 OK", {"x-app-version": "v1"})))

    def read_head(self, connection: socket.socket) -> str:
        self._asked.release()
        return super().read_head(connection)

    def wait_for_more(self, requests: int) -> None:
        """Wait until so many more have come."""
        while self._asked.acquire(blocking=False):
            continue
        assert all(self._asked.acquire(timeout=DEADLINE_SECONDS) for _ in range(requests))


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    server = Gateway()
    yield server
    server.close()


def answers(event: Heard, *, after: int = 0) -> bool:
    return event.name == "answers" and any(row[0] > after for row in event.data["window"])


@pytest.mark.parametrize("by_header", [pytest.param(True, id="header"), pytest.param(False, id="address")])
def test_who_comes_back_misses_nothing_and_gets_nothing_twice(
    api: KubeApi, settings: Settings, gateway: Gateway, by_header: bool
) -> None:
    asking = {"CROSSFADE_GATEWAY_URL": gateway.url, "CROSSFADE_SAMPLE_AT_ONCE": "1", "CROSSFADE_SAMPLE_RATE": "50"}
    with serving(settings, **asking) as (_, page, _):
        other = Viewer(page)
        other.until(answers)
        # He comes between two updates, when there are answers that nobody was told yet.
        gateway.wait_for_more(10)
        viewer = Viewer(page)
        viewer.until(lambda event: answers(event) and not event.data["reset"])
        last = viewer.close()
        before = viewer.sequences
        api.store.put("virtualservices", virtual_service((40, 60)), manager="kubectl-edit")
        other.until(lambda event: event.name == "shift")
        other.until(lambda event: answers(event, after=before[-1] + 10))

        back = Viewer(page, last=last, by_header=by_header)
        back.until(lambda event: event.id == other.heard[-1].id)
        # The same events as somebody had who was there all the time, and no opening.
        since = [event.id for event in other.heard].index(last) + 1
        assert back.heard == other.heard[since:]
        assert [event.data["weights"] for event in back.heard if event.name == "shift"] == [[40, 60]]
        told = before + back.sequences
        assert told == list(range(told[0], told[0] + len(told)))
        other.close()
        back.close()


def test_another_process_begins_anew(api: KubeApi, settings: Settings) -> None:
    with serving(settings) as (first, one, _), serving(settings) as (_, another, _):
        viewer = Viewer(one)
        viewer.until(lambda event: event.name == "answers")
        last = viewer.close()
        first.kill()
        first.wait()
        api.store.put("virtualservices", virtual_service((40, 60)), manager="kubectl-edit")

        back = Viewer(another, last=last)
        opening = back.until(lambda event: event.name == "answers")
        assert opening.data["reset"]
        assert opening.id.partition("-")[0] != last.partition("-")[0]
        # Who is cut before the opening is whole has not heard it: its id comes with its last event.
        assert [event.id for event in back.heard] == [last, opening.id]
        back.close()


def test_one_viewer_too_many_comes_back_to_a_free_place(api: KubeApi, settings: Settings) -> None:
    with serving(settings, CROSSFADE_MAX_VIEWERS="1") as (_, page, probe):
        first = Viewer(page)
        first.until(lambda event: event.name == "answers")
        status, words = get(page, f"/stream{WATCHED}", Accept="application/json")
        assert status == 503
        assert "All 1 places for live pages are taken." in json.loads(words)["error"]["message"]
        first.close()
        # That he has left is noticed at the next word to him.
        while "crossfade_viewers 0.0" not in get(probe, "/metrics")[1]:
            continue
        connection, response = open_stream(page, WATCHED)
        assert next_event(response, "mesh")["state"] == "live"
        response.close()
        connection.close()
