"""Pictures to the square of numbers that a picture tower sees, pixel for pixel as open_clip's own preprocessing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
MODES = ("squash", "shortest", "longest")


@dataclass(frozen=True)
class Preparation:
    """What is done to a picture, in the words of open_clip's preprocessing."""

    side: tuple[int, int]
    """Height and width in pixels."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    mode: str = "squash"
    """squash: all of it, whatever its aspect; shortest: the middle; longest: all of it, with bars."""
    interpolation: str = "bicubic"
    fill: int = 0
    """Brightness of the bars, 0 to 255."""
    gap: float | None = None
    """Pillow's reducing_gap: a quicker, slightly different resize. Models trained by this project are used to it."""

    @classmethod
    def of(cls, card: dict[str, Any]) -> Preparation:
        """As a model's card says it. Raises ValueError, KeyError or TypeError where it makes no sense."""
        side = card["side"]
        height, width = (side, side) if isinstance(side, int) else side
        resize = card.get("resize", {"mode": "squash", "gap": 3.0})
        if resize["mode"] not in MODES or resize.get("interpolation", "bicubic") not in FILTERS:
            raise ValueError(f"unknown preprocessing {resize}")
        mean, std = (tuple(map(float, card[name])) for name in ("mean", "std"))
        if len(mean) != 3 or len(std) != 3 or not all(std):
            raise ValueError("mean and std are of three colours")
        return cls((int(height), int(width)), mean, std, **resize)

    def pixels(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        """(n, 3, height, width) of pictures of any size and mode."""
        squares = np.stack([np.asarray(self.square(picture), dtype=np.uint8) for picture in pictures])
        values = (squares.astype(np.float32) / 255 - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(values.transpose(0, 3, 1, 2), dtype=np.float32)

    def square(self, picture: Image.Image) -> Image.Image:
        """An RGB picture of exactly the model's size."""
        height, width = self.side
        picture = picture.convert("RGB")
        return _middle(self._resized(picture), width, height, self.fill)

    def _resized(self, picture: Image.Image) -> Image.Image:
        height, width = self.side
        if self.mode == "squash":
            size = (width, height)
        elif self.mode == "shortest" and width == height:
            short, long = sorted(picture.size)
            longer = int(width * long / short)  # cut off, not rounded: so does torchvision's Resize
            size = (width, longer) if picture.width <= picture.height else (longer, width)
        else:
            ratios = (picture.width / width, picture.height / height)
            ratio = max(ratios) if self.mode == "longest" else min(ratios)
            size = (max(1, round(picture.width / ratio)), max(1, round(picture.height / ratio)))
        return picture.resize(size, FILTERS[self.interpolation], reducing_gap=self.gap)


def _middle(picture: Image.Image, width: int, height: int, fill: int) -> Image.Image:
    """The middle of a picture; what it lacks becomes bars."""
    wide, high = max(0, width - picture.width), max(0, height - picture.height)
    if wide or high:
        bars = (wide // 2, high // 2, (wide + 1) // 2, (high + 1) // 2)
        picture = ImageOps.expand(picture, bars, fill=(fill, fill, fill))
    if picture.size == (width, height):
        return picture
    left, top = round((picture.width - width) / 2), round((picture.height - height) / 2)
    return picture.crop((left, top, left + width, top + height))
