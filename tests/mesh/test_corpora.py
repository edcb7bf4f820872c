"""The corpora on the real API server, with istiod's webhook on: stored, shown, shifted and undone by the product."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from tests.corpora import corpus, name_of, virtual_services
from tests.corpora.comparing import weighted_routes, weights_of, without_weights
from tests.mesh.api import Api, Raw, path_of
from tests.mesh.dashboard import TIMEOUT_SECONDS, Dashboard, running_dashboard
from tests.mesh.mesh import RealMesh
from tests.mesh.stage import Stage

OBJECTS = [each for each in corpus() if each["kind"] != "Namespace"]
ALL = {name_of(raw): raw for raw in virtual_services()}
SERVICES = [name_of(raw) for raw in OBJECTS if raw["kind"] == "Service"]


@pytest.fixture(scope="module")
def dashboard(mesh: RealMesh, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    stage = Stage(mesh.api)
    try:
        stage.show(OBJECTS)
        with running_dashboard(mesh, tmp_path_factory.mktemp("corpora")) as dashboard:
            yield dashboard
    finally:
        stage.close()


def html(dashboard: Dashboard, path: str) -> str:
    """Ask as a browser does; return the page."""
    connection = HTTPConnection("127.0.0.1", dashboard.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path, headers={"Accept": "text/html"})
        response = connection.getresponse()
        body = response.read().decode()
        assert (response.status, response.getheader("Content-Type")) == (200, "text/html; charset=utf-8"), body
        return body
    finally:
        connection.close()


def route_of(view: Raw, section: str, index: int) -> Raw:
    found: Raw = view[f"{section}_routes"][index]
    return found


def other(weights: list[int]) -> list[int]:
    """Give other weights of the same sum."""
    turned = [*weights[1:], weights[0]]
    return turned if turned != weights else [weights[0] - 1, weights[1] + 1, *weights[2:]]


def stored(api: Api, raw: Raw) -> Raw:
    return api.done("GET", path_of(raw))


@pytest.mark.parametrize("name", ALL)
def test_each_is_shown(dashboard: Dashboard, name: str) -> None:
    page, spec = f"/virtual-services/{name}", ALL[name]["spec"]
    status, view = dashboard.get(page)
    assert status == 200, view
    counts = {section: len(view[f"{section}_routes"]) for section in ("http", "tls", "tcp")}
    assert counts == {section: len(spec.get(section, ())) for section in counts}
    assert f"{name.partition('/')[2]}</h1>" in html(dashboard, page)


@pytest.mark.parametrize("name", ALL)
def test_each_weighted_route_is_shifted_and_undone(mesh: RealMesh, dashboard: Dashboard, name: str) -> None:
    page, raw = f"/virtual-services/{name}", ALL[name]
    for section, index in weighted_routes(raw):
        address, before = f"{page}/{section}/{index}", stored(mesh.api, raw)
        view = dashboard.get(page)[1]
        consent = view["owner"]["tool"] if view["owner"] else ""
        wanted = other(weights_of(before, section, index))
        for where, form in (("weights", {"weight": wanted}), ("undo", {})):
            digest = route_of(view, section, index)["route_digest"]
            status, view = dashboard.post(f"{address}/{where}", route_digest=digest, consent=consent, **form)
            assert status == 200, view
            after = stored(mesh.api, raw)
            expected = wanted if where == "weights" else weights_of(before, section, index)
            assert weights_of(after, section, index) == expected
            assert without_weights(after, section, index) == without_weights(before, section, index)


def test_every_service_is_shown(dashboard: Dashboard) -> None:
    for name in SERVICES:
        assert name.partition("/")[2] in html(dashboard, f"/services/{name}")
    rows = {f"{row['namespace']}/{row['name']}" for row in dashboard.get("/")[1]["services"]}
    assert rows >= set(SERVICES)


def test_a_services_page_says_what_istioctl_says_of_its_rule(dashboard: Dashboard) -> None:
    status, view = dashboard.get("/services/corpus-egress/maps.outside.example")
    assert status == 200
    (note,) = [note for note in view["notes"] if note["ist"] == "IST0129"]
    assert "corpus-egress/maps" in note["text"]
