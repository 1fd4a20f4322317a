"""Other words in the studio: asked for, compared, taken, and gone back to."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Server, Visitor
from tests.processes import manage

LONG = "However, the harbour, which is old, got a new lighthouse (built of oak) on Friday."
SHORT = "The harbour, which is old, got a new lighthouse on Friday."


def work_off(server: Server) -> None:
    """Do what waits, as a worker would."""
    manage(server.data, "shell", "-v0", "-c", "from creator import jobs; jobs.work_off()")


def test_a_line_is_made_shorter_taken_and_taken_back(server: Server, visit: Callable[..., Visitor]) -> None:
    visitor = visit(server, "edith")
    page = visitor.page
    page.goto(f"/stories/{server.seeded['draft']}/")
    line = page.get_by_label("Narration: Scene 1")
    line.fill(LONG)
    expect(page.locator("[data-save]")).to_contain_text("Saved ·")
    expect(page.get_by_role("button", name="Simpler")).to_be_hidden()
    expect(page.locator("[data-wording-cannot]")).to_contain_text("Connect a writer")
    page.get_by_role("button", name="Shorter").click()
    expect(page.locator("[data-wording-state]")).to_have_text("Writing…")
    work_off(server)
    offer = page.get_by_role("list", name="Words on offer").get_by_role("listitem").first
    expect(offer.locator("[data-difference] del").first).to_be_visible()
    expect(page.locator("[data-wording-state]")).to_have_text("Compare, then choose.")
    expect(line).to_have_value(LONG)
    offer.get_by_role("button", name="Use this").click()
    expect(line).to_have_value(SHORT)
    page.get_by_role("button", name="Go back to this").click()
    expect(line).to_have_value(LONG)
    page.get_by_role("button", name="Forget it").click()
    expect(page.get_by_role("button", name="Forget it")).to_have_count(0)
    assert not visitor.complaints


def test_a_headline_is_chosen_from_those_on_offer(server: Server, visit: Callable[..., Visitor]) -> None:
    visitor = visit(server, "edith")
    page = visitor.page
    page.goto(f"/stories/{server.seeded['draft']}/")
    page.get_by_label("Other headlines").click()
    page.get_by_role("button", name="Ask for headlines").click()
    expect(page.locator("[data-headline-state]")).to_have_text("Writing…")
    work_off(server)
    first = page.locator("[data-headline-list] button").first
    expect(first).to_be_visible()
    chosen = first.text_content()
    first.click()
    expect(page.get_by_label("Headline", exact=True)).to_have_value(str(chosen))
    assert not visitor.complaints
