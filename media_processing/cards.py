"""Image cards: one design in every shape. Text is fitted by rules, and its contrast is measured on the pixels."""

from __future__ import annotations

import bisect
import functools
import io
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageOps

from media_processing import fonts, lettering
from media_processing.decoding import open_picture
from media_processing.engine import EngineError
from media_processing.lettering import Box, Face, Setting
from media_processing.stills import contrast, cover, luminance
from media_processing.timeline import Look

CONTRAST = 4.5
"""WCAG AA for text, held against the lightest twentieth of the pixels around it."""
TALL, WIDE = 1.12, 0.88
"""Height by width from which a card is tall, up to which it is wide."""
PHONE = 1.6
"""Height by width from which phones draw over top and bottom."""


@dataclass(frozen=True)
class Card:
    """What a card says and shows. A layout takes the parts that it has a place for."""

    headline: str
    layout: str = "full-bleed"
    picture: Path | None = None
    focus: tuple[float, float] = (0.5, 0.5)
    kicker: str = ""
    text: str = ""
    figure: str = ""
    by: str = ""
    """Who said the quote."""
    credit: str = ""
    language: str = "en"


@dataclass(frozen=True)
class Part:
    """A piece of text as it was set: where it stands in pixels, its colour, and the contrast measured around it."""

    name: str
    setting: Setting
    box: Box
    colour: str
    contrast: float = 21.0


@dataclass(frozen=True)
class Composed:
    """A finished card with what a check wants to know of it. `dropped` names optional parts that had no room."""

    image: Image.Image
    parts: tuple[Part, ...]
    dropped: tuple[str, ...] = ()


def layouts() -> dict[str, str]:
    """Name and title of every layout."""
    return {name: layout["title"] for name, layout in _data()["layouts"].items()}


def render_card(card: Card, size: tuple[int, int], look: Look) -> Image.Image:
    """Draw a card in RGB at `size` (width and height in pixels). Raises EngineError for text without a font."""
    return compose(card, size, look).image


def compose(card: Card, size: tuple[int, int], look: Look) -> Composed:
    """Draw a card and keep what was decided on the way."""
    if card.layout not in _data()["layouts"]:
        raise EngineError(
            f"There is no card layout {card.layout!r}.",
            next_step=f"Choose from {', '.join(layouts())}.",
            permanent=True,
        )
    for text in (card.headline, card.kicker, card.text, card.figure, card.by, card.credit):
        fonts.require(text, language=card.language)
    plan = _Plan(card, size, look)
    parts, dropped = plan.stack()
    image = plan.ground(parts)
    measured = []
    for part in parts:
        seen = _lowest_contrast(image, part.box, part.colour)
        measured.append(replace(part, contrast=seen))
    plan.marks(image, parts)
    for part in parts:
        lettering.draw(image, part.setting, part.box, part.colour)
    return Composed(image, tuple(measured), tuple(dropped))


def encode(image: Image.Image, kind: Literal["png", "jpeg", "webp"], *, quality: int = 88) -> bytes:
    """The bytes of a card. PNG takes no quality."""
    options: dict[str, dict[str, Any]] = {
        "png": {"optimize": True},
        # Full chroma: coloured text on dark ground frays with half of it.
        "jpeg": {"quality": quality, "subsampling": 0, "optimize": True, "progressive": True},
        "webp": {"quality": quality, "method": 4},
    }
    if kind not in options:
        raise ValueError(f"Cards are written as {', '.join(options)}, not {kind!r}.")
    buffer = io.BytesIO()
    image.save(buffer, kind.upper(), **options[kind])
    return buffer.getvalue()


class _Plan:
    """One card in one size: its areas, colours and stack of text."""

    def __init__(self, card: Card, size: tuple[int, int], look: Look) -> None:
        self.card, self.size, self.look = card, size, look
        self.width, self.height = size
        self.unit: float = (min(size) + (self.width * self.height) ** 0.5) / 2
        self.layout: Mapping[str, Any] = _data()["layouts"][card.layout]
        ratio = self.height / self.width
        self.shape: Mapping[str, Any] = self.layout["tall" if ratio >= TALL else "wide" if ratio <= WIDE else "square"]
        dark = {"ground": look.ground, "ink": look.ink, "accent": look.accent}
        paper = {"ground": look.paper, "ink": look.paper_ink, "accent": look.paper_accent}
        deep = _deepened(look.paper_accent, look.accent)
        tint = {"ground": deep, "ink": look.ink, "accent": look.accent}
        self.colours = {"dark": dark, "paper": paper, "tint": tint}[self.layout["ground"]]

    @property
    def has_picture(self) -> bool:
        return self.card.picture is not None

    def picture_area(self) -> tuple[int, int, int, int]:
        left, top, right, bottom = self.shape["picture"]
        return (
            round(left * self.width), round(top * self.height), round(right * self.width), round(bottom * self.height)
        )  # fmt: skip

    def text_area(self) -> Box:
        """Where text may stand: the layout's area less margins, and less what phones draw over."""
        left, top, right, bottom = self.shape["text"] if self.has_picture else (0, 0, 1, 1)
        margin = _data()["margin"] * self.unit
        box = [left * self.width + margin, top * self.height + margin]
        box += [right * self.width - margin, bottom * self.height - margin]
        if self.height / self.width >= PHONE:
            above, below = _data()["safe_tall"]
            box[1], box[3] = max(box[1], above * self.height), min(box[3], (1 - below) * self.height)
        return box[0], box[1], box[2], box[3]

    def stack(self) -> tuple[list[Part], list[str]]:
        """Every part set and placed: at one scale for all, the largest at which they fit."""
        left, top, right, bottom = self.text_area()
        parts, credit_height = self._credit((left, top, right, bottom))
        bottom -= credit_height
        names = [name for name in self.layout["stack"] if self._words(name)]
        dropped: list[str] = []
        while True:
            settings = self._settings(names, right - left, bottom - top - self._mark_height())
            optional = [name for name in names if _style(name).get("optional")]
            if settings is not None or not optional:
                break
            dropped.append(optional[-1])
            names.remove(optional[-1])
        settings = settings or self._shortened(names, right - left, bottom - top - self._mark_height())
        total = self._total(settings) + self._mark_height()
        room = bottom - top - total
        y = top + {"top": 0.0, "centre": room / 2, "bottom": room}[self.shape["anchor"]] + self._mark_height()
        for name, setting in settings:
            parts.append(Part(name, setting, (left, y, right, y + setting.height), self._colour(name)))
            y += setting.height + _style(name)["gap"] * self.unit
        return parts, dropped

    def ground(self, parts: list[Part]) -> Image.Image:
        """The card without text: ground, picture, and as much scrim as the contrast of the text needs."""
        image = Image.new("RGB", self.size, self.colours["ground"])
        if self.card.picture is None:
            return image
        area = self.picture_area()
        with open_picture(self.card.picture) as opened:
            picture = cover(opened, area[2] - area[0], area[3] - area[1], self.card.focus)
        kind = self.layout["picture"]
        if kind == "duotone":
            picture = _duotone(picture, self.colours["ground"])
        image.paste(picture, area[:2])
        return image if kind == "plain" else self._scrimmed(image, parts, gradient=kind == "scrim")

    def marks(self, image: Image.Image, parts: list[Part]) -> None:
        """The rule or quotation mark above the text."""
        mark, stacked = self.layout["mark"], [part for part in parts if part.name != "credit"]
        if not stacked or mark == "none":
            return
        left, top, right, _bottom = stacked[0].box
        rtl = lettering.is_rtl(stacked[0].setting.lines[0])
        if mark == "rule":
            wide, high = (round(share * self.unit) for share in _data()["rule"])
            x = round(right) - wide if rtl else round(left)
            y = round(top - self._mark_height())
            ImageDraw.Draw(image).rectangle([x, y, x + wide - 1, y + high - 1], fill=self.colours["accent"])
        else:
            size = self.unit * 0.26
            face = Face("serif", 700)
            sign = "”" if rtl else "“"
            x = right - face.width(sign, size) if rtl else left - size * 0.03
            lettering.draw_line(image, sign, x, top - self._mark_height() + size * 0.7, size, face,
                                self.colours["accent"], rtl=False)  # fmt: skip

    def _mark_height(self) -> float:
        share: float = {"rule": 0.042, "quote": 0.13, "none": 0.0}[self.layout["mark"]]
        return share * self.unit

    def _words(self, name: str) -> str:
        card = self.card
        words = {
            "kicker": card.kicker, "headline": card.headline, "text": card.text,
            "quote": card.headline.strip("“”\"„«»「」 "),
            "by": card.by, "figure": card.figure, "claim": card.headline, "credit": card.credit,
        }  # fmt: skip
        return words[name].strip()

    def _colour(self, name: str) -> str:
        return self.colours[_style(name)["colour"]]

    def _set(self, name: str, width: float, scale: float, *, even: bool = True) -> Setting:
        style = _style(name)
        size = max(style["size"] * scale, style["smallest"]) * self.unit
        return lettering.at_size(self._words(name), width, self._face(name), size, even=even)

    def _face(self, name: str) -> Face:
        style = _style(name)
        return Face(style["family"], style["weight"], style["leading"], self.card.language)

    def _settings(self, names: list[str], width: float, height: float) -> list[tuple[str, Setting]] | None:
        """All parts at the largest common scale at which none loses words; None where there is none."""

        def fit_at(scale: float) -> bool:
            settings = [(name, self._set(name, width, scale, even=False)) for name in names]
            whole = all(lettering.fits(setting, width, height, _style(name)["lines"]) for name, setting in settings)
            return whole and self._total(settings) <= height

        scales = [1 - 0.04 * step for step in range(19)]
        if not fit_at(scales[-1]):
            return None
        best = scales[bisect.bisect_left(scales, True, key=fit_at)]
        return [(name, self._set(name, width, best)) for name in names]

    def _shortened(self, names: list[str], width: float, height: float) -> list[tuple[str, Setting]]:
        """The last resort: everything at its smallest, the longest part cut with an ellipsis."""
        least = [(name, self._set(name, width, 0.0)) for name in names]
        longest = max(range(len(least)), key=lambda number: least[number][1].height)
        others = self._total(least) - least[longest][1].height
        name, whole = least[longest]
        room = max(height - others, self.unit * 0.05)
        lines = _style(name)["lines"]
        cut = lettering.shortened(self._words(name), width, room, self._face(name), whole.size, lines)
        least[longest] = (name, cut)
        return least

    def _total(self, settings: list[tuple[str, Setting]]) -> float:
        gaps: float = sum(_style(name)["gap"] for name, _setting in settings[:-1]) * self.unit
        return sum(setting.height for _name, setting in settings) + gaps

    def _credit(self, area: Box) -> tuple[list[Part], float]:
        """The credit line at the foot of the text area, and the height that it takes from it."""
        if not self._words("credit"):
            return [], 0.0
        left, _top, right, bottom = area
        setting = self._set("credit", right - left, 1.0)
        if len(setting.lines) > 1:
            words, face = self._words("credit"), self._face("credit")
            setting = lettering.shortened(words, right - left, self.unit, face, setting.size, 1)
        box = (left, bottom - setting.height, right, bottom)
        return [Part("credit", setting, box, self._colour("credit"))], setting.height + 0.03 * self.unit

    def _ramp(self, top: float) -> NDArray[np.float32]:
        """How much shade each row or column takes, 0 to 1: from below, or from the side where text takes one side."""
        right = self.shape["text"][2]
        if right < 1:
            columns = np.arange(self.width, dtype=np.float32) / self.width
            return _smooth((1.12 - columns) / (1.12 - right * 0.8))[None, :]
        reach = 0.3 * self.height
        return _smooth((np.arange(self.height, dtype=np.float32) - (top - reach)) / reach)[:, None]

    def _scrimmed(self, image: Image.Image, parts: list[Part], *, gradient: bool) -> Image.Image:
        """Lay shade over the picture, a gradient towards the text or an even one, no stronger than contrast asks."""
        top = min((part.box[1] for part in parts), default=self.height) - self._mark_height()
        shade = np.asarray(Image.new("RGB", (1, 1), _shade(image, self.colours["ground"], top)), np.float32)[0, 0]
        ramp = self._ramp(top) if gradient else np.ones((1, 1), np.float32)
        pixels = np.asarray(image, np.float32)
        for step in range(14):
            strength = (0.45 if gradient else 0.3) + step * 0.045
            mask = (ramp * min(strength, 0.98))[..., None]
            shaded = Image.fromarray(np.round(pixels * (1 - mask) + shade * mask).astype(np.uint8))
            if all(_lowest_contrast(shaded, part.box, part.colour) >= CONTRAST for part in parts):
                break
        return shaded


def _deepened(colour: str, text: str) -> str:
    """A colour made darker until text in another colour can be read on it."""
    red, green, blue = ImageColor.getrgb(colour)[:3]
    for step in range(20):
        deeper = f"#{round(red * 0.95**step):02X}{round(green * 0.95**step):02X}{round(blue * 0.95**step):02X}"
        if contrast(deeper, text) >= CONTRAST * 1.05:
            break
    return deeper


def _smooth(values: NDArray[np.float32]) -> NDArray[np.float32]:
    held = np.clip(values, 0, 1)
    return held * held * (3 - 2 * held)


def _shade(image: Image.Image, ground: str, top: float) -> tuple[int, int, int]:
    """The ground colour with a breath of the picture's own: a scrim that belongs to the picture."""
    part = image.crop((0, int(max(0, top)), image.width, image.height)).resize((1, 1), Image.Resampling.BOX)
    own = np.asarray(part, np.float32)[0, 0]
    own = own * (28 / max(28.0, float(own.max())))
    base = np.asarray(Image.new("RGB", (1, 1), ground), np.float32)[0, 0]
    red, green, blue = (round(float(c)) for c in base * 0.45 + own * 0.55)
    return red, green, blue


def _duotone(picture: Image.Image, colour: str) -> Image.Image:
    """A picture in two tones of one colour."""
    base = np.asarray(Image.new("RGB", (1, 1), colour), np.float32)[0, 0]
    black, white = (tuple(round(float(c)) for c in tone) for tone in (base * 0.28, base * 0.62 + 255 * 0.22))
    toned = ImageOps.colorize(ImageOps.autocontrast(picture.convert("L"), cutoff=1), black=black, white=white)
    return toned.convert("RGB")


def _lowest_contrast(image: Image.Image, box: Box, colour: str) -> float:
    """The contrast of a colour against the twentieth of a box's pixels that is nearest to it."""
    left, top, right, bottom = (round(edge) for edge in box)
    crop = image.crop((max(0, left), max(0, top), min(image.width, right), min(image.height, max(bottom, top + 1))))
    crop.thumbnail((160, 160), Image.Resampling.BOX)
    values = np.asarray(crop.convert("RGB"), np.float32).reshape(-1, 3) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    luminances = linear @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    own = luminance(Image.new("RGB", (1, 1), colour).getpixel((0, 0)))  # type: ignore[arg-type]
    near = float(np.percentile(luminances, 95 if own > 0.4 else 5))
    return (max(own, near) + 0.05) / (min(own, near) + 0.05)


def _style(name: str) -> Mapping[str, Any]:
    style: Mapping[str, Any] = _data()["styles"][name]
    return style


@functools.cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_name("card_layouts.toml").read_text(encoding="utf-8"))
