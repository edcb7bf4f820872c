"""Three pods of the ingress gateway: each is asked by its own address, and the one that lags behind is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.mesh.asking import Asking
from tests.mesh.gateway import GATEWAY_ADDRESS
from tests.mesh.gateways import GatewayPod, announce, more_gateways
from tests.mesh.in_cluster import BASE, deployed, only, render
from tests.mesh.mesh import RealMesh
from tests.mesh.people import Person, reached
from tests.mesh.processes import wait_until
from tests.mesh.tutorial import NAME, NAMESPACE, running_tutorial

PAGE = f"/virtual-services/{NAMESPACE}/{NAME}"
ROUTE = f"{PAGE}/http/0"
ALL = {"gateway-1", "gateway-2", "gateway-3"}


@pytest.fixture(scope="module")
def gateways(mesh: RealMesh) -> Iterator[list[GatewayPod]]:
    with more_gateways(mesh, 2, 3) as gateways:
        yield gateways


@pytest.fixture(scope="module")
def person(mesh: RealMesh, gateways: list[GatewayPod], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Somebody at the dashboard in the cluster, where the tutorial is sampled on all three."""
    objects = render(BASE)
    with deployed(mesh, objects, tmp_path_factory.mktemp("gateways"), replicas=1), running_tutorial(mesh):
        person = Person(only(objects, "VirtualService")["spec"]["hosts"][0])
        wait_until(lambda: reached(person), "the dashboard through the gateway")
        wait_until(lambda: person.get(PAGE).status == 200, "the tutorial on the dashboard")
        for address in (GATEWAY_ADDRESS, *(each.address for each in gateways)):
            with Asking(f"http://{address}:8080") as asking:
                wait_until(lambda asking=asking: asking.status() == 200, f"the tutorial at {address}")  # type: ignore[misc]
        yield person


@pytest.fixture(autouse=True)
def sampled(person: Person) -> Iterator[None]:
    assert person.post(f"{ROUTE}/sampling", action="start", rate=50).status == 200
    panel(person, "answers of all three", lambda view: {each[5] for each in view["window"][-30:]} == ALL)
    yield
    person.post(f"{ROUTE}/sampling", action="pause")


def panel(person: Person, what: str, holds: Callable[[Any], bool]) -> Any:
    """Look at the panel until it says something; return it."""
    views: list[Any] = []

    def looked() -> bool:
        views[:] = [person.get(f"{ROUTE}/answers").view]
        return holds(views[0])

    try:
        wait_until(looked, what)
    except AssertionError as error:
        raise AssertionError(f"{error}: {views[0] | {'window': views[0]['window'][-20:]}}") from error
    return views[0]


def words(view: Any) -> str:
    return str((view["in_effect"] or {}).get("text", ""))


def shift(person: Person, *weights: int) -> None:
    digest = person.get(PAGE).view["http_routes"][0]["route_digest"]
    assert person.post(f"{ROUTE}/weights", weight=list(weights), route_digest=digest).status == 200


def test_a_gateway_that_is_held_back_is_named_until_it_follows(person: Person, gateways: list[GatewayPod]) -> None:
    sampling = person.get(PAGE).view["http_routes"][0]["sampling"]
    assert sampling["gateways"] == "The gateway's 3 pods are asked in turn, each by its own address."
    shift(person, 100, 0)
    panel(person, "everywhere", lambda view: words(view).startswith("In effect on 3 of 3 gateways after "))
    held = gateways[-1]
    held.relay.silence()
    shift(person, 0, 100)
    view = panel(
        person, "2 of 3", lambda view: words(view).startswith("In effect on 2 of 3 gateways, not yet on gateway-3, ")
    )
    assert {each["name"]: each["state"] for each in view["in_effect"]["gateways"]} == {
        "gateway-1": "known",
        "gateway-2": "known",
        "gateway-3": "not_yet",
    }
    assert view["verdict"] == "undecided"
    held.relay.heal()
    held.relay.cut()
    view = panel(person, "3 of 3", lambda view: words(view).startswith("In effect on 3 of 3 gateways after "))
    effect = view["in_effect"]
    last = max(each["high_seconds"] for each in effect["gateways"])
    assert (
        effect["high_seconds"]
        == last
        == next(each["high_seconds"] for each in effect["gateways"] if each["name"] == held.name)
    )
    # Counted from there, so that nothing old is held against the new weights.
    view = panel(person, "the verdict", lambda view: view["verdict"] == "matches")
    assert [each["answers"] for each in view["rows"] if each["version"] == "v1"] == [0]


def test_a_dead_one_fails_by_name_leaves_and_comes_back(
    mesh: RealMesh, person: Person, gateways: list[GatewayPod]
) -> None:
    dead, alive = gateways
    dead.program.kill()
    view = panel(
        person,
        "its failures",
        lambda view: any(each["name"] == dead.name and each["unanswered"] for each in view["gateways"]),
    )
    assert {each["name"] for each in view["gateways"] if each["unanswered"]} == {dead.name}
    assert f"{dead.name} left " in person.get(f"{ROUTE}/answers", accept="text/html").body
    announce(mesh, [alive])
    panel(person, "its leaving", lambda view: {each[5] for each in view["window"][-30:]} == {"gateway-1", alive.name})
    dead.program.start()
    announce(mesh, gateways)
    panel(person, "its return", lambda view: {each[5] for each in view["window"][-30:]} == ALL)
