"""The presenter's screen keeps moving while something does not answer, and says what is wrong; the faults are real."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.presenting import PRESENT, expect_shown, expect_split, open_stage, shift_elsewhere
from tests.mesh.relay import Relay
from webapp.demo.bootstrap import find_envoy
from webapp.demo.dashboard import free_port
from webapp.demo.run import Demo, start_demo

FRAMES = 20
PICTURE = "document.querySelector('#rain canvas').toDataURL()"
COUNT_FRAMES = f"""() => {{
  let frames = 0;
  const count = () => {{ window.frames_seen = ++frames; requestAnimationFrame(count); }};
  count();
  return {PICTURE};
}}"""
LATE_MS = 20_000
"""A silence is noticed after seconds, not at once."""


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """A demo whose API server is in this process, so that it can be told to misbehave."""
    with ExitStack() as stack:
        yield start_demo(stack, Event(), port=free_port(), binary=find_envoy())


@pytest.fixture
def url(demo: Demo) -> str:
    url = demo.dashboard.url.rstrip("/")
    shift_elsewhere(url, 90, 10)
    return url


def expect_frames(page: Page, *, rain: bool) -> None:
    """Expect frame after frame to be painted, and with `rain` another picture in them."""
    before = page.evaluate(COUNT_FRAMES)
    page.wait_for_function(f"() => window.frames_seen > {FRAMES}")
    if rain:
        page.wait_for_function(f"(before) => {PICTURE} !== before", arg=before)


def expect_seconds_to_pass(page: Page, words: str) -> None:
    """Expect the words on the screen, with a number of seconds that grows."""
    trouble = page.locator("#trouble")
    expect(trouble).to_have_text(re.compile(words), timeout=LATE_MS)
    at_first = re.search(r"\d+ s", trouble.text_content() or "")
    assert at_first
    expect(trouble).not_to_contain_text(at_first[0])
    expect(trouble).to_have_text(re.compile(words))


def expect_no_trouble(page: Page) -> None:
    expect(page.locator("#trouble")).to_be_empty(timeout=LATE_MS)


def test_an_api_that_takes_seconds_to_store(demo: Demo, url: str, page: Page) -> None:
    open_stage(url, page)
    demo.api.faults.delay(5, verb="patch", resource="virtualservices")
    try:
        page.keyboard.press("5")
        assert demo.api.faults.wait_for_held(1, 5)
        expect_shown(page, 50, 50)
        expect_seconds_to_pass(page, r"The API server has not answered for \d s: the shift is on its way\.")
        expect_frames(page, rain=True)
        page.keyboard.press("p")
        expect_shown(page, 100, 0)
    finally:
        demo.api.faults.clear()
    expect_split(url, page, 100, 0)
    expect_no_trouble(page)


@pytest.mark.console("503")
def test_an_api_server_that_is_lost(demo: Demo, url: str, page: Page) -> None:
    open_stage(url, page)
    demo.api.faults.lose(60)
    try:
        expect_seconds_to_pass(page, r"No word from the API server for \d+ s: nobody can shift now\.")
        page.keyboard.press("5")
        expect(page.locator("#message")).to_contain_text("does not answer")
        expect_shown(page, 90, 10)
        expect_frames(page, rain=True)
    finally:
        demo.api.faults.clear()
    expect_no_trouble(page)
    page.keyboard.press("5")
    expect_split(url, page, 50, 50)
    expect(page.locator("#message")).to_be_empty()


@contextmanager
def hanging(pid: int) -> Iterator[None]:
    """Stop a process where it stands: what it listens to is still open, and nobody answers."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def child_of_ours(words: str) -> int:
    """Find the child process whose command has these words."""
    children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    pids = [int(child) for each in children for child in each.read_text().split()]
    return next(pid for pid in pids if words in Path(f"/proc/{pid}/cmdline").read_text())


def test_a_gateway_that_hangs(demo: Demo, url: str, page: Page) -> None:
    open_stage(url, page)
    with hanging(child_of_ours(str(Path(demo.places["kubeconfig"]).parent / "envoy"))):
        expect_seconds_to_pass(page, r"The gateway has not answered for \d+ s\.")
        expect_frames(page, rain=False)
        page.keyboard.press("3")
        expect_split(url, page, 70, 30)
    expect_no_trouble(page)


@pytest.mark.console("ERR_")
def test_a_network_that_swallows_everything(demo: Demo, url: str, page: Page) -> None:
    with Relay(urlsplit(url).port or 0) as network:
        open_stage(f"http://127.0.0.1:{network.port}", page, PRESENT)
        network.silence()
        expect_seconds_to_pass(page, r"No word from the dashboard for \d+ s.*\. This is the last it said\.")
        expect_frames(page, rain=False)
        page.keyboard.press("3")
        expect_shown(page, 70, 30)
        network.refuse()
        expect(page.locator("#message")).to_have_text("The dashboard can't be reached.")
        expect_shown(page, 90, 10)
        network.heal()
        expect_no_trouble(page)
        page.keyboard.press("3")
        expect_split(url, page, 70, 30)
        page.goto("about:blank")
