"""What every plane painter is given: sizes, colours in the scene's light, and random streams.

Lengths are in units of a thousandth of the picture's shorter side, so a drawing means the same in every aspect.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from generation.illustrations.catalog import LightSpec, ObjectSpec, PaletteSpec, SettingSpec, WeatherSpec
from generation.illustrations.colouring import darker, mix, multiply
from generation.illustrations.styles import Style

OVERSCAN = 60.0
"""How far planes reach beyond the edges, so that parallax never shows an end."""
SNOW = "#F4F7FB"
WET = "#6C7F96"
SETTLES = frozenset({"foliage", "sand", "earth", "road", "tree", "roof"})
"""Materials that snow lies on."""


@dataclass(frozen=True)
class Canvas:
    """A picture being drawn."""

    width: float
    height: float
    setting: SettingSpec
    light: LightSpec
    weather: WeatherSpec
    palette: PaletteSpec
    style: Style
    seed: int
    moment: float
    """Phase of the loop, 0 to 1; every motion here is back where it began at 1."""
    low: bool
    """Leave out what can't be seen in a thumbnail."""

    @cached_property
    def calm(self) -> float:
        """Height of the strip at the bottom for captions: 34 % of a 9:16 picture, 5 % of a square or wide one.

        Where apps put their buttons, and two lines of captions above those (`media_processing.safe_areas`).
        """
        tall = min(1.0, max(0.0, (self.height / self.width - 1.0) / 0.6))
        return self.height * (0.05 + 0.29 * tall)

    @cached_property
    def stage(self) -> float:
        """Height of the part above the calm strip."""
        return self.height - self.calm

    @cached_property
    def horizon(self) -> float:
        return self.setting.horizon * (self.stage + self.calm * 0.25)

    @cached_property
    def sky(self) -> tuple[str, str, str]:
        """Colours of the sky, top to horizon, in this weather."""
        top, middle, low = self.palette.sky[self.light.name]
        grey = mix("#9AA6B5", low, 0.45)
        if self.light.name == "night":
            grey = mix(low, "#39435F", 0.6)
        elif self.weather.name == "storm":
            grey = mix("#5A6478", low, 0.25)
        elif self.weather.falls == "snow":
            grey = mix("#C9D2DE", low, 0.4)
        share = self.weather.grey
        return mix(top, grey, share), mix(middle, grey, share), mix(low, grey, share * 0.8)

    @cached_property
    def haze(self) -> str:
        """What distance fades to: the horizon's colour, at dusk with some of the red above it, or blues turn olive."""
        return mix(self.sky[2], self.sky[1], {"day": 0.1, "morning": 0.3, "dusk": 0.55, "night": 0.1}[self.light.name])

    @cached_property
    def night(self) -> bool:
        return self.light.name == "night"

    def y(self, place: float) -> float:
        """0 is the horizon, 1 the bottom, -1 the top."""
        return self.horizon + place * ((self.height - self.horizon) if place >= 0 else self.horizon)

    def ground_y(self, place: float) -> float:
        """0 is the horizon, 1 the upper edge of the calm strip: where things that matter may stand."""
        return self.horizon + place * (self.stage - self.horizon)

    def rng(self, name: object) -> random.Random:
        """A stream of its own for each part."""
        return random.Random(f"{self.seed}:{self.setting.name}:{name}")

    def swing(self, amount: float, phase: float = 0.0, turns: int = 1) -> float:
        """`amount` times a sine of the loop: 0 at rest for phase 0."""
        return amount * math.sin(2 * math.pi * (self.moment * turns + phase))

    def lit(self, colour: str, strength: float = 1.0) -> str:
        """A colour in the light of the scene."""
        wet = mix(colour, WET, 0.22 * strength) if self.weather.falls == "rain" else colour
        return multiply(wet, self.light.tint, self.light.strength * strength)

    def tone(self, material: str, depth: float) -> str:
        """A material seen through `depth` (0 to 1) of air."""
        colour = self.palette.materials[material]
        if self.weather.falls == "snow" and material in SETTLES:
            colour = mix(colour, SNOW, 0.72)
        air = min(0.94, depth * 0.58 + self.weather.haze * (0.25 + 0.6 * depth))
        return mix(self.lit(colour), self.haze, air)

    def glow(self) -> str:
        """The colour of lit windows and lamps."""
        return "#FFDF94"

    @cached_property
    def shadow(self) -> str:
        """What a shadow is painted with, at a low opacity."""
        return darker(self.palette.sky[self.light.name][0], 0.65)

    def drift(self, depth: float) -> float:
        """Sideways parallax of a plane: near planes move more than far ones."""
        return 0.0 if self.setting.indoors else self.swing(10.0 * (1.0 - depth))

    def plane(self, content: str, depth: float) -> str:
        drift = self.drift(depth)
        return f'<g transform="translate({n(drift)} 0)">{content}</g>' if abs(drift) > 0.05 else content

    def cut(self, path: str, fill: str, *, lift: float = 7.0) -> str:
        """A sheet of cut paper: its soft shadow on what is behind it, and the sheet."""
        sheet = f'<path d="{path}" fill="{fill}"/>'
        if self.low or not self.style.shadows:
            return sheet
        # Strokes, not shifted copies: filling large translucent shapes takes most of a frame's time.
        shade = "".join(
            f'<path d="{path}" fill="none" stroke="{self.shadow}" stroke-opacity="{opacity}" '
            f'stroke-width="{n(lift * wide)}"/>'
            for wide, opacity in ((2.6, 0.05), (1.3, 0.07))
        )
        return shade + sheet


@dataclass(frozen=True)
class Placed:
    """One drawing of an object in a picture: its box, in units."""

    spec: ObjectSpec
    item: int
    """Number of the item in the scene."""
    copy: int
    x: float
    """Middle."""
    feet: float
    """Bottom."""
    width: float
    height: float
    depth: float
    """0 near to 1 far."""
    support: str = "ground"
    """What it rests on: "ground", "water", "air", "wall" or "object"."""

    @property
    def box(self) -> tuple[float, float, float, float]:
        return self.x - self.width / 2, self.feet - self.height, self.x + self.width / 2, self.feet


def n(value: float) -> str:
    """A number as short as a drawing needs it."""
    text = f"{value:.1f}"
    return text.removesuffix(".0")


def ridge_points(rng: random.Random, width: float, y: float, amp: float, waves: float) -> list[tuple[float, float]]:
    """A rolling line from beyond the left edge to beyond the right one."""
    parts = [(waves * f, rng.random(), a) for f, a in ((1.0, 0.6), (2.1, 0.28), (3.7, 0.12))]
    steps = max(8, round(waves * 8))
    points = []
    for step in range(steps + 1):
        share = step / steps
        lift = sum(a * (0.5 + 0.5 * math.sin(2 * math.pi * (f * share + phase))) for f, phase, a in parts)
        points.append((-OVERSCAN + share * (width + 2 * OVERSCAN), y - amp * lift))
    return points


def smooth(points: list[tuple[float, float]]) -> str:
    """A soft curve through the middles of `points`, as path data from its first to its last point."""
    start = points[0]
    parts = [f"M{n(start[0])} {n(start[1])}"]
    for (ax, ay), (bx, by) in pairwise(points[1:]):
        parts.append(f"Q{n(ax)} {n(ay)} {n((ax + bx) / 2)} {n((ay + by) / 2)}")
    parts.append(f"L{n(points[-1][0])} {n(points[-1][1])}")
    return "".join(parts)


def closed(points: list[tuple[float, float]], bottom: float) -> str:
    """`smooth`, filled down to `bottom`."""
    return f"{smooth(points)}V{n(bottom)}H{n(points[0][0])}Z"


def height_at(points: list[tuple[float, float]], x: float) -> float:
    """The line's height over `x`, between its points."""
    for (ax, ay), (bx, by) in pairwise(points):
        if ax <= x <= bx:
            return ay + (by - ay) * (x - ax) / (bx - ax)
    return points[-1][1]


Plane = Mapping[str, Any]
"""A row of settings.toml's `planes`."""
