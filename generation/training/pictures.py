"""Small pictures for a painter to learn from: one thing close up, in a place, by day or by night, and its captions.

The world is small on purpose, so that a small model learns it in minutes: 16 things, seven colours, six places, two
lights. The illustrator draws it; a caption names some of what a picture shows.
"""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generation.illustrations.catalog import Catalog
from generation.illustrations.drawing import canvas_for, placements, render
from generation.illustrations.language import article
from generation.illustrations.scene import Item, Scene, choose_palette

OBJECTS = (
    "apple", "bird", "bus", "butterfly", "car", "cat", "dog", "flower", "heart", "horse", "house", "mushroom", "rocket",
    "sailboat", "tree", "umbrella",
)  # fmt: skip
COLOURS = ("red", "blue", "green", "yellow", "purple", "white", "black")
SETTINGS = ("sea", "city", "forest", "desert", "mountains", "field")
LIGHTS = {"day": "by day", "night": "at night"}
DRAWN = 128
"""Pixels of a side before the crop."""
PLACE_ALONE = 0.15
"""Share of the pictures without any thing."""
FILLED = 0.62
"""How much of the crop's side the thing takes, where it is large enough."""
NARROWEST = 0.5
"""Least side of a crop, as a share of the drawing: closer, the place couldn't be told any more."""
PART = 256


@dataclass(frozen=True)
class Shown:
    """What one picture shows; no object, no colour where it is a place alone."""

    setting: str
    light: str
    object: str = ""
    colour: str = ""

    def words(self) -> tuple[str, ...]:
        """The four facts in plain words, empty where there is none."""
        label = Catalog.load().objects[self.object].label if self.object else ""
        return self.colour, label, self.setting, self.light


@dataclass(frozen=True)
class Pictures:
    """Square RGB pictures, (n, side, side, 3) bytes, and what each of them shows."""

    pixels: NDArray[np.uint8]
    shown: Sequence[Shown]


def draw(count: int, side: int, *, seed: int = 1, processes: int = 1) -> Pictures:
    """`count` pictures of `side` pixels: the same ones for the same seed."""
    first = seed * 1_000_000
    jobs = [(start, min(start + PART, first + count), side) for start in range(first, first + count, PART)]
    parts = list(_divided(jobs, processes))
    return Pictures(np.concatenate([pixels for pixels, _ in parts]), [one for _, shown in parts for one in shown])


def _divided(jobs: Sequence[tuple[int, int, int]], processes: int) -> Iterator[tuple[NDArray[np.uint8], list[Shown]]]:
    if processes <= 1:
        yield from map(_part, jobs)
        return
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_part, jobs)


def _part(job: tuple[int, int, int]) -> tuple[NDArray[np.uint8], list[Shown]]:
    start, end, side = job
    pixels = np.empty((end - start, side, side, 3), dtype=np.uint8)
    shown = []
    for number in range(start, end):
        picture, what = _drawn(random.Random(number))
        pixels[number - start] = np.asarray(picture.resize((side, side), Image.Resampling.LANCZOS))
        shown.append(what)
    return pixels, shown


def _drawn(rng: random.Random) -> tuple[Image.Image, Shown]:
    """A picture, cropped around its thing, and what it shows."""
    catalog = Catalog.load()
    what = Shown(rng.choice(SETTINGS), rng.choice(sorted(LIGHTS)))
    if rng.random() >= PLACE_ALONE:
        what = Shown(what.setting, what.light, rng.choice(OBJECTS), rng.choice(COLOURS))
    items = (Item(what.object, what.colour),) if what.object else ()
    scene = Scene(
        what.setting, what.light, items=items, seed=rng.randrange(2**31),
        palette=choose_palette(rng, what.setting, what.light, items, catalog),
    )  # fmt: skip
    picture = render(scene, DRAWN, DRAWN)
    return (picture.crop(_close(scene)) if items else picture), what


def _close(scene: Scene) -> tuple[float, float, float, float]:
    """The square around the first thing in pixels: left, top, right, bottom, all within the drawing."""
    unit = DRAWN / canvas_for(scene, DRAWN, DRAWN).width
    left, top, right, bottom = (edge * unit for edge in placements(scene, DRAWN, DRAWN)[0].box)
    side = min(max((right - left) / FILLED, (bottom - top) / FILLED, NARROWEST * DRAWN), DRAWN)
    x, y = (min(max((low + high - side) / 2, 0.0), DRAWN - side) for low, high in ((left, right), (top, bottom)))
    return x, y, x + side, y + side


def some_of(rng: random.Random, shown: Shown) -> Shown:
    """What a caption may say of a picture: each fact or nothing of it, but never nothing at all."""
    colour = shown.colour if rng.random() < 0.85 else ""
    thing = shown.object if rng.random() < 0.9 else ""
    place = shown.setting if not thing or rng.random() < 0.7 else ""
    return Shown(place, shown.light if rng.random() < 0.5 else "", thing, colour)


def phrase(rng: random.Random, said: Shown) -> str:
    """All of `said`, mostly as a phrase ("a red car in a city at night"), sometimes as bare words."""
    colour, label, place, light = said.words()
    if rng.random() < 0.3:
        return rng.choice((" ", ", ")).join(word for word in (colour, label, place, light) if word)
    thing = " ".join(word for word in (colour, label) if word)
    if not label:
        thing = f"something {colour}" if colour else ""
    elif rng.random() < 0.8:
        thing = f"{article(thing)} {thing}"
    spot = Catalog.load().settings[place].label if place else ""
    if not thing and spot:
        spot = spot.split(" ", 1)[1]
    return " ".join(part for part in (thing, spot, LIGHTS[light] if light else "") if part)


def caption(rng: random.Random, shown: Shown) -> str:
    """Some of what a picture shows, in words."""
    return phrase(rng, some_of(rng, shown))
