from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.traffic.servers import target
from webapp.traffic.answers import Kind
from webapp.traffic.identify import PATTERN_LIMIT, classify, kind_of, version_of
from webapp.traffic.targets import TAG_HEADER, Identification

ENVOY = {"server": "istio-envoy"}
BY_ENVOY = {**ENVOY, "x-envoy-upstream-service-time": "3"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind"),
    [
        pytest.param(200, BY_ENVOY, b"hello", Kind.OK, id="200"),
        pytest.param(200, ENVOY, b"", Kind.OK, id="200 of Envoy itself"),
        pytest.param(204, {}, b"", Kind.OK, id="204 without Envoy"),
        pytest.param(302, ENVOY, b"", Kind.REDIRECT, id="302"),
        pytest.param(304, BY_ENVOY, b"", Kind.REDIRECT, id="304"),
        pytest.param(401, BY_ENVOY, b"", Kind.DENIED, id="401"),
        pytest.param(403, ENVOY, b"RBAC: access denied", Kind.DENIED, id="403 of Envoy"),
        pytest.param(429, ENVOY, b"local_rate_limited", Kind.RATE_LIMITED, id="429 of Envoy"),
        pytest.param(404, BY_ENVOY, b"", Kind.CLIENT_ERROR, id="404 of the app"),
        pytest.param(404, ENVOY, b"", Kind.NO_ROUTE, id="404 NR"),
        pytest.param(404, ENVOY, b"fault filter abort", Kind.GATEWAY_ERROR, id="404 FI"),
        pytest.param(404, {"server": "nginx"}, b"", Kind.CLIENT_ERROR, id="404 without Envoy"),
        pytest.param(400, ENVOY, b"", Kind.GATEWAY_ERROR, id="400 of Envoy"),
        pytest.param(503, BY_ENVOY, b"", Kind.APP_ERROR, id="503 of the app"),
        pytest.param(503, BY_ENVOY, b"no healthy upstream", Kind.APP_ERROR, id="503 of the app in Envoy's words"),
        pytest.param(503, ENVOY, b"no healthy upstream", Kind.NO_HEALTHY_UPSTREAM, id="503 UH"),
        pytest.param(503, {"server": "envoy"}, b"", Kind.NO_HEALTHY_UPSTREAM, id="503 NC"),
        pytest.param(503, ENVOY, b"fault filter abort", Kind.GATEWAY_ERROR, id="503 FI"),
        pytest.param(503, {}, b"no healthy upstream", Kind.APP_ERROR, id="503 without Envoy"),
        pytest.param(
            503,
            ENVOY,
            b"upstream connect error or disconnect/reset before headers. reset reason: connection timeout",
            Kind.UPSTREAM_FAILURE,
            id="503 UF",
        ),
        pytest.param(504, ENVOY, b"upstream request timeout", Kind.UPSTREAM_TIMEOUT, id="504 UT"),
        pytest.param(504, ENVOY, b"fault filter abort", Kind.GATEWAY_ERROR, id="504 FI"),
        pytest.param(504, BY_ENVOY, b"upstream request timeout", Kind.APP_ERROR, id="504 of the app"),
        pytest.param(500, BY_ENVOY, b"", Kind.APP_ERROR, id="500 of the app"),
        pytest.param(500, ENVOY, b"", Kind.GATEWAY_ERROR, id="500 of Envoy"),
        pytest.param(101, BY_ENVOY, b"", Kind.GATEWAY_ERROR, id="101 is no answer"),
        pytest.param(999, BY_ENVOY, b"", Kind.GATEWAY_ERROR, id="999 is no status"),
    ],
)
def test_kind(status: int, headers: dict[str, str], body: bytes, kind: Kind) -> None:
    assert kind_of(status=status, headers=headers, body=body) is kind


@pytest.mark.parametrize(
    ("headers", "body", "version"),
    [
        pytest.param({TAG_HEADER: "v1"}, b"", "v1", id="tag"),
        pytest.param({TAG_HEADER: "v1", "x-app-version": "v2"}, b"version v2", "v1", id="tag before all else"),
        pytest.param({TAG_HEADER: "v9", "x-app-version": "v2"}, b"", None, id="unknown tag is not guessed around"),
        pytest.param({"x-app-version": "v2"}, b'{"build": {"version": "v1"}}', "v2", id="header before body"),
        pytest.param({"x-app-version": "blue"}, b"", "v2", id="report mapped to the version"),
        pytest.param({"x-app-version": "green"}, b"", None, id="report that is not mapped"),
        pytest.param({"x-app-version": ""}, b"version v1", "v1", id="empty header is no report"),
        pytest.param({}, b' \n{"build": {"version": "v1"}}', "v1", id="JSON field"),
        pytest.param({}, json.dumps({"build": {"version": "v1"}}).encode("utf-8-sig"), None, id="JSON with a mark"),
        pytest.param({}, b'{"build": {"version": 2}}', "two", id="JSON number"),
        pytest.param({}, b'{"build": {"version": true}}', None, id="JSON truth is no version"),
        pytest.param({}, b'{"build": {"version": ["v1"]}}', None, id="JSON list is no version"),
        pytest.param({}, b'{"build": "v1"}', None, id="JSON path that ends early"),
        pytest.param({}, b'{"build": {"version": "v1"}', None, id="cut JSON"),
        pytest.param({}, b'{"a":' * 30_000, None, id="deep JSON"),
        pytest.param({}, b'{"n": ' + b"9" * 5_000 + b"}", None, id="endless number"),
        pytest.param({}, b"<h1>version v1</h1>", "v1", id="first group of the pattern"),
        pytest.param({}, b"\xff\xfe version v1", "v1", id="pattern beyond UTF-8"),
        pytest.param({}, b" " * (PATTERN_LIMIT - 10) + b"version v1", "v1", id="at the limit"),
        pytest.param({}, b" " * (PATTERN_LIMIT - 9) + b"version v1", None, id="beyond the limit"),
        pytest.param({}, b"", None, id="nothing"),
    ],
)
def test_version(headers: dict[str, str], body: bytes, version: str | None) -> None:
    asked = target(versions={"v1": "v1", "v2": "v2", "blue": "v2", "2": "two"})
    assert version_of(headers=headers, body=body, target=asked) == version


@pytest.mark.parametrize(
    ("pattern", "version"),
    [
        pytest.param(r"v\d", "v1", id="whole match without a group"),
        pytest.param(r"(v\d)-(x)?", "v1", id="first group of two"),
        pytest.param(r"(x)?v1", None, id="group that took no part"),
        pytest.param(r"(", None, id="no regular expression"),
        pytest.param(r"a{99999999999999999999}", None, id="too large a number"),
    ],
)
def test_pattern(pattern: str, version: str | None) -> None:
    asked = target(identification=Identification(pattern=pattern))
    assert version_of(headers={}, body=b"v1-x", target=asked) == version


def test_nothing_is_tried_that_is_not_asked_for() -> None:
    body = b'{"version": "v1"}'
    assert (
        version_of(headers={"x-app-version": "v1", "": "v1"}, body=body, target=target(identification=Identification()))
        is None
    )


bodies = st.binary(max_size=50) | st.recursive(st.text() | st.none(), st.lists).map(
    lambda value: json.dumps({"build": value}).encode()
)


@given(
    st.integers(100, 999),
    st.dictionaries(st.sampled_from([*BY_ENVOY, TAG_HEADER, "x-app-version"]), st.text(max_size=5)),
    bodies,
    st.text(max_size=8),
    st.text(max_size=8),
)
def test_every_answer_is_something(status: int, headers: dict[str, str], body: bytes, field: str, pattern: str) -> None:
    asked = target(identification=Identification(header="x-app-version", json_field=field, pattern=pattern))
    kind, version = classify(status=status, headers=headers, body=body, target=asked)
    assert kind in Kind
    assert version in {"v1", "v2", None}
