"""The pictures of a training run: drawn once to a file of bytes, changed a little each time they are looked at."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Part: TypeAlias = tuple[NDArray[np.uint8], Sequence[frozenset[str]]]
"""Some pictures and what each of them shows."""


@dataclass(frozen=True)
class Pictures:
    """Square RGB pictures and what each of them shows."""

    pixels: NDArray[np.uint8]
    """(n, side, side, 3), a memory map where it comes from a file."""
    facets: Sequence[frozenset[str]]

    def __len__(self) -> int:
        return len(self.facets)

    @property
    def side(self) -> int:
        return int(self.pixels.shape[1])

    @classmethod
    def store(cls, folder: Path, parts: Iterable[Part], count: int) -> Pictures:
        """Write parts of a picture set to `folder` as they come, `count` pictures in all, and open it."""
        folder.mkdir(parents=True, exist_ok=True)
        pixels: np.memmap[Any, np.dtype[np.uint8]] | None = None
        facets: list[frozenset[str]] = []
        for part, shown in parts:
            if pixels is None:
                pixels = np.lib.format.open_memmap(
                    folder / "pixels.npy", mode="w+", dtype=np.uint8, shape=(count, *part.shape[1:])
                )
            room = count - len(facets)
            pixels[len(facets) : len(facets) + len(part[:room])] = part[:room]
            facets += shown[:room]
        if pixels is None or len(facets) < count:
            raise ValueError(f"There are {len(facets)} pictures where {count} were asked for.")
        pixels.flush()
        (folder / "facets.json").write_text(json.dumps([sorted(shown) for shown in facets]), encoding="utf-8")
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> Pictures:
        shown = json.loads((folder / "facets.json").read_text(encoding="utf-8"))
        return cls(np.load(folder / "pixels.npy", mmap_mode="r"), [frozenset(facets) for facets in shown])


def shuffled(count: int, batch: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Numbers of pictures in batches without end, each epoch in another order."""
    while True:
        order = rng.permutation(count)
        for start in range(0, max(1, count - batch + 1), batch):
            yield np.sort(order[start : start + batch])


def vary(pixels: NDArray[np.uint8], rng: np.random.Generator, *, shift: float = 0.06) -> NDArray[np.float32]:
    """(n, side, side, 3) pictures as 0 to 1: mirrored, moved by up to `shift` of the side, lit and tinted a little."""
    count, side = len(pixels), pixels.shape[1]
    most = max(1, round(side * shift))
    varied = np.empty(pixels.shape, dtype=np.float32)
    moves = rng.integers(-most, most + 1, size=(count, 2))
    mirrored = rng.random(count) < 0.5
    steps = np.arange(side)
    for number in range(count):
        down, right = moves[number]
        picture = pixels[number][np.clip(steps + down, 0, side - 1)][:, np.clip(steps + right, 0, side - 1)]
        varied[number] = picture[:, ::-1] if mirrored[number] else picture
    varied /= 255
    gain = rng.uniform(0.9, 1.1, size=(count, 1, 1, 1)) * rng.uniform(0.97, 1.03, size=(count, 1, 1, 3))
    varied *= gain.astype(np.float32)
    varied += rng.normal(0, 0.01, size=varied.shape[1:]).astype(np.float32)
    return np.clip(varied, 0, 1, out=varied)
