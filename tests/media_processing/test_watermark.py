"""The watermark: found after JPEG and halving, not seen, not found where there is none. Rates: tests/benchmarks."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from media_processing import watermark
from media_processing.engine import EngineError, engines

WORDS = ("a boat on the sea", "a car in the city at night", "trees by a river in winter")


@pytest.fixture(scope="module")
def drawings() -> list[Image.Image]:
    drawn = [
        engines["painter", "illustrator"].draw(words, width=width, height=height, seed=5).content
        for words, (width, height) in zip(WORDS, ((270, 480), (320, 240), (256, 256)), strict=True)
    ]
    return [Image.open(io.BytesIO(content)).convert("RGB") for content in drawn]


def jpeg(image: Image.Image, quality: int = 75) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


def half(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2))


def test_it_is_found_after_what_platforms_do_and_not_seen(drawings: list[Image.Image]) -> None:
    for image in drawings:
        assert not watermark.is_marked(image)
        assert not watermark.is_marked(half(jpeg(image)))
        marked = watermark.mark(image)
        assert (marked.size, marked.mode) == (image.size, image.mode)
        assert watermark.psnr(image, marked) > 42
        for worn in (marked, jpeg(marked), half(marked), half(jpeg(marked)), jpeg(half(marked))):
            assert watermark.is_marked(worn)


def test_a_marked_picture_comes_back_as_it_is(drawings: list[Image.Image]) -> None:
    marked = watermark.mark(drawings[0])
    assert watermark.mark(marked).tobytes() == marked.tobytes()


def test_what_is_seen_through_stays_so(drawings: list[Image.Image]) -> None:
    image = drawings[2].copy()
    image.putalpha(Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (256, 1))))
    marked = watermark.mark(image)
    assert marked.mode == "RGBA"
    assert marked.getchannel("A").tobytes() == image.getchannel("A").tobytes()
    assert watermark.is_marked(marked)


def test_noise_and_flat_pictures_are_no_alarm() -> None:
    rng = np.random.default_rng(1)
    scores = [watermark.score(Image.fromarray(rng.integers(0, 256, (90, 120, 3), np.uint8))) for _ in range(60)]
    assert max(np.abs(scores)) < watermark.FOUND
    assert 0.7 < np.std(scores) < 1.3
    assert watermark.score(Image.new("RGB", (300, 300), "teal")) == pytest.approx(0, abs=watermark.FOUND)


def test_a_cropped_picture_loses_it(drawings: list[Image.Image]) -> None:
    """Said in the documentation; here so that nobody claims otherwise."""
    marked = watermark.mark(drawings[0])
    assert not watermark.is_marked(marked.crop((30, 40, 240, 400)))


@pytest.mark.parametrize("size", [(127, 400), (400, 100), (1, 1)])
def test_small_pictures_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(EngineError, match="too small"):
        watermark.mark(Image.new("RGB", size, "teal"))
    assert not watermark.is_marked(Image.new("RGB", size, "teal")) or min(size) >= 64


@pytest.mark.parametrize("colour", ["white", "black", "teal"])
def test_one_flat_colour_is_changed_by_next_to_nothing(colour: str) -> None:
    image = Image.new("RGB", (256, 256), colour)
    marked = watermark.mark(image)
    assert watermark.is_marked(watermark.worn_down(marked))
    assert np.abs(np.asarray(marked).astype(int) - np.asarray(image)).max() <= 4


def test_what_would_be_seen_is_refused(drawings: list[Image.Image], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watermark, "LOUDEST", watermark.FIRST)
    monkeypatch.setattr(watermark, "WANTED", 60.0)
    with pytest.raises(EngineError, match="invisible"):
        watermark.mark(drawings[0])
