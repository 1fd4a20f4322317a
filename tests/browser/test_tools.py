"""The library's tools in a real browser: the box by hand and by keys, the brush, the time line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Visitor
from tests.browser.test_accessible import SMALL, violations


def numbers(page: Page) -> dict[str, float]:
    return {name: float(page.locator(f"#tool-{name}").input_value()) for name in ("left", "top", "width", "height")}


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Between two places of the picture, as shares of its sides."""
    seen = page.locator("[data-frame] img").bounding_box()
    assert seen is not None
    for at, act in ((start, page.mouse.down), (end, page.mouse.up)):
        page.mouse.move(seen["x"] + at[0] * seen["width"], seen["y"] + at[1] * seen["height"], steps=4)
        act()


@pytest.mark.timeout(600)
def test_boxes_strokes_and_handles(server: Server, visit: Callable[..., Visitor], tmp_path: Path) -> None:
    visitor = visit(server, "edith", viewport={"width": 1440, "height": 900})
    page = visitor.page
    page.goto(f"/library/{server.seeded['asset']}/tools/?tool=crop")  # 64 x 96 pixels
    box = page.locator(".tools-box")
    drag(page, (0.25, 0.25), (0.75, 0.75))
    expect(page.locator("#tool-width")).to_have_value("32")
    assert numbers(page) == {"left": 16, "top": 24, "width": 32, "height": 48}
    box.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    assert numbers(page) == {"left": 17, "top": 24, "width": 32, "height": 49}
    drag(page, (0.5, 0.5), (0.0, 0.0))
    assert numbers(page) == {"left": 0, "top": 0, "width": 32, "height": 49}
    page.locator("#tool-left").fill("20")
    seen, frame = box.bounding_box(), page.locator("[data-frame]").bounding_box()
    assert seen is not None
    assert frame is not None
    assert (seen["x"] - frame["x"]) / frame["width"] == pytest.approx(20 / 64, abs=0.02)
    page.get_by_role("button", name="Make the copy").click()
    expect(page.locator("[data-state]")).to_contain_text("being made")
    assert numbers(page) == {"left": 20, "top": 0, "width": 32, "height": 49}

    page.goto(f"/library/{server.seeded['asset']}/tools/?tool=background")
    page.get_by_role("button", name="Brush: in front").click()
    drag(page, (0.4, 0.4), (0.6, 0.6))
    page.get_by_role("button", name="Brush: behind").click()
    drag(page, (0.1, 0.1), (0.9, 0.1))
    strokes = json.loads(page.locator("[data-strokes]").input_value())
    assert [stroke["keep"] for stroke in strokes] == [True, False]
    assert strokes[0]["points"][-1] == [pytest.approx(38, abs=1), pytest.approx(58, abs=1)]
    page.get_by_role("button", name="Undo a stroke").click()
    assert len(json.loads(page.locator("[data-strokes]").input_value())) == 1
    page.get_by_role("button", name="Box", exact=True).click()
    drag(page, (0.2, 0.2), (0.8, 0.8))
    assert numbers(page)["left"] == pytest.approx(13, abs=1)

    page.goto(f"/library/{server.seeded['talk']}/tools/?tool=trim")
    start = page.get_by_label("Start on the time line")
    start.focus()
    for _step in range(3):
        page.keyboard.press("PageUp")
    assert float(page.locator("#tool-start").input_value()) > 0.5
    assert not visitor.complaints

    for width in (1440, 390):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            for name, path in (("background", server.seeded["asset"]), ("trim", server.seeded["talk"])):
                page.goto(f"/library/{path}/tools/?tool={name}")
                page.wait_for_timeout(200)
                page.screenshot(path=tmp_path / f"{name}-{width}-{scheme}.png", full_page=True)
                assert violations(page) == []
                assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
                assert page.evaluate(SMALL) == []
