"""Image cards: one design in every shape. Text is fitted by rules, and its contrast is measured on the pixels."""

from __future__ import annotations

import bisect
import functools
import io
import math
import tomllib
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageOps

from media_processing import fonts, lettering
from media_processing.decoding import open_picture
from media_processing.engine import EngineError
from media_processing.lettering import Box, Face, Setting
from media_processing.pictures import focus_point
from media_processing.stills import contrast, cover, luminance
from media_processing.timeline import Look

CONTRAST = 4.5
"""WCAG AA for text, held against the lightest twentieth of the pixels around it."""
TALL, WIDE = 1.12, 0.88
"""Height by width from which a card is tall, up to which it is wide."""
PHONE = 1.6
"""Height by width from which phones draw over top and bottom."""
LARGEST = 4096
"""Pixels of the long side that a picture is decoded with."""
GLANCE = 1000
"""The same for a preview: a JPEG of 12 megapixels is then decoded at half its size."""
TRIAL = 360
"""Pixels of the long side of the small copy on which the strength of a scrim is found."""
MOST_PICTURES = 3
MOST_ITEMS = 5

Kind = Literal["png", "jpeg", "webp", "avif"]
TYPES: Mapping[str, str] = {kind: f"image/{kind}" for kind in get_args(Kind)}
"""The content type of every kind of file that a card is written as."""


@dataclass(frozen=True)
class Card:
    """What a card says and shows. A layout takes the parts that it has a place for."""

    headline: str
    layout: str = "full-bleed"
    picture: Path | None = None
    focus: tuple[float, float] | None = None
    """The point of the picture that stays in view, as shares of its width and height; none: what stands out."""
    kicker: str = ""
    text: str = ""
    figure: str = ""
    """A number with its unit, where the layout shows one large."""
    claim: str = ""
    """What the figure counts; empty for the headline."""
    quote: str = ""
    by: str = ""
    """Who said the quote."""
    items: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    """What a poll offers: two short answers."""
    pictures: tuple[Path, ...] = ()
    """Further pictures, after the first."""
    labels: tuple[str, ...] = ()
    """What stands on the pictures, one each."""
    page: tuple[int, int] | None = None
    """Number and count of the cards that belong together."""
    logo: Path | None = None
    credit: str = ""
    language: str = "en"

    @property
    def all_pictures(self) -> tuple[Path, ...]:
        return ((self.picture, *self.pictures) if self.picture else self.pictures)[:MOST_PICTURES]


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
    size: tuple[int, int] = (0, 0)
    """That of the card in pixels, in which its parts stand; a preview's image is smaller."""


def layouts() -> dict[str, str]:
    """Name and title of every layout."""
    return {name: layout["title"] for name, layout in _data()["layouts"].items()}


def lacks(card: Card, layout: str) -> str:
    """What a layout needs that a card has not, as a sentence for the editor; "" where it fits."""
    data = _data()
    for need in data["layouts"][layout].get("needs", ()):
        if not _HAS[need](card):
            why: str = data["needs"][need]
            return why
    return ""


_HAS: Mapping[str, Callable[[Card], bool]] = {
    "picture": lambda card: bool(card.all_pictures),
    "two-pictures": lambda card: len(card.all_pictures) >= 2,
    "three-pictures": lambda card: len(card.all_pictures) >= 3,
    "figure": lambda card: bool(card.figure.strip()),
    "quote": lambda card: bool(card.quote.strip() and card.by.strip()),
    "items": lambda card: len(card.items) >= 3,
    "options": lambda card: len(card.options) == 2,
    "pages": lambda card: card.page is not None and card.page[1] > 1,
}


def fitting(card: Card) -> tuple[str, str]:
    """The layout that fits what a card says, and why, as a sentence.

    The first rule that holds decides: somebody wrote a poll; the headline is a quotation, opens with the figure or
    promises the list; there is no picture; the headline is too long to stand on one.
    """
    opening = card.headline.strip()
    rules = (
        ("poll", bool(card.options), "two answers were written for a poll"),
        ("quote", opening[:1] in "“„«「\"", "the headline is a quotation"),
        ("stat", bool(card.figure) and opening.startswith(card.figure), "the headline opens with a figure"),
        ("list", opening[:2].strip().isdecimal() and int(opening[:2]) == len(card.items),
         "the headline promises as many points as there are"),
        ("words", not card.all_pictures, "there is no picture yet"),
        ("split", len(opening) > _data()["long_headline"], "a long headline reads better beside its picture"),
    )  # fmt: skip
    for name, holds, why in rules:
        if holds and opening and not lacks(card, name):
            return name, why
    return "full-bleed", "a short headline stands well on its picture"


def shown(card: Card) -> Card:
    """A card with only what its layout has a place for: what its picture depends on, and no more."""
    layout = _data()["layouts"][card.layout]
    stack = {"title": "headline"}
    wanted = {stack.get(name, name) for name in layout["stack"]} | {"credit"}
    if "claim" in wanted and not card.claim:
        wanted.add("headline")
    emptied: dict[str, Any] = {
        name: "" for name in ("headline", "kicker", "text", "figure", "claim", "quote", "by") if name not in wanted
    }
    places = max(len(layout[shape].get("pictures", ())) for shape in ("tall", "square", "wide"))
    pictures = card.all_pictures[:places]
    return replace(
        card, **emptied, items=card.items if "items" in wanted else (),
        options=card.options if "options" in wanted else (), labels=card.labels if layout.get("labels") else (),
        page=card.page if "pages" in layout.get("needs", ()) else None, picture=pictures[0] if pictures else None,
        pictures=pictures[1:],
    )  # fmt: skip


def render_card(card: Card, size: tuple[int, int], look: Look) -> Image.Image:
    """Draw a card in RGB at `size` (width and height in pixels). Raises EngineError for text without a font."""
    return compose(card, size, look).image


def compose(card: Card, size: tuple[int, int], look: Look, *, scale: float = 1.0) -> Composed:
    """Draw a card and keep what was decided on the way.

    All is decided at `size`, then drawn `scale` times as large: a preview has the lines and places of the card itself.
    Raises EngineError for text without a font, an unknown layout, and one that lacks what it shows.
    """
    if card.layout not in _data()["layouts"]:
        raise EngineError(
            f"There is no card layout {card.layout!r}.",
            next_step=f"Choose from {', '.join(layouts())}.",
            permanent=True,
        )
    why = lacks(card, card.layout)
    if why:
        raise EngineError(f"The layout {layouts()[card.layout]} doesn't fit: {why}", next_step="Choose another layout.")
    card = shown(card)
    texts = (card.headline, card.kicker, card.text, card.figure, card.claim, card.quote, card.by, card.credit)
    for text in (*texts, *card.items, *card.options, *card.labels):
        fonts.require(text, language=card.language)
    plan = _Plan(card, size, look, scale)
    parts, dropped = plan.stack()
    image = plan.ground(parts)
    measured = [replace(part, contrast=_lowest_contrast(image, plan.scaled(part.box), part.colour)) for part in parts]
    plan.marks(image, parts)
    for part in parts:
        setting = replace(part.setting, size=part.setting.size * scale, pitch=part.setting.pitch * scale)
        align: lettering.Align = _style(part.name).get("align", "start")
        lettering.draw(image, setting, plan.scaled(part.box), part.colour, align=align)
    return Composed(image, tuple(measured), tuple(dropped), size)


def encode(image: Image.Image, kind: Kind, *, quality: int = 88) -> bytes:
    """The bytes of a card. PNG takes no quality."""
    options: dict[str, dict[str, Any]] = {
        # Run lengths alone: a sixth of the time of the smallest file, which is a tenth smaller.
        "png": {"compress_level": 1, "compress_type": zlib.Z_RLE},
        # Full chroma: coloured text on dark ground frays with half of it.
        "jpeg": {"quality": quality, "subsampling": 0, "optimize": True, "progressive": True},
        "webp": {"quality": quality, "method": 2},
        "avif": {"quality": quality - 12, "subsampling": "4:4:4", "speed": 8},
    }
    if kind not in options:
        raise ValueError(f"Cards are written as {', '.join(options)}, not {kind!r}.")
    buffer = io.BytesIO()
    image.save(buffer, kind.upper(), **options[kind])
    return buffer.getvalue()


def safe_area(size: tuple[int, int]) -> Box:
    """A card of so many pixels less its margins, and less what phones draw over: all that it says stands inside."""
    width, height = size
    margin = _data()["margin"] * _unit(size)
    top, bottom = margin, height - margin
    if height / width >= PHONE:
        above, below = _data()["safe_tall"]
        top, bottom = max(top, above * height), min(bottom, (1 - below) * height)
    return margin, top, width - margin, bottom


def _unit(size: tuple[int, int]) -> float:
    """What sizes on a card are shares of, in pixels."""
    return (min(size) + math.sqrt(size[0] * size[1])) / 2


class _Plan:
    """One card in one size: its areas, colours and stack of text. Places are in pixels of that size."""

    def __init__(self, card: Card, size: tuple[int, int], look: Look, scale: float) -> None:
        self.card, self.size, self.look, self.scale = card, size, look, scale
        self.width, self.height = size
        self.unit = _unit(size)
        self.layout: Mapping[str, Any] = _data()["layouts"][card.layout]
        ratio = self.height / self.width
        self.shape: Mapping[str, Any] = self.layout["tall" if ratio >= TALL else "wide" if ratio <= WIDE else "square"]
        self.colours = _palette(look, self.layout["ground"])
        self.margin: float = _data()["margin"] * self.unit
        self.rtl = lettering.is_rtl(card.headline or card.quote or card.claim)

    def scaled(self, box: Box) -> Box:
        return _times(box, self.scale)

    def picture_areas(self) -> list[tuple[Path, Box]]:
        """Each picture with its box."""
        areas: list[tuple[Path, Box]] = []
        for path, shares in zip(self.card.all_pictures, self.shape.get("pictures", ()), strict=False):
            left, right = shares[0] * self.width, shares[2] * self.width
            top, bottom = shares[1] * self.height, shares[3] * self.height
            if self.layout.get("inset"):
                gap = self.margin * 0.7
                left, top, right, bottom = left + gap, top + gap, right - gap, bottom - (gap if shares[3] == 1 else 0)
            areas.append((path, (left, top, right, bottom)))
        return areas

    def safe_area(self) -> Box:
        return safe_area(self.size)

    def text_area(self) -> Box:
        """Where the stack may stand: the layout's area less margins, plate and what stands at the top already."""
        left, top, right, bottom = self.shape["text"] if self.card.all_pictures else (0, 0, 1, 1)
        safe = self.safe_area()
        box = [left * self.width + self.margin, top * self.height + self.margin]
        box += [right * self.width - self.margin, bottom * self.height - self.margin]
        if self.layout.get("inset") and self.card.all_pictures and top > 0:
            box[1] -= self.margin * 0.45
        box[1], box[3] = max(box[1], safe[1]), min(box[3], safe[3])
        head = max((corner[3] for corner in self._corners()), default=0.0)
        if head and any(box[0] < c[2] and c[0] < box[2] and c[3] > box[1] for c in self._corners()):
            box[1] = max(box[1], head + self.margin * 0.4)
        if self.layout.get("plate"):
            pad = self._pad()
            box = [box[0] + pad, box[1] + pad, box[2] - pad, box[3] - pad]
        return box[0], box[1], box[2], box[3]

    def _pad(self) -> float:
        share: float = _data()["plate_pad"]
        return share * self.unit

    def _corners(self) -> list[Box]:
        """What stands in the upper corners: the logo where lines begin, the page number where they end."""
        left, top, right, _bottom = self.safe_area()
        found = []
        if self.card.logo:
            wide, high = self._logo_size()
            x = right - wide if self.rtl else left
            found.append((x, top, x + wide, top + high))
        if self.card.page:
            setting = self._page()
            wide = setting.width + setting.size
            x = left if self.rtl else right - wide
            found.append((x, top, x + wide, top + setting.size * 1.5))
        return found

    def _page(self) -> Setting:
        number, count = self.card.page or (1, 1)
        style = _style("page")
        size = style["size"] * self.unit
        return Setting((f"{number}/{count}",), size, size, Face(self._family("page"), style["weight"]))

    def _logo_size(self) -> tuple[float, float]:
        assert self.card.logo is not None  # noqa: S101 asked for where there is one
        wide, high = _decoded(self.card.logo).size
        largest, tallest = (share * self.unit for share in _data()["logo"])
        factor = min(largest / wide, tallest / high)
        return wide * factor, high * factor

    def stack(self) -> tuple[list[Part], list[str]]:
        """Every part set and placed: at one scale for all, the largest at which they fit."""
        left, top, right, bottom = self.text_area()
        parts, credit_height = self._credit((left, top, right, bottom))
        bottom -= credit_height
        names = [name for name in self._names() if self._words(name)]
        dropped: list[str] = []
        mark = self._mark_height()
        while True:
            settings = self._settings(names, right - left, bottom - top - mark)
            optional = [name for name in names if _style(name).get("optional") or _number(name) >= 3]
            if settings is not None or not optional:
                break
            dropped.append(optional[-1])
            names.remove(optional[-1])
        settings = settings or self._shortened(names, right - left, bottom - top - mark)
        total = self._total(settings) + mark
        room = bottom - top - total
        y = top + {"top": 0.0, "centre": room / 2, "bottom": room}[self.shape["anchor"]] + mark
        for name, setting in settings:
            pad, indent = self._padding(name)
            box = (left + pad + (0 if self.rtl else indent), y + pad, right - pad - (indent if self.rtl else 0))
            parts.append(Part(name, setting, (*box, y + pad + setting.height), self._colour(name)))
            y += setting.height + 2 * pad + _style(name)["gap"] * self.unit
        if credit_height and self.layout["picture"] == "scrim" and self.shape["anchor"] == "top" and settings:
            # The shade ends below the text: the credit goes with it.
            setting = parts[0].setting
            y = min(parts[-1].box[3] + 0.03 * self.unit, bottom + credit_height - setting.height)
            parts[0] = replace(parts[0], box=(left, y, right, y + setting.height))
        return parts + self._labels(), dropped

    def _names(self) -> list[str]:
        names = []
        for name in self.layout["stack"]:
            several = {"items": self.card.items[:MOST_ITEMS], "options": self.card.options}.get(name)
            names += [f"{name[:-1]}:{number}" for number in range(len(several))] if several is not None else [name]
        return names

    def _labels(self) -> list[Part]:
        """Texts on plates of their own: what stands on pictures, and the page number."""
        parts = []
        style = _style("label")
        for number, (_path, area) in enumerate(self.picture_areas()):
            words = self._words(f"label:{number}")
            if not words or not self.layout.get("labels"):
                continue
            left, _top, right, bottom = area
            size = style["size"] * self.unit
            pad, room = size * 0.5, right - left - 2 * size
            setting = lettering.at_size(words, room - 2 * pad, self._face("label"), size)
            if len(setting.lines) > 1:
                setting = lettering.shortened(words, room - 2 * pad, size * 2, self._face("label"), size, 1)
            wide = setting.width
            x = right - size * 0.8 - pad - wide if self.rtl else left + size * 0.8 + pad
            y = bottom - size * 0.8 - pad * 0.6 - setting.height
            parts.append(
                Part(f"label:{number}", setting, (x, y, x + wide, y + setting.height), self.colours["paper_ink"])
            )
        if self.card.page:
            left, top, right, _bottom = self._corners()[-1]
            setting = self._page()
            box = (left + setting.size * 0.5, top + setting.size * 0.26, right - setting.size * 0.5)
            parts.append(Part("page", setting, (*box, box[1] + setting.height), self.colours["paper_ink"]))
        return parts

    def ground(self, parts: list[Part]) -> Image.Image:
        """The card without text: ground, pictures, plates, and as much scrim as the contrast of the text needs."""
        size = round(self.width * self.scale), round(self.height * self.scale)
        image = Image.new("RGB", size, self.colours["ground"])
        kind = self.layout["picture"]
        for path, area in self.picture_areas():
            x, y, end, foot = (round(edge) for edge in self.scaled(area))
            chosen = self.card.focus if path == self.card.picture else None
            side = LARGEST if self.scale > 0.5 else GLANCE
            focus = chosen or _standing_out(path, side)
            picture = cover(_decoded(path, side), end - x, foot - y, focus, quick=True)
            image.paste(_duotone(picture, self.colours["ground"]) if kind == "duotone" else picture, (x, y))
        on_ground = [part for part in parts if not part.name.startswith(("label", "page"))]
        if self.card.all_pictures and kind in ("scrim", "duotone") and not self.layout.get("plate"):
            self._scrim(image, on_ground, gradient=kind == "scrim")
        pen = ImageDraw.Draw(image)
        if self.layout.get("plate") and on_ground:
            left, _top, right, _bottom = self.text_area()
            pad = self._pad()
            top = min(part.box[1] for part in on_ground) - self._mark_height() - pad
            self._plate(pen, (left - pad, top, right + pad, max(part.box[3] for part in on_ground) + pad), 0.014)
        for part in parts:
            if part.name.startswith(("label", "page")):
                left, top, right, bottom = part.box
                size_, high = part.setting.size, part.setting.size * 0.26
                box = (left - size_ * 0.5, top - high, right + size_ * 0.5, bottom + high * 0.7)
                self._plate(pen, box, 0.1, self.colours["paper"])
            elif part.name.startswith("option"):
                pad = self._padding(part.name)[0]
                left, top, right, bottom = part.box
                self._plate(pen, (left - pad, top - pad, right + pad, bottom + pad), 0.02, self.colours["raised"])
        self._logo(image)
        return image

    def _plate(self, pen: ImageDraw.ImageDraw, box: Box, round_: float, colour: str = "") -> None:
        left, top, right, bottom = (round(edge) for edge in self.scaled(box))
        radius = min(round_ * self.unit * self.scale, (bottom - top) / 2)
        pen.rounded_rectangle([left, top, right, bottom], radius, fill=colour or self.colours["ground"])

    def _logo(self, image: Image.Image) -> None:
        """The logo in its corner, on a plate where it could not be told from what is behind it."""
        if self.card.logo is None:
            return
        left, top, right, bottom = (round(edge) for edge in self.scaled(self._corners()[0]))
        logo = _decoded(self.card.logo).convert("RGBA")
        logo = logo.resize((max(1, right - left), max(1, bottom - top)), Image.Resampling.LANCZOS)
        behind = image.crop((left, top, right, bottom)).resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
        own = np.asarray(logo, np.float32)
        mean = tuple((own[..., :3] * own[..., 3:]).sum(axis=(0, 1)) / max(1.0, float(own[..., 3].sum())))
        if contrast(mean, behind) < 2.5:  # type: ignore[arg-type]
            plate = max(self.colours["paper"], self.colours["paper_ink"], key=lambda colour: contrast(colour, mean))
            pad = round(0.018 * self.unit * self.scale)
            box = [left - pad, top - pad, right + pad, bottom + pad]
            ImageDraw.Draw(image).rounded_rectangle(box, pad * 0.6, fill=plate)
        image.paste(logo, (left, top), logo)

    def marks(self, image: Image.Image, parts: list[Part]) -> None:
        """The rule, stripe or quotation mark above the text, and the numbers of a list."""
        mark = self.layout["mark"]
        stacked = [part for part in parts if not part.name.startswith(("credit", "label", "page"))]
        if not stacked:
            return
        left, top, right, _bottom = self.scaled(stacked[0].box)
        unit, high = self.unit * self.scale, self._mark_height() * self.scale
        pen = ImageDraw.Draw(image)
        accent = self.colours["accent"]
        if mark == "rule":
            wide, thick = (round(share * unit) for share in _data()["rule"])
            x, y = round(right) - wide if self.rtl else round(left), round(top - high)
            pen.rectangle([x, y, x + wide - 1, y + thick - 1], fill=accent)
        elif mark == "stripe":
            areas = [self.scaled(area) for _path, area in self.picture_areas()]
            edge = round(max((area[3] for area in areas), default=0))
            thick = round(0.016 * unit)
            pen.rectangle([0, edge, image.width, edge + thick - 1], fill=accent)
        elif mark == "quote":
            size = unit * 0.26
            face = Face(self._family("quote"), 700)
            sign = "”" if self.rtl else "“"
            x = right - face.width(sign, size) if self.rtl else left - size * 0.03
            lettering.draw_line(image, sign, x, top - high + size * 0.7, size, face, accent, rtl=False)
        for part in stacked:
            if part.name.startswith("item"):
                self._numeral(image, part, str(_number(part.name) + 1))

    def _numeral(self, image: Image.Image, part: Part, text: str) -> None:
        left, top, right, _bottom = self.scaled(part.box)
        indent = self._padding(part.name)[1] * self.scale
        size = part.setting.size * self.scale * 1.12
        face = Face(self._family("headline"), 700)
        x = right + indent - face.width(text, size) if self.rtl else left - indent
        baseline = top + part.setting.size * self.scale * 0.8
        lettering.draw_line(image, text, x, baseline, size, face, self.colours["accent"], rtl=False)

    def _mark_height(self) -> float:
        share: float = _data()["marks"][self.layout["mark"]]
        return share * self.unit

    def _words(self, name: str) -> str:
        card = self.card
        kind = name.partition(":")[0]
        if kind in ("item", "option", "label"):
            several = {"item": card.items, "option": card.options, "label": card.labels}[kind]
            return several[_number(name)].strip() if _number(name) < len(several) else ""
        words = {
            "kicker": card.kicker, "headline": card.headline, "title": card.headline, "text": card.text,
            "quote": card.quote.strip("“”\"„«»「」 "), "by": card.by,
            "figure": card.figure, "claim": card.claim or card.headline, "credit": card.credit,
        }  # fmt: skip
        return words[name].strip()

    def _colour(self, name: str) -> str:
        return self.colours[_style(name)["colour"]]

    def _padding(self, name: str) -> tuple[float, float]:
        """Room around a part, and before its beginning, in pixels."""
        style = _style(name)
        return style.get("pad", 0.0) * self.unit, style.get("indent", 0.0) * self.unit

    def _set(self, name: str, width: float, scale: float, *, even: bool = True) -> Setting:
        style = _style(name)
        size = max(style["size"] * scale, style["smallest"]) * self.unit
        return lettering.at_size(self._words(name), self._room(name, width), self._face(name), size, even=even)

    def _room(self, name: str, width: float) -> float:
        pad, indent = self._padding(name)
        return width - 2 * pad - indent

    def _family(self, name: str) -> str:
        return self.look.headline_family if _style(name)["family"] == "headline" else self.look.text_family

    def _face(self, name: str) -> Face:
        style = _style(name)
        return Face(self._family(name), style["weight"], style["leading"], self.card.language)

    def _settings(self, names: list[str], width: float, height: float) -> list[tuple[str, Setting]] | None:
        """All parts at the largest common scale at which none loses words; None where there is none."""

        def fit_at(scale: float) -> bool:
            settings = [(name, self._set(name, width, scale, even=False)) for name in names]
            whole = all(
                lettering.fits(setting, self._room(name, width), height, _style(name)["lines"])
                for name, setting in settings
            )
            return whole and self._total(settings) <= height

        scales = [1 - 0.04 * step for step in range(19)]
        if not fit_at(scales[-1]):
            return None
        best = scales[bisect.bisect_left(scales, True, key=fit_at)]
        return [(name, self._set(name, width, best)) for name in names]

    def _shortened(self, names: list[str], width: float, height: float) -> list[tuple[str, Setting]]:
        """The last resort: everything at its smallest, whichever part has the most lines losing one after the other."""
        settings = {name: self._set(name, width, 0.0) for name in names}
        for name, setting in settings.items():
            if len(setting.lines) > _style(name)["lines"]:
                settings[name] = self._cut(name, width, setting.size, _style(name)["lines"])
        while self._total(list(settings.items())) > height:
            name = max(settings, key=lambda each: len(settings[each].lines))
            if len(settings[name].lines) < 2:
                break
            settings[name] = self._cut(name, width, settings[name].size, len(settings[name].lines) - 1)
        return list(settings.items())

    def _cut(self, name: str, width: float, size: float, lines: int) -> Setting:
        room = self._room(name, width)
        return lettering.shortened(self._words(name), room, float(self.height), self._face(name), size, lines)

    def _total(self, settings: Sequence[tuple[str, Setting]]) -> float:
        gaps: float = sum(_style(name)["gap"] for name, _setting in settings[:-1]) * self.unit
        return sum(setting.height + 2 * self._padding(name)[0] for name, setting in settings) + gaps

    def _credit(self, area: Box) -> tuple[list[Part], float]:
        """The credit line at the foot of the text area, and the height that it takes from it."""
        if not self._words("credit"):
            return [], 0.0
        left, _top, right, bottom = area
        setting = self._set("credit", right - left, 1.0)
        if len(setting.lines) > 1:
            setting = self._cut("credit", right - left, setting.size, 1)
        box = (left, bottom - setting.height, right, bottom)
        return [Part("credit", setting, box, self._colour("credit"))], setting.height + 0.03 * self.unit

    def _ramp(self, parts: list[Part], size: tuple[int, int]) -> NDArray[np.float32]:
        """How much shade each row or column of a size takes, 0 to 1: from where the text is to where it isn't."""
        wide, high = size
        share = high / self.height
        right = self.shape["text"][2]
        if right < 1:
            columns = np.arange(wide, dtype=np.float32) / wide
            columns = 1 - columns if self.rtl and self.layout.get("mirrors") else columns
            return _smooth((1.12 - columns) / (1.12 - right * 0.8))[None, :]
        rows, reach = np.arange(high, dtype=np.float32), 0.3 * high
        if self.shape["anchor"] == "top":
            bottom = max((part.box[3] for part in parts), default=0) * share
            return _smooth((bottom + reach - rows) / reach)[:, None]
        top = (min((part.box[1] for part in parts), default=self.height) - self._mark_height()) * share
        return _smooth((rows - (top - reach)) / reach)[:, None]

    def _scrim(self, image: Image.Image, parts: list[Part], *, gradient: bool) -> None:
        """Lay shade over the picture, a gradient towards the text or an even one, no stronger than contrast asks.

        How strong is found on a small copy; the card itself is then measured, and shaded more where it has to be.
        """
        small = image.reduce(max(1, max(image.size) // TRIAL))
        ratio = small.width / self.width
        shade = _shade(small, self.colours["ground"], min((part.box[1] for part in parts), default=0) * ratio)
        step = 0
        for trial, original, factor in ((small, small.copy(), ratio), (image, image.copy(), self.scale)):
            ramp = self._ramp(parts, trial.size) if gradient else np.ones((1, 1), np.float32)
            while True:
                strength = min((0.45 if gradient else 0.3) + step * 0.045, 0.98)
                tone = np.broadcast_to(np.round(ramp * strength * 255).astype(np.uint8), trial.size[::-1])
                trial.paste(original)
                trial.paste(shade, (0, 0, *trial.size), Image.fromarray(np.ascontiguousarray(tone)))
                if step > 11 or all(
                    _lowest_contrast(trial, _times(part.box, factor), part.colour) >= CONTRAST for part in parts
                ):
                    break
                step += 1


def _times(box: Box, factor: float) -> Box:
    left, top, right, bottom = (edge * factor for edge in box)
    return left, top, right, bottom


def _palette(look: Look, ground: str) -> dict[str, str]:
    """The colours on a layout's ground ("dark", "paper", "tint"): the brand's own, made readable where they aren't."""
    chosen = {
        "dark": (look.ground, look.ink, look.accent),
        "paper": (look.paper, look.paper_ink, look.paper_accent),
        "tint": (_deepened(look.paper_accent, look.accent), look.ink, look.accent),
    }[ground]
    back = chosen[0]
    ink, accent = (readable(colour, back) for colour in chosen[1:])
    raised = _between(back, ink, 0.1)
    return {
        "ground": back, "ink": ink, "accent": accent, "raised": raised, "raised_ink": readable(ink, raised),
        "paper": look.paper, "paper_ink": readable(look.paper_ink, look.paper),
    }  # fmt: skip


def readable(colour: str, ground: str, least: float = CONTRAST * 1.05) -> str:
    """A colour, brought as far towards black or white as text in it must be to be read on a ground."""
    end = max("#FFFFFF", "#000000", key=lambda each: contrast(each, ground))
    for step in range(11):
        mixed = _between(colour, end, step / 10)
        if contrast(mixed, ground) >= least:
            break
    return mixed


def _between(one: str, other: str, share: float) -> str:
    parts = zip(ImageColor.getrgb(one)[:3], ImageColor.getrgb(other)[:3], strict=True)
    return "#" + "".join(f"{round(first + (second - first) * share):02X}" for first, second in parts)


def _deepened(colour: str, text: str) -> str:
    """A colour made darker until text in another colour can be read on it."""
    for step in range(20):
        deeper = _between(colour, "#000000", 1 - 0.95**step)
        if contrast(deeper, text) >= CONTRAST * 1.05:
            break
    return deeper


def _smooth(values: NDArray[np.float32]) -> NDArray[np.float32]:
    held = np.clip(values, 0, 1)
    return held * held * (3 - 2 * held)


def _shade(image: Image.Image, ground: str, top: float) -> tuple[int, int, int]:
    """The ground colour; a dark one with a breath of the picture's own: a scrim that belongs to the picture."""
    base = np.asarray(ImageColor.getrgb(ground)[:3], np.float32)
    if luminance(tuple(base)) < 0.1:
        part = image.crop((0, int(max(0, top)), image.width, image.height)).resize((1, 1), Image.Resampling.BOX)
        own = np.asarray(part, np.float32)[0, 0]
        base = base * 0.45 + own * (28 / max(28.0, float(own.max()))) * 0.55
    red, green, blue = (round(float(c)) for c in base)
    return red, green, blue


def _duotone(picture: Image.Image, colour: str) -> Image.Image:
    """A picture in two tones of one colour."""
    base = np.asarray(ImageColor.getrgb(colour)[:3], np.float32)
    black, white = (tuple(round(float(c)) for c in tone) for tone in (base * 0.28, base * 0.62 + 255 * 0.22))
    toned = ImageOps.colorize(ImageOps.autocontrast(picture.convert("L"), cutoff=1), black=black, white=white)
    return toned.convert("RGB")


def _lowest_contrast(image: Image.Image, box: Box, colour: str) -> float:
    """The contrast of a colour against the twentieth of a box's pixels that is nearest to it."""
    left, top, right, bottom = (round(edge) for edge in box)
    left, top = max(0, left), max(0, top)
    right, bottom = max(left + 1, min(image.width, right)), max(top + 1, min(image.height, bottom))
    crop = image.crop((left, top, right, bottom))
    crop.thumbnail((160, 160), Image.Resampling.BOX)
    values = np.asarray(crop.convert("RGB"), np.float32).reshape(-1, 3) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    luminances = linear @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    own = luminance(ImageColor.getrgb(colour))
    near = float(np.percentile(luminances, 95 if own > 0.4 else 5))
    return (max(own, near) + 0.05) / (min(own, near) + 0.05)


def _decoded(path: Path, max_side: int = LARGEST) -> Image.Image:
    """A picture, decoded once for all the shapes of a card. Raises MediaError."""
    return _kept(path, max_side, _changed(path))


def _standing_out(path: Path, max_side: int) -> tuple[float, float]:
    """The point of a picture that crops keep, found once for all the shapes of a card."""
    return _found(path, max_side, _changed(path))


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


@functools.lru_cache(maxsize=MOST_PICTURES + 1)
def _kept(path: Path, max_side: int, _changed: int) -> Image.Image:
    """Only the newest few: those of one card, with its logo."""
    return open_picture(path, max_side=max_side)


@functools.lru_cache(maxsize=64)
def _found(path: Path, max_side: int, _changed: int) -> tuple[float, float]:
    picture = _decoded(path, max_side)
    return focus_point(picture.reduce(max(1, max(picture.size) // TRIAL)))


def _number(name: str) -> int:
    """Which of several a part is, from 0."""
    return int(name.partition(":")[2] or 0)


def _style(name: str) -> Mapping[str, Any]:
    style: Mapping[str, Any] = _data()["styles"][name.partition(":")[0]]
    return style


@functools.cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_name("card_layouts.toml").read_text(encoding="utf-8"))
