"""Accounts, people and notices in a browser; pages in German; and pages from right to left."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Server, Visitor
from tests.browser.test_accessible import SMALL, violations
from tests.processes import ROOT, environment

PAGES = (
    "/settings/account/", "/settings/people/", "/settings/notices/", "/settings/e-mails/", "/notices/",
    "/account/e-mail/", "/account/password/set/", "/account/factors/", "/account/factors/authenticator/",
)  # fmt: skip
ALONE = ("/sign-in/", "/account/password/reset/", "/invitation/made-up/")
SIDEWAYS = "document.documentElement.scrollWidth - innerWidth"
CUT_OFF = """() => [...document.querySelectorAll('a, button, input, select, h1, h2, h3')]
  .filter((each) => each.checkVisibility({opacityProperty: true, visibilityProperty: true}))
  .filter((each) => !each.closest('.sr, .skip, [popover], dialog'))
  .filter((each) => {
    for (let up = each; up; up = up.parentElement) if (/auto|scroll/.test(getComputedStyle(up).overflowX)) return false;
    return true;
  })
  .map((each) => [each.outerHTML.slice(0, 90), each.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.left < -1 || box.right > innerWidth + 1))
  .map(([html, box]) => `${Math.round(box.left)} to ${Math.round(box.right)}: ${html}`)"""


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark"), (390, "light")])
def test_pages_of_people(server: Server, visit: Callable[..., Visitor], width: int, scheme: str) -> None:
    size = {"width": width, "height": 900}
    visitor = visit(server, "owner", viewport=size, color_scheme=scheme, reduced_motion="reduce")
    alone = visit(server, viewport=size, color_scheme=scheme, reduced_motion="reduce")
    wrong: list[str] = []
    for page, paths in ((visitor.page, PAGES), (alone.page, ALONE)):
        for path in paths:
            page.goto(path, wait_until="load")
            wrong += [f"{path}: {each}" for each in violations(page)]
            wrong += [f"{path}: too small: {each}" for each in page.evaluate(SMALL)]
            wrong += [f"{path}: scrolls sideways"] * (page.evaluate(SIDEWAYS) > 0)
    assert not wrong, "\n".join(wrong)
    assert not [each for each in (*visitor.complaints, *alone.complaints) if "404" not in each]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("width", [1440, 390])
def test_pages_fit_in_german_and_from_right_to_left(server: Server, visit: Callable[..., Visitor], width: int) -> None:
    visitor = visit(server, "owner", viewport={"width": width, "height": 900}, locale="de-DE", reduced_motion="reduce")
    page = visitor.page
    draft = f"/stories/{server.seeded['draft']}/"
    wrong: list[str] = []
    for path in ("/", "/library/", draft, "/jobs/", "/settings/people/", "/settings/channels/", "/admin/review/"):
        page.goto(path, wait_until="load")
        assert page.evaluate("document.documentElement.lang") == "de"
        for direction in ("ltr", "rtl"):
            page.evaluate("(direction) => (document.documentElement.dir = direction)", direction)
            wrong += [f"{path} {direction}: scrolls sideways"] * (page.evaluate(SIDEWAYS) > 0)
            wrong += [f"{path} {direction}: {each}" for each in page.evaluate(CUT_OFF)]
    assert not wrong, "\n".join(wrong)
    page.goto(draft, wait_until="load")
    assert "Szene 1" in page.locator("[data-scenes], main").first.inner_text()
    assert not [each for each in visitor.complaints if "404" not in each]


def test_a_notice_rings_while_the_page_is_open(server: Server, visit: Callable[..., Visitor]) -> None:
    visitor = visit(server, "owner")
    page = visitor.page
    count = page.locator(".bell .count")
    before = int(count.inner_text()) if count.count() else 0
    code = (
        "from creator.models import Story, User\n"
        "from creator.services import notices\n"
        "story = Story.objects.first()\n"
        "people = User.objects.filter(username='owner')\n"
        "notices.mentioned(people, story=story, by=User.objects.get(username='edith'), words='Look', once='ring')\n"
    )
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", code], cwd=ROOT, env=environment(server.data, **server.env),
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    expect(count).to_have_text(str(before + 1))
    page.click(".bell")
    page.get_by_role("button", name="mentions you").first.click()
    page.wait_for_url("**/stories/*/")
