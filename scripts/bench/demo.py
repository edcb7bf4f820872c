"""On the embedded mesh: the start, the payload, and the way from the slider to the answer."""

from __future__ import annotations

import gzip
import statistics
import subprocess
import time
from urllib.parse import urlsplit
from urllib.request import urlopen

from playwright.sync_api import Page, sync_playwright

from tests.browser.chromium import FLAGS, chromium_path
from tests.running import ROOT, RunningDemo, running_demo

TUTORIAL = "/virtual-services/default/aspnetcore-virtualservice"
SHIFTS = 30
STARTS = 5

LISTEN = """() => {
  const panel = document.querySelector("#route-0 live-panel, live-panel");
  const draw = panel.answers.bind(panel);
  window.seen = [];
  panel.answers = (data) => {
    draw(data);
    for (const [, , version] of data.window) window.seen.push([performance.now(), version]);
  };
}"""

RELEASE = """(version) => new Promise((resolve) => {
  const slider = document.querySelector(`#route-0 [data-version="${version}"] input[type=range]`);
  window.seen = [];
  slider.dispatchEvent(new PointerEvent("pointerdown", {bubbles: true}));
  slider.value = slider.max;
  slider.dispatchEvent(new Event("input", {bubbles: true}));
  const released = performance.now();
  slider.dispatchEvent(new Event("change", {bubbles: true}));
  const look = () => {
    const first = window.seen.find(([, seen]) => seen === version);
    if (first) resolve(first[0] - released);
    else requestAnimationFrame(look);
  };
  look();
})"""


def main() -> None:
    """Print all figures."""
    starts = [first_page() for _ in range(STARTS)]
    bare = interpreter_seconds()
    print(
        f"warm start to first page: median {statistics.median(starts):.2f} s, worst {max(starts):.2f} s of {STARTS}, "
        f"{statistics.median(starts) / bare:.0f} bare starts of python (goal: under 3 s)"
    )
    with running_demo() as demo:
        print(f"page JavaScript + CSS, gzipped: {payload(demo):.1f} KB (goal: under 60)")
        times = release_to_answer(demo)
    quantiles = statistics.quantiles(times, n=20)
    print(
        f"slider release to first changed answer on the page: p50 {statistics.median(times):.0f} ms, "
        f"p95 {quantiles[18]:.0f} ms of {SHIFTS} (asked 10 times a second, sent twice a second)"
    )


def payload(demo: RunningDemo) -> float:
    """Return the size in KB of the scripts and styles that the heaviest page loads, each gzipped as a proxy would."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(playwright), args=FLAGS)
        page = browser.new_page()
        page.goto(demo.page_url + TUTORIAL)
        page.wait_for_selector("#route-0-answers table")
        loaded: list[str] = page.evaluate("performance.getEntriesByType('resource').map((each) => each.name)")
        browser.close()
    paths = {urlsplit(each).path.lstrip("/") for each in loaded}
    files = [ROOT / each for each in paths if each.startswith("static/") and each.endswith((".js", ".css"))]
    return sum(len(gzip.compress(each.read_bytes(), 9)) for each in files) / 1000


def first_page() -> float:
    """Return the seconds from the command to the first page."""
    began = time.monotonic()
    with running_demo() as demo:
        urlopen(demo.page_url).read()
        return time.monotonic() - began


def interpreter_seconds() -> float:
    """Return the seconds of a bare start of python: what this machine makes of nothing."""
    began = time.monotonic()
    for _ in range(5):
        subprocess.run(["python3", "-c", "pass"], check=True)
    return (time.monotonic() - began) / 5


def release_to_answer(demo: RunningDemo) -> list[float]:
    """Return the milliseconds from each release of the slider to the first answer of the version that was off."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(playwright), args=FLAGS)
        page = browser.new_page()
        page.goto(demo.page_url + TUTORIAL)
        page.wait_for_selector("#route-0-answers table")
        page.get_by_label("apply on release").check()
        page.evaluate(LISTEN)
        shift(page, "v1")
        times = [shift(page, version) for _ in range(SHIFTS // 2) for version in ("v2", "v1")]
        browser.close()
    return times


def shift(page: Page, version: str) -> float:
    """Give everything to one version and wait for its first answer."""
    milliseconds: float = page.evaluate(RELEASE, version)
    page.wait_for_function("document.querySelector('#route-0 weight-form').dataset.weights.split(' ').includes('100')")
    return milliseconds
