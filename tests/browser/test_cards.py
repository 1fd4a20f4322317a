"""Cards in the studio: the server's own picture, layouts with what they lack, and brands with live contrast."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Server, Visitor

Visit = Callable[..., Visitor]


def test_a_card_is_the_servers_own_picture_and_follows_words_and_layout(server: Server, visit: Visit) -> None:
    visitor = visit(server, "edith")
    page = visitor.page
    page.goto(f"/stories/{server.seeded['draft']}/")
    page.locator("[data-format='card:1x1']").click()
    page.locator("[data-mode=live]").click()
    image = page.locator("[data-card-image]")
    expect(image).to_be_visible()
    expect(page.locator("[data-layout-why]")).to_have_text(re.compile("Chosen because"))
    first = image.get_attribute("src")
    page.locator("#title").fill("A shorter headline")
    expect(image).not_to_have_attribute("src", first or "")
    expect(image).to_have_attribute("alt", re.compile("A shorter headline"))
    second = image.get_attribute("src")
    page.locator("#layout").select_option("carousel")
    expect(page.locator("[data-page-number]")).to_have_text("1 / 4")
    expect(image).not_to_have_attribute("src", second or "")
    page.locator("[data-page-on]").click()
    expect(page.locator("[data-page-number]")).to_have_text("2 / 4")
    assert page.locator("#layout option[value=stat]").is_disabled()
    page.locator("#layout").select_option("")
    expect(page.locator("[data-save]")).to_contain_text("Saved ·")
    assert not visitor.complaints


def test_a_brand_shows_its_contrast_and_its_cards(server: Server, visit: Visit) -> None:
    visitor = visit(server, "owner")
    page = visitor.page
    page.goto("/settings/brands/")
    page.locator("#id_name").fill("The Harbour Post")
    shown = page.locator("[data-shown=split]")
    first = shown.get_attribute("src")
    page.locator("#id_paper_accent").fill("#7a1f5c")
    expect(page.locator("[data-contrast=paper_accent]")).to_have_text(re.compile(r"^\d+\.\d : 1$"))
    expect(shown).not_to_have_attribute("src", first or "")
    page.locator("#id_paper_accent").fill("#eeeeee")
    expect(page.locator("[data-contrast=paper_accent]")).to_contain_text("needs 4.5")
    page.locator("#id_paper_accent").fill("#7a1f5c")
    page.get_by_role("button", name="Keep the brand").click()
    expect(page.get_by_role("heading", name="The Harbour Post")).to_be_visible()
    page.goto(f"/stories/{server.seeded['draft']}/")
    page.locator("#brand").select_option(label="The Harbour Post")
    expect(page.locator("[data-save]")).to_contain_text("Saved ·")
    assert not visitor.complaints
