"""Small jobs on pictures that are already decoded."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps


def thumbnail(image: Image.Image, max_side: int, *, quality: int = 80) -> bytes:
    """A WebP of `image`, no side longer than `max_side` pixels; never enlarged. Carries no metadata."""
    small = image.copy()
    small.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return webp(small, quality=quality)


def webp(image: Image.Image, *, quality: int = 80) -> bytes:
    target = io.BytesIO()
    image.save(target, "WEBP", quality=quality, method=4)
    return target.getvalue()


def dominant_colour(image: Image.Image) -> str:
    """The colour that one would name it by, as #rrggbb: common, with some weight on vividness."""
    small = _flat(image).resize((48, 48), Image.Resampling.BOX)
    reduced = small.quantize(8, Image.Quantize.MEDIANCUT)
    palette = reduced.getpalette() or [0, 0, 0]
    best, best_weight = (0, 0, 0), -1.0
    for count, index in reduced.getcolors() or []:
        red, green, blue = palette[3 * int(index) : 3 * int(index) + 3]  # type: ignore[arg-type]
        weight = count * (0.3 + (max(red, green, blue) - min(red, green, blue)) / 255)
        if weight > best_weight:
            best, best_weight = (red, green, blue), weight
    return "#{:02x}{:02x}{:02x}".format(*best)


def sharpness(image: Image.Image) -> float:
    """Variance of the Laplacian at 320 pixels: 0 for a plain or badly blurred picture, hundreds for a crisp one."""
    grey = _grey(image, 320)
    if min(grey.shape) < 3:
        return 0.0
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * grey[1:-1, 1:-1]).var())


def focus_point(image: Image.Image) -> tuple[float, float]:
    """Where one looks first, as shares of width and height: the centre of what stands out (spectral residual)."""
    grey = np.asarray(_flat(image).convert("L").resize((64, 64), Image.Resampling.BOX), dtype=np.float64)
    if grey.std() < 1:
        return 0.5, 0.5
    spectrum = np.fft.fft2(grey)
    log = np.log(np.abs(spectrum) + 1e-9)
    residual = log - _blurred(log, 3)
    salient = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    salient = _blurred(salient, 9)
    # Borders ring in a Fourier transform, and what matters is seldom there.
    edge = np.hanning(66)[1:-1] ** 0.5
    salient *= edge[:, None] * edge[None, :]
    salient = np.where(salient >= np.quantile(salient, 0.9), salient, 0.0)
    total = salient.sum()
    if not total:
        return 0.5, 0.5
    across = (np.arange(64) + 0.5) / 64
    return float((salient.sum(axis=0) * across).sum() / total), float((salient.sum(axis=1) * across).sum() / total)


def cover_crop(image: Image.Image, width: int, height: int, focus: tuple[float, float] = (0.5, 0.5)) -> Image.Image:
    """`image` filling width x height, cut so that `focus` (shares of its sides) is as near the middle as can be."""
    scale = max(width / image.width, height / image.height)
    wide, high = width / scale, height / scale
    left = min(max(focus[0] * image.width - wide / 2, 0.0), image.width - wide)
    top = min(max(focus[1] * image.height - high / 2, 0.0), image.height - high)
    box = (left, top, left + wide, top + high)
    return image.resize((width, height), Image.Resampling.LANCZOS, box=box, reducing_gap=2.0)


def _flat(image: Image.Image) -> Image.Image:
    """Without transparency: on white, as a page would show it."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    white.alpha_composite(image)
    return white.convert("RGB")


def _grey(image: Image.Image, max_side: int) -> NDArray[np.float64]:
    small = ImageOps.contain(_flat(image), (max_side, max_side)) if max(image.size) > max_side else _flat(image)
    return np.asarray(small.convert("L"), dtype=np.float64)


def _blurred(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """A box blur that wraps around, as a Fourier transform does."""
    reach = range(-(size // 2), size // 2 + 1)
    rows = sum((np.roll(values, shift, axis=0) for shift in reach), np.zeros_like(values))
    blurred: NDArray[np.float64] = sum((np.roll(rows, shift, axis=1) for shift in reach), np.zeros_like(values))
    return blurred / size**2
