"""How long frames take while fifty answers a second rain: the presenter's screen, and the page with its chart."""

from __future__ import annotations

import json
import os
from bisect import bisect
from dataclasses import dataclass
from itertools import pairwise
from statistics import mode
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from playwright.sync_api import Browser, sync_playwright

from scripts.bench.figures import quantile, show
from tests.browser.chromium import FLAGS, chromium_path
from tests.running import RunningDemo, running_demo

ROUTE = "default/aspnetcore-virtualservice"
PAGES = {"presenter's screen": f"/present/{ROUTE}", "page with its chart": f"/virtual-services/{ROUTE}"}
SIZES = {"1280 x 800": (1280, 800), "3840 x 2160": (3840, 2160)}
RATE = 50
SETTLE_MS = 5_000
SECONDS = 15
TICK_MS = 1000 / 60
"""A headless Chromium's clock: no frame comes sooner, and one that is not ready in time comes a whole tick later."""
SLACK_MS = 0.2
"""The clock's time stamps are rounded by so much."""
CATEGORIES = ["disabled-by-default-devtools.timeline", "disabled-by-default-devtools.timeline.frame"]

COUNT = """(seconds) => new Promise((resolve) => {
  const stamps = [];
  const step = (now) => {
    stamps.push(now);
    if (now - stamps[0] < seconds * 1000) requestAnimationFrame(step);
    else resolve(stamps);
  };
  requestAnimationFrame(step);
})"""


@dataclass(frozen=True)
class Frames:
    """What was seen of each frame, in milliseconds.

    :param apart: from the frame before it.
    :param computed: CPU time of the page's main thread for it: scripts, style, layout, painting, the commit.
    """

    apart: list[float]
    computed: list[float]


def main() -> None:
    """Print all figures."""
    print(f"frames: {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before", flush=True)
    with running_demo() as demo, sync_playwright() as playwright:
        rate(demo)
        browser = playwright.chromium.launch(executable_path=chromium_path(playwright), args=FLAGS)
        for name, path in PAGES.items():
            for size, (width, height) in SIZES.items():
                empty = nothing(browser)
                figures(f"{name}, {size}", measure(browser, demo.page_url + path, width, height), empty)
        browser.close()
    print(f"load average {os.getloadavg()[0]:.1f} after, of which this bench is a part", flush=True)


def rate(demo: RunningDemo) -> None:
    """Have the gateway asked fifty times a second."""
    form = urlencode({"action": "start", "rate": RATE}).encode()
    address = f"{demo.page_url}/virtual-services/{ROUTE}/http/0/sampling"
    with urlopen(Request(address, data=form, headers={"Accept": "application/json"})) as answer:
        answer.read()


def measure(browser: Browser, address: str, width: int, height: int) -> Frames:
    """Watch a page's frames, once answers are on their way."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.goto(address)
    page.wait_for_selector("#rain canvas, .chart canvas")
    page.wait_for_timeout(SETTLE_MS)
    browser.start_tracing(page=page, categories=CATEGORIES)
    stamps: list[float] = page.evaluate(COUNT, SECONDS)
    trace = json.loads(browser.stop_tracing())
    page.close()
    return Frames([after - before for before, after in pairwise(stamps)], computed_by_frame(trace["traceEvents"]))


def nothing(browser: Browser) -> list[float]:
    """Return how far apart the frames of an empty page are: what else this machine does delays all alike."""
    page = browser.new_page()
    stamps: list[float] = page.evaluate(COUNT, SECONDS / 3)
    page.close()
    return [after - before for before, after in pairwise(stamps)]


def computed_by_frame(events: list[dict[str, Any]]) -> list[float]:
    """Sum up the CPU time of the main thread's tasks from each frame to the next."""
    frames = [each for each in events if each["name"] == "BeginMainThreadFrame"]
    # Chromium's own pages have a frame now and then.
    thread = mode((each["pid"], each["tid"]) for each in frames)
    begins = sorted(each["ts"] for each in frames if (each["pid"], each["tid"]) == thread)
    computed = [0.0] * (len(begins) + 1)
    for each in events:
        # One that still runs at the end has no duration; a frame's mark lies within its task.
        if each["name"] == "RunTask" and "dur" in each and (each["pid"], each["tid"]) == thread:
            computed[bisect(begins, each["ts"] + each["dur"])] += each["tdur"] / 1000
    return computed[1:-1]


def figures(what: str, frames: Frames, empty: list[float]) -> None:
    """Show how far apart frames were, and what the main thread had to do for them."""
    show(
        f"{what}: from one frame to the next",
        words(frames.apart),
        goal=f"p95 under 16.7 ms, which is one tick of this browser's clock, give or take {SLACK_MS} ms",
        met=quantile(frames.apart, 0.95) < TICK_MS + SLACK_MS,
        beside=f"an empty page {words(empty)}",
    )
    computed = frames.computed
    show(
        f"{what}: computed for a frame by the page's main thread",
        f"p50 {quantile(computed, 0.5):.1f} ms, p95 {quantile(computed, 0.95):.1f} ms, worst {max(computed):.1f} ms",
        goal="p95 under 16.7 ms",
        met=quantile(computed, 0.95) < TICK_MS,
        beside=f"{100 * sum(computed) / sum(frames.apart):.0f} % of a core",
    )


def words(apart: list[float]) -> str:
    """Say how far apart frames were, and how many of them came late."""
    late = sum(round(each / TICK_MS) > 1 for each in apart)
    p50, p95 = quantile(apart, 0.5), quantile(apart, 0.95)
    return f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, worst {max(apart):.0f} ms, {late} of {len(apart)} late"
