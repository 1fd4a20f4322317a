"""A case by keyboard alone: nothing sharp at first sight, then grey, then colour, then a decision."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Server, Visitor
from tests.browser.test_accessible import violations


@pytest.mark.timeout(300)
def test_duty_12_a_case_is_looked_at_and_decided_by_keyboard(server: Server, visit: Callable[..., Visitor]) -> None:
    visitor = visit(server, "moderator")
    page = visitor.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/media/" in request.url else None)
    page.goto("/admin/review/")
    page.keyboard.press("n")
    page.wait_for_url("**/admin/review/*/")
    page.wait_for_load_state("networkidle")
    assert asked
    assert all(url.endswith("/blurred/") for url in asked), "only blurred bytes at first sight"
    page.keyboard.press("v")
    expect(page.locator("[data-grey-count]")).to_have_text("3")
    with page.expect_response("**/here/"):  # within ten seconds the server knows what was shown
        page.keyboard.press("v")
    expect(page.locator("[data-colour-count]")).to_have_text("3")
    kinds = [url.rstrip("/").rsplit("/", 1)[1] for url in asked]
    assert kinds.index("grey") < kinds.index("thumbnail")
    page.keyboard.press("t")
    expect(page.get_by_text("Yours until")).to_be_visible()
    expect(page.locator("[data-colour-count]")).to_have_text("3")
    assert not violations(page)
    page.keyboard.press("x")  # asks for the grounds before anything is sent
    expect(page.locator("#id_reason")).to_be_focused()
    for _field in ("clause", "note", "send back", "approve"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".messages")).to_contain_text("Approved")
    assert not visitor.complaints


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_the_figures_and_the_log_are_for_everybody(
    server: Server, visit: Callable[..., Visitor], width: int, scheme: str
) -> None:
    page = visit(server, "owner", viewport={"width": width, "height": 900}, color_scheme=scheme).page
    for path in ("/admin/review/figures/", "/admin/review/log/", f"/stories/{server.seeded['live']}/report/"):
        page.goto(path, wait_until="load")
        assert not violations(page), path
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
