"""An invisible mark in a picture that says "a machine had a part in this", for where metadata is stripped.

Spread spectrum after Cox, Kilian, Leighton and Shamoon, "Secure Spread Spectrum Watermarking for Multimedia" (IEEE
Transactions on Image Processing 6(12), 1997): a fixed sequence of signs is added to the mid frequencies of a cosine
transform. How much is added makes up for what the picture itself happens to say, as in Malvar and Florêncio, "Improved
Spread Spectrum" (IEEE Transactions on Signal Processing 51(4), 2003). It is added where a picture is busy, and all but
left out where it is flat and the eye would find it.

All pictures are looked at on one grid, so the mark outlives resizing and JPEG; it does not outlive cropping or turning.
The sequence is public: the mark tells honest readers, it does not stop somebody who wants to remove it.
"""

from __future__ import annotations

import io
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from media_processing.engine import EngineError

Grid: TypeAlias = NDArray[np.float32]
"""SIDE x SIDE, luminance 0 to 255, or its cosine transform."""

SIDE = 256
"""Of the grid on which every picture is looked at, pixels."""
BAND = (12, 120)
"""Frequencies that carry the mark, in half-waves across the picture."""
SMALLEST = 128
"""Pixels of the shorter side below which a picture is left alone."""
FOUND = 3.7
"""Score from which a mark counts as found. Pictures without one score about 0 with a standard deviation of 1."""
WANTED = 5.0
"""Score that a mark is given, as it is after JPEG and halving."""
STRONGEST = 30
"""Steps of strengthening after which a picture is given up."""
FIRST, LOUDEST = 1.2, 24.0
"""How strong a mark is at first and at most: its deviation in a busy place, in steps of luminance."""
SEED = 20_260_802

_NEIGHBOURS = 2
"""Coefficients to each side that a coefficient is measured by."""
_FINE, _WINDOW = 512, 7
"""On which grid, and in which window of it, a picture's business is measured; pixels."""
_BUSY, _FLAT = 20.0, 0.15
"""The deviation of luminance from which a place counts as busy, and what a flat place gets of the mark."""


def score(image: Image.Image) -> float:
    """How strongly a picture carries the mark: the correlation with the sequence, in standard deviations."""
    return _correlation(_transformed(_grid(image)))


def is_marked(image: Image.Image) -> bool:
    """Whether a picture carries the mark. One too small to carry it never does."""
    return min(image.size) >= SMALLEST // 2 and score(image) >= FOUND


def mark(image: Image.Image) -> Image.Image:
    """The picture with the mark, of the same size and mode (RGB or RGBA). A picture that has it comes back as it is.

    It is strengthened until it is found after JPEG at quality 75 and halving, and no further.
    Raises EngineError for a picture that can't carry it: too small, or such that it would be seen.
    """
    if min(image.size) < SMALLEST:
        raise EngineError(
            f"A picture of {image.width} x {image.height} pixels is too small for a watermark.",
            next_step=f"Make it at least {SMALLEST} pixels wide and high.", permanent=True,
        )  # fmt: skip
    if image.mode not in ("RGB", "RGBA"):
        image = image.convert("RGB")
    if score(image) >= WANTED and _survives(image):
        return image
    pixels = np.asarray(image).astype(np.float32)
    pattern = _enlarged(_pattern(_grid(image)), image) * _enlarged(_business(image), image)
    strength = FIRST
    for _ in range(STRONGEST):
        marked = _added(image, pixels, pattern * strength)
        reached = score(worn_down(marked))
        if reached >= WANTED and score(marked) >= WANTED:
            return marked
        # About as strong as it must be, by rule of three; never a large step, since more would be seen.
        strength *= min(max(WANTED / max(reached, 1.0), 1.05), 1.5)
        if strength > LOUDEST:
            break
    raise EngineError(
        "This picture can't carry a watermark that stays invisible.",
        next_step="Use another picture, or a larger one.", permanent=True,
    )  # fmt: skip


def psnr(before: Image.Image, after: Image.Image) -> float:
    """Peak signal-to-noise ratio of two pictures of one size, dB; from about 40 on nobody sees a difference."""
    difference = np.asarray(before.convert("RGB"), dtype=np.float64) - np.asarray(after.convert("RGB"), np.float64)
    error = float((difference**2).mean())
    return float("inf") if error == 0 else 10 * float(np.log10(255**2 / error))


def worn_down(image: Image.Image) -> Image.Image:
    """What a careless platform leaves of a picture: half of its size, as JPEG of quality 75."""
    small = image.convert("RGB").resize((max(1, image.width // 2), max(1, image.height // 2)), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=75)
    return Image.open(buffer)


def _survives(image: Image.Image) -> bool:
    return score(worn_down(image)) >= WANTED


def _grid(image: Image.Image) -> Grid:
    small = _on_white(image).resize((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.asarray(small.convert("L"), dtype=np.float32)


def _on_white(image: Image.Image) -> Image.Image:
    """What is seen through counts as white, here and there alike."""
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


@cache
def _cosines() -> Grid:
    """The orthonormal DCT-II as a matrix: transform = C x C^T."""
    row, column = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    matrix = np.cos(np.pi * (2 * column + 1) * row / (2 * SIDE)) * np.sqrt(2 / SIDE)
    matrix[0] /= np.sqrt(2)
    cosines: Grid = matrix.astype(np.float32)
    return cosines


def _transformed(grid: Grid) -> Grid:
    cosines = _cosines()
    return (cosines @ grid @ cosines.T).astype(np.float32)


@cache
def _carriers() -> tuple[NDArray[np.bool_], Grid]:
    """Which coefficients carry the mark, and the sign of each."""
    row, column = np.mgrid[0:SIDE, 0:SIDE]
    distance = np.hypot(row, column)
    band = (distance >= BAND[0]) & (distance < BAND[1]) & (row > 0) & (column > 0)
    signs = np.random.default_rng(SEED).choice(np.array([-1.0, 1.0], dtype=np.float32), size=(SIDE, SIDE))
    return band, signs


def _scale(coefficients: Grid) -> Grid:
    """How large coefficients are around each: what is usual there, in this picture."""
    reach = BAND[1] + _NEIGHBOURS + 1
    near = np.abs(coefficients[:reach, :reach])
    total = np.zeros_like(near)
    for down in range(-_NEIGHBOURS, _NEIGHBOURS + 1):
        for right in range(-_NEIGHBOURS, _NEIGHBOURS + 1):
            total += np.roll(near, (down, right), (0, 1))
    scale = np.full_like(coefficients, np.inf)
    scale[:reach, :reach] = total / (2 * _NEIGHBOURS + 1) ** 2 + 0.5
    return scale


def _correlation(coefficients: Grid) -> float:
    band, signs = _carriers()
    even = np.clip(coefficients[band] / _scale(coefficients)[band], -3, 3)
    length = float(np.sqrt((even**2).sum()))
    return float((even * signs[band]).sum()) / length if length > 0 else 0.0


def _pattern(grid: Grid) -> Grid:
    """The mark on the grid, with a deviation of 1: quieter in the frequencies that are loud in the picture, where it
    would be drowned out."""
    band, signs = _carriers()
    loud = np.where(band, np.clip(_scale(_transformed(grid)), 1.0, 200.0), 1.0)
    added = np.where(band, signs / np.sqrt(loud), 0.0).astype(np.float32)
    cosines = _cosines()
    pattern: Grid = (cosines.T @ added @ cosines).astype(np.float32)
    return pattern / np.float32(pattern.std())


def _business(image: Image.Image) -> Grid:
    """_FLAT where a picture is flat to 1 where it is busy, on the fine grid."""
    small = _on_white(image).convert("L").resize((_FINE, _FINE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    grid = np.asarray(small, dtype=np.float64)
    spread = np.sqrt(np.maximum(_mean(grid**2) - _mean(grid) ** 2, 0))
    return (_FLAT + (1 - _FLAT) * np.clip(spread / _BUSY, 0, 1)).astype(np.float32)


def _mean(grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the window around each place."""
    sums = np.pad(grid, _WINDOW // 2, mode="edge").cumsum(0).cumsum(1)
    sums = np.pad(sums, ((1, 0), (1, 0)))
    whole = sums[_WINDOW:, _WINDOW:] - sums[:-_WINDOW, _WINDOW:] - sums[_WINDOW:, :-_WINDOW]
    means: NDArray[np.float64] = (whole + sums[:-_WINDOW, :-_WINDOW]) / _WINDOW**2
    return means


def _enlarged(grid: Grid, image: Image.Image) -> Grid:
    return np.asarray(Image.fromarray(grid).resize(image.size, Image.Resampling.BICUBIC))


def _added(image: Image.Image, pixels: NDArray[np.float32], pattern: Grid) -> Image.Image:
    colours = np.clip(np.rint(pixels[..., :3] + pattern[..., None]), 0, 255).astype(np.uint8)
    if image.mode == "RGBA":
        return Image.fromarray(np.concatenate([colours, np.asarray(image)[..., 3:]], axis=2), "RGBA")
    return Image.fromarray(colours, "RGB")
