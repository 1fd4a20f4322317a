"""What every page has: the palette, its keys, appearance, uploads that survive a reload, the drawer, the components."""

from __future__ import annotations

import io
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Server, Visitor
from tests.browser.test_accessible import violations
from tests.media_processing.makers import picture_bytes


def test_the_palette_goes_finds_and_does_by_keyboard_alone(server: Server, visit: Callable[..., Visitor]) -> None:
    visitor = visit(server, "edith")
    page = visitor.page
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Go to, find or do")).to_be_focused()
    expect(page.get_by_role("option", name="Jobs")).to_be_visible()
    assert not violations(page)
    page.keyboard.type("pronunc")
    expect(page.locator("#palette").get_by_role("option").first).to_contain_text("Pronunciations")
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings/pronunciations/")
    page.keyboard.press("Control+k")
    page.keyboard.type("lighthouse")
    expect(page.get_by_role("group", name="Stories").get_by_role("option").first).to_contain_text("lighthouse")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    assert not visitor.complaints


def test_single_keys_can_be_turned_off(server: Server, visit: Callable[..., Visitor]) -> None:
    page = visit(server, "edith").page
    page.goto("/settings/appearance/")
    page.get_by_role("button", name="List the keys of this page").focus()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    assert not violations(page)
    page.keyboard.press("Escape")
    page.get_by_label("Off").check()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_hidden()
    page.goto("/jobs/")  # kept
    page.keyboard.press("/")
    expect(page.locator("#find")).not_to_be_focused()
    page.keyboard.press("Control+k")  # no single key
    expect(page.locator("#palette")).to_be_visible()


def test_contrast_and_theme_are_there_before_the_page_is_painted(server: Server, visit: Callable[..., Visitor]) -> None:
    page = visit(server, "edith").page
    page.goto("/settings/appearance/")
    page.locator("[data-look=theme]").get_by_label("Dark").check()
    page.locator("[data-look=contrast]").get_by_label("High").check()
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(0, 0, 0)"
    expect(page.locator("[data-look=contrast]").get_by_label("High")).to_be_checked()


def test_an_upload_goes_on_after_a_cut_and_on_another_page(
    server: Server, visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    clip = tmp_path / "long.jpg"
    clip.write_bytes(picture_bytes() + os.urandom(11_000_000))
    page = visit(server, "edith").page
    page.goto("/library/")
    sent = 0

    def cut(route: Route) -> None:
        nonlocal sent
        piece = route.request.method == "PATCH"
        sent += piece
        if piece and sent == 2:
            route.abort()
        else:
            route.continue_()

    page.route("**/library/uploads/*/", cut)
    page.click("[data-open='#bring-in']")
    page.set_input_files("#id_files", str(clip))
    page.click("#bring-in .btn.primary")
    expect(page.locator("#uploads [data-line]")).to_contain_text("1 file")
    for _ in range(600):
        if sent:
            break
        page.wait_for_timeout(50)
    page.goto("/jobs/")  # in the middle of it
    expect(page.locator("#uploads [data-line]")).to_contain_text("being added", timeout=60_000)
    rows = sqlite3.connect(server.data / "db.sqlite3").execute("SELECT size, offset FROM creator_upload").fetchall()
    assert rows == [(clip.stat().st_size, clip.stat().st_size)]
    (stored,) = (server.data / "uploads").glob("*/bytes")
    assert stored.read_bytes() == clip.read_bytes()


def test_what_cannot_be_used_is_told_in_the_tray(server: Server, visit: Callable[..., Visitor], tmp_path: Path) -> None:
    page = visit(server, "edith").page
    wrong = tmp_path / "page.png"
    wrong.write_bytes(b"<!doctype html>" + b"x" * 200)
    page.goto("/library/")
    page.click("[data-open='#bring-in']")
    page.set_input_files("#id_files", str(wrong))
    page.click("#bring-in .btn.primary")
    row = page.locator("#uploads .upload")
    expect(row).to_contain_text("page.png is a web page")
    assert not violations(page)
    row.get_by_role("button", name="Dismiss: page.png").click()
    expect(page.locator("#uploads")).to_be_hidden()


def test_the_drawer_opens_by_key_with_what_is_marked(server: Server, visit: Callable[..., Visitor]) -> None:
    page = visit(server, "edith", reduced_motion="reduce").page
    page.goto("/jobs/")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('h1'))")
    page.keyboard.press("g")
    expect(page.get_by_label("What it shows")).to_have_value("Jobs")
    assert not violations(page)
    page.get_by_role("tab", name="Picture").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tabpanel", name="Words")).to_be_visible()
    page.get_by_role("tab", name="Voice").click()
    page.get_by_label("A line").fill("The river rose.")
    page.get_by_role("button", name="Hear it").click()
    expect(page.locator("#panel-voice audio")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#generate")).to_be_hidden()


@pytest.mark.parametrize("width", [1440, 390])
def test_components_in_every_state_look_apart_in_light_dark_and_high_contrast(
    server: Server, visit: Callable[..., Visitor], width: int
) -> None:
    page = visit(server, "owner", viewport={"width": width, "height": 900}, reduced_motion="reduce").page
    page.goto("/design/")
    shots = []
    for theme, contrast in (("light", ""), ("dark", ""), ("light", "more"), ("dark", "more")):
        look(page, theme, contrast)
        assert not violations(page), (theme, contrast)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        shots.append(Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("L"))
    for number, one in enumerate(shots):
        for other in shots[number + 1 :]:
            assert one.size != other.size or ImageChops.difference(one, other).getbbox()
    light, dark = (sum(shot.resize((1, 1)).getdata()) for shot in shots[:2])
    assert light > 200 > 60 > dark


def look(page: Page, theme: str, contrast: str) -> None:
    page.evaluate(
        "([theme, contrast]) => Object.assign(document.documentElement.dataset, {theme, contrast})", [theme, contrast]
    )
    page.wait_for_timeout(100)
