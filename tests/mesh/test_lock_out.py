"""The dashboard shifts its own route away from itself: from outside nobody reaches it any more, and it comes back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.mesh.api import Raw
from tests.mesh.gateway import EXTERNAL_ADDRESS
from tests.mesh.in_cluster import BASE, Pod, deployed, only, render
from tests.mesh.mesh import RealMesh
from tests.mesh.objects import endpoint_slice, pod, raw
from tests.mesh.people import Person, reached
from tests.mesh.processes import wait_until
from tests.mesh.stage import ISTIO
from tests.mesh.workloads import ADDRESSES, PORT
from tests.mesh.workloads import Pod as Backend
from webapp.istio.history import HISTORY
from webapp.istio.timed import NOBODY, RETURN, USUAL_SECONDS

NAMESPACE = NAME = "crossfade"
PAGE = f"/virtual-services/{NAMESPACE}/{NAME}"
PATH = f"/apis/networking.istio.io/v1/namespaces/{NAMESPACE}/virtualservices/{NAME}"
VERSION = "app.kubernetes.io/version"
NEXT = "0.2.0"
RETURN_SECONDS = 6
"""Time enough to see that the page is gone."""
HERE, AWAY = [100, 0], [0, 100]

Fate = Callable[[Pod, Pod], None]


@pytest.fixture(scope="module")
def objects() -> list[Raw]:
    """What deploy/ ships, with a second version of the dashboard at 0 on both of its routes."""
    objects = render(BASE)
    labels = only(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    subsets = [{"name": name, "labels": {VERSION: label}} for name, label in (("v1", labels[VERSION]), ("v2", NEXT))]
    only(objects, "DestinationRule")["spec"]["subsets"] = subsets
    for route in only(objects, "VirtualService")["spec"]["http"]:
        [destination] = [each["destination"] for each in route["route"]]
        route["route"] = [
            {"destination": destination | {"subset": each["name"]}, "weight": weight}
            for each, weight in zip(subsets, HERE, strict=True)
        ]
    return objects


@pytest.fixture(scope="module")
def pods(mesh: RealMesh, objects: list[Raw], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Pod]]:
    with deployed(mesh, objects, tmp_path_factory.mktemp("lock-out"), replicas=2) as pods:
        yield pods


@pytest.fixture
def person(mesh: RealMesh, objects: list[Raw], pods: list[Pod]) -> Iterator[Person]:
    """Somebody at the gateway. Whatever a test leaves, the next one begins with both replicas and the whole route."""
    person = Person(only(objects, "VirtualService")["spec"]["hosts"][0])
    wait_until(lambda: reached(person), "the dashboard through the gateway")
    yield person
    anew = raw(ISTIO, "VirtualService", NAME, namespace=NAMESPACE, spec=only(objects, "VirtualService")["spec"])
    anew["metadata"]["annotations"] = {RETURN: None, HISTORY: None}
    mesh.api.apply(anew)
    for each in pods:
        if not each.program.is_alive:
            each.program.start()


@pytest.fixture
def elsewhere(mesh: RealMesh, objects: list[Raw]) -> Iterator[None]:
    """A second version that is no dashboard: it answers 200 to everything, and knows of no way back."""
    service = only(objects, "Service")
    backend = Backend(f"{NAME}-v2", "v2", next(ADDRESSES))
    labels = {**service["spec"]["selector"], VERSION: NEXT}
    made = pod(backend.name, namespace=NAMESPACE, labels=labels, address=backend.address)
    endpoints = endpoint_slice(service, [made], port=PORT)
    endpoints["metadata"]["name"] = f"{NAME}-v2"
    mesh.api.apply(made, endpoints)
    yield
    mesh.api.delete(made, endpoints)
    backend.end()


def both_weights(stored: Raw) -> list[list[int]]:
    """Return the weights of pages and those of writes."""
    return [[each["weight"] for each in route["route"]] for route in stored["spec"]["http"]]


def told(person: Person) -> list[list[str]]:
    """Return who made the last two splits of each route, where the page says that none goes back."""
    routes = person.get(PAGE).view["http_routes"]
    return [[each["by"] for each in route["history"]][:2] for route in routes if route["return"] is None]


def stored_shifts(pod: Pod) -> float:
    stored = r'^crossfade_writes_total\{action="weights",outcome="stored"\} (.*)$'
    [count] = re.findall(stored, pod.ask("/metrics")[1], re.M)
    return float(count)


def answers(person: Person) -> list[str]:
    """Return who answers pages, and who answers writes."""
    asked = person.get(PAGE), person.post(f"{PAGE}/http/0/keep", route_digest="none")
    return [each.headers.get("x-app-version", "dashboard") for each in asked]


def shift_away(person: Person, pods: list[Pod]) -> tuple[Pod, Pod]:
    """Lead pages and writes elsewhere for some seconds, and see them gone; return who did it, and the other one."""
    before = [stored_shifts(each) for each in pods]
    for index, route in enumerate(person.get(PAGE).view["http_routes"]):
        form = {"route_digest": route["route_digest"], "return_seconds": RETURN_SECONDS}
        assert person.post(f"{PAGE}/http/{index}/weights", weight=AWAY, **form).status == 200
    shifted = [stored_shifts(each) - already for each, already in zip(pods, before, strict=True)]
    assert sorted(shifted) == [0, 2]
    wait_until(lambda: answers(person) == ["v2", "v2"], "the page cut off")
    assert [answers(Person(person.host)) for _ in range(5)] == [["v2", "v2"]] * 5
    one, other = pods
    return (one, other) if shifted[0] else (other, one)


def the_one_that_set_it(one: Pod, other: Pod) -> None:
    one.vanish()


def nobody(one: Pod, other: Pod) -> None:
    """Both look at the same deadline."""


def both_until_it_is_over(one: Pod, other: Pod) -> None:
    one.vanish()
    other.vanish()


@pytest.mark.parametrize("killed", [the_one_that_set_it, nobody, both_until_it_is_over], ids=lambda fate: fate.__name__)
def test_a_page_that_cut_itself_off_comes_back(
    mesh: RealMesh, person: Person, pods: list[Pod], elsewhere: None, killed: Fate
) -> None:
    before = mesh.api.done("GET", PATH)["metadata"]["resourceVersion"]
    one, other = shift_away(person, pods)
    deadlines = re.findall(r'"at":"([^"]+)"', mesh.api.done("GET", PATH)["metadata"]["annotations"][RETURN])
    assert len(deadlines) == 2
    last = max(datetime.fromisoformat(each) for each in deadlines)
    killed(one, other)
    if not other.program.is_alive:
        wait_until(lambda: datetime.now(UTC) > last, "the time of the shifts")
        assert both_weights(mesh.api.done("GET", PATH)) == [AWAY, AWAY]
        assert answers(person) == ["v2", "v2"]
        other.program.start()
    wait_until(lambda: reached(person), "the page after its time")
    assert datetime.now(UTC) >= min(datetime.fromisoformat(each) for each in deadlines)
    wait_until(lambda: both_weights(mesh.api.done("GET", PATH)) == [HERE, HERE], "the way of writes")
    wait_until(lambda: told(person) == [[NOBODY, "crossfade"]] * 2, "the history of both routes")
    # Two shifts and two ways back, whoever else tried.
    written = mesh.api.written(PATH, since=before)
    assert [both_weights(each) for each in written] in (
        [[AWAY, HERE], [AWAY, AWAY], [HERE, AWAY], [HERE, HERE]],
        [[AWAY, HERE], [AWAY, AWAY], [AWAY, HERE], [HERE, HERE]],
    )
    assert RETURN not in written[-1]["metadata"]["annotations"]


@pytest.fixture
def page(browser: Browser, person: Person) -> Iterator[Page]:
    """A person's browser, for which the gateway stands in for name resolution: it asks there for every host."""
    with browser.new_context(proxy={"server": f"http://{EXTERNAL_ADDRESS}:80"}) as context, context.new_page() as page:
        yield page


@pytest.fixture
def upgraded(mesh: RealMesh, pods: list[Pod]) -> Iterator[None]:
    """One of the replicas is the second version, so that both are dashboards."""
    mesh.api.apply(with_version(pods[1], NEXT))
    yield
    mesh.api.apply(with_version(pods[1], pods[1].raw["metadata"]["labels"][VERSION]))


def with_version(pod: Pod, version: str) -> Raw:
    return raw("v1", "Pod", pod.raw["metadata"]["name"], namespace=NAMESPACE, labels={VERSION: version})


def test_a_page_that_is_still_reached_keeps_its_shift(
    mesh: RealMesh, person: Person, upgraded: None, page: Page
) -> None:
    before = mesh.api.done("GET", PATH)["metadata"]["resourceVersion"]
    page.goto(f"http://{person.host}{PAGE}")
    route = page.locator("#route-0")
    expect(route.locator("[name=return_seconds]")).to_have_value(str(USUAL_SECONDS))
    route.locator("[data-share='100']").click()
    route.locator("[data-part=apply]").click()
    banner = route.locator("return-banner")
    expect(banner).to_contain_text("Returns to 100/0")
    expect(banner).to_have_count(0, timeout=1_000 * USUAL_SECONDS)
    shifted, kept = mesh.api.written(PATH, since=before)
    assert [both_weights(each) for each in (shifted, kept)] == [[AWAY, HERE]] * 2
    assert [RETURN in each["metadata"]["annotations"] for each in (shifted, kept)] == [True, False]
