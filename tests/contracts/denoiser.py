"""What every denoiser promises; an engine's test class inherits it and makes its engine."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from media_processing.engines.base import Denoiser


def grainy(size: tuple[int, int] = (96, 64)) -> Image.Image:
    """Grey with grain of a standard deviation of 12."""
    grain = np.random.default_rng(5).normal(128, 12, (size[1], size[0], 3))
    return Image.fromarray(np.clip(grain, 0, 255).astype(np.uint8))


class DenoiserContract:
    @pytest.fixture
    def denoiser(self) -> Denoiser:
        raise NotImplementedError

    def test_it_says_what_it_is(self, denoiser: Denoiser) -> None:
        assert denoiser.role == "denoiser"
        assert denoiser.title
        assert denoiser.problems() == []
        assert not denoiser.loaded

    def test_the_grain_goes_and_more_of_it_with_more_strength(self, denoiser: Denoiser) -> None:
        picture = grainy()
        weak, strong = (np.asarray(denoiser.denoise(picture, strength), float) for strength in (1.0, 15.0))
        assert strong.shape == (64, 96, 3)
        assert strong.mean() == pytest.approx(128, abs=2)
        assert strong.std() < 0.6 * np.asarray(picture, float).std()
        assert strong.std() < weak.std()

    def test_transparency_stays(self, denoiser: Denoiser) -> None:
        picture = grainy().convert("RGBA")
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
        made = denoiser.denoise(picture, 4.0)
        assert made.mode == "RGBA"
        assert np.array_equal(np.asarray(made.getchannel("A")), np.asarray(picture.getchannel("A")))
