"""Two hundred viewers of one route: what they cost, how soon they know, and whether pages answer meanwhile."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from scripts.bench.dashboard import Asking, children, cpu_seconds, shared_mb
from scripts.bench.figures import quantile, show, spread
from scripts.bench.viewers import Report, Viewers
from tests.running import RunningDemo, running_demo

VIEWERS = 200
SECONDS = 20.0
SETTLE_SECONDS = 4.0
NAP_SECONDS = 0.02
PAGES_A_SECOND = 10
ROUTE = "default/aspnetcore-virtualservice"
PAGES = ("/", f"/virtual-services/{ROUTE}")


def main() -> None:
    """Print all figures."""
    print(f"fan-out: {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before", flush=True)
    path = f"/stream?virtual_service={ROUTE}"
    with running_demo() as demo:
        port = urlsplit(demo.page_url).port or 80
        server = server_of(demo)
        with Viewers(port, path, 1) as one:
            time.sleep(SETTLE_SECONDS)
            alone = watch(server, SECONDS / 2, [one]).share
            quiet = pages(port)
            before = memory(server)
            with Viewers(port, path, VIEWERS - 1) as others:
                time.sleep(SETTLE_SECONDS)
                fan_out(server, [one, others], alone)
                more = 1000 * (memory(server) - before) / (VIEWERS - 1)
                show("memory for each further viewer", f"{more:.0f} KB (PSS)", beside=f"{before:.0f} MB with one")
                busy = pages(port)
                show(
                    f"pages meanwhile, {PAGES_A_SECOND} a second, whole",
                    spread(busy),
                    goal="p95 under 100 ms",
                    met=quantile(busy, 0.95) < 0.1,
                    beside=f"with one viewer {spread(quiet)}",
                )
    print(f"load average {os.getloadavg()[0]:.1f} after, of which this bench is a part", flush=True)


def server_of(demo: RunningDemo) -> list[int]:
    """Return the processes of the demo's dashboard, gunicorn's master and its worker: no other child has children."""
    (server,) = ([master, *workers] for master in children(demo.process.pid) if (workers := children(master)))
    return server


def memory(server: list[int]) -> float:
    """Return what the server holds in MB, what its processes share counted once."""
    return sum(shared_mb(pid) for pid in server)


@dataclass(frozen=True)
class Watched:
    """A while of it: the server's share of one core, what viewers heard, and how late this machine wakes a sleeper."""

    share: float
    reports: list[Report]
    oversleeps: list[float]


def watch(server: list[int], seconds: float, viewers: list[Viewers]) -> Watched:
    """Let the time pass."""
    for each in viewers:
        each.report()
    before, began, oversleeps = sum(map(cpu_seconds, server)), time.monotonic(), []
    while (slept_at := time.monotonic()) < began + seconds:
        time.sleep(NAP_SECONDS)
        oversleeps.append(time.monotonic() - slept_at - NAP_SECONDS)
    share = (sum(map(cpu_seconds, server)) - before) / (time.monotonic() - began)
    return Watched(share, [each.report() for each in viewers], oversleeps)


def fan_out(server: list[int], viewers: list[Viewers], alone: float) -> None:
    """Show what the server computes while all watch, and how long an event takes to each of them."""
    watched = watch(server, SECONDS, viewers)
    share, reports = watched.share, watched.reports
    delays = [delay for each in reports for delay in each.delays]
    asking = sum(each.cpu_seconds for each in reports) / SECONDS
    size = sum(each.size for each in reports) / len(delays)
    show(
        f"{VIEWERS} viewers at {len(delays) / VIEWERS / SECONDS:.1f} updates a second",
        f"{100 * share:.0f} % of a core over {SECONDS:.0f} s",
        goal="under 50 %",
        met=share < 0.5,
        beside=f"one viewer {100 * alone:.0f} %; the viewers' own processes {100 * asking:.0f} %; "
        f"{size / 1000:.1f} KB an update",
    )
    show(
        "from the sample to the socket",
        f"{spread(delays)}, p99 {1000 * quantile(delays, 0.99):.1f} ms",
        goal="p99 under 250 ms",
        met=quantile(delays, 0.99) < 0.25,
        beside=f"this machine wakes a mere sleeper late by p99 {1000 * quantile(watched.oversleeps, 0.99):.1f} ms",
    )
    ages = [age for each in reports for age in each.ages]
    show(
        "from the gateway's answer to the socket",
        f"{spread(ages)}, p99 {1000 * quantile(ages, 0.99):.1f} ms",
        beside="answers wait for the next of two updates a second, 0 to 500 ms of it",
    )


def pages(port: int) -> list[float]:
    """Return the seconds that pages take, asked at an even pace over one kept connection."""
    asking, took = Asking(port), []
    for path in PAGES:
        asking.get(path)
    began = time.monotonic()
    for number in range(round(SECONDS * PAGES_A_SECOND)):
        took.append(asking.get(PAGES[number % len(PAGES)]).seconds)
        time.sleep(max(0.0, began + (number + 1) / PAGES_A_SECOND - time.monotonic()))
    asking.close()
    return took
