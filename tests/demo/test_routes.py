"""What a real Envoy does with translated routes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.demo.backends import CLOSED, World
from tests.demo.objects import Raw, destination, destination_rule, raw, service, virtual_service
from tests.demo.test_matches import RE2

WEB = "web.shop.svc.cluster.local"


def to(version: str, **fields: Any) -> Raw:
    return {"route": [destination(subset=version)], **fields}


@pytest.mark.parametrize(
    ("match", "yes", "no"),
    [
        pytest.param({"uri": {"exact": "/a"}}, {"path": "/a"}, {"path": "/a/b"}, id="exact"),
        pytest.param({"uri": {"exact": "/a"}}, {"path": "/a?b=c"}, {"path": "/A"}, id="exact with a query"),
        pytest.param({"uri": {"prefix": "/a"}}, {"path": "/ab"}, {"path": "/b"}, id="prefix"),
        pytest.param({"uri": {"prefix": "/a"}, "ignoreUriCase": True}, {"path": "/Ab"}, {"path": "/b"}, id="any case"),
        pytest.param(
            {"uri": {"regex": "/a[0-9]+"}}, {"path": "/a12"}, {"path": "/a12/"}, id="regex takes the whole path"
        ),
        pytest.param({"method": {"exact": "POST"}}, {"method": "POST"}, {}, id="method"),
        pytest.param({"authority": {"exact": "web.example"}}, {}, {"host": "web.example:81"}, id="authority"),
        pytest.param({"headers": {"a": {"exact": "1"}}}, {"a": "1"}, {"a": "12"}, id="header"),
        pytest.param({"headers": {"a": {"prefix": "1"}}}, {"a": "12"}, {"a": "2"}, id="header's prefix"),
        pytest.param({"headers": {"a": {"regex": "1|2"}}}, {"a": "2"}, {"a": "12"}, id="header's regex"),
        pytest.param({"headers": {"a": {}}}, {"a": "x"}, {}, id="header is there"),
        pytest.param(
            {"headers": {"a": {"exact": "1"}, "b": {"exact": "2"}}}, {"a": "1", "b": "2"}, {"a": "1"}, id="two headers"
        ),
        pytest.param({"withoutHeaders": {"a": {"exact": "1"}}}, {}, {"a": "1"}, id="without a value, no header"),
        pytest.param({"withoutHeaders": {"a": {"exact": "1"}}}, {"a": "2"}, {"a": "1"}, id="without a value"),
        pytest.param({"withoutHeaders": {"a": {}}}, {}, {"a": "1"}, id="without a header"),
        pytest.param({"queryParams": {"a": {"exact": "1"}}}, {"path": "/?a=1"}, {"path": "/?a=2"}, id="query"),
        pytest.param(
            {"queryParams": {"a": {"regex": "[0-9]"}}}, {"path": "/?a=7"}, {"path": "/?a=77"}, id="query's regex"
        ),
        pytest.param({"queryParams": {"a": {}}}, {"path": "/?a"}, {"path": "/?b"}, id="query is there"),
    ],
)
def test_match(world: World, match: Raw, yes: dict[str, str], no: dict[str, str]) -> None:
    world.put(virtual_service(to("v2", match=[match]), to("v1")))
    assert (world.ask(**yes).version, world.ask(**no).version) == ("v2", "v1")


@pytest.mark.parametrize(("scheme", "version"), [("http", "v2"), ("https", "v1")])
def test_match_on_the_scheme(world: World, scheme: str, version: str) -> None:
    world.put(virtual_service(to("v2", match=[{"scheme": {"exact": scheme}}]), to("v1")))
    assert world.ask().version == version


def test_entries_are_alternatives_and_routes_are_tried_in_order(world: World) -> None:
    either = [{"uri": {"prefix": "/a"}}, {"headers": {"b": {"exact": "1"}}}]
    world.put(virtual_service(to("v3", match=[{"uri": {"exact": "/a/c"}}]), to("v2", match=either), to("v1")))
    answers = [world.ask("/a"), world.ask(b="1"), world.ask("/a/c"), world.ask()]
    assert [answer.version for answer in answers] == ["v2", "v2", "v3", "v1"]


def test_a_match_that_cannot_be_expressed_disables_its_route(world: World) -> None:
    claims = [{"headers": {"@request.auth.claims.a": {"exact": "b"}}}]
    world.put(virtual_service(to("v2", match=claims), to("v1")))
    assert world.ask().version == "v1"
    world.put(virtual_service(to("v2", match=claims)))
    assert world.ask().status == 404


def test_envoy_takes_every_regex_that_the_check_lets_through(world: World) -> None:
    world.put(virtual_service(*(to("v2", match=[{"uri": {"regex": pattern}}]) for pattern in RE2), to("v1")))
    assert world.ask("/a").version == "v2"
    assert "status" not in world.store.get("virtualservices", namespace="shop", name="web")


@pytest.mark.parametrize(
    ("hosts", "asked", "status"),
    [
        pytest.param(["web.example"], "web.example", 200, id="exact"),
        pytest.param(["web.example"], "web.example:8080", 200, id="with a port"),
        pytest.param(["web.example"], "WEB.example", 200, id="any case"),
        pytest.param(["web.example"], "api.example", 404, id="another"),
        pytest.param(["*.example"], "a.b.example", 200, id="wildcard"),
        pytest.param(["*.example"], "example", 404, id="wildcard without a label"),
        pytest.param(["*"], "127.0.0.1", 200, id="all"),
    ],
)
def test_hosts(world: World, hosts: list[str], asked: str, status: int) -> None:
    world.put(virtual_service(to("v1"), hosts=hosts))
    assert world.ask(host=asked).status == status


def test_the_more_specific_host_wins(world: World) -> None:
    world.put(virtual_service(to("v1"), host="*"), virtual_service(to("v2"), name="other", host="*.example"))
    assert [world.ask(host=host).version for host in ("a.example", "a.test")] == ["v2", "v1"]


@pytest.mark.parametrize(
    ("fields", "path", "asked"),
    [
        pytest.param(
            {"match": [{"uri": {"prefix": "/a"}}], "rewrite": {"uri": "/b"}},
            "/a/c?d=e",
            {"path": "/b/c?d=e"},
            id="prefix",
        ),
        pytest.param({"match": [{"uri": {"exact": "/a"}}], "rewrite": {"uri": "/b"}}, "/a", {"path": "/b"}, id="exact"),
        pytest.param(
            {"match": [{"uri": {"prefix": "/a/"}}], "rewrite": {"uri": "/"}},
            "/a/c",
            {"path": "/c"},
            id="prefix taken away",
        ),
        pytest.param(
            {"rewrite": {"uriRegexRewrite": {"match": "^/a/([^/]+)/.*$", "rewrite": r"/\1"}}},
            "/a/b/c",
            {"path": "/b"},
            id="regex",
        ),
    ],
)
def test_rewrite(world: World, fields: Raw, path: str, asked: dict[str, str]) -> None:
    world.put(virtual_service(to("v1", **fields)))
    assert world.ask(path).asked.items() >= asked.items()


def test_rewritten_authority(world: World) -> None:
    world.put(virtual_service(to("v1", rewrite={"authority": "other.example"})))
    assert world.ask().asked["headers"]["host"] == "other.example"


@pytest.mark.parametrize(
    ("redirect", "status", "location"),
    [
        pytest.param({"uri": "/b"}, 301, "http://web.example/b", id="path"),
        pytest.param({"uri": "/b", "redirectCode": 307}, 307, "http://web.example/b", id="code"),
        pytest.param({"authority": "b.example", "scheme": "https"}, 301, "https://b.example/a", id="host and scheme"),
        pytest.param({"port": 8443}, 301, "http://web.example:8443/a", id="port"),
    ],
)
def test_redirect(world: World, redirect: Raw, status: int, location: str) -> None:
    world.put(virtual_service({"redirect": redirect}))
    answer = world.ask("/a")
    assert (answer.status, answer.headers["location"]) == (status, location)


def test_direct_response(world: World) -> None:
    world.put(virtual_service({"directResponse": {"status": 418, "body": {"string": "tea"}}}))
    answer = world.ask()
    assert (answer.status, answer.body) == (418, b"tea")


def test_header_changes(world: World) -> None:
    changes = {
        "request": {"set": {"a": "set"}, "add": {"b": "added"}, "remove": ["c"]},
        "response": {"set": {"x-app-version": "overwritten"}, "add": {"x-more": "1"}, "remove": ["x-from-app"]},
    }
    world.put(virtual_service(to("v1", headers={"request": changes["request"]})))
    asked = world.ask(a="1", b="1", c="1").asked["headers"]
    assert (asked["a"], asked["b"], "c" in asked) == ("set", "1,added", False)
    world.put(virtual_service({"route": [destination(subset="v1", headers=changes)]}))
    answer = world.ask()
    assert (answer.version, answer.headers["x-more"], "x-from-app" in answer.headers) == ("overwritten", "1", False)


def test_header_changes_of_a_destination_tell_the_versions_apart_even_where_one_is_dead(world: World) -> None:
    def tagged(subset: str) -> Raw:
        return destination(subset=subset, weight=50, headers={"response": {"set": {"x-tag": subset}}})

    world.put(*service("web", ("web-1", "v1", "10.244.1.1")), virtual_service({"route": [tagged("v1"), tagged("v2")]}))
    seen = Counter((answer.status, answer.headers["x-tag"]) for answer in (world.ask() for _ in range(60)))
    assert seen.keys() == {(200, "v1"), (503, "v2")}


def test_an_application_that_answers_is_told_from_the_gateway(world: World) -> None:
    world.put(virtual_service(to("v1")))
    answer = world.ask()
    assert answer.headers["server"] == "istio-envoy"
    assert "x-envoy-upstream-service-time" in answer.headers
    assert "x-envoy-upstream-service-time" not in world.ask(host="nobody.example").headers


@pytest.mark.parametrize(
    "route",
    [
        pytest.param(destination("web", "v9"), id="subset that no rule defines"),
        pytest.param(destination("nobody"), id="host that no service has"),
        pytest.param(destination("none"), id="service without pods"),
        pytest.param(destination("down"), id="service without ready pods"),
        pytest.param(destination("refusing"), id="pod that refuses"),
    ],
)
def test_a_destination_that_cannot_answer_is_503_for_its_share_alone(world: World, route: Raw) -> None:
    world.put(
        *service("none"),
        *service("down", ("down-1", "v1", "10.244.1.1"), ready=False),
        *service("refusing", ("refusing-1", "v1", CLOSED[0])),
        virtual_service({"route": [route | {"weight": 50}, destination(subset="v1", weight=50)]}),
    )
    answers = [world.ask() for _ in range(60)]
    assert {(answer.status, answer.version) for answer in answers} == {(503, None), (200, "v1")}
    assert not any("x-envoy-upstream-service-time" in each.headers for each in answers if each.status == 503)


def test_destinations_without_subset_take_all_ready_pods(world: World) -> None:
    world.put(virtual_service({"route": [destination()]}))
    assert {world.ask().version for _ in range(60)} == {"v1", "v2", "v3"}


def test_weights_need_not_sum_to_100(world: World) -> None:
    weights = [("v1", 3), ("v2", 1), ("v3", 0)]
    world.put(virtual_service({"route": [destination(subset=subset, weight=weight) for subset, weight in weights]}))
    seen = Counter(world.ask().version for _ in range(400))
    assert seen.keys() == {"v1", "v2"}
    # Four standard deviations around three quarters of 400.
    assert 265 <= seen["v1"] <= 335


def test_timeout(world: World) -> None:
    world.put(virtual_service(to("v1", timeout="50ms")))
    assert world.ask("/slow").status == 504


def test_no_timeout_and_no_retries_by_default(world: World) -> None:
    world.put(virtual_service(to("v1")))
    world.backends["v1"].asked.clear()
    assert (world.ask("/fail").status, world.ask("/slow").status) == (503, 200)
    assert world.backends["v1"].asked == ["/fail", "/slow"]


def test_retries(world: World) -> None:
    world.put(virtual_service(to("v1", retries={"attempts": 2, "retryOn": "5xx"})))
    world.backends["v1"].asked.clear()
    assert world.ask("/fail").status == 503
    assert world.backends["v1"].asked == ["/fail"] * 3


def test_retries_on_a_code(world: World) -> None:
    world.put(virtual_service(to("v1", retries={"attempts": 1, "retryOn": "503"})))
    world.backends["v1"].asked.clear()
    assert world.ask("/fail").status == 503
    assert world.backends["v1"].asked == ["/fail"] * 2


def test_faults(world: World) -> None:
    abort = {"abort": {"httpStatus": 555, "percentage": {"value": 100}}}
    delay = {"delay": {"fixedDelay": "2s", "percentage": {"value": 0}}}
    world.put(virtual_service(to("v1", fault=abort, match=[{"uri": {"exact": "/abort"}}]), to("v1", fault=delay)))
    assert (world.ask("/abort").status, world.ask("/slow").status) == (555, 200)


def test_a_fault_by_share(world: World) -> None:
    world.put(virtual_service(to("v1", fault={"abort": {"httpStatus": 500, "percentage": {"value": 50}}})))
    seen = Counter(world.ask().status for _ in range(100))
    assert seen.keys() == {200, 500}
    assert 25 <= seen[500] <= 75


def test_a_delay(world: World) -> None:
    world.put(virtual_service(to("v1", timeout="50ms", fault={"delay": {"fixedDelay": "80ms"}})))
    before = world.counter("http.ingress_http.fault.delays_injected")
    world.ask()
    assert world.counter("http.ingress_http.fault.delays_injected") == before + 1


def test_mirror(world: World) -> None:
    world.put(virtual_service(to("v1", mirrors=[{"destination": {"host": "web", "subset": "v2"}}])))
    name = f"cluster.outbound|80|v2|{WEB}.upstream_rq_total"
    before = world.counter(name)
    assert [world.ask("/mirrored").version for _ in range(5)] == ["v1"] * 5
    assert world.counter(name) == before + 5


def test_service_entry(world: World) -> None:
    entry = raw(
        "ServiceEntry",
        "quotes",
        spec={
            "hosts": ["quotes.example.com"],
            "ports": [{"number": 80, "name": "http"}],
            "endpoints": [{"address": WEB, "labels": {"version": "v1"}}],
        },
    )
    route = {"route": [destination("quotes.example.com", "v1")], "rewrite": {"authority": "quotes.example.com"}}
    world.put(entry, destination_rule("quotes.example.com", "v1"), virtual_service(route))
    assert world.ask().asked["headers"]["host"] == "quotes.example.com"


def test_http_is_redirected_where_the_server_says_so(world: World) -> None:
    secure = raw(
        "Gateway",
        "public",
        spec={
            "selector": {"istio": "ingressgateway"},
            "servers": [{"port": {"number": 80, "protocol": "HTTP"}, "hosts": ["*"], "tls": {"httpsRedirect": True}}],
        },
    )
    world.put(secure, virtual_service(to("v1")))
    answer = world.ask("/a")
    assert (answer.status, answer.headers["location"]) == (301, "https://web.example/a")
