"""What every upscaler promises; an engine's test class inherits it and makes its engine."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from media_processing.engines.base import Upscaler


def slope(width: int, height: int) -> Image.Image:
    """Red grows to the right, green downwards."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width)[None, :]
    pixels[..., 1] = np.linspace(0, 255, height)[:, None]
    return Image.fromarray(pixels)


class UpscalerContract:
    @pytest.fixture
    def upscaler(self) -> Upscaler:
        raise NotImplementedError

    def test_it_says_what_it_is(self, upscaler: Upscaler) -> None:
        assert upscaler.role == "upscaler"
        assert upscaler.title
        assert upscaler.problems() == []
        assert not upscaler.loaded

    @pytest.mark.parametrize(
        ("size", "factor"), [((40, 30), 2.0), ((301, 277), 1.5), ((5, 3), 4.0), ((1, 1), 1.1)], ids=str
    )
    def test_it_is_larger_to_the_pixel_and_the_same_picture(
        self, upscaler: Upscaler, size: tuple[int, int], factor: float
    ) -> None:
        shares: list[float] = []
        small = slope(*size)
        large = upscaler.upscale(small, factor, progress=shares.append)
        assert large.mode == "RGB"
        assert large.size == (round(size[0] * factor), round(size[1] * factor))
        assert shares[-1] == 1.0
        again = np.asarray(large.resize(size, Image.Resampling.BOX), int)
        assert np.abs(again - np.asarray(small, int)).max() <= 24

    def test_what_is_transparent_stays_so(self, upscaler: Upscaler) -> None:
        picture = slope(40, 40).convert("RGBA")
        picture.putalpha(Image.new("L", (40, 40)))
        picture.paste((255, 0, 0, 255), (0, 0, 20, 40))
        alpha = np.asarray(upscaler.upscale(picture, 2.0).getchannel("A"))
        assert alpha[:, :36].min() > 240
        assert alpha[:, 44:].max() < 15
