"""A dashboard whose API server is made to fail: what it says meanwhile, and how soon it is well again."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from tests.mesh.api import Api, Raw
from tests.mesh.dashboard import Dashboard
from tests.mesh.objects import endpoint_slice, pod, raw, service
from tests.mesh.processes import wait_until
from webapp.cluster.reviews import ASKERS

ISTIO = "networking.istio.io/v1"
NAMESPACE, NAME = "shop", "reviews"
PATH = f"/apis/{ISTIO}/namespaces/{NAMESPACE}/virtualservices/{NAME}"
PAGE = f"/virtual-services/{NAMESPACE}/{NAME}"
SERVICE_PAGE = f"/services/{NAMESPACE}/{NAME}"
RECOVERY_SECONDS = 5.0
NOTICED_SECONDS = 20.0
AT_ONCE = 8
"""So many idle threads of gunicorn answer all that a test asks; later requests start no further one."""


def reviews(namespace: str = NAMESPACE) -> list[Raw]:
    """Return a service of two versions and how its traffic is split: what a page can be complete with."""
    made = service(NAME, namespace=namespace, selector={"app": NAME}, ports=[{"name": "http", "port": 80}])
    pods = [
        pod(f"{NAME}-{each}", namespace=namespace, labels={"app": NAME, "version": each}, address=f"10.244.9.{number}")
        for number, each in enumerate(("v1", "v2"), start=1)
    ]
    return [raw("v1", "Namespace", namespace), made, *pods, endpoint_slice(made, pods), *routing(namespace)]


def routing(namespace: str = NAMESPACE) -> list[Raw]:
    """Return those of them that are Istio's."""
    subsets = [{"name": each, "labels": {"version": each}} for each in ("v1", "v2")]
    route = [
        {"destination": {"host": NAME, "subset": each}, "weight": weight} for each, weight in (("v1", 90), ("v2", 10))
    ]
    return [
        raw(ISTIO, "DestinationRule", NAME, namespace=namespace, spec={"host": NAME, "subsets": subsets}),
        raw(ISTIO, "VirtualService", NAME, namespace=namespace, spec={"hosts": [NAME], "http": [{"route": route}]}),
    ]


class Patient:
    """The dashboard, and a way round what stands between it and its API server.

    :param api: the API server as its administrator sees it.
    """

    def __init__(self, dashboard: Dashboard, api: Api) -> None:
        self.dashboard, self.api = dashboard, api
        self._weights = ((number % 100, 100 - number % 100) for number in count(1))
        self._worker = _child_of(dashboard.program.pid)
        self._at_rest: tuple[int, ...] = ()

    def cluster(self) -> Raw:
        """Return what the mesh's page says of the cluster; it is never blank, and both probes are green."""
        for probe in ("/healthz", "/readyz"):
            status, view = self.dashboard.probe(probe)
            assert status == 200, view
        status, view = self.dashboard.get("/")
        assert status == 200, view
        assert [each["name"] for each in view["services"] if each["namespace"] == NAMESPACE] == [NAME], view
        cluster: Raw = view["cluster"]
        return cluster

    def says(self, words: str, *, state: str = ".*", seconds: float = NOTICED_SECONDS) -> None:
        """Wait until a problem on the page matches, in a state that does."""
        found: Raw = {}

        def is_said() -> bool:
            found.update(self.cluster())
            is_state = re.fullmatch(state, found["state"])
            return bool(is_state) and any(re.search(words, each) for each in found["problems"])

        began = time.monotonic()
        try:
            wait_until(is_said, words, seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {found}") from error
        print(f"said after {time.monotonic() - began:.1f} s: {found['state']}, {found['problems']}")

    def still_shows(self, *weights: int) -> None:
        """Assert that the last picture stays."""
        assert self.weights() == list(weights)
        assert self.dashboard.get(SERVICE_PAGE)[0] == 200

    def weights(self) -> list[int]:
        """The weights on the page; none where there is no page."""
        status, view = self.dashboard.get(PAGE)
        return [each["weight"] for each in view["http_routes"][0]["destinations"]] if status == 200 else []

    def shift(self, *weights: int) -> tuple[int, Raw]:
        """Shift by the dashboard."""
        digest = self.dashboard.route(PAGE)["route_digest"]
        return self.dashboard.post(f"{PAGE}/http/0/weights", weight=list(weights), route_digest=digest)

    def change(self) -> tuple[int, int]:
        """Change the weights past the dashboard, and return them."""
        wanted = next(self._weights)
        operations = [
            {"op": "add", "path": f"/spec/http/0/route/{index}/weight", "value": weight}
            for index, weight in enumerate(wanted)
        ]
        answer = self.api.patch(PATH, operations)
        assert answer.status == 200, answer.body
        return wanted

    def recovers(self, what: str) -> float:
        """Wait until a change made now is on the page and nothing is wrong any more, then shift; return the seconds."""
        began = time.monotonic()
        wanted = self.change()
        found: Raw = {}

        def is_well() -> bool:
            found.update(self.cluster())
            return (found["state"], found["problems"], self.weights()) == ("live", [], list(wanted))

        try:
            wait_until(is_well, "recovery", seconds=RECOVERY_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}: {found}, {self.weights()} instead of {wanted}") from error
        seconds = time.monotonic() - began
        status, view = self.shift(*next(self._weights))
        assert status == 200, view
        print(f"{what}: recovered after {seconds:.1f} s")
        return seconds

    @contextmanager
    def leaks_nothing(self) -> Iterator[None]:
        """Compare the process' threads and sockets with those of the first time.

        Those who ask about rights come as they are needed, each with a thread and a connection, and stay.
        """
        self._at_rest = most = self._at_rest or tuple(each + ASKERS for each in self._holds())
        yield
        wait_until(lambda: all(now <= then for now, then in zip(self._holds(), most, strict=True)), f"{most} at most")
        print(f"threads, sockets: {self._holds()} of {most}")

    def _holds(self) -> tuple[int, int]:
        sockets = sum(map(_is_socket, (self._worker / "fd").iterdir()))
        return len(list((self._worker / "task").iterdir())), sockets


def _child_of(pid: int) -> Path:
    """Return the folder in /proc of the only child of a process that is our child: gunicorn's worker.

    /proc may be that of another namespace of processes than ours, where each has another number.
    """
    [ours] = [each for each in _children_of(Path("/proc/self").resolve()) if _numbers(each, "NSpid")[-1] == pid]
    [child] = _children_of(ours)
    return child


def _children_of(parent: Path) -> list[Path]:
    return [each for each in Path("/proc").glob("[0-9]*") if _numbers(each, "PPid") == [int(parent.name)]]


def _numbers(process: Path, name: str) -> list[int]:
    """Read one line of a process' status; empty where it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in (process / "status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return [int(each) for each in line.split()[1:]]
    return []


def _is_socket(link: Path) -> bool:
    try:
        return str(link.readlink()).startswith("socket:")
    except FileNotFoundError:  # closed since it was listed
        return False
