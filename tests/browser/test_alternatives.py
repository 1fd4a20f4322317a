"""Pictures and readings side by side in the studio: drawn, compared, taken, gone back to, changed in part."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Server, Visitor, seed, serve
from tests.browser.test_accessible import SMALL, violations
from tests.processes import manage

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A seeded server whose painter can fill."""
    for server in serve(tmp_path_factory.mktemp("painted"), DJANGO_SETTINGS_MODULE="tests.browser.painted"):
        yield seed(server)


def work_off(server: Server) -> None:
    """Do what waits, as a worker would."""
    manage(server.data, "shell", "-v0", "-c", "from creator import jobs; jobs.work_off()", timeout=120, **server.env)


def test_pictures_are_drawn_compared_taken_and_gone_back_from(server: Server, visit: Callable[..., Visitor]) -> None:
    visitor = visit(server, "edith")
    page = visitor.page
    page.goto(f"/stories/{server.seeded['draft']}/")
    page.get_by_label("How many pictures").select_option("2")
    page.get_by_role("button", name="Draw more").click()
    expect(page.locator("[data-pictures-state]")).to_have_text("Drawing…")
    work_off(server)
    expect(page.locator("[data-pictures-state]")).to_contain_text("pictures to compare")
    page.get_by_role("button", name="Compare").click()
    dialog = page.get_by_role("dialog", name="Pictures side by side")
    first = dialog.get_by_role("listitem").first
    expect(first).to_contain_text("Illustrator")
    expect(first).to_contain_text("built in, free")
    expect(dialog).to_contain_text("can't change a part of a picture")
    expect(dialog.get_by_role("button", name="Change a part")).to_have_count(0)
    first.get_by_role("button", name="Show this").click()
    expect(first).to_contain_text("Shown now")
    dialog.get_by_role("button", name="Go back to this").click()
    expect(first).to_contain_text("Shown before")
    first.get_by_role("button", name="Again with changes").click()
    again = page.get_by_role("dialog", name="Again with changes")
    expect(again.get_by_label("What it shows")).not_to_be_empty()
    again.get_by_label("What it shows").fill("a red boat")
    again.get_by_label("Seed").fill("99999999999")
    assert not again.get_by_label("Seed").evaluate("each => each.checkValidity()")
    again.get_by_label("Seed").fill("7")
    again.get_by_role("button", name="Draw").click()
    expect(again).to_be_hidden()
    work_off(server)
    expect(first).to_contain_text("a red boat")
    expect(first).to_contain_text("Made from")
    assert not visitor.complaints


def test_readings_are_heard_taken_and_gone_back_from(server: Server, visit: Callable[..., Visitor]) -> None:
    visitor = visit(server, "edith")
    page = visitor.page
    page.goto(f"/stories/{server.seeded['draft']}/")
    page.get_by_label("Speed").fill("1.3")
    page.get_by_role("button", name="Read it again").click()
    work_off(server)
    expect(page.locator("[data-reading-state]")).to_have_text("Read. Listen, then choose.")
    readings = page.get_by_role("list", name="Readings of this line").get_by_role("listitem")
    expect(readings).to_have_count(2)
    expect(readings.nth(1)).to_contain_text("1.3 × speed")
    readings.nth(1).get_by_role("button", name="Use this").click()
    expect(readings.nth(1).get_by_role("button", name="In use")).to_be_disabled()
    page.get_by_role("button", name="Go back to the reading before").click()
    expect(readings.nth(1).get_by_role("button", name="Go back to this")).to_be_enabled()
    assert not visitor.complaints


def test_a_part_is_marked_by_hand_or_by_numbers_and_filled(painted: Server, visit: Callable[..., Visitor]) -> None:
    visitor = visit(painted, "edith")
    page = visitor.page
    page.goto(f"/stories/{painted.seeded['draft']}/")
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("button", name="Change a part: Picture 1").click()
    dialog = page.get_by_role("dialog", name="Change a part")
    canvas = dialog.locator("canvas")
    expect(canvas).to_have_attribute("aria-label", "Nothing is marked")
    dialog.get_by_label("What should be there").fill("a red boat")
    dialog.get_by_role("button", name="Fill").click()
    expect(dialog.get_by_role("status")).to_contain_text("Nothing is marked yet")
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    expect(canvas).to_have_attribute("aria-label", re.compile(r"^[4-9] % of the picture is marked$"))
    dialog.get_by_role("button", name="Undo").click()
    expect(canvas).to_have_attribute("aria-label", "Nothing is marked")
    dialog.get_by_text("Mark a box by numbers").click()
    dialog.get_by_label("Width").press("ArrowUp")
    dialog.get_by_label("Height").press("Enter")
    expect(canvas).to_have_attribute("aria-label", "26 % of the picture is marked")
    dialog.get_by_role("button", name="Fill").click()
    expect(dialog).to_be_hidden()
    work_off(painted)
    first = page.get_by_role("dialog", name="Pictures side by side").get_by_role("listitem").first
    expect(first).to_contain_text("Fake painter")
    expect(first).to_contain_text("Made from")
    assert not visitor.complaints


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_what_opens_is_accessible(painted: Server, visit: Callable[..., Visitor], width: int, scheme: str) -> None:
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme, "reduced_motion": "reduce"}
    visitor = visit(painted, "edith", **options)
    page = visitor.page
    page.goto(f"/stories/{painted.seeded['draft']}/")
    wrong = violations(page)
    for opener, name in (("Compare", "Pictures side by side"), ("Again with changes", "Again with changes")):
        page.locator("[data-inspector]").get_by_role("button", name=opener).click()
        wrong += violations(page) + page.evaluate(SMALL)
        page.get_by_role("dialog", name=name).get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("button", name="Change a part: Picture 1").click()
    page.get_by_text("Mark a box by numbers").click()
    wrong += violations(page) + page.evaluate(SMALL)
    wrong += [f"sideways {page.evaluate('document.documentElement.scrollWidth - innerWidth')}"] * (
        page.evaluate("document.documentElement.scrollWidth > innerWidth")
    )
    assert not wrong, "\n".join(wrong)
    assert not visitor.complaints
