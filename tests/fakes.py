"""Engines for tests: deterministic, instant, and honest about it. They live here and nowhere else."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
from PIL import Image

from generation.engines.base import Painter, Picture, Wanted
from generation.engines.metering import Forecast
from media_processing.engine import EngineError
from search.engines.base import Card, Embedder, Vectors


def picture_of(words: str, size: tuple[int, int] = (8, 8)) -> Image.Image:
    """A picture that the fake embedder takes for one of these words."""
    picture = Image.new("RGB", size)
    picture.info["words"] = words
    return picture


class FakeEmbedder(Embedder):
    """Bags of words, hashed: a text and a picture of the same words are the same vector."""

    title = "Fake"
    leaves_the_machine = False

    def __init__(self, name: str = "fake", *, digest: str = "fake-1", domains: tuple[str, ...] = ("illustrations",)):
        super().__init__(name)
        self._card = Card("Fake", digest, 64, domains)
        self.trouble: list[EngineError] = []
        self.calls = 0

    @property
    def card(self) -> Card:
        return self._card

    def problems(self) -> list[EngineError]:
        return self.trouble

    def understood(self, text: str) -> list[str]:
        return [word for word in text.lower().split() if not word.startswith("zz")]

    def _embed_texts(self, texts: list[str]) -> Vectors:
        self.calls += 1
        return np.stack([_bag(text) for text in texts])

    def _embed_pictures(self, pictures: list[Image.Image]) -> Vectors:
        self.calls += 1
        return np.stack([_bag(str(picture.info.get("words", ""))) for picture in pictures])


def _bag(text: str) -> Vectors:
    total = np.full(64, 1e-3, np.float32)
    for word in text.lower().split():
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little")
        total += np.random.default_rng(seed).standard_normal(64).astype(np.float32)
    return total


class FakePainter(Painter):
    """Paints one colour, by words and seed. It can all that a painter can; with a provider, a picture is paid."""

    title = "Fake painter"
    leaves_the_machine = False
    can_redraw = True
    can_fill = True
    takes: ClassVar[frozenset[str]] = frozenset({"negative", "steps", "guidance", "scheduler"})

    def __init__(self, name: str = "fake", *, provider: str = "") -> None:
        super().__init__(name)
        self._provider = provider

    @property
    def provider(self) -> str:
        return self._provider

    @property
    def model(self) -> str:
        return "fake-1"

    @property
    def schedulers(self) -> Mapping[str, str]:
        return {"euler": "Euler", "ddim": "DDIM"}

    def forecast(self, verb: str, characters: int) -> Forecast:
        return Forecast(pictures=1)

    def _draw(self, wanted: Wanted) -> Picture:
        return self._kept(wanted, Image.new("RGB", (wanted.width, wanted.height), self._colour(wanted)))

    def _redraw(self, wanted: Wanted, picture: Image.Image, strength: float) -> Picture:
        colour = Image.new("RGB", picture.size, self._colour(wanted))
        return self._kept(wanted, Image.blend(picture, colour, strength), strength=strength)

    def _fill(self, wanted: Wanted, picture: Image.Image, mask: Image.Image) -> Picture:
        picture = picture.copy()
        picture.paste(self._colour(wanted), mask=mask)
        return self._kept(wanted, picture)

    def _colour(self, wanted: Wanted) -> tuple[int, int, int]:
        said = f"{wanted.words} {wanted.seed} {wanted.style} {wanted.sampling}"
        red, green, blue = hashlib.sha256(said.encode()).digest()[:3]
        return red, green, blue

    def _kept(self, wanted: Wanted, image: Image.Image, **details: float) -> Picture:
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        if self._provider:
            wanted.meter.answering(f"fake-{wanted.seed}")
            wanted.meter.answered("", "", prompt_tokens=0, completion_tokens=0, pictures=1)
        wanted.progress(1.0)
        made = Picture(buffer.getvalue(), "image", ".png", *image.size, alt=wanted.words)
        asked = wanted.sampling
        told = {"seed": wanted.seed, "steps": asked.steps, "guidance": asked.guidance, "scheduler": asked.scheduler}
        return replace(made, made_by=self.made_by(**told, **details))
