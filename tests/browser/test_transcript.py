"""The page of a transcript in a real browser: by keyboard, with two people at it, and without a connection."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Server, Visitor
from tests.browser.test_accessible import SMALL, violations


def word(page: Page, text: str) -> Locator:
    return page.locator(".passages .word", has_text=text).first


@pytest.mark.timeout(600)
def test_a_transcript_is_read_corrected_and_cut(server: Server, visit: Callable[..., Visitor]) -> None:
    path = f"/library/{server.seeded['talk']}/transcript/"
    visitor = visit(server, "edith")
    page = visitor.page
    page.goto(path)
    player = "document.querySelector('audio').currentTime"
    word(page, "boat").click()
    page.wait_for_function(f"{player} > 3.1 && {player} < 3.3")

    # By keyboard: on to the word before, correct it where it stands, and look at what the server has.
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.textContent") == "goat"
    page.keyboard.press("Enter")
    page.keyboard.type("captain")
    page.keyboard.press("Enter")
    expect(page.locator("[data-state]")).to_have_text("Saved")
    page.keyboard.press("Alt+ArrowRight")
    expect(page.locator("#word-start")).to_have_value("2.32")
    expect(page.locator("[data-by]")).to_contain_text("Corrected by")
    expect(page.locator("[data-state]")).to_have_text("Saved")
    page.reload()
    expect(word(page, "captain")).to_have_class("word corrected")

    expect(page.locator("[data-state]")).to_have_text("Saved")

    # Ctrl-F asks the words.
    page.keyboard.press("Control+f")
    page.keyboard.type("the boa")
    expect(page.locator("[data-found]")).to_have_text("1 of 1")
    assert page.locator(".word.found").all_inner_texts() == ["the", "boat"]

    # What can't be saved is kept and shown, over a reload too, and saved as soon as that can be.
    page.route("**/transcript/act/", lambda route: route.abort())
    word(page, "red").dblclick()
    page.keyboard.type("green")
    page.keyboard.press("Enter")
    expect(page.locator("[data-state]")).to_contain_text("kept on this device")
    page.reload()
    expect(page.locator("[data-state]")).to_contain_text("kept on this device")
    expect(word(page, "green")).to_be_visible()
    page.unroute("**/transcript/act/")
    expect(page.locator("[data-state]")).to_have_text("Saved")
    page.reload()
    expect(word(page, "green")).to_have_class("word corrected")

    # Somebody else was faster with the same word: both are shown, nothing is lost.
    other = visit(server, "owner").page
    other.goto(path)
    page.bring_to_front()
    word(page, "sleeps").dblclick()
    page.keyboard.type("dreams")
    page.keyboard.press("Enter")
    expect(page.locator("[data-state]")).to_have_text("Saved")
    word(other, "sleeps").dblclick()
    other.keyboard.type("snores")
    other.keyboard.press("Enter")
    expect(other.locator("[data-clash]")).to_contain_text("“snores”")
    expect(other.locator("[data-clash]")).to_contain_text("“dreams”")
    other.locator("[data-mine]").click()
    expect(other.locator("[data-state]")).to_have_text("Saved")
    expect(word(other, "snores")).to_be_visible()

    page.reload()
    page.locator("[data-leave='1']").check()
    expect(page.locator("[data-cut-says]")).to_contain_text("1 of 3 left out")
    page.get_by_role("button", name="Make the cut").click()
    expect(page.locator("[data-state]")).to_contain_text("Cutting")
    assert not [each for each in visitor.complaints if "ERR_FAILED" not in each]


@pytest.mark.timeout(600)
def test_it_is_accessible_wide_and_narrow_light_and_dark(
    server: Server, visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    page = visit(server, "edith").page
    for width in (1440, 390):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.goto(f"/library/{server.seeded['talk']}/transcript/")
            page.locator("[data-leave='2']").check()
            page.locator(".word").nth(5).click()
            page.locator("#find-words").fill("s")
            page.wait_for_timeout(150)
            page.screenshot(path=tmp_path / f"transcript-{width}-{scheme}.png", full_page=True)
            assert violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            assert page.evaluate(SMALL) == []
