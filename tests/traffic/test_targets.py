from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.traffic.servers import target
from webapp.traffic.targets import Identification, sent_headers, unaskable
from webapp.version import __version__

URL = "http://192.0.2.1:80"


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="as it is"),
        pytest.param({"gateway_url": "https://pay.example"}, id="https without a port"),
        pytest.param({"gateway_url": "http://[2001:db8::1]:8080"}, id="IPv6 gateway"),
        pytest.param({"host": "shop.example.com"}, id="host"),
        pytest.param({"host": "shop_1.example.com.:8443"}, id="host with port, underscore and last dot"),
        pytest.param({"host": "[2001:db8::1]:80"}, id="IPv6 host"),
        pytest.param({"path": "/a b/größe?q=1"}, id="path to be encoded"),
        pytest.param({"headers": {"end-user": "jäson\t日本"}}, id="header beyond ASCII"),
    ],
)
def test_can_be_asked(fields: dict[str, Any]) -> None:
    assert unaskable(target(**{"gateway_url": URL, **fields})) == ""


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        pytest.param({"gateway_url": ""}, "Nothing", id="no gateway"),
        pytest.param({"gateway_url": "192.0.2.1:80"}, "192.0.2.1", id="gateway without a scheme"),
        pytest.param({"gateway_url": "ftp://192.0.2.1"}, "ftp", id="other scheme"),
        pytest.param({"gateway_url": "http://:80"}, "http://:80", id="gateway without a name"),
        pytest.param({"gateway_url": "http://a:99999"}, "99999", id="impossible port"),
        pytest.param({"gateway_url": "http://[::1"}, "[::1", id="half an IPv6 gateway"),
        pytest.param({"method": "GET /"}, "method", id="method with a space"),
        pytest.param({"method": ""}, "method", id="no method"),
        pytest.param({"host": "*.example.com"}, "host name", id="wildcard host"),
        pytest.param({"host": ".example.com"}, "host name", id="leading dot"),
        pytest.param({"host": "a" * 64}, "host name", id="label too long"),
        pytest.param({"host": "a\r\nb"}, "host name", id="line end in the host"),
        pytest.param({"path": "a"}, "slash", id="path without a slash"),
        pytest.param({"headers": {"a b": "c"}}, "a b", id="header's name with a space"),
        pytest.param({"headers": {"a": "b\r\nc: d"}}, "control", id="line end in a header"),
        pytest.param({"headers": {"a": "b\0"}}, "control", id="null in a header"),
    ],
)
def test_cannot_be_asked(fields: dict[str, Any], word: str) -> None:
    reason = unaskable(target(**{"gateway_url": URL, **fields}))
    assert word in reason
    assert reason.endswith(".")


def test_same_request_whatever_is_made_of_the_answer() -> None:
    first = target(headers={"a": "b"})
    assert first.asks_the_same(replace(first, asked={"v1": 1}, versions={}, identification=Identification()))


@pytest.mark.parametrize(
    "field",
    [
        {"gateway_url": URL},
        {"method": "HEAD"},
        {"host": "a.b"},
        {"path": "/x"},
        {"headers": {"a": "b"}},
        {"connection": "fresh"},
        {"follow_redirects": True},
    ],
    ids=str,
)
def test_another_request(field: dict[str, Any]) -> None:
    assert not target().asks_the_same(replace(target(), **field))


def test_target_can_be_a_key() -> None:
    assert {target(): 1}[target()] == 1
    assert target(headers={"a": "b"}) not in {target(): 1}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, {"User-Agent": f"crossfade/{__version__}"}, id="its-own-name"),
        pytest.param(
            {"user-agent": "Chrome", "a": "b"}, {"user-agent": "Chrome", "a": "b"}, id="a-name-that-is-asked-for"
        ),
        pytest.param({"X-Crossfade-Sample": "0"}, {"User-Agent": f"crossfade/{__version__}"}, id="never-unmarked"),
    ],
)
def test_its_owners_can_tell_a_sample(headers: dict[str, str], expected: dict[str, str]) -> None:
    assert sent_headers(target(headers=headers, host="a.b")) == {"Host": "a.b", "X-Crossfade-Sample": "1"} | expected
