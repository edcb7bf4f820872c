"""Two dashboards side by side: they show the same truth, and what one of them had can be had from the other."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

from tests.views.test_serve import DEADLINE_SECONDS, get, next_event, open_stream, serving
from webapp.demo.kube.server import KubeApi
from webapp.settings import Settings

PAGE = "/virtual-services/shop/web"


def route(port: int) -> dict[str, Any]:
    status, body = get(port, PAGE, Accept="application/json")
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)["http_routes"][0]
    return found


def post(port: int, path: str, form: list[tuple[str, object]]) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    try:
        connection.request("POST", path, body=urlencode(form), headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_one_tells_what_the_other_wrote_and_takes_it_back_when_that_one_is_gone(
    api: KubeApi, settings: Settings
) -> None:
    with serving(settings) as (first, one, _), serving(settings) as (_, other, _):
        connection, stream = open_stream(other, "?virtual_service=shop/web")
        next_event(stream, "answers")
        seen = route(one)["route_digest"]
        assert post(one, f"{PAGE}/http/0/weights", [("weight", 30), ("weight", 70), ("route_digest", seen)]) == 200
        told = next_event(stream, "shift")
        assert (told["before"], told["weights"], told["by"]) == ([90, 10], [30, 70], "crossfade")
        assert route(one)["route_digest"] == route(other)["route_digest"] != seen

        first.kill()
        first.wait()
        assert route(other)["undo"] == route(other)["undo"] | {"available": True, "weights": [90, 10]}
        assert post(other, f"{PAGE}/http/0/undo", [("route_digest", route(other)["route_digest"])]) == 200
        assert next_event(stream, "shift")["weights"] == [90, 10]
        stream.close()
        connection.close()
    stored = api.store.read("virtualservices", ("shop", "web"))
    assert stored
    assert [each["weight"] for each in stored["spec"]["http"][0]["route"]] == [90, 10]


def test_what_nobody_keeps_returns_although_the_one_that_set_it_is_gone(api: KubeApi, settings: Settings) -> None:
    with serving(settings) as (first, one, _), serving(settings) as (_, other, _):
        connection, stream = open_stream(other, "?virtual_service=shop/web")
        next_event(stream, "answers")
        form = [("weight", 30), ("weight", 70), ("route_digest", route(one)["route_digest"]), ("return_seconds", 5)]
        assert post(one, f"{PAGE}/http/0/weights", form) == 200
        first.kill()
        first.wait()
        assert next_event(stream, "shift")["weights"] == [30, 70]
        told = next_event(stream, "shift")
        assert (told["weights"], told["by"]) == ([90, 10], "crossfade: nobody kept it")
        assert route(other)["return"] is None
        stream.close()
        connection.close()
