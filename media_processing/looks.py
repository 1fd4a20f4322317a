"""How good a picture is to look at: what can be measured of it without knowing what it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log1p

import numpy as np
from PIL import Image

from media_processing.cropping import Face
from media_processing.pictures import sharpness

WEIGHTS: Mapping[str, float] = {
    "sharpness": 0.3, "exposure": 0.2, "contrast": 0.15, "colour": 0.1, "resolution": 0.25, "faces": 0.3,
}  # fmt: skip
"""What each part weighs in the quality; of those that could be measured."""
SIDE = 160
"""Light and colour are measured at this size."""
CRISP = 1000.0
"""Variance of the Laplacian from which on a picture couldn't be crisper."""
FULL_SIDE = 1080
"""Pixels of the shorter side that fill the tallest format's width."""
DARK, BRIGHT = 0.2, 0.8
"""Mean brightness below which a picture is dark, and above which it is pale."""
LOST = 0.25
"""Share of black and white pixels that a picture may have: a drawing's ground is often one of them."""
FULL_CONTRAST = 0.22
"""Standard deviation of brightness from which on contrast is no question (Peli, "Contrast in complex images", 1990)."""
COLOURFUL = 60.0
"""On the scale of Hasler and Süsstrunk, where 59 is quite colourful."""
EDGE = 0.012
"""A face that comes so near to the border, as a share of the side, is cut by it."""


def measured(picture: Image.Image, size: tuple[int, int], faces: Sequence[Face] | None = None) -> dict[str, float]:
    """The parts of a picture's quality, each 0 to 1 and rounded to 3 digits.

    size: pixels of the whole picture, of which `picture` may be a smaller copy (its longer side 320 or more, or as
    large as the whole). faces: where they are; None where nothing looked, and then the part is missing.
    """
    small = picture.convert("RGB")
    small.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    pixels = np.asarray(small, np.float32) / 255
    grey = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    parts = {
        "sharpness": min(1.0, log1p(sharpness(picture)) / log1p(CRISP)),
        "exposure": _exposure(grey),
        "contrast": min(1.0, float(grey.std()) / FULL_CONTRAST),
        "colour": min(1.0, _colourfulness(pixels) / COLOURFUL),
        "resolution": min(1.0, min(size) / FULL_SIDE),
    }
    if faces:
        parts["faces"] = _whole(faces)
    return {name: round(value, 3) for name, value in parts.items()}


def quality(parts: Mapping[str, float]) -> float:
    """All parts in one figure, 0 to 1: their weighted mean, those that lack left out."""
    known = {name: WEIGHTS[name] for name in parts if name in WEIGHTS}
    total = sum(known.values())
    return round(sum(weight * parts[name] for name, weight in known.items()) / total, 4) if total else 0.0


def in_words(parts: Mapping[str, float]) -> str:
    """What keeps a picture from being better, the worst first: "soft, dark"; "" where nothing does."""
    words = {
        "sharpness": "soft", "exposure": "badly exposed", "contrast": "flat", "colour": "few colours",
        "resolution": "few pixels", "faces": "a face is cut",
    }  # fmt: skip
    poor = sorted((value, name) for name, value in parts.items() if name in words and value < 0.5)
    return ", ".join(words[name] for _value, name in poor)


def _exposure(grey: np.ndarray) -> float:
    mean = float(grey.mean())
    light = min(1.0, mean / DARK, (1 - mean) / (1 - BRIGHT))
    lost = float(((grey < 0.02) | (grey > 0.98)).mean())
    return max(0.0, light) * (1 - max(0.0, lost - LOST) / (1 - LOST))


def _colourfulness(pixels: np.ndarray) -> float:
    """M3 of Hasler and Süsstrunk, "Measuring colourfulness in natural images", SPIE 5007, 2003."""
    red, green, blue = (255 * pixels[..., at] for at in range(3))
    across, along = red - green, (red + green) / 2 - blue
    spread, middle = np.hypot(across.std(), along.std()), np.hypot(across.mean(), along.mean())
    return float(spread + 0.3 * middle)


def _whole(faces: Sequence[Face]) -> float:
    """The share of the faces' area that no border cuts."""
    areas = [face.width * face.height for face in faces]
    whole = [
        area for area, face in zip(areas, faces, strict=True)
        if min(face.x, face.y) > EDGE and max(face.x + face.width, face.y + face.height) < 1 - EDGE
    ]  # fmt: skip
    return sum(whole) / max(sum(areas), 1e-9)
