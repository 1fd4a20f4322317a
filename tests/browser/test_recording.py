"""A person's own voice in the studio, by Chromium's pretended microphone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Server, Visitor
from tests.browser.test_accessible import SMALL, violations
from tests.browser.test_alternatives import work_off

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_a_line_is_recorded_sent_asked_about_and_put_aside(
    server: Server, visit: Callable[..., Visitor], width: int, scheme: str
) -> None:
    allowed = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme, "permissions": ["microphone"]}
    visitor = visit(server, "edith", **allowed)
    page = visitor.page
    page.goto(f"/stories/{server.seeded['draft']}/")
    if width < 900:  # there, all but the scene's words and picture is folded
        page.locator("details.fold", has=page.locator("[data-recording]")).locator("summary").first.click()
    own = page.get_by_role("region", name="Your own voice")
    record = own.locator("[data-record]")
    record.focus()
    page.keyboard.press("Enter")
    expect(own.get_by_role("status")).to_contain_text("Recording.")
    expect(own.get_by_role("meter")).to_be_visible()
    expect(own.locator("[data-record-clock]")).to_contain_text("3 s")
    page.keyboard.press("Enter")
    expect(own.get_by_role("status")).to_contain_text("Listen to it")
    expect(record).to_have_text("Record again")
    assert own.get_by_label("What you recorded").evaluate("each => each.src").startswith("blob:")
    assert violations(page) == [] and page.evaluate(SMALL) == []
    own.get_by_role("button", name="Use this recording").click()
    expect(own.get_by_role("status")).to_contain_text("Listening to your recording")
    work_off(server)
    expect(own).to_contain_text("doesn't seem to say this line")
    expect(own.get_by_role("button", name="Keep the line")).to_be_enabled()
    assert violations(page) == [] and page.evaluate(SMALL) == []
    own.get_by_role("button", name="Put the recording aside").click()
    expect(own.get_by_role("button", name="Keep the line")).to_be_hidden()
    assert not visitor.complaints


def test_where_no_microphone_may_be_heard_it_says_why_and_what_else_goes(
    server: Server, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(server, "edith")
    page = visitor.page
    page.goto(f"/stories/{server.seeded['draft']}/")
    own = page.get_by_role("region", name="Your own voice")
    # The browser's own names for a person who says no, for a computer without one, and for another program's.
    for name, said in (
        ("NotAllowedError", "may not use the microphone"), ("NotFoundError", "There is no microphone"),
        ("NotReadableError", "Another program holds"), ("AbortError", "can't record here"),
    ):  # fmt: skip
        page.evaluate(
            "name => navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', name))", name
        )
        own.locator("[data-record]").click()
        expect(own.get_by_role("status")).to_contain_text(said)
        expect(own.get_by_role("status")).to_contain_text("pload a file")
        expect(own.locator("[data-record-name]")).to_have_text("Record")
    assert violations(page) == []
    assert not visitor.complaints
