"""Take the README's pictures from the running demo: `make pictures`."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.chromium import FLAGS, chromium_path
from tests.running import ROOT, running_demo
from tests.walk.client import apply, connected
from tests.walk.steps import STEPS, visiting, wait_until

FOLDER = ROOT / "docs" / "pictures"
TUTORIAL = "/virtual-services/default/aspnetcore-virtualservice"
ANSWERS_SECONDS = 40
PICTURED_STEPS = "48"


def shift(page: Page, share: int, stored: str) -> None:
    """Press a preset and Apply, and wait for what the cluster stored; nothing to do where it is so already."""
    if page.locator("#route-0 weight-form").get_attribute("data-weights") == stored:
        return
    page.locator(f"#route-0 [data-share='{share}']").click()
    page.locator("#route-0 [data-part=apply]").click()
    expect(page.locator("#route-0 weight-form")).to_have_attribute("data-weights", stored)


def watch_a_shift(page: Page, url: str) -> None:
    """Show a page that has seen 90/10 and then 50/50, with a draft open."""
    page.goto(url + TUTORIAL)
    shift(page, 10, "90 10")
    # Answers are what the picture is about: it waits until there are enough of them.
    counted = "() => document.querySelectorAll('#route-0-answers tbody tr').length > 1"
    page.wait_for_function(counted)
    page.wait_for_timeout(ANSWERS_SECONDS * 500)
    shift(page, 50, "50 50")
    page.wait_for_timeout(ANSWERS_SECONDS * 500)
    page.locator("#route-0-weight-1-slider").focus()
    page.keyboard.press("PageUp")
    page.keyboard.press("PageUp")


def stage(browser: Browser, url: str) -> None:
    """Show the presenter's screen after a shift, on a projector and on a phone."""
    for name, width, height in (("stage", 1280, 720), ("stage-phone", 390, 844)):
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="dark")
        page.goto(url + TUTORIAL.replace("/virtual-services/", "/present/"))
        # A shift before the first answers has no time to effect.
        expect(page.locator("#tally [data-version=v1]")).to_contain_text(re.compile(r"\d\d answers"))
        page.keyboard.press("3")
        expect(page.locator("#effect")).to_contain_text("In effect", timeout=30_000)
        # The rain falls for some seconds before the screen is full of it.
        page.wait_for_timeout(3_000)
        take(page, FOLDER / f"{name}.png")
        page.keyboard.press("Backspace")
        page.close()


def speaking(browser: Browser, url: str) -> None:
    """Show what docs/speaking.md leads through: the audience's link, the stage manager, two of its scenes."""
    manager = browser.new_page(viewport={"width": 1280, "height": 880}, color_scheme="light")
    screen = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme="dark")
    screen.goto(url + TUTORIAL.replace("/virtual-services/", "/present/"))
    expect(screen.locator("#effect")).to_be_attached()
    screen.get_by_role("button", name="For the audience").click()
    take(screen, FOLDER / "stage-share.png")
    screen.keyboard.press("Escape")

    manager.goto(url + "/stage-manager")
    manager.get_by_role("button", name="A bad canary").click()
    expect(manager.locator("[data-on=yes] button")).to_have_text(["A bad canary"])
    take(manager, FOLDER / "stage-manager.png")
    screen.keyboard.press("3")
    expect(screen.locator("#tally [data-version=v2]")).to_contain_text(re.compile(r"\d\d errors"), timeout=30_000)
    take(screen, FOLDER / "stage-bad-canary.png")

    manager.get_by_role("button", name="A good canary").click()
    screen.keyboard.press("p")
    expect(screen.locator("#rain")).not_to_have_attribute("aria-label", re.compile("failed"), timeout=30_000)
    manager.get_by_role("button", name="A lost API server").click()
    expect(screen.locator("#trouble")).to_contain_text("No word from the API server for 6 s", timeout=30_000)
    screen.keyboard.press("3")
    expect(screen.locator("#message")).not_to_be_empty()
    # The bar slides back.
    screen.wait_for_timeout(500)
    take(screen, FOLDER / "stage-lost.png")
    manager.get_by_role("button", name="Everything back to normal").click()
    expect(screen.locator("#trouble")).to_be_empty(timeout=30_000)
    screen.close()
    manager.close()


def walk(browser: Browser) -> None:
    """Take the list of services after the steps of deploy/helloworld that change what it says of traffic."""
    page = browser.new_page(viewport={"width": 1280, "height": 420}, reduced_motion="reduce")
    with (
        running_demo("--empty") as demo,
        connected(demo.kubeconfig) as cluster,
        visiting(demo.page_url, demo.gateway_url) as visitor,
    ):
        page.goto(demo.page_url)
        for step in STEPS:
            apply(cluster, step)
            wait_until(lambda step=step: visitor.says(step), f"the page after {step.file}")
            if step.file[0] in PICTURED_STEPS:
                page.goto(demo.page_url)
                take(page, FOLDER / f"walk-{step.file[0]}.png")
    page.close()


def main() -> int:
    """Take every picture."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with running_demo("--share") as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(playwright), args=FLAGS)
        for theme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": 1280, "height": 860}, color_scheme=theme, reduced_motion="reduce"
            )
            page = context.new_page()
            page.goto(demo.page_url)
            take(page, FOLDER / f"mesh-{theme}.png")
            watch_a_shift(page, demo.page_url)
            take(page, FOLDER / f"virtual-service-{theme}.png")
            page.set_viewport_size({"width": 390, "height": 844})
            take(page, FOLDER / f"phone-{theme}.png", whole=True)
            context.close()
        stage(browser, demo.page_url)
        speaking(browser, demo.page_url)
        walk(browser)
        browser.close()
    return 0


def take(page: Page, path: Path, *, whole: bool = False) -> None:
    """Take one picture."""
    page.screenshot(path=path, full_page=whole)
    print(path.relative_to(ROOT))


if __name__ == "__main__":
    raise SystemExit(main())
