"""Where apps draw their own buttons and texts over what they show: kept free of captions and headlines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SafeArea:
    """Shares of a frame's height (top, bottom) and width (left, right) that are kept free."""

    top: float
    bottom: float
    left: float
    right: float


PLATFORMS: Mapping[str, SafeArea] = {
    "feed": SafeArea(top=0.05, bottom=0.12, left=0.06, right=0.06),
    # The name above, the answer field below.
    "story": SafeArea(top=0.14, bottom=0.20, left=0.06, right=0.06),
    # Title and sound below, the column of buttons at the right: Shorts, Reels, TikTok.
    "shorts": SafeArea(top=0.10, bottom=0.25, left=0.06, right=0.12),
}
"""Rounded from what the platforms ask of advertisers; their apps differ by phone and change."""

PHONE = 1.6
"""Height by width from which a frame fills a phone."""


def safe_area(width: int, height: int) -> SafeArea:
    """What is safe wherever a frame of this shape is shown: the strictest of the platforms that take it."""
    names = ("story", "shorts") if height >= PHONE * width else ("feed",)
    areas = [PLATFORMS[name] for name in names]
    return SafeArea(
        max(area.top for area in areas), max(area.bottom for area in areas),
        max(area.left for area in areas), max(area.right for area in areas),
    )  # fmt: skip
