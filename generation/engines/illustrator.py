"""The painter that ships: flat vector scenes drawn from words, of our own objects, without a model or a key."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import ClassVar

from PIL import Image

from generation.engines.base import Painter, Picture, Wanted
from generation.illustrations.catalog import Catalog
from generation.illustrations.drawing import rasterise, svg
from generation.illustrations.reading import Reading, read
from generation.illustrations.scene import Scene
from generation.illustrations.styles import STYLES
from generation.illustrations.telling import tags, told
from media_processing.engine import Progress
from media_processing.ffmpeg import encode_frames

FPS = 30
EVERY = 2
"""Each drawn frame is shown so often: flat shapes move well at 15 drawings a second."""
LOOP = 4.0
"""Seconds, about, after which a moving scene is back where it began."""


class IllustratorPainter(Painter):
    """Draws scenes of objects in settings, light and weather. What it can't show, it says (`knew`)."""

    title = "Illustrator"
    leaves_the_machine = False
    starter = True
    languages: ClassVar[frozenset[str] | None] = frozenset({"en"})
    can_move = True
    styles: ClassVar[Mapping[str, str]] = {name: style.title for name, style in STYLES.items()}

    def _load(self) -> None:
        Catalog.load()

    @property
    def model(self) -> str:
        return f"resvg-py {version('resvg-py')}"

    def _draw(self, wanted: Wanted) -> Picture:
        reading = _read(wanted.words, wanted.seed, wanted.style)
        content = rasterise(svg(reading.scene, wanted.width, wanted.height))
        wanted.progress(1.0)
        return self._picture(reading, content, "image", ".png", wanted.width, wanted.height, wanted.seed)

    def _animate(self, wanted: Wanted, seconds: float) -> Picture:
        """Whole loops fill the clip, so that it can be repeated without a seam. Sides are rounded down to even."""
        reading = _read(wanted.words, wanted.seed, wanted.style)
        width, height = wanted.width - wanted.width % 2, wanted.height - wanted.height % 2
        drawn = max(1, round(seconds * FPS / EVERY))
        loops = max(1, round(seconds / LOOP))
        frames = _frames(reading.scene, width, height, drawn, -(-drawn // loops), wanted.progress)
        content = encode_frames(frames, width=width, height=height, fps=FPS)
        return self._picture(reading, content, "video", ".mp4", width, height, wanted.seed)

    def _picture(
        self, reading: Reading, content: bytes, kind: str, suffix: str, width: int, height: int, seed: int
    ) -> Picture:
        return Picture(
            content=content,
            kind=kind,
            suffix=suffix,
            width=width,
            height=height,
            alt=told(reading.scene),
            tags=tags(reading.scene),
            made_by=self.made_by(seed=seed, scene=reading.scene.as_dict(), knew=list(reading.knew)),
        )


def _read(words: str, seed: int, style: str) -> Reading:
    """The scene for the words. `style` names a style, a palette, or both ("print riviera"); other words are ignored."""
    reading = read(words, seed)
    scene = reading.scene
    for word in style.split():
        if word in STYLES:
            scene = replace(scene, style=word)
        elif word in Catalog.load().palettes:
            scene = replace(scene, palette=word)
    return replace(reading, scene=scene)


def _frames(scene: Scene, width: int, height: int, drawn: int, loop: int, progress: Progress) -> Iterator[bytes]:
    """RGB frames at FPS: one loop is drawn and kept, the rest repeats it."""
    kept: list[bytes] = []
    for number in range(drawn):
        if number < loop:
            document = svg(scene, width, height, moment=number / loop)
            with Image.open(io.BytesIO(rasterise(document))) as picture:
                kept.append(picture.convert("RGB").tobytes())
        for _ in range(EVERY):
            yield kept[number % loop]
        progress((number + 1) / drawn)
