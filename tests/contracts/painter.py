"""What every painter promises; an engine's test class inherits it and makes its engine."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from generation.engines.base import Painter
from media_processing.engine import EngineError

WORDS = "red boat on the sea"


class PainterContract:
    size = (96, 64)
    """Small, so that the tests are quick; an engine may ask for another one."""

    @pytest.fixture
    def painter(self) -> Painter:
        raise NotImplementedError

    def test_a_picture_has_the_size_asked_for(self, painter: Painter) -> None:
        width, height = self.size
        picture = painter.draw(WORDS, width=width, height=height, seed=1)
        assert (picture.kind, picture.width, picture.height) == ("image", width, height)
        assert Image.open(io.BytesIO(picture.content)).size == (width, height)
        assert picture.suffix == ".png"
        assert picture.alt

    def test_the_same_seed_gives_the_same_picture(self, painter: Painter) -> None:
        width, height = self.size
        first, second, other = (painter.draw(WORDS, width=width, height=height, seed=seed) for seed in (7, 7, 8))
        assert first.content == second.content
        assert first.content != other.content

    def test_it_says_what_made_the_picture(self, painter: Painter) -> None:
        width, height = self.size
        made_by = painter.draw(WORDS, width=width, height=height, seed=3).made_by
        assert (made_by["role"], made_by["engine"], made_by["seed"]) == ("painter", painter.name, 3)

    def test_no_words_are_refused(self, painter: Painter) -> None:
        with pytest.raises(EngineError):
            painter.draw("  ", width=128, height=128)

    @pytest.mark.parametrize("size", [(8, 128), (128, 100_000)])
    def test_impossible_sizes_are_refused(self, painter: Painter, size: tuple[int, int]) -> None:
        with pytest.raises(EngineError, match="pixels"):
            painter.draw(WORDS, width=size[0], height=size[1])

    def test_stills_only_means_no_clips(self, painter: Painter) -> None:
        if painter.can_move:
            pytest.skip("this painter makes clips")
        with pytest.raises(EngineError, match="stills only"):
            painter.animate(WORDS, width=128, height=128, seconds=1)
