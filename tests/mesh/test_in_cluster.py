"""The dashboard at home in a cluster: as deploy/ ships it, reached through the gateway by its own VirtualService."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.contract.rights import VERBS
from tests.deploy.addresses import addresses_in
from tests.deploy.rights import USES, Right, used
from tests.mesh.api import Raw
from tests.mesh.gateway import EXTERNAL_ADDRESS, GATEWAY_LABELS
from tests.mesh.in_cluster import BASE, DEPLOY, PAGES, Pod, deployed, only, render, settings_of
from tests.mesh.mesh import RealMesh
from tests.mesh.objects import ROOT_NAMESPACE, raw
from tests.mesh.people import Person, reached
from tests.mesh.processes import wait_until
from tests.mesh.tutorial import NAME, NAMESPACE, running_tutorial

PAGE = f"/virtual-services/{NAMESPACE}/{NAME}"
IDLE_SECONDS = 4
"""How long the gateway lets a request or a stream be silent, in these tests."""
RESOURCES = [
    *used(USES),
    *(Right(*each, "") for each in (("", "secrets"), ("", "configmaps"), ("apps", "deployments"))),
]


@pytest.fixture(scope="module", params=[BASE, DEPLOY / "overlays" / "path-prefix"], ids=lambda folder: folder.name)
def objects(request: pytest.FixtureRequest) -> list[Raw]:
    return render(request.param)


@pytest.fixture(scope="module")
def pods(mesh: RealMesh, objects: list[Raw], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Pod]]:
    with deployed(mesh, objects, tmp_path_factory.mktemp("in-cluster"), replicas=2) as pods:
        yield pods


@pytest.fixture(scope="module")
def person(objects: list[Raw], pods: list[Pod]) -> Person:
    """Somebody at the gateway, which knows the way by now."""
    host = only(objects, "VirtualService")["spec"]["hosts"][0]
    person = Person(host, settings_of(pods[0].raw).get("CROSSFADE_PATH_PREFIX", ""))
    wait_until(lambda: reached(person), "the dashboard through the gateway")
    return person


@pytest.fixture
def path(mesh: RealMesh, person: Person) -> Iterator[str]:
    """The tutorial at 90/10, known to the dashboard."""
    with running_tutorial(mesh) as path:
        wait_until(lambda: person.get(PAGE).status == 200, "the tutorial on the dashboard")
        yield path
    wait_until(lambda: person.get(PAGE).status == 404, "the tutorial's end on the dashboard")


def stored_weights(mesh: RealMesh, path: str) -> list[int]:
    return [each["weight"] for each in mesh.api.done("GET", path)["spec"]["http"][0]["route"]]


def route_of(person: Person) -> Any:
    return person.get(PAGE).view["http_routes"][0]


def shift(person: Person, *weights: int) -> int:
    digest = route_of(person)["route_digest"]
    return person.post(f"{PAGE}/http/0/weights", weight=list(weights), route_digest=digest).status


def test_the_account_may_do_what_the_code_does_and_nothing_else(mesh: RealMesh, pods: list[Pod]) -> None:
    account = mesh.account(namespace="crossfade", name="crossfade")
    asked = {Right(each.group, each.resource, verb) for each in RESOURCES for verb in VERBS}
    reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    allowed = set()
    for each in asked:
        spec = {"resourceAttributes": {"group": each.group, "resource": each.resource, "verb": each.verb}}
        review = raw("authorization.k8s.io/v1", "SelfSubjectAccessReview", "", spec=spec)
        if account.done("POST", reviews, review)["status"]["allowed"]:
            allowed.add(each)
    assert allowed == used(USES)


def test_probes_and_scrapes_come_by_pod_address_and_pages_do_not(pods: list[Pod], person: Person) -> None:
    for pod in pods:
        assert (pod.ask("/healthz")[0], pod.ask("/readyz")[0]) == (200, 200)
        assert "crossfade_viewers" in pod.ask("/metrics")[1]
        status, words = pod.ask(f"{person.prefix}/", port=PAGES)
        assert (status, "CROSSFADE_TRUSTED_HOSTS" in words) == (400, True)


def test_pages_and_all_that_they_lead_to_come_through_the_gateway(person: Person, path: str) -> None:
    for each in ("/", f"/services/{NAMESPACE}/aspnetcore-service", PAGE):
        page = person.get(each, accept="text/html")
        assert page.status == 200
        addresses = {one for one in addresses_in(page.body) if "/stream" not in one}
        assert all(one.startswith(f"{person.prefix}/") for one in addresses)
        answers = {one: person.get(one, accept="text/html").status for one in addresses}
        assert {one: status for one, status in answers.items() if status not in {200, 405}} == {}


def test_it_knows_the_cluster_and_itself(person: Person, path: str) -> None:
    view = person.get("/").view
    assert (view["cluster"]["state"], view["cluster"]["problems"]) == ("live", [])
    assert view["cluster"]["name"] == "in cluster"
    assert person.get("/virtual-services/crossfade/crossfade").status == 200


def test_a_browser_stays_with_its_replica(person: Person, pods: list[Pod]) -> None:
    newcomer = Person(person.host, person.prefix)
    newcomer.get("/")
    assert newcomer.cookie.startswith("crossfade-replica=")
    with newcomer.stream() as stream:
        told = stream.next("mesh")["revision"]
        assert newcomer.get("/").view["cluster"]["revision"] >= told


def test_a_shift_is_stored_and_both_replicas_tell_it(
    mesh: RealMesh, person: Person, pods: list[Pod], path: str
) -> None:
    query = f"?virtual_service={NAMESPACE}/{NAME}"
    others = [Person(person.host, person.prefix) for _ in range(4)]
    for other in others:
        with other.stream(query) as stream:
            stream.next("answers")
            before = stored_weights(mesh, path)
            after = [before[0] - 10, before[1] + 10]
            assert shift(person, *after) == 200
            # This replica may still have to tell the shift before.
            while stream.next("shift")["weights"] != after:
                continue
            assert stored_weights(mesh, path) == after


@pytest.fixture
def impatient(mesh: RealMesh, person: Person) -> Iterator[None]:
    """The gateway cuts what is silent for some seconds on the dashboard's route."""
    match = {"context": "GATEWAY", "routeConfiguration": {"vhost": {"name": f"{person.host}:80"}}}
    patch = {"operation": "MERGE", "value": {"route": {"idle_timeout": f"{IDLE_SECONDS}s"}}}
    spec = {
        "workloadSelector": {"labels": GATEWAY_LABELS},
        "configPatches": [{"applyTo": "HTTP_ROUTE", "match": match, "patch": patch}],
    }
    made = raw("networking.istio.io/v1alpha3", "EnvoyFilter", "impatient", namespace=ROOT_NAMESPACE, spec=spec)
    mesh.api.apply(made)
    yield
    mesh.api.delete(made)


def test_a_stream_outlives_every_timeout_on_its_way(impatient: None, person: Person, path: str) -> None:
    with person.stream(f"?virtual_service={NAMESPACE}/{NAME}") as stream:
        opened = time.monotonic()
        stream.next("mesh")
        # What really is silent is cut, so the stream below is not by chance still there.
        assert _cut_after(person) == 408
        while time.monotonic() - opened < 1.6 * IDLE_SECONDS:
            stream.next("mesh")


def _cut_after(person: Person) -> int:
    """Announce a form, send nothing of it, and return what the gateway answers in the end."""
    connection = HTTPConnection(EXTERNAL_ADDRESS, 80, timeout=3 * IDLE_SECONDS)
    try:
        headers = {"Host": person.host, "Content-Length": "10", "Content-Type": "application/x-www-form-urlencoded"}
        connection.putrequest("POST", f"{person.prefix}{PAGE}/http/0/weights", skip_host=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


def test_when_a_replica_vanishes_nothing_is_lost(mesh: RealMesh, person: Person, pods: list[Pod], path: str) -> None:
    assert shift(person, 20, 80) == 200
    one, other = pods
    people = [Person(person.host, person.prefix) for _ in range(6)]
    assert {each.get("/").status for each in people} == {200}
    one.vanish()
    # No controller takes its address away: whoever is led there is led on to the other one.
    answers = [each.get("/") for each in people]
    assert {(each.status, each.body[:200] if each.status != 200 else "") for each in answers} == {(200, "")}
    route = route_of(person)
    assert route["undo"]["weights"] == [90, 10]
    assert person.post(f"{PAGE}/http/0/undo", route_digest=route["route_digest"]).status == 200
    assert stored_weights(mesh, path) == [90, 10]
    one.program.start()
    assert other.program.is_alive
