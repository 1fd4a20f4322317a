"""Engines for tests: deterministic, instant, and honest about it. They live here and nowhere else."""

from __future__ import annotations

import hashlib

import numpy as np
from PIL import Image

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
