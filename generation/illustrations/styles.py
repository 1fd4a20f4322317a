"""Styles: how a scene is printed. The drawing stays the same; its colours, outlines and shadows are the style's.

A style works on the finished SVG of ours: every colour goes through `Style.colour`, shapes get the style's outline by
inheritance, and what things throw on the ground is a screen of dots or lines where a press would print it so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from generation.illustrations.colouring import distance, hexed, mix, rgb

_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
_SHAPE = re.compile(r"<(?:path|circle|ellipse|rect|polygon|polyline|line)\b[^>]*>")


@dataclass(frozen=True)
class Style:
    """How colours, edges and shadows look."""

    title: str
    shadows: bool = True
    """Sheets of paper cast shadows on what is behind them."""
    saturation: float = 1.0
    wash: float = 0.0
    """How far every colour goes towards `ground`."""
    ground: str = "#FBF6EA"
    inks: Sequence[str] = ()
    """Each colour becomes the nearest of these."""
    ramp: Sequence[str] = ()
    """Each colour becomes the one at its lightness, dark to light."""
    keep: float = 0.0
    """How much of its own colour a shape keeps beside `ramp` or `inks`."""
    outline: str = ""
    width: float = 4.0
    """Of the outline, in thousandths of the shorter side."""
    faint: float = 1.0
    """Opacity of the outline."""
    screen: str = ""
    """What shadows on the ground are printed with: "dots", "lines", or nothing."""
    grid: str = ""
    """Colour of a grid over everything."""

    def colour(self, colour: str) -> str:
        """A colour of the drawing as this style prints it."""
        return _printed(self, colour)

    @property
    def cast(self) -> tuple[str, float]:
        """What shadows on the ground are filled with, and how many times as dark as on paper; no fill: the scene's."""
        return ("url(#screen)", 3.0) if self.screen else ("", 1.0)

    def group(self, scale: float = 1.0) -> str:
        """Attributes of a group that is drawn `scale` times as large: its outline stays as wide as all others."""
        if not self.outline:
            return ""
        return f' stroke="{self.outline}" stroke-width="{self.width / scale:.2f}" stroke-linejoin="round"'


STYLES = {
    "paper": Style("Paper cut"),
    "flat": Style("Flat", shadows=False, saturation=1.2),
    "line": Style("Ink line", shadows=False, wash=0.66, outline="#26242E", width=4.2, screen="lines"),
    "pastel": Style("Soft pastel", saturation=0.9, wash=0.28, ground="#FFF4EE"),
    "print": Style(
        "Retro print", shadows=False, screen="dots", keep=0.12,
        inks=(
            "#1D2942", "#E0A12E", "#D4452C", "#1E7775", "#8FC5BD", "#F7E9CB", "#7C8A3B", "#E59B84", "#D8BC8B",
            "#FFFDF4", "#3F6FA8", "#C46A86", "#8C8579", "#97BCE0", "#EE8265", "#5E7F49", "#7B4B2F",
        ),
    ),
    "poster": Style(
        "Poster", shadows=False, keep=0.25,
        ramp=("#1A1838", "#4B2A5E", "#A63D5C", "#E8734A", "#F6B65C", "#FCE7B2"),
    ),
    "night": Style(
        "Neon night", shadows=False, keep=0.3, outline="#9BE8FF", width=2.6, faint=0.55,
        ramp=("#05071A", "#10153F", "#2A2470", "#5B37A6", "#B04FC4", "#FF9BC9"),
    ),
    "chalk": Style(
        "Chalkboard", shadows=False, saturation=1.5, wash=0.66, ground="#1F302B", outline="#EFEBDD", width=3.4,
        faint=0.85, screen="lines",
    ),
    "blueprint": Style(
        "Blueprint", shadows=False, keep=0.06, outline="#E4EEFF", width=2.8, grid="#FFFFFF",
        ramp=("#0A2F74", "#0F3D8F", "#1650AE", "#1D5FC4"),
    ),
}  # fmt: skip
"""The styles by name; "paper" is what a scene has unless told otherwise."""


def styled(body: str, style: Style, width: float, height: float) -> str:
    """The inside of an SVG document, in a style. Sizes in units of the canvas."""
    if style == STYLES["paper"]:
        return body
    if style.outline:
        body = f"<g{style.group()}>{_SHAPE.sub(_without_edge, body)}</g>"
    if style.grid:
        body += f'<rect width="{width:.0f}" height="{height:.0f}" fill="url(#grid)"/>'
    body = _COLOUR.sub(lambda match: style.colour(match[0]) if match[0] != style.outline else match[0], body)
    if style.faint < 1:
        body = body.replace(f'stroke="{style.outline}"', f'stroke="{style.outline}" stroke-opacity="{style.faint}"')
    return _patterns(style) + body


def _without_edge(match: re.Match[str]) -> str:
    """What is translucent, shaded by a gradient or a detail of lines gets no outline."""
    shape = match[0]
    if "stroke" in shape or not ("opacity" in shape or "url(" in shape):
        return shape
    return shape.removesuffix(">").removesuffix("/") + ' stroke="none"/>'


def _patterns(style: Style) -> str:
    tiles = {
        "dots": f'<circle cx="5" cy="5" r="2.6" fill="{style.inks[0] if style.inks else style.outline}"/>',
        "lines": f'<rect width="2" height="10" fill="{style.outline}" fill-opacity="0.6"/>',
    }
    parts = []
    if style.screen:
        parts.append(_pattern("screen", 10, tiles[style.screen], ' patternTransform="rotate(40)"'))
    if style.grid:
        lines = f'<path d="M0 0H50M0 0V50" fill="none" stroke="{style.grid}" stroke-opacity="0.14" stroke-width="1.5"/>'
        parts.append(_pattern("grid", 50, lines))
    return "".join(parts)


def _pattern(name: str, side: int, tile: str, turn: str = "") -> str:
    return f'<pattern id="{name}" width="{side}" height="{side}" patternUnits="userSpaceOnUse"{turn}>{tile}</pattern>'


@lru_cache(maxsize=65536)
def _printed(style: Style, colour: str) -> str:
    own = _saturated(colour, style.saturation)
    if style.inks:
        nearest = min(style.inks, key=lambda ink: distance(ink, own))
        own = mix(nearest, own, style.keep)
    elif style.ramp:
        own = mix(_on_ramp(style.ramp, own), own, style.keep)
    return mix(own, style.ground, style.wash)


def _saturated(colour: str, amount: float) -> str:
    if amount == 1.0:
        return colour
    red, green, blue = rgb(colour)
    grey = _luma(colour) * 255
    return hexed(*(grey + (value - grey) * amount for value in (red, green, blue)))


def _on_ramp(ramp: Sequence[str], colour: str) -> str:
    place = _luma(colour) ** 1.1 * (len(ramp) - 1)
    low = min(int(place), len(ramp) - 2)
    return mix(ramp[low], ramp[low + 1], place - low)


def _luma(colour: str) -> float:
    """0 to 1, by ITU-R BT.709's weights."""
    red, green, blue = rgb(colour)
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255
