"""What tells people that something was made with AI: a label on a card or over a whole video, and words to be spoken.

The label stands at the upper left, outside of what cards and videos say: above a card's safe area, and above a video's
headline, across from the logo.
"""

from __future__ import annotations

import functools
import math
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw

from media_processing import cards, lettering
from media_processing.engine import EngineError, Progress, no_progress
from media_processing.ffmpeg import run_ffmpeg
from media_processing.recipes import Recipe, pack
from media_processing.stills import OVERLAY_GAP

EM = 0.028
"""Of a frame's short side."""
PLATE, INK = (16, 16, 16, 216), "#FFFFFF"
"""Dark enough to be read (WCAG AA) over white."""
THREADS = 2
LONGEST = 600.0
"""Seconds that labelling a video may take."""


def words(language: str) -> str:
    """What the label says in a language, in English where nobody wrote it down yet."""
    known = _data()["label"]
    return known.get(language.partition("-")[0].lower(), known["en"])


def spoken(language: str) -> str:
    """What a voice says of a recording in a language; "" where nobody wrote it down yet."""
    return _data()["spoken"].get(language.partition("-")[0].lower(), "")


def is_due(source_type: str) -> bool:
    """Whether machines had a hand in what has this IPTC digital source type ("compositeWithTrained...")."""
    return source_type.lower().endswith("algorithmicmedia")


def drawn(language: str, size: tuple[int, int]) -> Image.Image:
    """The label for a frame of so many pixels: white on a dark plate, RGBA."""
    text, em = words(language), EM * min(size)
    face = lettering.Face("sans", 600, language=language)
    plate = Image.new("RGBA", (math.ceil(face.width(text, em) + em), math.ceil(em * 1.5)))
    ImageDraw.Draw(plate).rounded_rectangle([0, 0, plate.width - 1, plate.height - 1], em * 0.3, fill=PLATE)
    lettering.draw_line(plate, text, em / 2, em * 1.1, em, face, INK, rtl=lettering.is_rtl(text))
    return plate


def on_card(card: Image.Image, language: str) -> Image.Image:
    """A card with the label in its upper margin."""
    left, top, _right, _bottom = cards.safe_area(card.size)
    label = drawn(language, card.size)
    labelled = card.convert("RGB")
    labelled.paste(label, (round(left), max(0, round((top - label.height) / 2 if top < 2 * label.height
                                                     else top - 1.25 * label.height))), label)  # fmt: skip
    return labelled


def on_video(
    source: Path, target: Path, language: str, size: tuple[int, int], recipe: Recipe, *,
    seconds: float | None = None, progress: Progress = no_progress,
) -> None:  # fmt: skip
    """Write a video of ours (or a stream in a zip) again, with the label over it; its sound is copied.

    `seconds` is its length, by which `progress` is told; what `progress` raises stops it. Raises EngineError.
    """
    gap = round(OVERLAY_GAP * min(size)) // 2 * 2
    with tempfile.TemporaryDirectory(prefix="storyloom-") as name:
        folder = Path(name)
        drawn(language, size).save(folder / "label.png")
        stream = folder / "stream"
        stream.mkdir()
        run_ffmpeg(
            [
                "-i", _whole(source, folder) if recipe.playlist else source, "-i", folder / "label.png",
                "-filter_complex", f"[0:v][1:v]overlay={gap}:{gap}:eof_action=repeat:format=yuv420[v]",
                "-map", "[v]", "-map", "0:a?", "-map_metadata", "0", "-c:a", "copy", *recipe.encoder,
                *recipe.threaded(THREADS), "-force_key_frames", "expr:gte(t,n_forced*4)", *recipe.stored(stream),
                stream / recipe.playlist if recipe.playlist else target,
            ],
            timeout=LONGEST, seconds=seconds, progress=progress,
        )  # fmt: skip
        if recipe.playlist:
            pack(stream, target)


def _whole(stream: Path, folder: Path) -> Path:
    """A stream's head and parts as one file."""
    joined = folder / "stream.mp4"
    try:
        with zipfile.ZipFile(stream) as parts, joined.open("wb") as file:
            for name in sorted(each for each in parts.namelist() if not each.endswith(".m3u8")):  # init.mp4 is first
                file.write(parts.read(name))
    except (zipfile.BadZipFile, OSError) as error:
        raise EngineError(f"The stream is damaged: {error}.", next_step="Render it again.") from error
    return joined


@functools.cache
def _data() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(Path(__file__).with_name("disclosures.toml").read_text(encoding="utf-8"))
