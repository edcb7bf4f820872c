"""What the links below the panel give, in a real browser on the real demo."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Page, expect

from tests.running import RunningDemo, running_demo

PAGE = "/virtual-services/default/aspnetcore-virtualservice"
NAME = "default-aspnetcore-virtualservice-http-0"


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    with running_demo() as demo:
        yield demo


def take(page: Page, link: str) -> tuple[str, Path]:
    with page.expect_download() as download:
        page.get_by_role("link", name=link, exact=True).click()
    return download.value.suggested_filename, download.value.path()


def test_the_window_can_be_taken_away(demo: RunningDemo, page: Page) -> None:
    page.goto(demo.page_url + PAGE)
    page.get_by_role("button", name="50", exact=True).click()
    page.get_by_role("button", name="Apply").click()
    answers = page.locator("#route-0-answers")
    expect(answers).to_contain_text("In effect after", timeout=20_000)
    latency = answers.locator(".latency tbody tr")
    expect(latency).to_have_count(4)
    # What Envoy waited is a part of what was waited here.
    expect(latency.nth(1)).to_contain_text("upstream")

    name, path = take(page, "CSV")
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert {row["version"] for row in rows} == {"v1", "v2"}
    assert all(float(row["upstream_milliseconds"]) <= float(row["latency_milliseconds"]) for row in rows)

    name, path = take(page, "SVG")
    assert re.fullmatch(rf"{NAME}-[0-9]{{8}}T[0-9]{{6}}Z\.svg", name)
    words = " ".join(text or "" for text in ElementTree.parse(path).getroot().itertext())
    assert "default/aspnetcore-virtualservice" in words
    assert "90/10 → 50/50" in words and "In effect after" in words

    name, path = take(page, "PNG")
    image = path.read_bytes()
    assert (name, image[:8]) == (f"{NAME}.png", b"\x89PNG\r\n\x1a\n")
    # Twice as wide as the SVG.
    assert int.from_bytes(image[16:20]) == 1920

    name, path = take(page, "receipt")
    assert re.fullmatch(rf"{NAME}-[0-9]{{8}}T[0-9]{{6}}Z-receipt\.md", name)
    receipt = path.read_text()
    assert "* from: v1 90, v2 10\n* to: v1 50, v2 50\n" in receipt
    assert re.search(r"In effect after [0-9.]+ – [0-9.]+ s \(95 %\)\.", receipt)


@pytest.mark.console("500")
def test_a_picture_that_does_not_come_says_so(demo: RunningDemo, page: Page) -> None:
    page.route(re.compile("answers.svg"), lambda route: route.fulfill(status=500))
    page.goto(demo.page_url + PAGE + "/http/0/answers")
    page.get_by_role("link", name="PNG", exact=True).click()
    expect(page.get_by_role("link", name="PNG: no answer, try again")).to_be_visible()


@pytest.mark.parametrize("context", [{"java_script_enabled": False}], indirect=True, ids=["no scripts"])
def test_without_scripts_there_are_files_but_no_picture_of_pixels(demo: RunningDemo, page: Page) -> None:
    page.goto(demo.page_url + PAGE)
    expect(page.locator(".links a:visible")).to_have_text(["as numbers", "CSV", "SVG", "receipt"])
    assert take(page, "receipt")[0].endswith(".md")
