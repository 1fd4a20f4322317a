"""The main job through the pages: from a sign-in link to a published story that an app fetches."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from creator.views.examples import EXAMPLES
from tests.browser.conftest import Server, Visitor
from tests.processes import running

SLOW = 240_000


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_from_brief_to_published(empty_server: Server, visit: Callable[..., Visitor]) -> None:
    server = empty_server
    with running(server.data, "worker"):
        owner = visit(server, "owner")
        page = owner.page
        expect(page.locator("#id_article")).to_be_focused()
        page.keyboard.insert_text(EXAMPLES["trees"].text)
        page.get_by_role("button", name="Make story").click()  # 1
        acts = page.locator("[data-acts]")
        expect(page.locator(".scene").first).to_be_visible(timeout=SLOW)
        expect(acts).to_have_attribute("data-next-act", "review", timeout=SLOW)
        assert page.evaluate("document.querySelector('[data-made] video')?.src")
        page.get_by_role("button", name="Send to review").click()  # 2
        expect(page.locator(".messages")).to_contain_text("Sent to review")

        moderator = visit(server, "moderator")
        review = moderator.page
        review.goto("/admin/review/")
        review.get_by_role("button", name="Take").click()
        review.wait_for_load_state("load")
        review.locator("[data-show]").first.click()
        expect(review.locator(".screen video")).to_be_visible()
        review.locator("body").press("a")
        expect(review.locator(".messages")).to_contain_text("Approved")

        expect(acts).to_have_attribute("data-next-act", "publish")  # told by the stream
        page.locator("summary", has_text="Publish…").click()  # 3
        page.get_by_role("button", name="Publish", exact=True).click()  # 4
        expect(page.locator(".messages")).to_contain_text("Live on Lock screen")
        page.locator("summary", has_text="Live").click()
        address = page.locator("#api-1").inner_text()

        page.goto("/settings/channels/")
        page.locator("#id_name").first.fill("Phone")
        page.get_by_role("button", name="Make key").click()
        secret = page.locator("#secret").inner_text()
        request = urllib.request.Request(address, headers={"Authorization": f"Bearer {secret}"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            story = json.load(answer)
        assert story["title"] == "City council votes to plant 300 trees along the river"
        assert {"video/mp4", "image/png", "text/vtt"} <= {each["content_type"] for each in story["renditions"]}
        assert not owner.complaints
        assert not moderator.complaints
