"""What is measured of a picture: each fault lowers its own part."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from media_processing import looks
from media_processing import services as media
from media_processing.cropping import Face
from tests.conftest import Cast
from tests.media_processing.makers import picture_bytes

FULL = (1080, 1440)


@pytest.fixture(scope="module")
def crisp() -> Image.Image:
    """Coloured tiles with edges, half of them light."""
    tiles = np.random.default_rng(4).choice([20, 235], (12, 9, 3)).astype(np.uint8)
    return Image.fromarray(np.kron(tiles, np.ones((40, 40, 1), np.uint8)))


def test_a_good_picture_has_nothing_against_it(crisp: Image.Image) -> None:
    parts = looks.measured(crisp, FULL)
    assert min(parts.values()) > 0.8
    assert looks.quality(parts) > 0.9
    assert looks.in_words(parts) == ""
    assert "faces" not in parts  # nobody looked


@pytest.mark.parametrize(
    ("part", "word", "spoil"),
    [
        ("sharpness", "soft", lambda picture: picture.filter(ImageFilter.GaussianBlur(9))),
        ("exposure", "badly exposed", lambda picture: ImageEnhance.Brightness(picture).enhance(0.08)),
        ("contrast", "flat", lambda picture: ImageEnhance.Contrast(picture).enhance(0.1)),
        ("colour", "few colours", lambda picture: ImageEnhance.Color(picture).enhance(0.0)),
    ],
)
def test_each_fault_lowers_its_part(crisp: Image.Image, part: str, word: str, spoil: object) -> None:
    good, spoilt = looks.measured(crisp, FULL), looks.measured(spoil(crisp), FULL)  # type: ignore[operator]
    assert spoilt[part] < 0.5 < good[part]
    assert looks.quality(spoilt) < looks.quality(good)
    assert word in looks.in_words(spoilt)


def test_few_pixels_and_cut_faces_count(crisp: Image.Image) -> None:
    small = looks.measured(crisp, (270, 360))
    assert small["resolution"] == 0.25
    whole, cut = Face(0.3, 0.3, 0.2, 0.2), Face(0.0, 0.3, 0.2, 0.2)
    assert looks.measured(crisp, FULL, [whole])["faces"] == 1.0
    assert looks.measured(crisp, FULL, [whole, cut])["faces"] == 0.5
    assert "faces" not in looks.measured(crisp, FULL, [])


@pytest.mark.parametrize("colour", ["black", "white", "#777777"])
def test_a_plain_picture_is_no_error(colour: str) -> None:
    parts = looks.measured(Image.new("RGB", (20, 1), colour), (20, 1))
    assert all(0 <= value <= 1 for value in parts.values())
    assert looks.quality(parts) < 0.5
    assert looks.quality({}) == 0.0


def test_an_import_measures_it_and_looking_again_fills_it_in(cast: Cast) -> None:
    asset, _new = media.store_asset(cast.workspace.pk, picture_bytes(), licence="CC0")
    assert asset.quality == looks.quality(asset.looks)
    before, colours = asset.looks, asset.colours
    asset.looks, asset.quality = {}, None
    media.look_again(asset)
    assert (asset.looks, asset.colours) == (before, colours)
    assert asset.quality is not None
