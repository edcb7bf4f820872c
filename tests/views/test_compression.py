"""Answers in gzip, for clients that take it."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from flask.testing import FlaskClient


@pytest.mark.parametrize(
    ("path", "accepted", "zipped"),
    [
        pytest.param("/", "gzip, br", True, id="page"),
        pytest.param("/static/css/crossfade.css", "gzip", True, id="style"),
        pytest.param("/", "identity", False, id="not-wanted"),
        pytest.param("/", "gzip;q=0", False, id="refused"),
        pytest.param("/static/img/favicon.svg", "gzip", False, id="small"),
        pytest.param("/nothing", "gzip", False, id="an-error"),
    ],
)
def test_texts_are_compressed_for_who_takes_it(client: FlaskClient, path: str, accepted: str, zipped: bool) -> None:
    with client.get(path, headers={"Accept-Encoding": accepted}) as answer:
        assert (answer.headers.get("Content-Encoding") == "gzip") == zipped
        assert "Accept-Encoding" in answer.vary
        assert answer.content_length == len(answer.data)
        sent = answer.data
    with client.get(path) as plain:
        if zipped:
            assert len(sent) < len(plain.data) / 2
        if zipped and path.startswith("/static"):
            assert gzip.decompress(sent) == plain.data


def test_a_compressed_file_is_still_told_by_its_tag(client: FlaskClient) -> None:
    headers = {"Accept-Encoding": "gzip"}
    with client.get("/static/css/crossfade.css", headers=headers) as answer:
        tag = answer.headers["ETag"]
    assert tag.startswith("W/")
    with client.get("/static/css/crossfade.css", headers=headers | {"If-None-Match": tag}) as again:
        assert (again.status_code, again.data) == (304, b"")


def test_a_stream_is_never_compressed(client: FlaskClient) -> None:
    answer: Any = client.get("/stream", headers={"Accept-Encoding": "gzip"}, buffered=False)
    assert "Content-Encoding" not in answer.headers
    assert next(answer.response) == b": crossfade\n\n"
    answer.close()
