"""What every segmenter promises; an engine's test class inherits it and makes its engine."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from media_processing.engine import EngineError
from media_processing.engines.base import Segmenter

BOX = (90, 50, 230, 190)


def ball(size: tuple[int, int] = (320, 240)) -> Image.Image:
    """An orange disc from (100, 60) to (220, 180) on green."""
    picture = Image.new("RGB", size, (40, 90, 50))
    ImageDraw.Draw(picture).ellipse((100, 60, 220, 180), fill=(250, 150, 70))
    return picture


class SegmenterContract:
    @pytest.fixture
    def segmenter(self) -> Segmenter:
        raise NotImplementedError

    def test_it_says_what_it_is(self, segmenter: Segmenter) -> None:
        assert segmenter.role == "segmenter"
        assert segmenter.title
        assert segmenter.problems() == []
        assert not segmenter.loaded

    def test_what_is_in_the_box_stands_out(self, segmenter: Segmenter) -> None:
        shares: list[float] = []
        alpha = segmenter.foreground(ball(), box=BOX, progress=shares.append)
        assert (alpha.mode, alpha.size, shares[-1]) == ("L", (320, 240), 1.0)
        seen = np.asarray(alpha)
        assert seen[90:150, 130:190].min() > 200
        assert seen[:40].max() < 40

    def test_the_brush_decides(self, segmenter: Segmenter) -> None:
        strokes = [
            {"keep": True, "size": 20, "points": [[130, 120], [190, 120]]},
            {"keep": False, "size": 20, "points": [[20, 20], [300, 20]]},
        ]
        seen = np.asarray(segmenter.foreground(ball().convert("RGBA"), strokes=strokes))
        assert seen[115:125, 135:185].min() > 200
        assert seen[15:25, 30:290].max() < 40

    def test_without_a_hint_it_finds_it_or_says_what_it_needs(self, segmenter: Segmenter) -> None:
        if segmenter.finds_alone:
            assert np.asarray(segmenter.foreground(ball()))[110:130, 150:170].min() > 200
            return
        with pytest.raises(EngineError, match="Nothing says what is in front") as caught:
            segmenter.foreground(ball())
        assert caught.value.next_step
