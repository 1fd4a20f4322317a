"""The on-screen text is typed, letter by letter, on the plates of a headline."""

from __future__ import annotations

from itertools import accumulate
from typing import Any, ClassVar

import numpy as np
from moviepy import Effect
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from media_processing import fonts, lettering
from media_processing.safe_areas import safe_area
from media_processing.timeline import Timeline, TimelineScene

BEGIN = 0.2
"""Seconds before the first letter."""
PACE = 14.0
"""Letters a second, faster where a scene is short for its text."""
SHARE = 0.6
"""The share of a scene in which all is typed."""


class Typewriter(Effect):  # type: ignore[misc]
    """Lines are set as a whole and uncovered by grapheme clusters, so that nothing moves or is shaped anew."""

    draws_text: ClassVar[bool] = True

    def __init__(self, text: str, timeline: Timeline) -> None:
        self.text = text.strip()
        self.timeline = timeline

    @classmethod
    def for_scene(cls, scene: TimelineScene, timeline: Timeline) -> Typewriter:
        return cls(scene.on_screen, timeline)

    def apply(self, clip: Any) -> Any:
        if not self.text:
            return clip
        lines = self._lines()
        count = sum(len(line.stops) for line in lines)
        pace = max(PACE, count / max(clip.duration * SHARE, 0.1))

        def typed(get_frame: Any, second: float) -> NDArray[np.uint8]:
            picture = Image.fromarray(get_frame(second))
            left = int((second - BEGIN) * pace) if second >= BEGIN else 0
            for line in lines:
                line.draw(picture, min(left, len(line.stops)))
                left -= len(line.stops)
                if left <= 0:
                    break
            return np.asarray(picture)

        return clip.transform(typed)

    def _lines(self) -> list[_Line]:
        timeline, look = self.timeline, self.timeline.look
        short, safe = min(timeline.width, timeline.height), safe_area(timeline.width, timeline.height)
        face = lettering.Face(look.headline_family, 700, 1.36, timeline.language)
        side, pad = timeline.width * max(safe.left, safe.right), short * 0.022
        setting = lettering.fit(
            self.text, timeline.width - 2 * side - 2 * pad, timeline.height * 0.22, face, largest=short * 0.072,
            smallest=short * 0.045, lines=3,
        )  # fmt: skip
        rtl = lettering.is_rtl(self.text)
        top = timeline.height * safe.top
        return [
            _Line(text, setting, (side, top + number * setting.pitch), pad, timeline, rtl=rtl)
            for number, text in enumerate(setting.lines)
        ]


class _Line:
    """One line on its plate, drawn once; `stops` are the widths in pixels up to the end of each of its clusters."""

    def __init__(
        self, text: str, setting: lettering.Setting, corner: tuple[float, float], pad: float, timeline: Timeline,
        *, rtl: bool,
    ) -> None:  # fmt: skip
        self.rtl = rtl
        look, face, size = timeline.look, setting.face, setting.size
        starts = accumulate(fonts.clusters(text))
        self.pad, self.paper = round(pad), look.paper
        self.stops = [round(pad + face.width(start, size)) for start in starts]
        high = round(max(size * 1.34, setting.pitch)) + 1  # no seam between two lines
        self.plate = Image.new("RGB", (self.stops[-1] + self.pad, high), look.paper)
        lettering.draw_line(self.plate, text, pad, size, size, face, look.paper_ink, rtl=rtl)
        edge, bar = (self.plate.width if rtl else 0), round(size * 0.12)
        ImageDraw.Draw(self.plate).rectangle(
            [edge - bar if rtl else 0, 0, edge if rtl else bar - 1, self.plate.height], fill=look.paper_accent
        )
        x = timeline.width - corner[0] - self.plate.width if rtl else corner[0]
        self.corner = round(x), round(corner[1])

    def draw(self, picture: Image.Image, count: int) -> None:
        """Put the line's first `count` clusters on a picture."""
        if count <= 0:
            return
        wide, (x, y) = self.stops[count - 1], self.corner
        skipped = self.plate.width - wide if self.rtl else 0
        ground = Image.new("RGB", (wide + self.pad, self.plate.height), self.paper)
        ground.paste(self.plate.crop((skipped, 0, skipped + wide, self.plate.height)), (self.pad if self.rtl else 0, 0))
        picture.paste(ground, (x + skipped - self.pad if self.rtl else x, y))
