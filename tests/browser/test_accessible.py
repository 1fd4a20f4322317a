"""Every page in light and dark, wide and narrow: no violation that axe knows, no sideways scrolling, no tiny target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Server, Visitor

SMALL = """() => [...document.querySelectorAll('a, button, input, select, textarea, summary, [role=tab]')]
  .filter((each) => each.checkVisibility({opacityProperty: true, visibilityProperty: true}))
  .filter((each) => !each.closest('.sr, p, li, dd, td, label, .skip') || each.matches('button, summary'))
  .map((each) => [each.outerHTML.slice(0, 90), each.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.width < 24 || box.height < 24))
  .map(([html, box]) => `${Math.round(box.width)}x${Math.round(box.height)} ${html}`)"""


def pages(server: Server) -> dict[str, str]:
    seeded = server.seeded
    return {
        "stories": "/",
        "studio": f"/stories/{seeded['draft']}/",
        "studio, in review": f"/stories/{seeded['waiting']}/",
        "studio, live": f"/stories/{seeded['live']}/",
        "studio, failed": f"/stories/{seeded['failed']}/",
        "library": "/library/",
        "library, nothing found": "/library/?q=zeppelin&orientation=square",
        "asset": f"/library/{seeded['asset']}/",
        "transcript": f"/library/{seeded['talk']}/transcript/",
        "tools": f"/library/{seeded['asset']}/tools/?tool=background",
        "tools, trim": f"/library/{seeded['talk']}/tools/?tool=trim",
        "jobs": "/jobs/",
        "review": "/admin/review/",
        "case": f"/admin/review/{seeded['review']}/",
        "engines": "/settings/engines/",
        "channels": "/settings/channels/",
        "brands": "/settings/brands/",
        "costs": "/settings/costs/",
        "illustrator": "/settings/illustrator/?words=a+red+car",
        "stories, list": "/?as=list",
        "stories, board": "/?as=board",
        "appearance": "/settings/appearance/",
        "compare": "/settings/engines/compare/?role=voice&name=openai",
        "components": "/design/",
        "lost": "/nowhere/",
    }


def violations(page: Any) -> list[str]:
    found = Axe().run(page)
    return [
        f"{each['id']}: {node['html'][:140]} {node.get('failureSummary', '')[:200]}"
        for each in found.response["violations"]
        for node in each["nodes"]
    ]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_page(server: Server, visit: Callable[..., Visitor], width: int, scheme: str) -> None:
    visitor = visit(server, "owner", viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = visitor.page
    wrong: list[str] = []
    for name, path in pages(server).items():
        page.goto(path, wait_until="load")
        page.wait_for_timeout(150)
        wrong += [f"{name}: {each}" for each in violations(page)]
        sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if sideways > 0:
            wrong.append(f"{name}: scrolls sideways by {sideways} px")
        wrong += [f"{name}: too small: {each}" for each in page.evaluate(SMALL)]
    assert not wrong, "\n".join(wrong)
    assert not [each for each in visitor.complaints if "404" not in each]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_signing_in_and_what_opens_over_pages(server: Server, visit: Callable[..., Visitor], scheme: str) -> None:
    page = visit(server, color_scheme=scheme, reduced_motion="reduce").page
    page.goto("/sign-in/")
    wrong = violations(page)
    visitor = visit(server, "edith", color_scheme=scheme, reduced_motion="reduce")  # nothing half faded in
    page = visitor.page
    page.goto("/library/")
    page.click("[data-open]")
    wrong += violations(page)
    page.goto(f"/stories/{server.seeded['draft']}/")
    page.click(".acts summary")
    page.click("[data-sources]")
    wrong += violations(page)
    assert not wrong, "\n".join(wrong)
    assert not visitor.complaints
