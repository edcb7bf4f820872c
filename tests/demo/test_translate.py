"""Routes and clusters as the pure translator writes them; what a real Envoy makes of them is in test_routes.py."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.demo.objects import (
    Raw,
    destination,
    destination_rule,
    gateway,
    gateway_objects,
    raw,
    service,
    snapshot,
    virtual_service,
)
from tests.istio.strategies import json_values, steady
from webapp.demo.translate import Translation, translate

WEB = "web.shop.svc.cluster.local"
PODS = [("web-1", "v1", "10.244.1.1"), ("web-2", "v2", "10.244.1.2"), ("web-3", "v2", "10.244.1.3")]
ADDRESSES = {"10.244.1.1": ("127.0.0.1", 4001), "10.244.1.2": ("127.0.0.1", 4002)}
MESH = [*gateway_objects(), *service("web", *PODS), destination_rule("web", "v1", "v2")]


def translated(*objects: Raw) -> Translation:
    return translate(snapshot(*MESH, *objects), ADDRESSES)


def virtual_hosts(translation: Translation) -> dict[str, list[dict[str, Any]]]:
    return {each["domains"][0]: each["routes"] for each in translation.route_config["virtual_hosts"]}


def only_route(*routes: Raw) -> dict[str, Any]:
    (route,) = virtual_hosts(translated(virtual_service(*routes)))["web.example"]
    del route["name"], route["match"]
    return route


def endpoints(translation: Translation, name: str) -> list[tuple[str, int]]:
    (cluster,) = [each for each in translation.clusters if each["name"] == name]
    found = [
        each["endpoint"]["address"]["socket_address"]
        for each in cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    ]
    return [(each["address"], each["port_value"]) for each in found]


def test_destinations_share_by_weight() -> None:
    route = only_route({"route": [destination(subset="v1", weight=90), destination(subset="v2", weight=10)]})
    assert route["route"]["weighted_clusters"]["clusters"] == [
        {"name": f"outbound|80|v1|{WEB}", "weight": 90},
        {"name": f"outbound|80|v2|{WEB}", "weight": 10},
    ]


def test_a_single_destination_takes_all_whatever_its_weight() -> None:
    assert only_route({"route": [destination(subset="v1", weight=0)]}) == {
        "route": {"timeout": "0s", "cluster": f"outbound|80|v1|{WEB}"}
    }


def test_no_retries_and_no_time_limit_unless_asked_for() -> None:
    assert only_route({"route": [destination()]})["route"] == {"timeout": "0s", "cluster": f"outbound|80||{WEB}"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"timeout": "1m30s"}, {"timeout": "90.000000000s"}, id="timeout"),
        pytest.param({"timeout": "250ms"}, {"timeout": "0.250000000s"}, id="milliseconds"),
        pytest.param({"timeout": "0.5s"}, {"timeout": "0.500000000s"}, id="fraction"),
        pytest.param(
            {"rewrite": {"uri": "/b", "authority": "b.example"}},
            {"prefix_rewrite": "/b", "host_rewrite_literal": "b.example"},
            id="rewrite",
        ),
        pytest.param(
            {"rewrite": {"uriRegexRewrite": {"match": "^/a/(.*)$", "rewrite": r"/\1"}}},
            {"regex_rewrite": {"pattern": {"regex": "^/a/(.*)$"}, "substitution": r"/\1"}},
            id="rewrite by regex",
        ),
        pytest.param(
            {"headers": {"request": {"set": {"Host": "b.example"}}}},
            {"host_rewrite_literal": "b.example"},
            id="host by header",
        ),
        pytest.param({"retries": {"attempts": 0}}, {}, id="no attempts"),
        pytest.param(
            {"mirror": {"host": "web", "subset": "v2"}, "mirrorPercentage": {"value": 12.5}},
            {
                "request_mirror_policies": [
                    {
                        "cluster": f"outbound|80|v2|{WEB}",
                        "runtime_fraction": {"default_value": {"numerator": 125_000, "denominator": "MILLION"}},
                    }
                ]
            },
            id="mirror",
        ),
    ],
)
def test_fields_of_the_route(fields: Raw, expected: Raw) -> None:
    plain = {"timeout": "0s", "cluster": f"outbound|80||{WEB}"}
    assert only_route({"route": [destination()], **fields}) == {"route": plain | expected}


def test_retries_with_codes() -> None:
    route = only_route(
        {"route": [destination()], "retries": {"attempts": 3, "perTryTimeout": "1s", "retryOn": "gateway-error,418"}}
    )
    policy = route["route"]["retry_policy"]
    assert (policy["num_retries"], policy["per_try_timeout"]) == (3, "1.000000000s")
    assert (policy["retry_on"], policy["retriable_status_codes"]) == ("gateway-error,retriable-status-codes", [418])


def test_header_changes_of_a_destination_and_of_the_route() -> None:
    tag = {"response": {"set": {"x-crossfade-version": "v1"}}}
    own = {"request": {"add": {"x-a": "1"}, "remove": ["x-b"]}, "response": {"remove": ["x-c"]}}
    route = only_route(
        {"route": [destination(subset="v1", weight=1, headers=tag), destination(subset="v2", weight=1)], "headers": own}
    )
    tagged, plain = route["route"]["weighted_clusters"]["clusters"]
    option = {"header": {"key": "x-crossfade-version", "value": "v1"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
    assert tagged["response_headers_to_add"] == [option]
    assert "response_headers_to_add" not in plain
    assert route["request_headers_to_add"][0]["append_action"] == "APPEND_IF_EXISTS_OR_ADD"
    assert (route["request_headers_to_remove"], route["response_headers_to_remove"]) == (["x-b"], ["x-c"])


@pytest.mark.parametrize(
    ("route", "action"),
    [
        pytest.param(
            {"redirect": {"uri": "/b", "redirectCode": 308}},
            {"redirect": {"response_code": "PERMANENT_REDIRECT", "path_redirect": "/b"}},
            id="redirect",
        ),
        pytest.param({"redirect": {}}, {"redirect": {"response_code": "MOVED_PERMANENTLY"}}, id="redirect's default"),
        pytest.param(
            {"redirect": {"scheme": "https", "authority": "b.example", "port": 8443}},
            {
                "redirect": {
                    "response_code": "MOVED_PERMANENTLY",
                    "host_redirect": "b.example",
                    "port_redirect": 8443,
                    "scheme_redirect": "https",
                }
            },
            id="redirect to another place",
        ),
        pytest.param(
            {"directResponse": {"status": 404, "body": {"string": "no"}}},
            {"direct_response": {"status": 404, "body": {"inline_string": "no"}}},
            id="own answer",
        ),
    ],
)
def test_routes_without_destinations(route: Raw, action: Raw) -> None:
    assert only_route(route) == action


@pytest.mark.parametrize(
    ("route", "note"),
    [
        pytest.param({"route": [destination()], "corsPolicy": {}}, "http[0]: corsPolicy", id="cors"),
        pytest.param({"route": [destination()], "x-new": 1, "name": "a"}, "http[0] (a): x-new", id="unknown field"),
        pytest.param(
            {"route": [destination()], "timeout": "soon"}, "http[0]: timeout: 'soon' is not a duration", id="timeout"
        ),
        pytest.param(
            {"route": [destination()], "fault": {"delay": {"exponentialDelay": "1s"}}},
            "http[0]: fault.delay.exponentialDelay",
            id="fault",
        ),
        pytest.param(
            {"route": [destination(headers={"request": {"set": {":path": "/"}}})]},
            "http[0]: headers.request.set of :path",
            id="path by header",
        ),
        pytest.param(
            {"route": [destination(headers={"response": {"set": {"a": "100 %"}}})]},
            "http[0]: headers.response.set of a",
            id="a formatter that is none",
        ),
        pytest.param(
            {"route": [destination()], "retries": {"attempts": 1, "retryRemoteLocalities": True}},
            "http[0]: retries.retryRemoteLocalities",
            id="retries",
        ),
        pytest.param(
            {"route": [destination()], "mirrors": [{"destination": {"host": "web"}, "percentage": {"value": 101}}]},
            "http[0]: mirror: 101 is not a percentage",
            id="mirror",
        ),
    ],
)
def test_what_is_left_out_is_noted_and_the_route_works_on(route: Raw, note: str) -> None:
    translation = translated(virtual_service(route))
    assert translation.notes == {("shop", "web"): (note,)}
    (translated_route,) = virtual_hosts(translation)["web.example"]
    assert translated_route["route"]["cluster"] == f"outbound|80||{WEB}"


@pytest.mark.parametrize(
    "route",
    [
        pytest.param({"delegate": {"name": "other"}}, id="delegate"),
        pytest.param({"route": []}, id="no destination"),
        pytest.param({"route": [destination(weight=0), destination(weight=0)]}, id="no weight"),
        pytest.param({"route": [destination(weight=2**31 - 1)] * 3}, id="more than Envoy can add"),
        pytest.param({"redirect": {"redirectCode": 300}}, id="redirect code"),
        pytest.param({"directResponse": {}}, id="no status"),
        pytest.param({"route": [destination()], "rewrite": {"uriRegexRewrite": {"match": "("}}}, id="broken rewrite"),
    ],
)
def test_an_action_that_cannot_be_expressed_answers_501_itself(route: Raw) -> None:
    translation = translated(virtual_service(route, {"route": [destination()]}))
    first = virtual_hosts(translation)["web.example"][0]
    assert first["direct_response"]["status"] == 501
    assert "501" in translation.notes["shop", "web"][0]


def test_a_match_that_cannot_be_expressed_takes_nothing_and_the_others_stay() -> None:
    route = {
        "match": [{"headers": {"@request.auth.claims.a": {"exact": "b"}}}, {"uri": {"exact": "/a"}}],
        "route": [destination()],
    }
    translation = translated(virtual_service(route))
    assert [each["match"] for each in virtual_hosts(translation)["web.example"]] == [{"path": "/a"}]
    assert "takes no request" in translation.notes["shop", "web"][0]


@pytest.mark.parametrize(
    ("condition", "there"),
    [
        pytest.param({"port": 80}, True, id="the server's port"),
        pytest.param({"port": 81}, False, id="another port"),
        pytest.param({"gateways": ["public"]}, True, id="this gateway"),
        pytest.param({"gateways": ["mesh"]}, False, id="callers in the mesh"),
        pytest.param({"sourceLabels": {"istio": "ingressgateway"}}, True, id="the gateway's labels"),
        pytest.param({"sourceLabels": {"app": "web"}}, False, id="another caller's labels"),
        pytest.param({"sourceNamespace": "istio-system"}, True, id="the gateway's namespace"),
        pytest.param({"sourceNamespace": "shop"}, False, id="another namespace"),
    ],
)
def test_conditions_that_no_request_can_change(condition: Raw, there: bool) -> None:
    translation = translated(virtual_service({"match": [condition], "route": [destination()]}))
    assert len(virtual_hosts(translation)["web.example"]) == int(there)
    assert translation.notes == {}


@pytest.mark.parametrize(
    ("own", "server", "domains"),
    [
        pytest.param("*", "*", ["*"], id="all"),
        pytest.param("web.example", "*", ["web.example"], id="one"),
        pytest.param("*", "web.example", ["web.example"], id="the server's"),
        pytest.param("*.example", "web.example", ["web.example"], id="the narrower, the server's"),
        pytest.param("*.shop.example", "*.example", ["*.shop.example"], id="the narrower wildcard"),
        pytest.param("web.example", "api.example", [], id="apart"),
        pytest.param("web", "*", ["web.shop.svc.cluster.local"], id="short"),
        pytest.param("Web.Example", "*", ["web.example"], id="any case"),
        pytest.param("web.example", "shop/*", ["web.example"], id="own namespace"),
        pytest.param("web.example", "./*", ["web.example"], id="the gateway's namespace"),
        pytest.param("web.example", "other/*", [], id="another namespace"),
    ],
)
def test_hosts_are_those_that_gateway_and_virtual_service_share(own: str, server: str, domains: list[str]) -> None:
    objects = gateway("narrow", server), virtual_service({"route": [destination()]}, host=own, gateways=["narrow"])
    assert list(virtual_hosts(translated(*objects))) == domains


def test_only_virtual_services_of_a_gateway_that_selects_these_pods_count() -> None:
    other = gateway("other", "*")
    other["spec"]["selector"] = {"istio": "egressgateway"}
    objects = [
        virtual_service({"route": [destination()]}, name=str(number), host=f"{number}.example", gateways=gateways)
        for number, gateways in enumerate([["mesh"], [], ["missing"], ["other"], ["shop/public", "mesh"]])
    ]
    assert list(virtual_hosts(translated(other, *objects))) == ["4.example"]


def test_two_virtual_services_of_one_host_are_merged_with_catch_alls_last() -> None:
    first = virtual_service({"route": [destination(subset="v1")]}, name="a")
    second = virtual_service({"match": [{"uri": {"prefix": "/b"}}], "route": [destination(subset="v2")]}, name="b")
    routes = virtual_hosts(translated(first, second))["web.example"]
    assert [each["name"] for each in routes] == ["shop/b/http/0", "shop/a/http/0"]


def test_other_protocols_are_noted() -> None:
    objects = (
        gateway("secure", "*", port=443, protocol="HTTPS"),
        virtual_service({"route": [destination()]}, gateways=["secure"]),
    )
    assert translated(*objects).notes == {("shop", "web"): ("the HTTPS server on port 443 of Gateway secure",)}


def test_endpoints_of_subsets_and_of_the_whole_service() -> None:
    translation = translated()
    assert endpoints(translation, f"outbound|80|v1|{WEB}") == [("127.0.0.1", 4001)]
    assert endpoints(translation, f"outbound|80|v2|{WEB}") == [("127.0.0.1", 4002), ("10.244.1.3", 8080)]
    assert len(endpoints(translation, f"outbound|80||{WEB}")) == 3
    assert {each["lb_policy"] for each in translation.clusters} == {"LEAST_REQUEST"}


def test_pods_that_are_not_ready_are_no_endpoints() -> None:
    translation = translated(*service("down", ("down-1", "v1", "10.244.1.9"), ready=False))
    assert endpoints(translation, "outbound|80||down.shop.svc.cluster.local") == []


@pytest.mark.parametrize(
    ("asked", "cluster"),
    [
        pytest.param(destination("two"), "outbound|80||two.shop.svc.cluster.local", id="the server's port"),
        pytest.param(
            {"destination": {"host": "two", "port": {"number": 81}}},
            "outbound|81||two.shop.svc.cluster.local",
            id="its own",
        ),
        pytest.param(
            destination("web.other.svc.cluster.local"), "outbound|80||web.other.svc.cluster.local", id="unknown host"
        ),
        pytest.param(destination("web", "v9"), f"outbound|80|v9|{WEB}", id="unknown subset"),
    ],
)
def test_cluster_of_a_destination(asked: Raw, cluster: str) -> None:
    translation = translated(*service("two", ports=(80, 81)), virtual_service({"route": [asked]}))
    assert virtual_hosts(translation)["web.example"][0]["route"]["cluster"] == cluster


def service_entry(**spec: Any) -> Raw:
    return raw(
        "ServiceEntry",
        "quotes",
        spec={"hosts": ["quotes.example.com"], "ports": [{"number": 80, "name": "http"}], **spec},
    )


@pytest.mark.parametrize(
    ("address", "where", "kind"),
    [
        pytest.param("192.0.2.1", [("192.0.2.1", 8080)], "STATIC", id="address"),
        pytest.param("10.244.1.1", [("127.0.0.1", 4001)], "STATIC", id="a pod's address"),
        pytest.param("up.example.net", [("up.example.net", 8080)], "STRICT_DNS", id="name"),
        pytest.param(WEB, [("127.0.0.1", 4001), ("127.0.0.1", 4002)], "STATIC", id="a Service's name"),
    ],
)
def test_service_entry(address: str, where: list[tuple[str, int]], kind: str) -> None:
    translation = translated(service_entry(endpoints=[{"address": address, "ports": {"http": 8080}}]))
    assert endpoints(translation, "outbound|80||quotes.example.com") == where
    assert {each["type"] for each in translation.clusters if "quotes" in each["name"]} == {kind}


def test_subsets_of_a_service_entry_go_by_the_labels_of_its_endpoints() -> None:
    entry = service_entry(endpoints=[{"address": f"192.0.2.{n}", "labels": {"version": f"v{n}"}} for n in (1, 2)])
    translation = translated(entry, destination_rule("quotes.example.com", "v1", "v2"))
    assert endpoints(translation, "outbound|80|v2|quotes.example.com") == [("192.0.2.2", 80)]


def test_a_service_entry_without_endpoints_is_noted_by_who_uses_it() -> None:
    translation = translated(
        service_entry(resolution="DNS"), virtual_service({"route": [destination("quotes.example.com")]})
    )
    assert translation.notes == {("shop", "web"): ("http[0]: ServiceEntry quotes without endpoints of its own",)}
    assert endpoints(translation, "outbound|80||quotes.example.com") == []


def test_traffic_policy_is_noted_but_for_the_balancer() -> None:
    policy = {"loadBalancer": {"simple": "ROUND_ROBIN"}, "outlierDetection": {}, "tls": {"mode": "DISABLE"}}
    rule = destination_rule("api", "v1", trafficPolicy=policy)
    translation = translated(*service("api"), rule, virtual_service({"route": [destination("api")]}))
    assert translation.notes == {
        ("shop", "web"): ("http[0]: trafficPolicy.outlierDetection for api.shop.svc.cluster.local",)
    }
    assert {each["lb_policy"] for each in translation.clusters if "api" in each["name"]} == {"ROUND_ROBIN"}


SIDECAR = {"security.istio.io/tlsMode": "istio"}


@pytest.mark.parametrize(
    ("labels", "notes"),
    [
        pytest.param([SIDECAR, SIDECAR], {}, id="all have sidecars"),
        pytest.param(
            [SIDECAR, {}],
            {("shop", "web"): ("http[0]: trafficPolicy.tls for api.shop.svc.cluster.local",)},
            id="one has none",
        ),
    ],
)
def test_mutual_tls_makes_no_difference_to_pods_with_sidecars(labels: list[Raw], notes: Raw) -> None:
    web, *rest = service("api", ("a", "v1", "10.244.1.1"), ("b", "v2", "10.244.1.2"))
    for pod, more in zip(rest, labels, strict=False):
        pod["metadata"]["labels"] |= more
    rule = destination_rule("api", "v1", trafficPolicy={"tls": {"mode": "ISTIO_MUTUAL"}})
    assert translated(web, *rest, rule, virtual_service({"route": [destination("api")]})).notes == notes


FIELDS = st.sampled_from(
    [
        "match",
        "route",
        "redirect",
        "directResponse",
        "delegate",
        "rewrite",
        "timeout",
        "retries",
        "fault",
        "mirror",
        "mirrorPercentage",
        "mirrors",
        "headers",
        "corsPolicy",
    ]
)
INNER = st.sampled_from(
    [
        "uri",
        "authority",
        "attempts",
        "retryOn",
        "perTryTimeout",
        "delay",
        "abort",
        "fixedDelay",
        "httpStatus",
        "percentage",
        "value",
        "status",
        "body",
        "string",
        "request",
        "set",
        "remove",
        "destination",
        "host",
        "port",
        "number",
        "uriRegexRewrite",
    ]
)
ODD = st.recursive(
    json_values, lambda inner: st.dictionaries(INNER, inner, max_size=4) | st.lists(inner, max_size=2), max_leaves=12
)


@steady
@given(route=st.dictionaries(FIELDS, ODD, max_size=5), policy=ODD, entry=ODD)
def test_no_object_breaks_the_translation(route: Raw, policy: Any, entry: Any) -> None:
    route.setdefault("route", [destination()])
    objects = (
        virtual_service(route),
        destination_rule("web", "v1", trafficPolicy=policy),
        service_entry(endpoints=entry),
    )
    assert json.dumps(translated(*objects).route_config)
