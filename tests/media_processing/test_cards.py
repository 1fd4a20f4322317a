"""Cards: in every shape, nothing clipped, nothing unreadable."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

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


LINES = {
    "en": ("Forty boats go electric in Port Ellis", "The council voted on Monday.", "Maria Okafor"),
    "hi": ("पोर्ट एलिस में चालीस नावें बिजली से चलेंगी", "परिषद ने सोमवार को मतदान किया।", "मारिया ओकाफ़ोर"),
    "ta": ("நாற்பது படகுகள் மின்சாரத்தில் இயங்கும்", "நகரசபை திங்களன்று வாக்களித்தது.", "மரியா ஒகாஃபோர்"),
    "bn": ("চল্লিশটি নৌকা বিদ্যুতে চলবে", "পরিষদ সোমবার ভোট দিয়েছে।", "মারিয়া ওকাফর"),
    "ar": ("أربعون قاربا تعمل بالكهرباء في بورت إليس", "صوت المجلس يوم الاثنين.", "ماريا أوكافور"),
    "th": ("เรือสี่สิบลำจะใช้ไฟฟ้าที่พอร์ตเอลลิส", "สภาลงมติเมื่อวันจันทร์", "มาเรีย โอคาฟอร์"),
    "zh": ("埃利斯港四十艘渔船将改用电力", "市议会周一投票通过。", "玛丽亚·奥卡福"),
}


def full(folder: Path, layout: str, ground: str = "noise", language: str = "en") -> Card:
    """A card with something for every place of every layout."""
    headline, text, name = LINES[language]
    shown = [picture(folder, each) for each in (ground, "white", "black")]
    return Card(
        headline, layout, shown[0], pictures=(shown[1], shown[2]), kicker=name, text=text, figure="40 %", claim=text,
        quote=f"“{text}”", by=name, items=(headline, text, text, name), options=(text, name), labels=(name, text),
        page=(2, 5) if layout == "carousel" else None, logo=logo(folder), credit=name, language=language,
    )  # fmt: skip


def logo(folder: Path) -> Path:
    Image.new("RGBA", (200, 80), (11, 107, 102, 255)).save(folder / "logo.png")
    return folder / "logo.png"


def flaws(composed: cards.Composed) -> list[str]:
    """What the gate blocks, and places that can't be right."""
    found = [finding.message for finding in check_card(composed) if finding.severity == "blocking"]
    stacked = [part for part in composed.parts if not part.name.startswith(("credit", "label", "page"))]
    for one, other in itertools.pairwise(stacked):
        if one.box[3] > other.box[1] + 1:
            found.append(f"{one.name} runs into {other.name}")
    for part in composed.parts:
        if part.setting.width > part.box[2] - part.box[0] + 1:
            found.append(f"{part.name} is wider than its place")
    return found


@pytest.mark.parametrize("layout", cards.layouts())
@pytest.mark.parametrize("ground", ["white", "black", "noise"])
def test_text_is_readable_on_any_picture_and_stays_on_the_card(tmp_path: Path, layout: str, ground: str) -> None:
    for size in SIZES:
        composed = compose(full(tmp_path, layout, ground), size, Look())
        assert composed.image.size == size and composed.image.mode == "RGB"
        assert flaws(composed) == []
        stacked = [part for part in composed.parts if not part.name.startswith("label")]
        assert not any(part.setting.shortened for part in stacked)


@pytest.mark.parametrize("language", [language for language in LINES if language != "en"])
@pytest.mark.parametrize("layout", cards.layouts())
def test_every_layout_sets_every_script(tmp_path: Path, layout: str, language: str) -> None:
    for size in SIZES:
        assert flaws(compose(full(tmp_path, layout, language=language), size, Look(), scale=0.25)) == []


def test_an_arabic_quote_begins_on_the_right(tmp_path: Path) -> None:
    composed = compose(full(tmp_path, "quote", language="ar"), (1080, 1080), Look())
    quote = next(part for part in composed.parts if part.name == "quote")
    above = composed.image.crop((int(quote.box[0]), int(quote.box[1]) - 110, int(quote.box[2]), int(quote.box[1]) - 20))
    inked = (np.abs(np.asarray(above, int) - np.array((20, 19, 17))).sum(axis=2) > 150).any(axis=0)
    assert np.flatnonzero(inked).min() > above.width * 0.6


@pytest.mark.parametrize("layout", cards.layouts())
def test_too_much_text_ends_in_an_ellipsis_at_a_legible_size(tmp_path: Path, layout: str) -> None:
    for size in SIZES:
        card = replace(
            full(tmp_path, layout), headline=LONG, text=LONG, quote=LONG, claim=LONG, items=(LONG,) * 5,
            options=(LONG, LONG), labels=(LONG, LONG),
        )  # fmt: skip
        composed = compose(card, size, Look(), scale=0.25)
        assert flaws(composed) == []
        cut = [part for part in composed.parts if part.setting.shortened]
        assert cut and all(part.setting.lines[-1].endswith("…") for part in cut)
        assert all(part.setting.size >= min(size) * 0.025 for part in cut)


@pytest.mark.parametrize("layout", cards.layouts())
def test_a_preview_breaks_lines_as_the_card_does(tmp_path: Path, layout: str) -> None:
    for size in SIZES:
        card = full(tmp_path, layout)
        whole, half = compose(card, size, Look()), compose(card, size, Look(), scale=0.5)
        assert half.image.size == (size[0] // 2, size[1] // 2)
        assert [(part.name, part.setting.lines, part.box) for part in half.parts] == [
            (part.name, part.setting.lines, part.box) for part in whole.parts
        ]
        soft = whole.image.resize(half.image.size, Image.Resampling.BOX)
        apart = np.abs(np.asarray(soft, np.float32) - np.asarray(half.image, np.float32))
        assert np.median(apart) <= 6  # the noise of the picture itself


def test_a_brand_whose_colours_are_too_near_is_made_readable(tmp_path: Path) -> None:
    near = Look(ground="#FFEEDD", ink="#FFFFFF", accent="#FFDDCC", paper="#222222", paper_ink="#333333",
                paper_accent="#2A2A2A")  # fmt: skip
    for layout in cards.layouts():
        assert flaws(compose(full(tmp_path, layout), (1080, 1080), near)) == []


def test_a_layout_without_its_material_says_what_is_lacking(tmp_path: Path) -> None:
    bare = Card("Forty boats go electric")
    why = {name: cards.lacks(bare, name) for name in cards.layouts()}
    assert {name for name, said in why.items() if not said} == {"full-bleed", "split", "words"}
    assert "number" in why["stat"] and "two answers" in why["poll"]
    with pytest.raises(EngineError, match="number with its unit"):
        compose(replace(bare, layout="stat"), (1080, 1080), Look())


@pytest.mark.parametrize(
    ("said", "layout"),
    [
        ({}, "full-bleed"),
        ({"headline": "A long headline about the harbour " * 4}, "split"),
        ({"headline": "40 % of boats go electric", "figure": "40 %"}, "stat"),
        ({"headline": "3 ways to the harbour", "items": ("On foot", "By bus", "By boat")}, "list"),
        ({"headline": "“We hear the gulls”", "quote": "We hear the gulls", "by": "Maria"}, "quote"),
        ({"options": ("Yes", "No")}, "poll"),
        ({"picture": None}, "words"),
    ],
)
def test_the_layout_that_fits_is_chosen_by_what_the_card_says(
    tmp_path: Path, said: dict[str, Any], layout: str
) -> None:
    card = Card(**{"headline": "Forty boats go electric", "picture": picture(tmp_path, "noise"), **said})
    name, why = cards.fitting(card)
    assert (name, bool(why)) == (layout, True)


BATCH = """
import resource, sys
from pathlib import Path
from PIL import Image
from media_processing import cards
from media_processing.timeline import Look

folder, peaks = Path(sys.argv[1]), []
for number in range(32):
    picture = folder / f"{number}.png"
    Image.new("RGB", (1600, 1200), (number * 7, 90, 90)).save(picture)
    card = cards.Card(f"Card number {number} of many", picture=picture)
    cards.encode(cards.compose(card, (400, 400), Look()).image, "png")
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(peaks[-1] - peaks[11])
"""


def test_a_batch_holds_memory_flat(tmp_path: Path) -> None:
    """However many pictures went by, no more than one card's are kept: 20 more of them would be 115 MB."""
    said = subprocess.run([sys.executable, "-c", BATCH, str(tmp_path)], capture_output=True, text=True, check=True)
    assert int(said.stdout) < 20_000


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


@pytest.mark.parametrize("kind", cards.TYPES)
def test_encoding(tmp_path: Path, kind: str) -> None:
    image = cards.render_card(Card("Hello", picture=picture(tmp_path, "noise")), (540, 540), Look())
    small, large = (cards.encode(image, kind, quality=quality) for quality in (40, 95))  # type: ignore[arg-type]
    with Image.open(io.BytesIO(large)) as read:
        assert read.format == kind.upper() and read.size == (540, 540)
    assert kind == "png" or len(small) < len(large)


def test_a_card_without_a_picture_is_set_on_its_ground() -> None:
    for layout in ("full-bleed", "split", "words"):
        composed = compose(Card("No picture here", layout), (1080, 1350), Look())
        assert check_card(composed) == []
