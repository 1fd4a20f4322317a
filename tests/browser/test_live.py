"""What one person does shows on another's page, by the stream and without it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import APIResponse, Route, expect

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


def test_what_is_said_while_a_tile_is_fetched_shows_too(server: Server, visit: Callable[..., Visitor]) -> None:
    home = visit(server, "owner").page
    held: list[tuple[Route, APIResponse]] = []
    holding = True

    def answer(route: Route) -> None:
        if holding:
            held.append((route, route.fetch()))
        else:
            route.continue_()

    home.route("**/stories/*/tile/**", answer)
    studio = visit(server, "edith").page
    studio.goto(f"/stories/{server.seeded['draft']}/")
    studio.fill("#title", "A light for nobody")
    for _ in range(100):
        home.wait_for_timeout(100)
        if held:
            break
    studio.fill("#title", "A light for all sailors")
    expect(studio.locator("[data-save]")).to_contain_text("Saved")
    home.wait_for_timeout(2000)  # long enough for a second fetch, were it not to wait for the first
    holding = False
    for route, old in held:
        route.fulfill(response=old)
    expect(home.get_by_role("link", name="A light for all sailors")).to_be_visible()
