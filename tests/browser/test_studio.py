"""The studio in a real browser: saving, clashes, lost networks, order by keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Visitor

Visit = Callable[..., Visitor]


def open_draft(visit: Visit, server: Server, person: str = "edith") -> Visitor:
    visitor = visit(server, person)
    visitor.page.goto(f"/stories/{server.seeded['draft']}/")
    return visitor


def lines(page: Page) -> list[str]:
    return [field.input_value() for field in page.locator("[data-scene] textarea").all()]


def in_order(page: Page, wanted: list[str]) -> None:
    """The lines come to stand so: what is said of a move is heard before the scenes are drawn anew."""
    for number, line in enumerate(wanted):
        expect(page.locator("[data-scene] textarea").nth(number)).to_have_value(line)
    assert lines(page) == wanted


def saved(page: Page) -> None:
    expect(page.locator("[data-save]")).to_contain_text("Saved ·")


def document(page: Page, server: Server, story: str = "draft") -> Any:
    return json.loads(page.request.get(f"/stories/{server.seeded[story]}/document/").text())


def test_typing_saves_itself_and_says_so(server: Server, visit: Visit) -> None:
    visitor = open_draft(visit, server)
    page = visitor.page
    page.locator("[data-scene] textarea").nth(0).fill("Fishers had asked for it for years.")
    expect(page.locator("[data-save]")).to_have_text("Saving…")
    saved(page)
    assert document(page, server)["scenes"][0]["narration"] == "Fishers had asked for it for years."
    expect(page.locator("[data-acts]")).to_have_attribute("data-next-act", "render")
    expect(page.locator("[data-caption]")).to_contain_text("Fishers")
    assert not visitor.complaints


def test_order_by_keys_by_grip_and_by_menu(server: Server, visit: Visit) -> None:
    page = open_draft(visit, server).page
    first, second, third = lines(page)
    page.locator("[data-scene] textarea").nth(0).press("Alt+ArrowDown")
    expect(page.locator("[data-live-region]")).to_have_text("Now scene 2 of 3.")
    in_order(page, [second, first, third])
    grip = page.locator("[data-grip]").nth(0)
    grip.focus()
    grip.press("Space")
    grip.press("ArrowDown")
    grip.press("ArrowDown")
    grip.press("Space")
    expect(page.locator("[data-live-region]")).to_have_text("Now scene 3 of 3.")
    in_order(page, [first, third, second])
    page.locator("[data-menu-name]").nth(2).click()
    page.locator("[data-scene] [data-do=up]").nth(2).click()
    expect(page.locator("[data-live-region]")).to_have_text("Now scene 2 of 3.")
    in_order(page, [first, second, third])


def test_order_by_dragging(server: Server, visit: Visit) -> None:
    page = open_draft(visit, server).page
    before = lines(page)
    grip, target = page.locator("[data-grip]").nth(0), page.locator(".scene").nth(1)
    page.wait_for_timeout(300)
    box, goal = grip.bounding_box(), target.bounding_box()
    assert box and goal
    page.mouse.move(box["x"] + 5, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 5, goal["y"] + goal["height"] * 0.7, steps=6)
    page.mouse.up()
    expect(page.locator("[data-live-region]")).to_have_text("Now scene 2 of 3.")
    in_order(page, [before[1], before[0], before[2]])
    page.locator("[data-scene] textarea").nth(0).press("Alt+ArrowDown")
    saved(page)


def test_two_people_in_different_scenes_do_not_disturb_each_other(server: Server, visit: Visit) -> None:
    one, two = open_draft(visit, server).page, open_draft(visit, server, "owner").page
    one.locator("[data-scene] textarea").nth(0).fill("Said by one.")
    saved(one)
    two.locator("[data-scene] textarea").nth(2).fill("Said by two.")
    saved(two)
    expect(one.locator("[data-scene] textarea").nth(2)).to_have_value("Said by two.")
    shown = document(one, server)["scenes"]
    assert (shown[0]["narration"], shown[2]["narration"]) == ("Said by one.", "Said by two.")


def test_two_people_in_one_scene_are_asked(server: Server, visit: Visit) -> None:
    one = open_draft(visit, server).page
    one.route("**/edit/", lambda route: route.abort())  # it types while the network is away
    one.locator("[data-scene] textarea").nth(0).fill("My words.")
    expect(one.locator("[data-save]")).to_contain_text("kept on this device")
    two = open_draft(visit, server, "owner").page
    two.locator("[data-scene] textarea").nth(0).fill("Their words.")
    saved(two)
    one.unroute("**/edit/")
    expect(one.locator("[data-save]")).to_contain_text("someone else changed scene 1", timeout=20_000)
    expect(one.locator("[data-clash]").nth(0)).to_contain_text("Their words.")
    expect(one.locator("[data-scene] textarea").nth(0)).to_have_value("My words.")
    one.get_by_role("button", name="Keep mine").click()
    saved(one)
    assert document(one, server)["scenes"][0]["narration"] == "My words."


def test_what_could_not_be_saved_survives_a_reload(server: Server, visit: Visit) -> None:
    page = open_draft(visit, server).page
    page.route("**/edit/", lambda route: route.abort())
    page.locator("[data-scene] textarea").nth(2).fill("Typed in a tunnel.")
    expect(page.locator("[data-save]")).to_contain_text("kept on this device")
    page.unroute("**/edit/")
    page.reload()
    expect(page.locator("[data-scene] textarea").nth(2)).to_have_value("Typed in a tunnel.")
    saved(page)
    assert document(page, server)["scenes"][2]["narration"] == "Typed in a tunnel."


def test_a_scene_is_added_removed_and_brought_back(server: Server, visit: Visit) -> None:
    page = open_draft(visit, server).page
    before = lines(page)
    page.click("[data-add]")
    expect(page.locator(".scene")).to_have_count(4)
    page.keyboard.type("A fourth line.")
    saved(page)
    page.locator("[data-menu-name]").nth(3).click()
    page.locator("[data-scene] [data-do=remove]").nth(3).click()
    expect(page.locator(".scene")).to_have_count(3)
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.locator(".scene")).to_have_count(4)
    expect(page.locator("[data-scene] textarea").nth(3)).to_have_value("A fourth line.")
    page.locator("[data-menu-name]").nth(3).click()
    page.locator("[data-scene] [data-do=remove]").nth(3).click()
    expect(page.locator(".scene")).to_have_count(3)
    in_order(page, before)


def test_pictures_are_offered_with_reasons_and_swapped(server: Server, visit: Visit) -> None:
    visitor = open_draft(visit, server)
    page = visitor.page
    page.locator("[data-select]").nth(0).click()
    offers = page.locator("[data-offers] input")
    expect(offers).to_have_count(3)
    offers.nth(1).check()
    expect(page.locator("[data-facts]")).to_contain_text("A crimson harbour")
    page.locator("[data-why] summary").click()
    expect(page.locator("[data-explain]")).to_contain_text("Looks like the words")
    assert not visitor.complaints


def test_the_preview_is_true_to_shape(server: Server, visit: Visit) -> None:
    page = open_draft(visit, server).page
    for tab, ratio in (("#tab-card-1x1", 1.0), ("#tab-card-9x16", 9 / 16)):
        page.click(tab)
        box = page.locator("[data-frame]").bounding_box()
        assert box
        assert abs(box["width"] / box["height"] - ratio) < 0.01


def test_motion_and_transition_are_chosen(server: Server, visit: Visit) -> None:
    visitor = open_draft(visit, server)
    page = visitor.page
    page.locator("[data-scene] [data-select]").nth(1).click()
    page.get_by_label("Transition").select_option("cross-fade")
    saved(page)
    page.get_by_label("Motion").select_option("pan-left")
    saved(page)
    shown = document(page, server)["scenes"][1]
    assert (shown["transition"], shown["motion"]) == ("cross-fade", "pan-left")
    page.locator("[data-scene] [data-select]").nth(0).click()
    expect(page.get_by_label("Transition")).to_have_value("")
    assert not visitor.complaints


def test_captions_and_an_effect_are_chosen(server: Server, visit: Visit) -> None:
    visitor = open_draft(visit, server)
    page = visitor.page
    page.get_by_label("Captions", exact=True).select_option("karaoke")
    saved(page)
    shown = document(page, server)
    assert (shown["caption_style"], shown["caption_motion"]) == ("karaoke", "karaoke")
    offered = page.get_by_label("Effect", exact=True).locator("option").all_inner_texts()
    assert {"None", "Parallax", "Shake", "Split", "Typewriter"} <= set(offered)
    caption, frame = page.locator("[data-caption]").bounding_box(), page.locator("[data-frame]").bounding_box()
    assert caption and frame
    assert caption["y"] + caption["height"] <= frame["y"] + 0.76 * frame["height"]
    assert caption["x"] >= frame["x"] + 0.11 * frame["width"]
    assert not visitor.complaints
