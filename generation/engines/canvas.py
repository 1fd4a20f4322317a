"""What painters do with pixels: fitting to a size, cutting out around a mask, blending back."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageChops, ImageFilter

FEATHER = 8
"""Pixels, at the drawn size, over which a filled part turns into what is around it."""


def fitted(picture: Image.Image, width: int, height: int) -> Image.Image:
    """Scaled to cover `width` x `height` and cropped in the middle."""
    factor = max(width / picture.width, height / picture.height)
    size = (max(width, round(picture.width * factor)), max(height, round(picture.height * factor)))
    scaled = picture.resize(size, Image.Resampling.LANCZOS)
    left, top = (scaled.width - width) // 2, (scaled.height - height) // 2
    return scaled.crop((left, top, left + width, top + height))


def png(picture: Image.Image) -> bytes:
    """As a PNG without metadata."""
    target = io.BytesIO()
    picture.save(target, "PNG")
    return target.getvalue()


def around(mask: Image.Image, least: int) -> tuple[int, int, int, int]:
    """A box (left, top, right, bottom) around what is white, with half its size of surroundings on each side.

    It is at least `least` pixels wide and high where the picture is, so that a model sees what it fits into.
    """
    left, top, right, bottom = mask.getbbox() or (0, 0, *mask.size)
    across = _span(left, right, mask.width, least)
    down = _span(top, bottom, mask.height, least)
    return across[0], down[0], across[1], down[1]


def _span(start: int, end: int, limit: int, least: int) -> tuple[int, int]:
    length = min(limit, max(2 * (end - start), least))
    first = min(max(0, (start + end - length) // 2), limit - length)
    return first, first + length


def blended(old: Image.Image, new: Image.Image, mask: Image.Image) -> Image.Image:
    """`old` with `new` where `mask` is white, fading in from the mask's edge inwards; elsewhere `old`, bit by bit.

    `new` may have any size: it is scaled to `old`'s. In strokes too thin for the whole fade it comes fully through in
    the middle.
    """
    small = mask.resize(new.size, Image.Resampling.BOX).point(lambda value: 255 if value >= 128 else 0)
    ring, total = small, np.zeros((new.height, new.width), np.float32)
    for _ in range(FEATHER):
        total += np.asarray(ring, np.float32)
        ring = ring.filter(ImageFilter.MinFilter(3))
    depth = Image.fromarray((total / FEATHER).round().astype(np.uint8))
    deepest = np.asarray(depth.filter(ImageFilter.MaxFilter(2 * FEATHER + 1)), np.float32)
    share = np.asarray(depth, np.float32) / np.maximum(deepest, 1.0) * 255
    alpha = Image.fromarray(share.round().astype(np.uint8)).resize(old.size, Image.Resampling.BILINEAR)
    over = new.convert("RGB").resize(old.size, Image.Resampling.LANCZOS)
    return Image.composite(over, old, ImageChops.multiply(alpha, mask))
