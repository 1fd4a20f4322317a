"""Cards: five shapes of one design, a preview, and memory over a batch, in the processor's seconds of one core."""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from media_processing import cards
from media_processing.cards import Card
from media_processing.timeline import FORMATS, Look
from tests.benchmarks.harness import Clock, Figure, at_most, plain

SIZES = [size for name, size in FORMATS.items() if name.startswith("card:")]
BATCH = 1000
WARM = 50
"""Cards after which memory has reached its level."""


def figures(batch: int = BATCH) -> Iterator[Figure]:
    """Every figure; `batch` cards are drawn for the last."""
    with tempfile.TemporaryDirectory() as folder:
        photo = photograph(Path(folder), 4000, 3000)
        drawn = photograph(Path(folder), 1600, 1200)
        for name, picture in (("a photo of 12 megapixels", photo), ("a picture of 2 megapixels", drawn)):
            yield five(picture, name)
            yield preview(picture, name)
        yield memory(Path(folder), batch)


def photograph(folder: Path, wide: int, high: int, seed: int = 1) -> Path:
    """Soft shapes with grain: as hard to compress as a photo."""
    random = np.random.default_rng(seed)
    soft = Image.fromarray(random.integers(0, 255, (12, 16, 3)).astype(np.uint8)).resize((wide, high))
    grain = random.integers(-6, 7, (high, wide, 1))
    path = folder / f"{wide}-{seed}.jpg"
    Image.fromarray((np.asarray(soft) + grain).clip(0, 255).astype(np.uint8)).save(path, quality=90)
    return path


def card(picture: Path, layout: str = "full-bleed") -> Card:
    return Card(
        "Forty boats go electric in Port Ellis", layout, picture, text="The council voted on Monday.",
        credit="Photo: A. Person",
    )  # fmt: skip


def five(picture: Path, name: str) -> Figure:
    """Composed from the file and encoded as PNG, the quietest of five runs: others work on this machine too."""
    runs = []
    for _ in range(5):
        cards._kept.cache_clear()
        with Clock() as clock:
            for size in SIZES:
                cards.encode(cards.compose(card(picture), size, Look()).image, "png")
        runs.append(clock.cpu)
    return at_most(f"cards: one design in {len(SIZES)} shapes, {name}", min(runs), "s of the processor", 1.0)


def preview(picture: Path, name: str) -> Figure:
    """The largest shape at half its size, its picture not decoded yet, as WebP."""
    runs = []
    for _ in range(5):
        cards._kept.cache_clear()
        with Clock() as clock:
            cards.encode(cards.compose(card(picture), SIZES[0], Look(), scale=0.5).image, "webp")
        runs.append(clock.cpu * 1000)
    return at_most(f"cards: a preview, {name}", min(runs), "ms of the processor", 150)


def memory(folder: Path, batch: int) -> Figure:
    """How far the highest use of memory rises after the first cards of a batch, each with a picture of its own."""
    pictures = [photograph(folder, 1600, 1200, seed) for seed in range(20)]
    at_first = 0
    for number in range(batch):
        source = pictures[number % len(pictures)]
        own = Card(f"Card number {number}: forty boats go electric", picture=source, text=f"The {number}th line.")
        cards.encode(cards.compose(own, SIZES[1], Look()).image, "jpeg")
        if number == min(WARM, batch // 2):
            at_first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    risen = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - at_first) / 1024
    if batch < BATCH:
        return plain(f"cards: memory that {batch} cards add", risen, "MB")
    return at_most(f"cards: memory that {batch:,} cards add to the first {WARM}", risen, "MB", 20)
