"""TLS and TCP routes: the same as HTTP routes wherever that makes sense."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from tests.istio import builders
from tests.istio.builders import destination, destination_rule, http_route, service, split, workload
from tests.istio.shifting import NOON, managed, shifted
from tests.istio.strategies import l4_routes, steady
from webapp.errors import Conflict
from webapp.istio.diagnostics import route_notes, service_notes, virtual_service_notes
from webapp.istio.history import HISTORY, changes, last_writer, parse_history, undo_weights
from webapp.istio.mesh import carried_reaching, routes_reaching
from webapp.istio.objects import L4Match, Section
from webapp.istio.routes import action_words, extra_words, match_words, route_digest
from webapp.istio.shift import shift_patch

SHIFTING = split(100, 0, match=[{"port": 31400}])
"""After https://istio.io/latest/docs/tasks/traffic-management/tcp-traffic-shifting/"""
SNI = split(90, 10, match=[{"port": 443, "sniHosts": ["login.example", "*.api.example"]}])
BY_SECTION = [pytest.param("tls", id="tls"), pytest.param("tcp", id="tcp")]
WEB = ("shop", "web")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(None, (), id="absent"),
        pytest.param([], (), id="empty"),
        pytest.param([{}], (L4Match(),), id="an-empty-one"),
        pytest.param(
            [{"sniHosts": ["a"], "destinationSubnets": ["10.0.0.0/8"], "port": 443, "gateways": ["mesh"]}],
            (L4Match(sni_hosts=("a",), destination_subnets=("10.0.0.0/8",), port=443, gateways=("mesh",)),),
            id="where-to",
        ),
        pytest.param(
            [{"sourceLabels": {"app": "a"}, "sourceNamespace": "n"}],
            (L4Match(source_labels={"app": "a"}, source_namespace="n"),),
            id="where-from",
        ),
        pytest.param([{"port": "443"}], (L4Match(unknown=("port",)),), id="of-another-type"),
        pytest.param([{"sniHosts": ["a", 1]}], (L4Match(unknown=("sniHosts",)),), id="one-of-another-type"),
        pytest.param([{"sourceSubnet": "10.0.0.0/8"}], (L4Match(unknown=("sourceSubnet",)),), id="not-known"),
        pytest.param(["odd"], (L4Match(unknown=("match",)),), id="no-object"),
        pytest.param("odd", (L4Match(unknown=("match",)),), id="no-list"),
    ],
)
def test_a_match_is_read_and_never_widened(raw: Any, expected: tuple[L4Match, ...]) -> None:
    assert builders.parsed(tcp=[split(90, 10, match=raw)]).tcp[0].match == expected


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        pytest.param([], "everything", id="none"),
        pytest.param([{"port": 31400}], "port 31400", id="port"),
        pytest.param(SNI["match"], "SNI is login.example or *.api.example, port 443", id="sni"),
        pytest.param(
            [{"destinationSubnets": ["10.1.0.0/16", "::1"]}, {"sourceLabels": {"app": "a"}, "gateways": ["mesh"]}],
            "to 10.1.0.0/16 or ::1 or callers labelled app=a, at mesh",
            id="subnets-or-callers",
        ),
        pytest.param([{"sourceSubnet": "::/0"}], "sourceSubnet (not understood here)", id="unknown"),
    ],
)
def test_match_words(match: list[Any], expected: str) -> None:
    assert match_words(builders.parsed(tcp=[split(90, 10, match=match)]).tcp[0]) == expected


@steady
@given(raw=l4_routes())
def test_there_are_words_for_whatever_people_wrote(raw: dict[str, Any]) -> None:
    (route,) = builders.parsed(tls=[raw]).tls
    assert match_words(route)
    assert (action_words(route), extra_words(route)) == ("", [])


def test_weights_mean_what_they_mean_in_http() -> None:
    routes = builders.parsed(tcp=[split(None, 10), split(7), split()]).tcp
    assert [route.weights for route in routes] == [(0, 10), (100,), ()]
    assert action_words(routes[2]) == "has no destinations"


def test_history_keeps_sections_apart() -> None:
    owner = builders.parsed(split(90, 10), tls=[split(90, 10)], tcp=[split(90, 10)])
    owner = shifted(owner, 50, 50, section="tcp")
    owner = shifted(owner, 30, 70, section="http", minute=1)
    assert [undo_weights(owner, route) for route in (owner.http[0], owner.tcp[0])] == [(90, 10), (90, 10)]
    assert [each.weights for each in changes(owner, owner.tcp[0])] == [(50, 50), (90, 10)]
    assert [each.inferred for each in changes(owner, owner.tls[0])] == [True]


def test_the_history_of_http_routes_that_is_in_clusters_already_stays_theirs() -> None:
    entry = {"route": "match:74234e98afe7498f", "before": [90, 10], "after": [50, 50], "by": "ann", "at": "T"}
    entry["destinations"] = "70bf36b3471cafbc"
    same = split(50, 50)
    owner = builders.parsed(same, tcp=[same], annotations={HISTORY: json.dumps([entry])})
    assert undo_weights(owner, owner.http[0]) == (90, 10)
    assert len(changes(owner, owner.tcp[0])) == 1
    assert parse_history(owner.metadata.annotations[HISTORY])[0].by == "ann"


def test_who_wrote_a_section_owns_it() -> None:
    fields = [
        managed("a", "T1", **{"f:http": {}}),
        managed("b", "T2", **{"f:tcp": {}}),
        managed("c", "T3", **{"f:x": {}}),
    ]
    metadata = builders.parsed(managedFields=fields).metadata
    sections: list[Section] = ["http", "tcp", "tls"]
    assert [last_writer(metadata, section) for section in sections] == [("a", "T1"), ("b", "T2"), ("c", "T3")]


def test_a_conflict_names_who_wrote_the_section() -> None:
    fields = [managed("helm", "T9", **{"f:http": {}}), managed("kubectl-edit", "T2", **{"f:tcp": {}})]
    owner = builders.parsed(tcp=[SHIFTING], managedFields=fields)
    with pytest.raises(Conflict) as conflict:
        shift_patch(owner, owner.tcp[0], seen="another", choose=lambda: (0, 100), by="ann", now=NOON)
    assert "kubectl-edit" in conflict.value.message
    assert conflict.value.detail["route_digest"] == route_digest(owner.tcp[0])


@pytest.mark.parametrize("section", BY_SECTION)
def test_they_reach_their_service_but_are_nobodys_http_routes(section: str) -> None:
    owner = builders.virtual_service(split(90, 10), **{section: [SHIFTING]})
    snapshot = builders.snapshot(*workload(v1=(1, 1)), owner)
    assert [route.section for _, route in routes_reaching(snapshot, WEB)] == ["http", section]
    assert [each.route.section for each in carried_reaching(snapshot, WEB)] == ["http"]


def port(name: str) -> dict[str, Any]:
    return service(ports=[{"name": name, "port": 9000}])


def lost(second: dict[str, Any]) -> dict[str, Any]:
    return http_route(destination("web", "v1", 80), second)


@pytest.mark.parametrize(
    ("section", "raw", "port_name", "expected"),
    [
        pytest.param("tcp", split(90, 10), "tcp", [], id="all-is-well"),
        pytest.param("tls", split(90, 10), "https-api", [], id="all-is-well-in-tls"),
        pytest.param(
            "tcp",
            lost(destination("web", "v9", 20)),
            "tcp",
            ["No DestinationRule for web defines the subset v9, so its 20 % of the connections are closed."],
            id="subset",
        ),
        pytest.param(
            "tls",
            lost(destination("other", None, 20)),
            "tls",
            ["The mesh has no service other, so its 20 % of the connections are closed."],
            id="host",
        ),
        pytest.param(
            "tcp",
            lost(destination("web", "v3", 20)),
            "tcp",
            ["v3: none of its 2 pods is ready, so its 20 % of the connections are closed."],
            id="no-ready-pods",
        ),
        pytest.param(
            "tcp",
            split(0, 0),
            "tcp",
            ["All weights are 0, so this route has nowhere to send its connections."],
            id="zeros",
        ),
        pytest.param(
            "tcp",
            split(3, 1),
            "tcp",
            ["The weights add up to 4, not to 100: each means its part of that sum."],
            id="another-sum",
        ),
        pytest.param(
            "tcp",
            split(90, 10),
            "http-web",
            [
                "Port 9000 of Service shop/web is named http-web: Istio takes it for HTTP, so TCP routes don't hold "
                "for callers inside of the mesh."
            ],
            id="a-port-for-http",
        ),
        pytest.param(
            "tls",
            split(90, 10),
            "tcp-web",
            [
                "Port 9000 of Service shop/web is named tcp-web: Istio takes it for TCP, so TLS routes don't hold for "
                "callers inside of the mesh."
            ],
            id="a-port-for-tcp",
        ),
    ],
)
def test_notes(section: str, raw: dict[str, Any], port_name: str, expected: list[str]) -> None:
    _, *pods = workload(v1=(1, 1), v2=(1, 1), v3=(0, 2))
    snapshot = builders.snapshot(port(port_name), *pods, destination_rule("web", "v1", "v2", "v3"))
    # The HTTP route before it takes everything, which is nothing to a TCP route.
    owner = builders.parsed(split(90, 10), hosts=["web"], **{section: [raw]})
    assert [note.text for note in route_notes(snapshot, owner, owner.routes[-1])] == expected


def test_a_warning_is_on_the_services_row_too() -> None:
    owner = builders.virtual_service(tcp=[lost(destination("web", "v9", 20))], hosts=["web"])
    snapshot = builders.snapshot(*workload(v1=(1, 1)), destination_rule("web", "v1"), owner)
    assert [note.code for note in service_notes(snapshot, WEB)] == ["subset-not-defined", "port-not-tcp"]


def test_who_applies_a_section_owns_all_of_it() -> None:
    applied = {"spec": {"tcp": [split(70, 30)]}}
    owner = builders.parsed(
        tcp=[split(90, 10)],
        managedFields=[managed("flux", "T1", **{"f:tcp": {}}) | {"operation": "Apply"}],
        annotations={"kubectl.kubernetes.io/last-applied-configuration": json.dumps(applied)},
    )
    texts = [note.text for note in virtual_service_notes(builders.snapshot(), owner)]
    assert any(text.startswith("flux manages this object. It owns all of spec.tcp by server-side") for text in texts)
    assert any("says 70/30 for TCP route 0: applied again" in text for text in texts)
