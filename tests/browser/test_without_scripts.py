"""Where JavaScript fails to load, the main forms still work."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Server, Visitor


def test_a_brief_is_taken(server: Server, visit: Callable[..., Visitor]) -> None:
    page = visit(server, "edith", java_script_enabled=False).page
    page.click("text=City plants 300 trees")
    page.click("text=Make story")
    assert "/stories/" in page.url
    expect(page.locator("[data-acts]")).to_have_attribute("data-next-act", "wait")


def test_a_decision_is_taken(server: Server, visit: Callable[..., Visitor]) -> None:
    page = visit(server, "moderator", java_script_enabled=False).page
    page.goto("/admin/review/")
    page.click("text=Take")
    page.fill("#id_note", "Read it all.")
    page.click("button[value=approve]")
    expect(page.locator(".messages")).to_contain_text("Approved")
    page = visit(server, "edith", java_script_enabled=False).page
    page.goto(f"/stories/{server.seeded['waiting']}/")
    page.click("summary:has-text('Publish')")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.locator(".messages")).to_contain_text("Live on Lock screen")
