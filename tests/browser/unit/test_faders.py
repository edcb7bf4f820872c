"""The faders of a route: by mouse, by keyboard, by number, by preset; what is sent, and when."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.unit import scenes
from tests.browser.unit.stage import Stage

Open = Callable[[], Page]


def slider(page: Page, index: int) -> Locator:
    return page.locator(f"#route-0-weight-{index}-slider")


def number(page: Page, index: int) -> Locator:
    return page.locator(f"#route-0-weight-{index}")


def apply(page: Page) -> Locator:
    return page.locator("[data-part=apply]")


def preset(page: Page, share: int) -> Locator:
    return page.locator(f"[data-share='{share}']")


def expect_weights(page: Page, *weights: int) -> None:
    """Check the sliders, the fields and what a screen reader hears."""
    for index, weight in enumerate(weights):
        expect(number(page, index)).to_have_value(str(weight))
        expect(slider(page, index)).to_have_value(str(weight))
        expect(slider(page, index)).to_have_attribute("aria-valuetext", _starts(index, weight, sum(weights)))


def _starts(index: int, weight: int, total: int) -> re.Pattern[str]:

    return re.compile(f"^v{index + 1} {weight} of {total}, then ")


def drag(page: Page, index: int, *shares: float, release: bool = True) -> None:
    """Drag a slider's thumb through places on its track, 0 to 1."""
    box = slider(page, index).bounding_box()
    assert box
    thumb = 20
    at = int(slider(page, index).input_value()) / 100

    def place(share: float) -> float:
        return box["x"] + thumb / 2 + share * (box["width"] - thumb)

    middle = box["y"] + box["height"] / 2
    page.mouse.move(place(at), middle)
    page.mouse.down()
    for share in shares:
        page.mouse.move(place(share), middle, steps=4)
    if release:
        page.mouse.up()


def test_drag_moves_both_and_sends_only_on_apply(stage: Stage, open_route: Open) -> None:
    page = open_route()
    drag(page, 1, 0.3)
    expect_weights(page, 70, 30)
    expect(page.locator("[data-part=next]")).to_have_attribute("aria-label", "v1 70, v2 30")
    assert stage.posts == []
    apply(page).click()
    expect(page.locator(".compare .bar").first).to_have_attribute("aria-label", "v1 70, v2 30")
    expect(apply(page)).to_be_disabled()
    assert stage.posts == [("weights", [70, 30])]


KEYS = {
    "ArrowRight": 11,
    "ArrowLeft ArrowLeft": 8,
    "PageUp": 20,
    "End": 100,
    "End Home": 0,
    "End ArrowLeft PageDown": 89,
}


def test_keyboard(open_route: Open) -> None:
    page = open_route()
    slider(page, 1).focus()
    for keys, weight in KEYS.items():
        for key in keys.split():
            page.keyboard.press(key)
        expect_weights(page, 100 - weight, weight)
        page.keyboard.press("Escape")
        expect_weights(page, 90, 10)


def test_enter_on_a_slider_applies(stage: Stage, open_route: Open) -> None:
    page = open_route()
    slider(page, 1).focus()
    page.keyboard.press("PageUp")
    page.keyboard.press("Enter")
    expect(page.locator(".compare .bar").first).to_have_attribute("aria-label", "v1 80, v2 20")
    assert stage.posts == [("weights", [80, 20])]


def test_to_the_end_and_back_restores_the_others(stage: Stage, open_route: Open) -> None:
    stage.virtual_service = scenes.virtual_service(scenes.route([60, 30, 10]))
    page = open_route()
    drag(page, 0, 1.0)
    expect_weights(page, 100, 0, 0)
    drag(page, 0, 0.6)
    slider(page, 0).focus()
    while int(slider(page, 0).input_value()) != 60:
        page.keyboard.press("ArrowRight" if int(slider(page, 0).input_value()) < 60 else "ArrowLeft")
    expect_weights(page, 60, 30, 10)
    expect(apply(page)).to_be_disabled()


def test_number_fields_move_by_whole_numbers_only(open_route: Open) -> None:
    page = open_route()
    for text in ("", "-", "."):
        number(page, 1).fill("")
        number(page, 1).press_sequentially(text)
        expect(number(page, 0)).to_have_value("90")
        number(page, 1).blur()
        expect_weights(page, 90, 10)
    number(page, 1).fill("150")
    expect(number(page, 0)).to_have_value("0")
    expect(number(page, 1)).to_have_value("150")
    number(page, 1).blur()
    expect_weights(page, 0, 100)


def test_presets_and_swap(open_route: Open) -> None:
    page = open_route()
    preset(page, 50).click()
    expect_weights(page, 50, 50)
    preset(page, 0).click()
    expect_weights(page, 100, 0)
    page.locator("[data-action=swap]").click()
    expect_weights(page, 0, 100)
    page.locator("[data-action=reset]").click()
    expect_weights(page, 90, 10)


def test_preset_means_the_version_moved_last(stage: Stage, open_route: Open) -> None:
    stage.virtual_service = scenes.virtual_service(scenes.route([60, 30, 10]))
    page = open_route()
    expect(page.locator("[data-part=chosen]")).to_have_text("v3")
    slider(page, 1).press("ArrowRight")
    expect(page.locator("[data-part=chosen]")).to_have_text("v2")
    preset(page, 100).click()
    expect_weights(page, 0, 100, 0)


def test_locked_weights_stay_and_stop_the_others(stage: Stage, open_route: Open) -> None:
    stage.virtual_service = scenes.virtual_service(scenes.route([60, 30, 10]))
    page = open_route()
    lock = page.get_by_role("button", name="Hold v2 where it is")
    lock.click()
    expect(lock).to_have_attribute("aria-pressed", "true")
    expect(slider(page, 1)).to_be_disabled()
    slider(page, 2).press("End")
    expect_weights(page, 0, 30, 70)
    page.get_by_role("button", name="Hold v1 where it is").click()
    drag(page, 2, 0.2)
    expect_weights(page, 0, 30, 70)


def test_apply_on_release_sends_once_a_release(stage: Stage, open_route: Open) -> None:
    page = open_route()
    page.get_by_label("apply on release").check()
    drag(page, 1, 0.4, 0.5, release=False)
    assert stage.posts == []
    page.mouse.up()
    expect(page.locator(".compare .bar").first).to_have_attribute("aria-label", "v1 50, v2 50")
    assert stage.posts == [("weights", [50, 50])]


def test_gestures_during_a_write_wait_and_only_the_newest_is_sent(stage: Stage, open_route: Open) -> None:
    page = open_route()
    page.get_by_label("apply on release").check()
    stage.gate.clear()
    preset(page, 50).click()
    expect(apply(page)).to_contain_text("Sending 50/50")
    preset(page, 0).click()
    preset(page, 100).click()
    stage.gate.set()
    expect(page.locator(".compare .bar").first).to_have_attribute("aria-label", "v1 0, v2 100")
    expect(apply(page)).to_have_text("Apply ⏎")
    assert stage.posts == [("weights", [50, 50]), ("weights", [0, 100])]


@pytest.mark.parametrize(("key", "sent"), [("Enter", [("weights", [80, 20])]), ("Escape", [])])
def test_traffic_to_unready_pods_asks_first(stage: Stage, open_route: Open, key: str, sent: list[object]) -> None:
    stage.virtual_service = scenes.virtual_service(scenes.route([90, 10], ready=[2, 0]))
    page = open_route()
    slider(page, 1).press("PageUp")
    apply(page).click()
    expect(page.get_by_role("dialog")).to_contain_text("v2 has no ready pod (0 of 1)")
    page.keyboard.press(key)
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator(".compare .bar").first).to_have_attribute(
        "aria-label", "v1 80, v2 20" if sent else "v1 90, v2 10"
    )
    assert stage.posts == sent
    expect_weights(page, 80, 20)
    # Less traffic there is never questioned.
    preset(page, 0).click()
    apply(page).click()
    expect(page.locator(".compare .bar").first).to_have_attribute("aria-label", "v1 100, v2 0")


def test_previews_say_what_the_draft_changes(open_route: Open) -> None:
    page = open_route()
    preset(page, 50).click()
    page.get_by_text("as YAML diff").click()
    expect(page.locator("[data-part=diff] .removed")).to_have_text(["-   weight: 90", "-   weight: 10"])
    expect(page.locator("[data-part=diff] .added")).to_have_text(["+   weight: 50", "+   weight: 50"])
    page.get_by_text("as a kubectl command").click()
    expect(page.locator("[data-part=kubectl]")).to_have_text(
        "kubectl -n default patch virtualservice aspnetcore-virtualservice --type=json -p='["
        '{"op":"add","path":"/spec/http/0/route/0/weight","value":50},'
        '{"op":"add","path":"/spec/http/0/route/1/weight","value":50}]\''
    )


def test_sums_other_than_100_are_kept(stage: Stage, open_route: Open) -> None:
    stage.virtual_service = scenes.virtual_service(scenes.route([3, 1]))
    page = open_route()
    slider(page, 1).press("End")
    apply(page).click()
    expect(page.locator(".compare .bar").first).to_have_attribute("aria-label", "v1 0, v2 4")
    assert stage.posts == [("weights", [0, 4])]


def test_read_only_shows_and_moves_nothing(stage: Stage, open_route: Open) -> None:
    stage.virtual_service = replace(stage.virtual_service, read_only=True)
    page = open_route()
    expect(slider(page, 0)).to_be_disabled()
    expect(number(page, 0)).not_to_be_editable()
    expect(page.get_by_text("read-only")).to_be_visible()
    expect(apply(page)).to_have_count(0)
