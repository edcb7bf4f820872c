"""What a route does with a request: every action and every change that the demo's translator claims."""

from __future__ import annotations

from tests.mesh.api import Raw
from tests.mesh.cases import ROOT, V1, Ask, Case, paths, route, to, with_header

DESTINATIONS = [
    Case("all-to-one", [route(to("v1", weight=100), to("v2", weight=0))], [ROOT] * 5),
    Case("all-to-other", [route(to("v1", weight=0), to("v2", weight=1))], [ROOT] * 5),
    Case("weight-absent", [route(to("v1", weight=1), to("v2"))], [ROOT] * 5),
    Case("single-weight-0", [route(to("v2", weight=0))], [ROOT]),
    Case("no-pods", [route(to("v3"))], [ROOT, Ask(method="HEAD")]),
    Case("no-such-subset", [route(to("v9"))], [ROOT]),
    Case("no-such-host", [route(to("", host="nobody"))], [ROOT]),
    Case("no-such-fqdn", [route(to("", host="nobody.elsewhere.svc.cluster.local"))], [ROOT]),
    Case("no-pods-by-weight", [route(to("v1", weight=0), to("v3", weight=100))], [ROOT]),
    Case("refusing", [route(to("", host="refusing"), retries={"attempts": 0})], [ROOT]),
    Case(
        "port-of-destination", [route({"destination": {"host": "web", "subset": "v1", "port": {"number": 80}}})], [ROOT]
    ),
    Case("no-such-port", [route({"destination": {"host": "web", "subset": "v1", "port": {"number": 81}}})], [ROOT]),
    Case("tagged-no-pods", [route(to("v3", headers={"response": {"set": {"x-tag": "v3"}}}))], [ROOT]),
    Case(
        "tagged-weighted-no-pods",
        [route(to("v3", weight=1, headers={"response": {"set": {"x-tag": "v3"}}}), to("v1", weight=0))],
        [ROOT],
    ),
    Case("tagged-no-such-subset", [route(to("v9", headers={"response": {"set": {"x-tag": "v9"}}}))], [ROOT]),
]

_CHANGES: Raw = {
    "request": {"set": {"x-a": "set"}, "add": {"x-b": "added"}, "remove": ["x-c"]},
    "response": {"set": {"x-app-build": "set"}, "add": {"x-more": "1"}, "remove": ["content-type"]},
}
_MORE: Raw = {"request": {"set": {"x-a": "outer"}, "add": {"x-b": "outer"}}, "response": {"add": {"x-more": "outer"}}}
_CHANGED = [ROOT, Ask(headers={"x-a": "1", "x-b": "1", "x-c": "1"})]

HEADERS = [
    Case("headers-route", [route(to("v1"), headers=_CHANGES)], _CHANGED),
    Case("headers-destination", [route(to("v1", headers=_CHANGES))], _CHANGED),
    Case("headers-weighted", [route(to("v1", weight=1, headers=_CHANGES), to("v2", weight=0))], _CHANGED),
    Case("headers-both", [route(to("v1", headers=_CHANGES), headers=_MORE)], _CHANGED),
    Case(
        "headers-both-weighted",
        [route(to("v1", weight=1, headers=_CHANGES), to("v2", weight=0), headers=_MORE)],
        _CHANGED,
    ),
    Case("headers-host", [route(to("v1"), headers={"request": {"set": {"Host": "b.example"}}})], [ROOT]),
    Case("headers-authority", [route(to("v1"), headers={"request": {"set": {":authority": "b.example"}}})], [ROOT]),
    Case("headers-host-destination", [route(to("v1", headers={"request": {"set": {"Host": "b.example"}}}))], [ROOT]),
    Case(
        "headers-host-both",
        [
            route(
                to("v1", headers={"request": {"set": {"Host": "inner.example"}}}),
                headers={"request": {"set": {"Host": "outer.example"}}},
            )
        ],
        [ROOT],
    ),
    Case(
        "headers-host-weighted",
        [
            route(
                to("v1", weight=1, headers={"request": {"set": {"Host": "inner.example"}}}),
                to("v2", weight=0),
                headers={"request": {"set": {"Host": "outer.example"}}},
            )
        ],
        [ROOT],
    ),
    Case("headers-formatted", [route(to("v1"), headers={"response": {"set": {"x-code": "%RESPONSE_CODE%"}}})], [ROOT]),
    Case("headers-percent", [route(to("v1"), headers={"response": {"set": {"x-share": "100%%"}}})], [ROOT]),
    Case("headers-on-404", [route(to("v1"), match=[{"uri": {"exact": "/a"}}], headers=_CHANGES)], paths("/b")),
]

ACTIONS = [
    Case(
        "rewrite-prefix",
        [route(to("v1"), match=[{"uri": {"prefix": "/a"}}], rewrite={"uri": "/b"})],
        paths("/a", "/a/c?d=e", "/ac", "/a?b"),
    ),
    Case(
        "rewrite-exact",
        [route(to("v1"), match=[{"uri": {"exact": "/a"}}], rewrite={"uri": "/b"})],
        paths("/a", "/a?b=c"),
    ),
    Case(
        "rewrite-root",
        [route(to("v1"), match=[{"uri": {"prefix": "/a/"}}], rewrite={"uri": "/"})],
        paths("/a/c", "/a/", "/a/?b"),
    ),
    Case(
        "rewrite-prefix-root",
        [route(to("v1"), match=[{"uri": {"prefix": "/a"}}], rewrite={"uri": "/"})],
        paths("/a/c", "/a", "/ac"),
    ),
    Case("rewrite-all", [route(to("v1"), rewrite={"uri": "/b"})], paths("/", "/c?d")),
    Case(
        "rewrite-of-regex",
        [route(to("v1"), match=[{"uri": {"regex": "/a.*"}}], rewrite={"uri": "/b"})],
        paths("/a", "/a/c?d=e"),
    ),
    Case(
        "rewrite-by-regex",
        [route(to("v1"), rewrite={"uriRegexRewrite": {"match": "^/a/([^/]+)/.*$", "rewrite": r"/\1"}})],
        paths("/a/b/c", "/b/c", "/a/b/c?d=e"),
    ),
    Case("rewrite-authority", [route(to("v1"), rewrite={"authority": "other.example"})], [ROOT]),
    Case(
        "rewrite-both",
        [route(to("v1"), match=[{"uri": {"prefix": "/a"}}], rewrite={"uri": "/b", "authority": "other.example"})],
        paths("/a/c"),
    ),
    Case("redirect-path", [{"redirect": {"uri": "/b"}}], paths("/a", "/a?b=c")),
    Case("redirect-prefix", [{"match": [{"uri": {"prefix": "/a"}}], "redirect": {"uri": "/b"}}], paths("/a/c", "/x")),
    Case("redirect-authority", [{"redirect": {"authority": "b.example"}}], paths("/a?b=c")),
    Case("redirect-code", [{"redirect": {"uri": "/b", "redirectCode": 307}}], paths("/a")),
    Case("redirect-303", [{"redirect": {"uri": "/b", "redirectCode": 303}}], [Ask("/a", "POST")]),
    Case("redirect-scheme", [{"redirect": {"scheme": "https"}}], paths("/a")),
    Case("redirect-port", [{"redirect": {"port": 8443}}], paths("/a")),
    Case("redirect-derived", [{"redirect": {"uri": "/b", "derivePort": "FROM_PROTOCOL_DEFAULT"}}], paths("/a")),
    Case(
        "redirect-headers", [{"redirect": {"uri": "/b"}, "headers": {"response": {"set": {"x-a": "1"}}}}], paths("/a")
    ),
    Case("redirect-query", [{"redirect": {"uri": "/b?c=d"}}], paths("/a?b=c")),
    Case("answer-body", [{"directResponse": {"status": 418, "body": {"string": "tea"}}}], [ROOT, Ask(method="HEAD")]),
    Case("answer-bytes", [{"directResponse": {"status": 200, "body": {"bytes": "dGVh"}}}], [ROOT]),
    Case("answer-bare", [{"directResponse": {"status": 503}}], [ROOT]),
    Case(
        "answer-headers",
        [
            {
                "directResponse": {"status": 200, "body": {"string": "{}"}},
                "headers": {"response": {"set": {"content-type": "application/json"}}},
            }
        ],
        [ROOT],
    ),
]

FAULTS = [
    Case("abort", [route(to("v1"), fault={"abort": {"httpStatus": 555, "percentage": {"value": 100}}})], [ROOT]),
    Case("abort-none", [route(to("v1"), fault={"abort": {"httpStatus": 555, "percentage": {"value": 0}}})], [ROOT]),
    Case(
        "abort-tagged",
        [
            route(
                to("v1", headers={"response": {"set": {"x-tag": "v1"}}}),
                fault={"abort": {"httpStatus": 500, "percentage": {"value": 100}}},
            )
        ],
        [ROOT],
    ),
    Case("delay", [route(to("v1"), fault={"delay": {"fixedDelay": "0.05s", "percentage": {"value": 100}}})], [ROOT]),
    Case(
        "abort-by-header",
        [
            route(
                to("v1"),
                match=[{"headers": {"x-a": {"exact": "1"}}}],
                fault={"abort": {"httpStatus": 500, "percentage": {"value": 100}}},
            ),
            V1,
        ],
        with_header("x-a", "1"),
    ),
    Case("timeout", [route(to("v1"), timeout="0.2s")], paths("/slow", "/")),
    Case("timeout-none", [route(to("v1"))], paths("/slow")),
    Case("fail", [route(to("v1"), retries={"attempts": 0})], paths("/fail")),
    Case("retries", [route(to("v1"), retries={"attempts": 2, "retryOn": "5xx"})], paths("/fail", "/")),
    Case(
        "per-try", [route(to("v1"), retries={"attempts": 1, "perTryTimeout": "0.2s", "retryOn": "5xx"})], paths("/slow")
    ),
    Case("mirror", [route(to("v1"), mirrors=[{"destination": {"host": "web", "subset": "v2"}}])], paths("/mirrored")),
    Case("mirror-nowhere", [route(to("v1"), mirror={"host": "web", "subset": "v9"})], paths("/mirrored")),
]
