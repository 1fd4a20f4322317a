"""What every painter promises; an engine's test class inherits it and makes its engine."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from generation.engines.base import Painter, Picture, Sampling
from media_processing.engine import EngineError

WORDS = "red boat on the sea"


def opened(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.content)).convert("RGB")


def as_png(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


def photograph(width: int, height: int) -> Image.Image:
    """A picture with another colour everywhere."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([across, down, 255 - across], axis=2).astype(np.uint8))


def marked(width: int, height: int) -> Image.Image:
    """A mask with a disc and a thin line in white."""
    mask = Image.new("L", (width, height))
    pen = ImageDraw.Draw(mask)
    pen.ellipse((width // 4, height // 4, width * 3 // 4, height * 3 // 4), fill=255)
    pen.line((0, 2, width // 2, 2), fill=255, width=2)
    return mask


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
        assert (first.content == second.content) is painter.repeats
        assert first.content != other.content

    def test_it_says_what_made_the_picture(self, painter: Painter) -> None:
        width, height = self.size
        made_by = painter.draw(WORDS, width=width, height=height, seed=3).made_by
        assert (made_by["role"], made_by["engine"]) == ("painter", painter.name)
        assert made_by.get("seed") == (3 if painter.repeats else None)

    def test_variants_are_pictures_of_the_same_words(self, painter: Painter) -> None:
        width, height = self.size
        shares: list[float] = []
        drawn = painter.variants(WORDS, 3, width=width, height=height, seed=4, progress=shares.append)
        assert len({each.content for each in drawn}) == 3
        assert shares == sorted(shares) and shares[-1] == 1.0
        if painter.repeats:
            assert [each.made_by["seed"] for each in drawn] == [4, 5, 6]
            alone = painter.draw(WORDS, width=width, height=height, seed=5)
            assert drawn[1].content == alone.content or drawn[1].made_by["batch"] > 1

    def test_a_picture_is_redrawn_in_its_size(self, painter: Painter) -> None:
        source = as_png(photograph(*self.size))
        if not painter.can_redraw:
            with pytest.raises(EngineError, match="can't") as failed:
                painter.redraw(source, WORDS)
            assert failed.value.permanent and failed.value.next_step
            return
        drawn = painter.redraw(source, WORDS, strength=0.8, seed=1)
        assert opened(drawn).size == (drawn.width, drawn.height) == self.size
        assert drawn.content != source
        assert drawn.made_by["parents"] == [hashlib.sha256(source).hexdigest()]

    def test_what_is_filled_stays_the_same_outside_of_the_mask(self, painter: Painter) -> None:
        source, mask = photograph(*self.size), marked(*self.size)
        if not painter.can_fill:
            with pytest.raises(EngineError, match="can't") as failed:
                painter.fill(as_png(source), as_png(mask), WORDS)
            assert failed.value.permanent and failed.value.next_step
            return
        drawn = painter.fill(as_png(source), as_png(mask), WORDS, seed=1)
        before, after = np.asarray(source, np.int16), np.asarray(opened(drawn), np.int16)
        white = np.asarray(mask) > 0
        assert (before[~white] == after[~white]).all()
        changed = np.abs(before - after).max(axis=2) > 0
        assert changed[white].mean() > 0.5
        assert changed[1:4, : self.size[0] // 4].any(), "a thin line is filled too"
        assert drawn.made_by["parents"] == [hashlib.sha256(as_png(source)).hexdigest()]

    @pytest.mark.parametrize("strength", [0, -0.1, 1.1, float("nan")])
    def test_a_strength_without_sense_is_refused(self, painter: Painter, strength: float) -> None:
        with pytest.raises(EngineError, match=r"strength|can't"):
            painter.redraw(as_png(photograph(*self.size)), WORDS, strength=strength)

    def test_masks_that_mark_nothing_or_have_another_shape_are_refused(self, painter: Painter) -> None:
        source = as_png(photograph(*self.size))
        for mask in (Image.new("L", self.size), Image.new("RGBA", self.size, (255, 255, 255, 0))):
            with pytest.raises(EngineError, match=r"marks nothing|can't"):
                painter.fill(source, as_png(mask), WORDS)
        with pytest.raises(EngineError, match=r"another shape|can't"):
            painter.fill(source, as_png(Image.new("L", self.size[::-1], 255)), WORDS)

    def test_files_that_are_no_pictures_are_refused(self, painter: Painter) -> None:
        source = as_png(photograph(*self.size))
        for picture, mask in ((b"GIF89a", source), (source, b"no picture"), (source[:200], source)):
            with pytest.raises(EngineError):
                painter.fill(picture, mask, WORDS)

    @pytest.mark.parametrize("count", [0, -1, 9])
    def test_a_few_variants_at_once(self, painter: Painter, count: int) -> None:
        with pytest.raises(EngineError, match="variants"):
            painter.variants(WORDS, count, width=96, height=96)

    @pytest.mark.parametrize("seed", [-1, 2**32])
    def test_impossible_seeds_are_refused(self, painter: Painter, seed: int) -> None:
        with pytest.raises(EngineError, match="seed"):
            painter.draw(WORDS, width=96, height=96, seed=seed)

    def test_what_it_does_not_heed_is_refused(self, painter: Painter) -> None:
        everything = Sampling(negative="night", steps=3, guidance=2.0, scheduler="ddim")
        for name in everything.chosen() - painter.takes:
            with pytest.raises(EngineError, match=f"takes no {name}"):
                painter.draw(WORDS, width=96, height=96, sampling=Sampling(**{name: getattr(everything, name)}))

    @pytest.mark.parametrize("words", ["", "  ", "x" * 4001])
    def test_no_words_and_endless_words_are_refused(self, painter: Painter, words: str) -> None:
        with pytest.raises(EngineError):
            painter.draw(words, width=128, height=128)

    @pytest.mark.parametrize("size", [(8, 128), (128, 100_000)])
    def test_impossible_sizes_are_refused(self, painter: Painter, size: tuple[int, int]) -> None:
        with pytest.raises(EngineError, match="pixels"):
            painter.draw(WORDS, width=size[0], height=size[1])

    def test_stills_only_means_no_clips(self, painter: Painter) -> None:
        if painter.can_move:
            pytest.skip("this painter makes clips")
        with pytest.raises(EngineError, match="stills only"):
            painter.animate(WORDS, width=128, height=128, seconds=1)
