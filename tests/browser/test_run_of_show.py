"""A presenter's whole run, as a room lives through it: real keys, a real Envoy, and the gateway's own answers.

Ten shifts, a canary that turns bad, panic, undo. After each step the gateway is asked by this test itself, past the
dashboard: what it answers is what counts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest
import urllib3
from playwright.sync_api import Page, expect

from tests.browser.presenting import expect_split, open_stage, read
from tests.running import RunningDemo, running_demo

SHOW = (
    ("ArrowRight", (80, 20)),
    ("ArrowRight", (70, 30)),
    ("PageDown", (60, 40)),
    ("5", (50, 50)),
    ("ArrowLeft", (60, 40)),
    ("7", (30, 70)),
    ("9", (10, 90)),
    ("Enter", (0, 100)),
    ("0", (100, 0)),
    ("4", (60, 40)),
)
"""Ten shifts: a key, and the split that it leads to."""

ASKED = 400
"""Answers a look: the share of a version strays by 2.5 points at a standard deviation, 50/50 being the worst."""

POINTS = 5
LOOKS = 40
"""Looks until the answers have to fit; a look takes a fraction of a second, a shift some milliseconds."""


class Asker:
    """Somebody in the room with a client of his own."""

    def __init__(self, gateway: urllib3.HTTPConnectionPool) -> None:
        self._gateway = gateway

    def look(self) -> Counter[tuple[str, bool]]:
        """Ask the gateway and count the answers by version, and whether they are errors."""
        answers = (self._gateway.request("GET", "/") for _ in range(ASKED))
        return Counter((answer.headers.get("x-app-version", ""), answer.status != 200) for answer in answers)

    def expect_split(self, v1: int, v2: int, *, errors: bool = False) -> None:
        """Look until the answers fit these weights: none where the weight is 0, close to its share else.

        :param errors: about half of v2's answers have to be errors; none may be else.
        """
        for _ in range(LOOKS):
            counts = self.look()
            shares = {
                version: 100 * (counts[version, True] + counts[version, False]) / ASKED for version in ("v1", "v2")
            }
            failing = counts["v2", True] / max(1, counts["v2", True] + counts["v2", False])
            fits = all(
                abs(shares[version] - weight) < POINTS and bool(shares[version]) == bool(weight)
                for version, weight in (("v1", v1), ("v2", v2))
            )
            if fits and not counts["v1", True] and (0.3 < failing < 0.7 if errors else not failing):
                return
        raise AssertionError(f"the gateway does not answer {v1}/{v2}, errors {errors}: {counts}")


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    with running_demo() as demo:
        yield demo


@pytest.fixture
def asker(demo: RunningDemo) -> Iterator[Asker]:
    with urllib3.connection_from_url(demo.gateway_url, retries=False, timeout=5) as gateway:
        yield Asker(gateway)


@pytest.mark.timeout(120)
def test_the_show(demo: RunningDemo, page: Page, asker: Asker) -> None:
    open_stage(demo.page_url, page)
    expect_split(demo.page_url, page, 90, 10)
    asker.expect_split(90, 10)

    for key, split in SHOW:
        page.keyboard.press(key)
        expect_split(demo.page_url, page, *split)
        asker.expect_split(*split)

    manager = page.context.new_page()
    manager.goto(f"{demo.page_url}/stage-manager")
    manager.get_by_role("button", name="A bad canary").click()
    expect(manager.locator("[data-on=yes] button")).to_have_text(["A bad canary"])
    asker.expect_split(60, 40, errors=True)
    page.bring_to_front()
    expect(page.locator("#tally [data-version=v2]")).to_have_text(re.compile(r"v2 \d+ answers · \d+ ms · \d+ errors?$"))
    expect(page.locator("#rain")).to_have_attribute("aria-label", re.compile(r"failed \d+"))

    page.keyboard.press("p")
    expect_split(demo.page_url, page, 100, 0)
    asker.expect_split(100, 0)
    expect(page.locator("#rain")).not_to_have_attribute("aria-label", re.compile("failed"), timeout=15_000)

    manager.get_by_role("button", name="A good canary").click()
    expect(manager.locator("[data-on=yes] button")).to_have_text(["A good canary"])
    page.bring_to_front()
    page.keyboard.press("Backspace")
    expect_split(demo.page_url, page, 60, 40)
    asker.expect_split(60, 40)
    expect(page.locator("#message")).to_be_empty()
    expect(page.locator("#trouble")).to_be_empty()

    history = [tuple(state["weights"]) for state in read(demo.page_url)["history"]]
    shown = [split for _, split in SHOW]
    assert history == [*reversed([(90, 10), *shown, (100, 0), (60, 40)])]
