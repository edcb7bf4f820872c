"""What a person waits for: pages, a shift, a pod's news, and what all that costs while pods come and go."""

from __future__ import annotations

import gzip
import re
import threading
import time
from pathlib import Path

from scripts.bench.dashboard import Asking, Dashboard, cpu_seconds, mesh_events
from scripts.bench.figures import quantile, show, spread
from scripts.bench.large_mesh import SERVICES, name_of
from scripts.bench.shifts import shifts
from tests.mesh.api import Api
from tests.mesh.mesh import RealMesh

PAGES = 200
EVENTS = 40
CHURN_SECONDS = 10
CHURN_RATE = 20
STATIC = "/static/img/favicon.svg"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices/{}-by-hand"


def run(mesh: RealMesh, kubeconfig: Path, dashboard: Dashboard) -> None:
    """Measure all on a dashboard that is in sync."""
    asking = Asking()
    noise()
    pages(asking)
    pod_events(asking, mesh.api)
    shifts(asking, mesh.api, kubeconfig)
    churn(asking, mesh.api, dashboard)
    asking.close()


def noise() -> None:
    """Show what this machine makes of always the same computing: what else it does spoils all times alike."""
    times = []
    for _ in range(PAGES):
        began = time.perf_counter()
        sum(range(100_000))
        times.append(time.perf_counter() - began)
    show("this machine, the same computing again and again", spread(times), beside=f"best {1000 * min(times):.1f} ms")


def pages(asking: Asking) -> None:
    """Show the mesh page and service pages, warm, beside a static file of the same server."""
    services = ["/services/{}/{}".format(*name_of(number * 7 % SERVICES)) for number in range(PAGES)]
    for path in ("/", services[0], STATIC):
        asking.get(path)
    mesh, service, static = [], [], []
    for path in services:
        mesh.append(asking.get("/"))
        service.append(asking.get(path).first_byte_seconds)
        static.append(asking.get(STATIC).first_byte_seconds)
    bare = quantile(static, 0.5)
    first = [each.first_byte_seconds for each in mesh]
    show(
        "mesh page, time to first byte",
        spread(first),
        goal="p95 under 50 ms",
        met=quantile(first, 0.95) < 0.05,
        beside=f"{quantile(first, 0.5) / bare:.1f} times a static file ({spread(static)})",
    )
    zipped = "content-encoding" in mesh[0].headers
    plain = gzip.decompress(mesh[0].body) if zipped else mesh[0].body
    show(
        "mesh page, bytes",
        f"{len(mesh[0].body) / 1000 if zipped else len(gzip.compress(plain, 6)) / 1000:.1f} KB gzipped "
        f"{'as sent' if zipped else '(sent plain)'}, {len(plain) / 1000:.1f} KB plain",
        beside=f"{plain.count(b'<tr id=')} rows of {SERVICES + 2:,}",
    )
    show(
        "service page, time to first byte",
        spread(service),
        goal="p95 under 20 ms",
        met=quantile(service, 0.95) < 0.02,
        beside=f"{quantile(service, 0.5) / bare:.1f} times a static file",
    )


def set_ready(api: Api, number: int, ready: bool) -> None:
    """Say that one pod of a service is ready, or not."""
    path = SLICES.format(*name_of(number))
    operation = {"op": "replace", "path": "/endpoints/0/conditions/ready", "value": ready}
    assert api.patch(path, [operation]).status == 200


def pod_events(asking: Asking, api: Api) -> None:
    """Show how long a pod's news takes until the page that the stream's event asks for has it."""
    times, fetched, row = [], 0, re.compile(rb'id="service-team-0-app-0000".*?(\d)/3', re.DOTALL)
    with mesh_events() as events:
        next(events)
        for number in range(EVENTS):
            ready = bool(number % 2)
            began = time.perf_counter()
            set_ready(api, 0, ready)
            while True:
                next(events)
                page = asking.get("/", Accept_Encoding="identity").body
                fetched += 1
                found = row.search(page)
                assert found
                if found[1] == (b"3" if ready else b"2"):
                    break
            times.append(time.perf_counter() - began)
    show(
        "one pod's event to page",
        spread(times),
        goal="p95 under 1 s",
        met=quantile(times, 0.95) < 1,
        beside=f"{fetched / EVENTS:.1f} pages fetched an event; 100 ms of it are for gathering further events",
    )


def churn(asking: Asking, api: Api, dashboard: Dashboard) -> None:
    """Show what the dashboard computes while pods come and go and one viewer's page follows."""
    ending, fetched = threading.Event(), []

    def view() -> None:
        with mesh_events() as events:
            for _ in events:
                if ending.is_set():
                    return
                fetched.append(asking.get("/").seconds)

    viewer = threading.Thread(target=view)
    viewer.start()
    before, began = cpu_seconds(dashboard.worker), time.monotonic()
    for number in range(CHURN_SECONDS * CHURN_RATE):
        set_ready(api, number * 13 % SERVICES, bool(number >= 100))
        time.sleep(max(0.0, began + (number + 1) / CHURN_RATE - time.monotonic()))
    took = time.monotonic() - began
    computed = cpu_seconds(dashboard.worker) - before
    ending.set()
    viewer.join()
    show(
        f"{CHURN_RATE} pod events a second, one viewer",
        f"{100 * computed / took:.0f} % of a core",
        beside=f"{len(fetched) / took:.1f} pages a second, {spread(fetched)} each",
    )
