"""Setting text with Pillow: fitted to a box by rules, shaped by HarfBuzz, drawn run by run with fonts that cover it."""

from __future__ import annotations

import functools
import unicodedata
from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image, ImageDraw

from media_processing import fonts

Align = Literal["start", "centre", "end"]
Box = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels."""

_SMALL_KANA = "ーっゃゅょぁぃぅぇぉッャュョァィゥェォ"
_WIDE_SCRIPTS_TALLER = 1.14
"""Scripts with marks above and below need more room between lines than Latin."""


@dataclass(frozen=True)
class Face:
    """How text is set: family ("sans", "serif"), weight, line pitch in ems, and the language of the text."""

    family: str = "sans"
    weight: int = 700
    leading: float = 1.2
    language: str = "en"

    def width(self, text: str, size: float) -> float:
        return fonts.width(text, size, self.family, weight=self.weight, language=self.language)


@dataclass(frozen=True)
class Setting:
    """Text that was fitted: its lines, the em in pixels, the pitch of lines in pixels, and whether words were lost."""

    lines: tuple[str, ...]
    size: float
    pitch: float
    face: Face
    shortened: bool = False

    @property
    def height(self) -> float:
        """From the top of the capitals' room to the bottom of the descenders."""
        return (len(self.lines) - 1) * self.pitch + self.size * 1.02

    @property
    def width(self) -> float:
        return max((self.face.width(line, self.size) for line in self.lines), default=0.0)


def fit(
    text: str, width: float, height: float, face: Face, *, largest: float, smallest: float, lines: int = 12
) -> Setting:
    """Set text as large as it fits into a box of pixels, between two em sizes.

    Where even the smallest size is too large, the last line ends in an ellipsis and the setting says so.
    Raises EngineError for a script without a font.
    """
    text = " ".join(text.split())
    steps = max(1, min(24, int((largest - smallest) / max(1.0, smallest * 0.04)) + 1))
    for step in range(steps):
        size = largest - (largest - smallest) * step / max(1, steps - 1)
        setting = at_size(text, width, face, size)
        if fits(setting, width, height, lines):
            return setting
    return shortened(text, width, height, face, smallest, lines)


def fits(setting: Setting, width: float, height: float, lines: int) -> bool:
    return len(setting.lines) <= lines and setting.height <= height and setting.width <= width + 0.5


def wrap(text: str, width: float, face: Face, size: float) -> tuple[str, ...]:
    """Break text into lines no wider than `width` pixels, as even as they can be without more lines."""
    full = _greedy(text, width, face, size)
    if len(full) < 2:
        return full
    low, high = width * 0.55, width
    for _ in range(6):
        middle = (low + high) / 2
        even = _greedy(text, middle, face, size)
        if len(even) > len(full) or any(face.width(line, size) > middle for line in even):
            low = middle
        else:
            high = middle
    even = _greedy(text, high, face, size)
    return even if len(even) == len(full) else full


def draw(image: Image.Image, setting: Setting, box: Box, colour: str, *, align: Align = "start") -> Box:
    """Draw a setting at the top of a box; return what the lines take. "start" is on the right for Arabic."""
    left, top, right, _bottom = box
    rtl = is_rtl(" ".join(setting.lines))
    side = {"start": 1.0 if rtl else 0.0, "centre": 0.5, "end": 0.0 if rtl else 1.0}[align]
    baseline = top + setting.size * 0.8
    taken_left, taken_right = right, left
    for line in setting.lines:
        wide = setting.face.width(line, setting.size)
        x = left + (right - left - wide) * side
        draw_line(image, line, x, baseline, setting.size, setting.face, colour, rtl=rtl)
        taken_left, taken_right = min(taken_left, x), max(taken_right, x + wide)
        baseline += setting.pitch
    return taken_left, top, taken_right, top + setting.height


def draw_line(
    image: Image.Image, line: str, x: float, baseline: float, size: float, face: Face, colour: str, *, rtl: bool
) -> None:
    """Draw one line from its left end, runs in visual order."""
    pen = ImageDraw.Draw(image)
    for run, run_rtl in visual_runs(line, face, rtl=rtl):
        if run.font.colour:
            _emoji(image, run, x, baseline, size)
        else:
            pen.text(
                (x, baseline), run.text, fill=colour, font=run.font.at(size), anchor="ls",
                direction="rtl" if run_rtl else "ltr", language=face.language or None,
            )  # fmt: skip
        x += fonts.advance(run, size)


def visual_runs(line: str, face: Face, *, rtl: bool) -> list[tuple[fonts.Run, bool]]:
    """Runs from left to right, each with its direction.

    One level of embedding, which is what headlines have: stretches of the other direction keep their own order, and
    what has no direction of its own goes with the line. Within a run raqm orders numbers and brackets.
    """
    pieces: list[list[tuple[fonts.Run, bool]]] = []
    for text, piece_rtl in _directions(line, rtl):
        runs = fonts.split_runs(text, face.family, weight=face.weight, language=face.language)
        pieces.append([(run, piece_rtl) for run in (reversed(runs) if piece_rtl else runs)])
    return [run for piece in (reversed(pieces) if rtl else pieces) for run in piece]


def is_rtl(text: str) -> bool:
    """The direction of a line is that of its first strong letter."""
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind in ("R", "AL"):
            return True
        if kind == "L":
            return False
    return False


def _directions(line: str, rtl: bool) -> list[tuple[str, bool]]:
    """Split a line into stretches of one direction; neutral characters between two alike go with them."""
    stretches: list[tuple[str, bool]] = []
    neutral = ""
    for character in line:
        kind = unicodedata.bidirectional(character)
        if kind not in ("R", "AL", "L"):
            neutral += character
            continue
        strong = kind != "L"
        if stretches and stretches[-1][1] == strong:
            stretches[-1] = (stretches[-1][0] + neutral + character, strong)
        elif strong == rtl or not neutral:
            stretches.append((neutral + character, strong))
        elif stretches:
            stretches[-1] = (stretches[-1][0] + neutral, stretches[-1][1])
            stretches.append((character, strong))
        else:
            stretches += [(neutral, rtl), (character, strong)]
        neutral = ""
    if neutral and stretches and stretches[-1][1] == rtl:
        stretches[-1] = (stretches[-1][0] + neutral, rtl)
    elif neutral:
        stretches.append((neutral, rtl))
    return stretches


def at_size(text: str, width: float, face: Face, size: float, *, even: bool = True) -> Setting:
    """Set text at one size; without `even` lines are filled one after the other, the same number of them."""
    # Punctuation from U+2000 on is Latin's own.
    taller = any(0x590 < ord(c) < 0x1E00 or 0x2E80 < ord(c) < 0x1F000 for c in text)
    pitch = size * face.leading * (_WIDE_SCRIPTS_TALLER if taller else 1.0)
    lines = wrap(text, width, face, size) if even else _greedy(text, width, face, size)
    return Setting(lines, size, pitch, face)


def shortened(text: str, width: float, height: float, face: Face, size: float, lines: int) -> Setting:
    """As many whole words as fit, and an ellipsis."""
    units = _units(" ".join(text.split()))
    low, high = 0, len(units)
    best = "…"
    while low <= high:
        middle = (low + high) // 2
        kept = "".join(units[:middle]).rstrip(" ,;:–—-") + "…"
        if fits(at_size(kept, width, face, size, even=False), width, height, lines):
            best, low = kept, middle + 1
        else:
            high = middle - 1
    return replace(at_size(best, width, face, size), shortened=True)


def _greedy(text: str, width: float, face: Face, size: float) -> tuple[str, ...]:
    lines: list[str] = []
    line: list[str] = []
    used = 0.0
    for unit in _units(text):
        own = face.width(unit.rstrip(), size)
        if line and used + own > width:
            lines.append("".join(line).rstrip())
            line, used = [], 0.0
        if own > width:
            *whole, rest = _by_letters(unit, width, face, size)
            lines += whole
            unit = rest
        line.append(unit)
        used += face.width(unit, size)
    if line:
        lines.append("".join(line).rstrip())
    return tuple(lines)


@functools.lru_cache(maxsize=1024)
def _units(text: str) -> tuple[str, ...]:
    """What a line may break after: a word with its space, a dash, a Chinese or Japanese character."""
    units, unit = [], ""
    for cluster in fonts.clusters(text):
        if unit and _may_break(unit, cluster):
            units.append(unit)
            unit = ""
        unit += cluster
    return (*units, unit) if unit else tuple(units)


def _may_break(before: str, cluster: str) -> bool:
    if cluster == " ":
        return False
    if before.endswith(" ") or (before[-1] in "—–-/" and len(before) > 2):
        return True
    wide = unicodedata.east_asian_width(cluster[0]) in "WF" and not fonts.is_emoji(cluster)
    # Closing brackets, full stops and small kana never begin a line, opening brackets never end one.
    closes = unicodedata.category(cluster[0]) in ("Pe", "Pf", "Po") or cluster in _SMALL_KANA
    return wide and not closes and unicodedata.category(before[-1]) not in ("Ps", "Pi")


def _by_letters(word: str, width: float, face: Face, size: float) -> list[str]:
    pieces, piece = [], ""
    for cluster in fonts.clusters(word):
        if piece and face.width(piece + cluster, size) > width:
            pieces.append(piece)
            piece = ""
        piece += cluster
    return [*pieces, piece]


@functools.lru_cache(maxsize=64)
def _emoji_picture(text: str, font: fonts.Font) -> Image.Image:
    face = font.at(fonts.COLOUR_SIZE)
    wide = max(1, round(face.getlength(text)))
    picture = Image.new("RGBA", (wide, round(fonts.COLOUR_SIZE * 1.2)))
    ImageDraw.Draw(picture).text((0, fonts.COLOUR_SIZE), text, font=face, embedded_color=True, anchor="ls")
    return picture


def _emoji(image: Image.Image, run: fonts.Run, x: float, baseline: float, size: float) -> None:
    scale = size / fonts.COLOUR_SIZE
    picture = _emoji_picture(run.text, run.font)
    picture = picture.resize(
        (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))), Image.Resampling.LANCZOS
    )
    place = (round(x), round(baseline - size))
    if image.mode == "RGBA":
        image.alpha_composite(picture, (max(0, place[0]), max(0, place[1])))
    else:
        image.paste(picture, place, picture)
