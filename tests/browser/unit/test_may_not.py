"""A route that may not be shifted: its controls are there, can't be used, and say why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from tests.browser.unit import scenes
from tests.browser.unit.stage import Stage
from tests.browser.unit.test_faders import number, slider

WHY = "You (ana@example.org) may not patch virtualservices in namespace shop: ask whoever grants rights there."


@pytest.fixture
def page(stage: Stage, open_route: Callable[[], Page]) -> Page:
    stage.virtual_service = replace(scenes.virtual_service(), may_not=WHY)
    return open_route()


def test_it_says_why_beside_what_can_not_be_used(page: Page) -> None:
    expect(page.get_by_text(WHY)).to_have_count(1)
    for name in ("Apply", "Reset", "50"):
        expect(page.get_by_role("button", name=name).first).to_be_disabled()
    expect(page.get_by_role("button", name="Apply")).to_have_accessible_description(WHY)
    expect(slider(page, 0)).to_be_disabled()
    expect(number(page, 0)).not_to_be_editable()


def test_no_key_sends_anything(page: Page, stage: Stage) -> None:
    number(page, 0).focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(number(page, 0)).to_have_value("90")
    assert stage.posts == []
