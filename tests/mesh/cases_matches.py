"""Which requests a route takes: every condition and every kind of host that the demo's translator claims."""

from __future__ import annotations

from tests.mesh.api import Raw
from tests.mesh.cases import ROOT, V1, V2, Ask, Case, paths, route, to, with_header


def matching(id: str, match: Raw | list[Raw], *asks: Ask) -> Case:
    """Return a case in which v2 has what matches, and v1 the rest."""
    entries = match if isinstance(match, list) else [match]
    return Case(id, [route(to("v2"), match=entries), V1], list(asks))


MATCHES = [
    matching("uri-exact", {"uri": {"exact": "/a"}}, *paths("/a", "/a/", "/a/b", "/A", "/a?b=c", "/b", "/%61", "//a")),
    matching("uri-prefix", {"uri": {"prefix": "/a"}}, *paths("/a", "/ab", "/a/b", "/A", "/b/a", "/a/../b", "/b/../a")),
    matching("uri-prefix-slash", {"uri": {"prefix": "/a/"}}, *paths("/a", "/a/", "/a/b", "/ab")),
    matching("uri-regex", {"uri": {"regex": "/a[0-9]+"}}, *paths("/a12", "/a12/", "/xa12", "/a", "/a1?x=/a")),
    matching("uri-any-case", {"uri": {"exact": "/Ab"}, "ignoreUriCase": True}, *paths("/ab", "/AB", "/abc")),
    matching("uri-prefix-any-case", {"uri": {"prefix": "/Ab"}, "ignoreUriCase": True}, *paths("/abc", "/ABC", "/a")),
    matching("method", {"method": {"exact": "POST"}}, ROOT, Ask(method="POST"), Ask(method="PUT")),
    matching("method-regex", {"method": {"regex": "POST|PUT"}}, ROOT, Ask(method="POST"), Ask(method="PUT")),
    matching("scheme", {"scheme": {"exact": "http"}}, ROOT),
    matching("scheme-https", {"scheme": {"exact": "https"}}, ROOT),
    matching("authority", {"authority": {"exact": "authority.example"}}, ROOT, Ask(host="authority.example:80")),
    matching("authority-prefix", {"authority": {"prefix": "authority-p"}}, ROOT),
    matching("header-exact", {"headers": {"x-a": {"exact": "1"}}}, *with_header("x-a", "1", "12", "", "2")),
    matching("header-prefix", {"headers": {"x-a": {"prefix": "1"}}}, *with_header("x-a", "1", "12", "21", "")),
    matching("header-regex", {"headers": {"x-a": {"regex": "1|2"}}}, *with_header("x-a", "1", "2", "12", "")),
    matching("header-there", {"headers": {"x-a": {}}}, *with_header("x-a", "1", "")),
    matching(
        "two-headers",
        {"headers": {"x-a": {"exact": "1"}, "x-b": {"exact": "2"}}},
        *(ROOT, Ask(headers={"x-a": "1"}), Ask(headers={"x-a": "1", "x-b": "2"})),
    ),
    matching("without-exact", {"withoutHeaders": {"x-a": {"exact": "1"}}}, *with_header("x-a", "1", "2", "")),
    matching("without-prefix", {"withoutHeaders": {"x-a": {"prefix": "1"}}}, *with_header("x-a", "12", "2", "")),
    matching("without-regex", {"withoutHeaders": {"x-a": {"regex": "1+"}}}, *with_header("x-a", "11", "2", "")),
    matching("without-there", {"withoutHeaders": {"x-a": {}}}, *with_header("x-a", "1", "")),
    matching("query-exact", {"queryParams": {"a": {"exact": "1"}}}, *paths("/", "/?a=1", "/?a=2", "/?a=", "/?b=1&a=1")),
    matching("query-regex", {"queryParams": {"a": {"regex": "[0-9]"}}}, *paths("/", "/?a=7", "/?a=77", "/?a=x")),
    matching("query-prefix", {"queryParams": {"a": {"prefix": "1"}}}, *paths("/", "/?a=12", "/?a=2")),
    matching("query-there", {"queryParams": {"a": {}}}, *paths("/", "/?a", "/?a=1", "/?b")),
    matching("port", {"port": 80}, ROOT),
    matching("port-other", {"port": 81}, ROOT),
    matching("gateways", {"gateways": ["public"]}, ROOT),
    matching("gateways-mesh", {"gateways": ["mesh"]}, ROOT),
    matching("source-labels", {"sourceLabels": {"istio": "ingressgateway"}}, ROOT),
    matching("source-labels-other", {"sourceLabels": {"app": "curl"}}, ROOT),
    matching("source-namespace", {"sourceNamespace": "istio-system"}, ROOT),
    matching("source-namespace-other", {"sourceNamespace": "shop"}, ROOT),
    matching(
        "all-at-once",
        {"uri": {"prefix": "/a"}, "method": {"exact": "GET"}, "headers": {"x-a": {"exact": "1"}}},
        ROOT,
        Ask("/a"),
        Ask("/a", headers={"x-a": "1"}),
        Ask("/a", "POST", {"x-a": "1"}),
    ),
    matching(
        "alternatives",
        [{"uri": {"prefix": "/a"}}, {"headers": {"x-a": {"exact": "1"}}}],
        ROOT,
        Ask("/a"),
        Ask(headers={"x-a": "1"}),
    ),
    Case(
        "order",
        [route(to("v2"), match=[{"uri": {"prefix": "/a"}}]), route(to("v1"), match=[{"uri": {"exact": "/a"}}])],
        paths("/a", "/ab", "/"),
    ),
    Case("catch-all-first", [V1, route(to("v2"), match=[{"uri": {"prefix": "/a"}}])], paths("/", "/a")),
    Case("catch-all-slash", [route(to("v1"), match=[{"uri": {"prefix": "/"}}]), V2], paths("/", "/a")),
    Case("catch-all-regex", [route(to("v1"), match=[{"uri": {"regex": ".*"}}]), V2], paths("/", "/a")),
    Case(
        "catch-all-beside",
        [route(to("v1"), match=[{"uri": {"prefix": "/"}}, {"headers": {"x-a": {"exact": "1"}}}]), V2],
        with_header("x-a", "1"),
    ),
    Case("no-route-left", [route(to("v1"), match=[{"uri": {"exact": "/a"}}])], paths("/a", "/b")),
]

HOSTS = [
    Case(
        "wildcard",
        [V1],
        [Ask(host=each) for each in ("a.wild.example", "a.b.wild.example", "wild.example")],
        hosts=("*.wild.example",),
    ),
    Case(
        "narrower",
        [V2],
        [Ask(host=each) for each in ("narrow.wild.example", "other.wild.example")],
        hosts=("narrow.wild.example",),
    ),
    Case(
        "host-port",
        [V1],
        [
            Ask(host=each)
            for each in ("host-port.example:80", "host-port.example:8080", "HOST-port.example", "nobody.example")
        ],
    ),
    Case(
        "two-hosts",
        [V2],
        [Ask(host=each) for each in ("one.example", "two.example", "two-hosts.example")],
        hosts=("one.example", "two.example"),
    ),
]
