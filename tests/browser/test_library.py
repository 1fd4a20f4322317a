"""The library as people use it: by keyboard, by pointer, by dropping; and what opens over it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Visitor
from tests.browser.test_accessible import SMALL, violations
from tests.media_processing.makers import picture_bytes

DROP = """([selector, name, type, data]) => {
  const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
  const held = new DataTransfer();
  held.items.add(new File([bytes], name, {type}));
  const fire = (target, kind) => target.dispatchEvent(
    new DragEvent(kind, {dataTransfer: held, bubbles: true, cancelable: true}));
  fire(document.body, 'dragenter');
  const target = document.querySelector(selector);
  fire(target, 'dragover');
  fire(target, 'drop');
}"""


@pytest.fixture
def page(server: Server, visit: Callable[..., Visitor]) -> Page:
    opened = visit(server, "edith", reduced_motion="reduce").page
    opened.goto("/library/")
    return opened


def drop(page: Page, zone: str, content: bytes, name: str = "photo.jpg", kind: str = "image/jpeg") -> None:
    page.evaluate(DROP, [f"[data-drop={zone}]", name, kind, base64.b64encode(content).decode()])


def test_arrows_move_and_quick_look_goes_on(page: Page) -> None:
    tiles = page.locator(".shot-link")
    tiles.first.focus()
    page.keyboard.press("ArrowRight")
    expect(tiles.nth(1)).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("#look")).to_be_visible()
    expect(page.locator("[data-place]")).to_contain_text("2 of")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-place]")).to_contain_text("3 of")
    page.keyboard.press("Escape")
    expect(page.locator("#look")).to_be_hidden()
    expect(tiles.nth(2)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#look")).to_be_visible()


def test_only_one_tile_is_in_the_tab_order(page: Page) -> None:
    assert page.locator(".shot-link[tabindex='0']").count() == 1


def test_choosing_by_keys_and_clicks(page: Page) -> None:
    chosen = page.locator("[data-chosen-count]")
    tiles = page.locator(".shot-link")
    tiles.first.focus()
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+X")
    expect(chosen).to_have_text("3")
    tiles.nth(1).click(modifiers=["Control"])
    expect(chosen).to_have_text("2")
    tiles.nth(3).click(modifiers=["Shift"])
    expect(chosen).to_have_text("4")
    page.keyboard.press("Escape")
    expect(page.locator("#selection")).to_be_hidden()


def test_putting_away_and_undoing_it(page: Page) -> None:
    before = page.locator(".shot:visible").count()
    page.locator(".shot-link").first.focus()
    page.keyboard.press("x")
    page.click("#selection button[value=archive]")
    expect(page.locator(".toast")).to_contain_text("1 item put away.")
    expect(page.locator(".shot:visible")).to_have_count(before - 1)
    page.click(".toast button")
    expect(page.locator(".shot:visible")).to_have_count(before)


def test_a_collection_is_made_from_what_is_chosen(page: Page) -> None:
    page.locator(".shot-link").first.focus()
    page.keyboard.press("x")
    page.click("#selection summary:has-text('Collection')")
    page.fill("#new-collection", "Harbours")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("put into Harbours")
    page.goto("/library/?collection=Harbours")
    expect(page.locator(".shot")).to_have_count(1)


def test_chips_swap_the_results_and_back_brings_them_again(page: Page) -> None:
    page.click("[data-go='kind:image']")
    expect(page.locator(".held .chip")).to_have_text(re.compile("Pictures"))
    assert "kind=image" in page.url
    page.fill("#q", "harbour")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("q=harbour"))
    assert "kind=image" in page.url, "the chips stay when words are asked"
    page.go_back()
    page.wait_for_url(re.compile(r"\?kind=image$"))
    expect(page.locator("#q")).to_have_value("")
    page.click(".held .chip")
    expect(page.locator(".held")).to_have_count(0)


def test_a_dropped_picture_asks(page: Page) -> None:
    drop(page, "ask", picture_bytes())
    page.wait_for_url(re.compile("picture="))
    expect(page.locator(".held .chip-picture")).to_be_visible()
    page.fill("#q", "harbour")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("q=harbour"))
    assert "picture=" in page.url, "like this, but ..."


def test_a_dropped_text_is_refused_in_words(page: Page) -> None:
    drop(page, "ask", b"Dear editor", "letter.jpg")
    expect(page.locator(".messages")).to_contain_text("isn't accepted here")


def test_a_pasted_picture_asks(page: Page) -> None:
    page.evaluate(
        """(data) => {
          const held = new DataTransfer();
          const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
          held.items.add(new File([bytes], 'a.jpg', {type: 'image/jpeg'}));
          document.body.dispatchEvent(new ClipboardEvent('paste', {clipboardData: held, bubbles: true}));
        }""",
        base64.b64encode(picture_bytes()).decode(),
    )
    page.wait_for_url(re.compile("picture="))


def test_an_address_in_the_box_is_fetched_with_its_checks(page: Page) -> None:
    page.fill("#q", "http://169.254.169.254/latest/meta-data")
    page.keyboard.press("Enter")
    expect(page.locator(".messages")).to_contain_text("not an address of the public internet")


def test_files_dropped_on_the_page_are_offered_for_import(page: Page) -> None:
    drop(page, "add", picture_bytes())
    expect(page.locator("#bring-in")).to_be_visible()
    expect(page.locator("[data-chosen]")).to_contain_text("1 file")
    page.click("#bring-in .btn.primary")
    expect(page.locator("#uploads [data-line]")).to_contain_text("1 file here, being added")


def test_rows_are_filled_without_the_page_moving(page: Page) -> None:
    slow = page.context.new_cdp_session(page)
    slow.send("Network.enable")
    slow.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 20, "downloadThroughput": 200_000, "uploadThroughput": 200_000},
    )
    page.add_init_script(
        """window.moved = 0;
        new PerformanceObserver((list) => { for (const each of list.getEntries()) window.moved += each.value; })
          .observe({type: 'layout-shift', buffered: true})"""
    )
    page.reload()
    page.wait_for_load_state("networkidle")
    shift = page.evaluate("window.moved")
    assert shift < 0.02
    edges = page.evaluate(
        """() => { const grid = document.querySelector('[data-grid]').getBoundingClientRect();
          const rows = Map.groupBy([...document.querySelectorAll('.shot')].map((each) => each.getBoundingClientRect()),
            (box) => Math.round(box.top));
          return [...rows.values()].slice(0, -1).map((row) => Math.abs(row.at(-1).right - grid.right)); }"""
    )
    assert all(edge < 2 for edge in edges)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_what_opens_in_the_library_is_accessible(
    server: Server, visit: Callable[..., Visitor], width: int, scheme: str
) -> None:
    visitor = visit(
        server, "edith", viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = visitor.page
    wrong: list[str] = []

    def look(name: str) -> None:
        wrong.extend(f"{name}: {each}" for each in violations(page))
        wrong.extend(f"{name}: too small: {each}" for each in page.evaluate(SMALL))
        if (sideways := page.evaluate("document.documentElement.scrollWidth - innerWidth")) > 0:
            wrong.append(f"{name}: scrolls sideways by {sideways} px")

    for path in ("/library/collections/", "/library/copies/", "/library/copies/?preview=largest"):
        page.goto(path)
        look(path)
    page.goto("/library/")
    page.click("[data-ask] summary")
    look("asking with a picture")
    page.keyboard.press("Escape")
    page.click("summary[aria-label='How to ask']")
    look("how to ask")
    page.keyboard.press("Escape")
    if page.locator("[data-filters]").is_visible():
        page.click("[data-filters]")
    page.click("summary:has-text('Licence')")
    look("filters")
    page.goto("/library/?kind=image")
    page.locator(".shot-link").first.focus()
    page.keyboard.press("x")
    page.click("#selection summary:has-text('Tag')")
    look("choosing")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.locator(".shot-link").first.focus()
    page.keyboard.press("Space")
    page.wait_for_selector("#look[open] [data-detail]")
    look("quick look")
    assert not wrong, "\n".join(wrong)
    assert not visitor.complaints
