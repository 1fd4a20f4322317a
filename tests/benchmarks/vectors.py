"""Synthetic vectors that resemble CLIP's embeddings, for measuring an index without pictures.

Two thousand gaussians of very unequal sizes on the unit sphere; within each, and among their centres, the variance
falls by a power law; all pictures share one direction (two of them have a cosine of about 0.45), and the words that
ask for them stand off in another (the best cosine is about 0.3), which is what makes text queries hard for an index.
What is measured on them says how an index behaves, not how well a model understands pictures.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
BATCH = 50_000
SHARED, AMONG, WITHIN = 0.68, 0.62, 0.42
"""Lengths of the shared direction, of a centre's own part, and of a vector's way from its centre."""
GAP, MEANING, NOISE = 0.85, 0.35, 0.25
"""Lengths of the parts of a text query: its offset, the centre that it means, chance."""


class Synthetic:
    """A world of clusters to draw pictures and queries from; the same seed gives the same."""

    def __init__(self, dimensions: int = 512, clusters: int = 2000, seed: int = 20) -> None:
        rng = np.random.default_rng(seed)
        self.seed, self.dimensions = seed, dimensions
        spectrum = np.arange(1, dimensions + 1) ** -0.5
        self.spectrum = (spectrum / np.linalg.norm(spectrum)).astype(np.float32)
        turn, _ = np.linalg.qr(rng.standard_normal((dimensions, dimensions)))  # no axis is special
        self.turn = turn.astype(np.float32)
        self.shared = _unit(rng.standard_normal(dimensions))
        gap = rng.standard_normal(dimensions)
        self.gap = _unit(gap - gap @ self.shared * self.shared)
        self.own = rng.standard_normal((clusters, dimensions)).astype(np.float32) * self.spectrum
        weights = rng.permutation(1 / (np.arange(clusters) + 20.0))
        self.weights = weights / weights.sum()

    def pictures(self, count: int, seed: int) -> Iterator[tuple[Vectors, NDArray[np.int32]]]:
        """(m, dimensions) unit vectors and (m,) their clusters, `count` in all, in batches."""
        rng = np.random.default_rng([self.seed, seed])
        for start in range(0, count, BATCH):
            size = min(BATCH, count - start)
            which = rng.choice(len(self.own), size, p=self.weights).astype(np.int32)
            spread = WITHIN * rng.uniform(0.6, 1.4, (size, 1)).astype(np.float32)
            away = spread * rng.standard_normal((size, self.dimensions), dtype=np.float32) * self.spectrum
            yield _unit((SHARED * self.shared + AMONG * self.own[which] + away) @ self.turn), which

    def texts(self, count: int, seed: int) -> Vectors:
        """(count, dimensions) unit vectors that stand off from the pictures as words do."""
        rng = np.random.default_rng([self.seed, seed])
        meant = self.own[rng.choice(len(self.own), count, p=self.weights)]
        noise = rng.standard_normal((count, self.dimensions)).astype(np.float32) * self.spectrum
        return _unit((GAP * self.gap + MEANING * meant + NOISE * noise) @ self.turn)

    def stored(self, folder: Path, count: int) -> tuple[Vectors, NDArray[np.int32]]:
        """`count` pictures and their clusters, memory-mapped from a folder that keeps them for the next time."""
        path = folder / f"synthetic-{self.seed}-{len(self.own)}-{count}x{self.dimensions}.npy"
        clusters = path.with_suffix(".clusters.npy")
        if not (path.exists() and clusters.exists()):
            folder.mkdir(parents=True, exist_ok=True)
            making = path.with_name(f".{path.name}.{os.getpid()}")
            shape = (count, self.dimensions)
            vectors = np.lib.format.open_memmap(making, mode="w+", dtype=np.float32, shape=shape)
            of, at = np.zeros(count, np.int32), 0
            for some, which in self.pictures(count, seed=1):
                vectors[at : at + len(some)], of[at : at + len(some)] = some, which
                at += len(some)
            vectors.flush()
            np.save(clusters, of)
            making.replace(path)
        return np.load(path, mmap_mode="r"), np.load(clusters)


def _unit(vectors: NDArray[np.floating]) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)
