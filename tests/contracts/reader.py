"""What every reader promises; an engine's test class inherits it and makes its engine."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from PIL import Image, ImageDraw, ImageFont

from media_processing.engines.base import Reader


def sign(lines: Sequence[str], *, size: int = 60, ink: str = "black", paper: str = "white") -> Image.Image:
    """A picture of some lines of text."""
    picture = Image.new("RGB", (1000, 2 * size * (len(lines) + 1)), paper)
    for number, line in enumerate(lines):
        ImageDraw.Draw(picture).text((60, size + 2 * size * number), line, ink, ImageFont.load_default(size))
    return picture


class ReaderContract:
    @pytest.fixture
    def reader(self) -> Reader:
        raise NotImplementedError

    def test_it_says_what_it_is(self, reader: Reader) -> None:
        assert reader.role == "reader"
        assert reader.title
        assert reader.problems() == []
        assert reader.model

    def test_lines_come_from_the_top(self, reader: Reader) -> None:
        assert reader.read(sign(["Harbour closed", "until Monday"])).splitlines() == ["Harbour closed", "until Monday"]

    def test_light_text_on_dark(self, reader: Reader) -> None:
        assert "Harbour closed" in reader.read(sign(["Harbour closed"], ink="white", paper="#101830"))

    def test_transparent_is_read_on_white(self, reader: Reader) -> None:
        picture = sign(["Harbour closed"]).convert("RGBA")
        picture.putalpha(picture.convert("L").point(lambda value: 255 - value))
        assert reader.read(picture) == "Harbour closed"

    def test_nothing_is_read_where_nothing_is_written(self, reader: Reader) -> None:
        assert reader.read(Image.new("RGB", (800, 600), "teal")) == ""
        assert reader.read(Image.effect_noise((600, 400), 90).convert("RGB")) == ""

    @pytest.mark.parametrize("size", [(1, 1), (2, 900), (900, 2), (3000, 40)])
    def test_any_size_will_do(self, reader: Reader, size: tuple[int, int]) -> None:
        assert reader.read(Image.new("RGB", size, "white")) == ""
