"""What one person does shows on another's page, by the stream and without it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Server, Visitor


@pytest.mark.parametrize("streams", [True, False])
def test_jobs_change_while_one_looks(server: Server, visit: Callable[..., Visitor], streams: bool) -> None:
    watcher = visit(server, "owner")
    page = watcher.page
    if not streams:
        page.route("**/events/?after=*", lambda route: route.abort())
    page.goto("/jobs/")
    retry = page.get_by_role("button", name="Retry make the story")
    cancel = page.get_by_role("button", name="Cancel make the story")
    expect(retry).to_be_visible()
    other = visit(server, "edith").page
    other.goto("/jobs/")
    other.get_by_role("button", name="Retry make the story").click()
    expect(cancel).to_be_visible()
    other.get_by_role("button", name="Cancel make the story").click()
    expect(retry).to_be_visible()
    complaints = [each for each in watcher.complaints if "net::ERR_FAILED" not in each]
    assert not complaints


def test_a_title_follows_on_other_pages(server: Server, visit: Callable[..., Visitor]) -> None:
    home = visit(server, "owner").page
    studio = visit(server, "edith").page
    studio.goto(f"/stories/{server.seeded['draft']}/")
    studio.fill("#title", "A light for sailors")
    expect(home.get_by_role("link", name="A light for sailors")).to_be_visible()
