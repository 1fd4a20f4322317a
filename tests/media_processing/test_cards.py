"""Cards: in every shape, nothing clipped, nothing unreadable."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from media_processing import cards, lettering
from media_processing.cards import Card, compose
from media_processing.engine import EngineError
from media_processing.gate import check_card
from media_processing.lettering import Face
from media_processing.timeline import FORMATS, Look

pytestmark = pytest.mark.slow  # `make quick` leaves it out

SIZES = [size for name, size in FORMATS.items() if name.startswith("card:")]
LONG = "A headline that goes on and on about the harbour, the council, the boats and the skippers, " * 6


def picture(folder: Path, kind: str) -> Path:
    pixels = {
        "white": np.full((600, 800, 3), 255),
        "black": np.zeros((600, 800, 3)),
        "noise": np.random.default_rng(2).integers(0, 255, (600, 800, 3)),
    }[kind]
    Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{kind}.png")
    return folder / f"{kind}.png"


@pytest.mark.parametrize("layout", cards.layouts())
@pytest.mark.parametrize("ground", ["white", "black", "noise"])
def test_text_is_readable_on_any_picture_and_stays_on_the_card(tmp_path: Path, layout: str, ground: str) -> None:
    for size in SIZES:
        card = Card(
            "Forty boats go electric in Port Ellis", layout, picture(tmp_path, ground), kicker="Energy",
            text="The council voted on Monday.", figure="40", by="Maria Okafor", credit="Photo: A. Person",
        )  # fmt: skip
        composed = compose(card, size, Look())
        assert composed.image.size == size and composed.image.mode == "RGB"
        assert [finding for finding in check_card(composed) if finding.severity == "blocking"] == []
        assert not any(part.setting.shortened for part in composed.parts)
        for one, other in zip(composed.parts[1:], composed.parts[2:], strict=False):
            assert one.box[3] <= other.box[1] + 1  # parts follow each other


@pytest.mark.parametrize("layout", cards.layouts())
def test_too_much_text_ends_in_an_ellipsis_at_a_legible_size(tmp_path: Path, layout: str) -> None:
    for size in SIZES:
        card = Card(LONG, layout, picture(tmp_path, "noise"), kicker="Energy", text=LONG, figure="40", by="Someone")
        composed = compose(card, size, Look())
        assert [finding for finding in check_card(composed) if finding.severity == "blocking"] == []
        main = max(composed.parts, key=lambda part: len(part.setting.lines))
        assert main.setting.lines[-1].endswith("…")
        assert main.setting.size >= min(size) * 0.035


def test_a_word_without_a_space_is_broken_not_clipped() -> None:
    setting = lettering.fit("Donaudampfschifffahrt" * 4, 300, 900, Face("serif"), largest=80, smallest=40)
    assert setting.width <= 300 and "".join(setting.lines) == "Donaudampfschifffahrt" * 4


def test_lines_are_even() -> None:
    lines = lettering.wrap("The council said on Monday that it will go", 600, Face(), 60)
    widths = [Face().width(line, 60) for line in lines]
    assert min(widths) > 0.5 * max(widths)


def test_arabic_stands_on_the_right_with_numbers_the_right_way() -> None:
    image = Image.new("RGB", (800, 200), "white")
    setting = lettering.fit("مرحبا بالعالم", 760, 160, Face(language="ar"), largest=60, smallest=60)
    taken = lettering.draw(image, setting, (20, 20, 780, 180), "black")
    assert taken[2] == pytest.approx(780) and taken[0] > 300
    runs = lettering.visual_runs("عام 2029 Storyloom", Face(language="ar"), rtl=True)
    assert "Storyloom" in runs[0][0].text and not runs[0][1]


def test_shaping_joins_letters() -> None:
    """Lam and alef become one sign; a vowel sign in Devanagari has no width of its own."""
    assert Face().width("لا", 60) < 0.9 * (Face().width("ل", 60) + Face().width("ا", 60))
    assert Face().width("कु", 60) == pytest.approx(Face().width("क", 60), abs=1)


def test_emoji_are_in_colour() -> None:
    image = Image.new("RGB", (200, 120), "white")
    lettering.draw_line(image, "🎉", 20, 90, 60, Face(), "black", rtl=False)
    pixels = np.asarray(image).astype(int)
    assert (np.ptp(pixels, axis=2) > 60).sum() > 100


def test_a_script_without_a_font_is_refused() -> None:
    with pytest.raises(EngineError, match="No font"):
        compose(Card("ok \ue000"), (1080, 1080), Look())
    with pytest.raises(EngineError, match="Choose from full-bleed"):
        compose(Card("x", "poster"), (1080, 1080), Look())


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_encoding(tmp_path: Path, kind: str) -> None:
    image = cards.render_card(Card("Hello", picture=picture(tmp_path, "noise")), (540, 540), Look())
    small, large = (cards.encode(image, kind, quality=quality) for quality in (40, 95))  # type: ignore[arg-type]
    with Image.open(io.BytesIO(large)) as read:
        assert read.format == kind.upper() and read.size == (540, 540)
    assert kind == "png" or len(small) < len(large)


def test_a_card_without_a_picture_is_set_on_its_ground() -> None:
    for layout in cards.layouts():
        composed = compose(Card("No picture here", layout, figure="7"), (1080, 1350), Look())
        assert check_card(composed) == []
