"""Logs: one line a record, in two forms, each with the id of its request."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Response

from tests.views.test_serve import get, serving
from webapp.logs import PERSON, REQUEST_ID, JsonLines, RequestLog, TextLines
from webapp.settings import Settings

GIVEN = "8c6bf9d1-9be4-4f9d-a1a4-0b0a4a1d2c3e"
Logged = Callable[[], list[str]]


@pytest.fixture(params=[JsonLines, TextLines])
def logged(request: pytest.FixtureRequest) -> Iterator[Logged]:
    """Give what has been logged so far, in one of the forms."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(request.param())
    log = logging.getLogger("webapp")
    log.addHandler(handler)
    before = log.level
    log.setLevel(logging.INFO)
    yield lambda: out.getvalue().splitlines()
    log.setLevel(before)
    log.removeHandler(handler)
    REQUEST_ID.set("")


def visitor(status: int = 200) -> Client:
    def app(environ: dict[str, Any], start_response: Any) -> Any:
        logging.getLogger("webapp.views").info("from within")
        return Response(status=status)(environ, start_response)

    return Client(RequestLog(app))


def test_the_gateways_id_is_kept_and_stands_on_every_line(logged: Logged) -> None:
    response = visitor().post("/virtual-services/shop/web/undo?x=1", headers={"X-Request-Id": GIVEN})
    assert response.headers.getlist("X-Request-Id") == [GIVEN]
    within, about = logged()
    assert GIVEN in within
    assert GIVEN in about
    assert "POST /virtual-services/shop/web/undo 200" in about


def test_who_has_signed_in_stands_on_the_lines_of_his_request(logged: Logged) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/signed-in":
            PERSON.set("ana@example.org")
        return Response(status=403)(environ, start_response)

    client = Client(RequestLog(app))
    client.get("/signed-in")
    client.get("/")
    assert ["ana@example.org" in line for line in logged()] == [True, False]


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("", id="none"),
        pytest.param("short", id="too-short"),
        pytest.param("x" * 129, id="too-long"),
        pytest.param(f"{GIVEN},{GIVEN}", id="two"),
        pytest.param('"; drop everything', id="nonsense"),
    ],
)
def test_an_id_is_made_where_there_is_no_sane_one(logged: Logged, given: str) -> None:
    first, second = (visitor().post("/", headers={"X-Request-Id": given}).headers["X-Request-Id"] for _ in range(2))
    assert len(first) == 32
    assert first != second
    assert all(first in line for line in logged()[:2])


@pytest.mark.parametrize(("method", "status", "lines"), [("GET", 200, 1), ("GET", 404, 2), ("POST", 200, 2)])
def test_writes_and_failures_are_logged(logged: Logged, method: str, status: int, lines: int) -> None:
    visitor(status).open("/", method=method)
    assert len(logged()) == lines


def test_an_address_cannot_forge_a_line(logged: Logged) -> None:
    visitor().post("/a%0a2026-01-01 CRITICAL all is lost")
    assert len(logged()) == 2
    assert "/a%0A2026-01-01%20CRITICAL" in logged()[1]


@pytest.mark.parametrize("logged", [JsonLines], indirect=True)
def test_json_lines_are_objects_with_facts_and_tracebacks(logged: Logged) -> None:
    visitor(409).post("/x", headers={"X-Request-Id": GIVEN})
    about = json.loads(logged()[1])
    assert about | {"time": "", "milliseconds": 0} == {
        "time": "",
        "level": "info",
        "logger": "webapp.logs",
        "message": "POST /x 409",
        "request_id": GIVEN,
        "method": "POST",
        "path": "/x",
        "status": 409,
        "milliseconds": 0,
    }
    try:
        raise ValueError("ünfit")
    except ValueError:
        logging.getLogger("webapp").exception("failed")
    assert "ünfit" in json.loads(logged()[2])["exception"]


def test_the_whole_server_speaks_json_when_asked_to(settings: Settings) -> None:
    with serving(settings, CROSSFADE_LOG_FORMAT="json", CROSSFADE_LOG_LEVEL="debug") as (process, page, _):
        assert get(page, "/nothing", **{"X-Request-Id": GIVEN})[0] == 404
        process.terminate()
        process.wait(15)
        assert process.stderr
        lines = [json.loads(line) for line in process.stderr.read().splitlines()]
    assert {"webapp.logs", "gunicorn.error"} <= {each["logger"] for each in lines}
    [refused] = [each for each in lines if each.get("status") == 404]
    assert (refused["path"], refused["request_id"]) == ("/nothing", GIVEN)
