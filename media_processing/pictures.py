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


def webp(image: Image.Image, *, quality: int = 80, method: int = 4) -> bytes:
    """A WebP without metadata; `method` is how hard to try for few bytes, 0 to 6."""
    target = io.BytesIO()
    image.save(target, "WEBP", quality=quality, method=method)
    return target.getvalue()


def dominant_colour(image: Image.Image) -> str:
    """The colour that one would name it by, as #rrggbb: common, with some weight on vividness."""
    small = _flat(image.resize((32, 32), Image.Resampling.BOX))
    reduced = small.quantize(8, Image.Quantize.MEDIANCUT)
    palette = reduced.getpalette() or [0, 0, 0]
    best, best_weight = (0, 0, 0), -1.0
    for count, index in reduced.getcolors() or []:
        red, green, blue = palette[3 * int(index) : 3 * int(index) + 3]  # type: ignore[arg-type]
        weight = count * (0.3 + (max(red, green, blue) - min(red, green, blue)) / 255)
        if weight > best_weight:
            best, best_weight = (red, green, blue), weight
    return "#{:02x}{:02x}{:02x}".format(*best)


COLOURS = {
    "red": "ff0000 dc143c b22222 8b0000 e53935 c0392b a83428 9b111e",
    "orange": "ffa500 ff8c00 ff7f50 f4812a e67e22 ff6a00",
    "yellow": "ffff00 ffd700 f1c40f f0e68c ffeb3b e8c547 fff59d",
    "green": "008000 00ff00 228b22 006400 6b8e23 2ecc71 90ee90 8fbc8f 556b2f 9acd32 1b4d2e 12331f",
    "teal": "008080 20b2aa 00ced1 40e0d0 5f9ea0 00ffff 2f8f8f 7fdbda",
    "blue": "0000ff 4169e1 1e90ff 000080 87ceeb 4682b4 add8e6 6495ed 1f5fd6 283e7a",
    "purple": "800080 8a2be2 4b0082 9370db 9b59b6 ba55d3 b39ddb 6a0dad",
    "pink": "ffc0cb ff69b4 ff1493 ffb6c1 db7093 f48fb1 e91e8c f8bbd0",
    "brown": "8b4513 a0522d 654321 5c4033 7b4a2b d2b48c 8d6e63 b5895a 3e2a1c",
    "black": "000000 111111 1c1c1c 14161c",
    "grey": "808080 a9a9a9 696969 555555 c0c0c0 3c3c3c 708090",
    "white": "ffffff f5f5f5 e8e8e8 fffaf0 f0f8ff",
}
"""The eleven basic colour terms of English (Berlin and Kay, "Basic Color Terms", 1969) and teal, each by colours that
most people would call so: the web's named colours where they are common words."""
FILLS = 0.12
"""The share of a picture from which on a colour fills it."""


def colour_names(image: Image.Image) -> list[str]:
    """Names of the colours that fill a picture, the largest first, out of COLOURS; what is transparent doesn't count.

    Each of 32 x 32 pixels gets the name of the nearest example in OKLab (Björn Ottosson, "A perceptual color space for
    image processing", 2020), where distances follow the eye. Empty for a picture that is all transparent.
    """
    small = image.resize((32, 32), Image.Resampling.BOX).convert("RGBA")
    pixels = np.asarray(small, dtype=np.uint8).reshape(-1, 4)
    pixels = pixels[pixels[:, 3] >= 128]
    if not len(pixels):
        return []
    # |a - b|^2 = |a|^2 - 2ab + |b|^2, and |a|^2 is the same for every example.
    distances = (_EXAMPLES**2).sum(axis=1) - 2 * oklab(pixels[:, :3]) @ _EXAMPLES.T
    counts = np.bincount(_NAMED[distances.argmin(axis=1)], minlength=len(COLOURS)) / len(pixels)
    names = list(COLOURS)
    order = [int(number) for number in np.argsort(-counts, kind="stable")]
    return [names[number] for number in order if counts[number] >= FILLS or number == order[0]]


def oklab(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(n, 3) sRGB bytes to OKLab: lightness 0 to 1, green to red, blue to yellow."""
    light = np.where(_LINEAR_BELOW[rgb], rgb / 255 / 12.92, ((rgb / 255 + 0.055) / 1.055) ** 2.4)
    cones = np.cbrt(light @ _TO_CONES.T)
    lab: NDArray[np.float64] = cones @ _TO_LAB.T
    return lab


def from_oklab(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) OKLab to sRGB between 0 and 1; what sRGB can't show is cut off."""
    light = np.clip(((lab @ _FROM_LAB.T) ** 3) @ _FROM_CONES.T, 0, 1)
    rgb: NDArray[np.float64] = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return rgb


_LINEAR_BELOW = np.arange(256) / 255 <= 0.04045
_TO_CONES = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]]
)  # fmt: skip
_TO_LAB = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]]
)  # fmt: skip
_FROM_CONES, _FROM_LAB = np.linalg.inv(_TO_CONES), np.linalg.inv(_TO_LAB)
_EXAMPLES = oklab(np.array([list(bytes.fromhex(each)) for held in COLOURS.values() for each in held.split()], np.uint8))
_NAMED = np.repeat(np.arange(len(COLOURS)), [len(held.split()) for held in COLOURS.values()])


def sharpness(image: Image.Image) -> float:
    """Variance of the Laplacian at 320 pixels: 0 for a plain or badly blurred picture, hundreds for a crisp one."""
    grey = _grey(image, 320)
    if min(grey.shape) < 3:
        return 0.0
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * grey[1:-1, 1:-1]).var())


def salience(image: Image.Image) -> NDArray[np.float64]:
    """How much each place of a picture stands out: 64 x 64 values that sum to 1; zeros for a plain one.

    Two measures in equal parts, since each fails where the other holds (a lone round thing on a plain ground has a
    ghost in the first; a busy picture of one colour has nothing in the second): the spectral residual (Hou, Zhang,
    "Saliency detection: a spectral residual approach", CVPR 2007), and the distance from the picture's mean colour
    (Achanta et al., "Frequency-tuned salient region detection", CVPR 2009; in Oklab).
    """
    small = _flat(image).resize((64, 64), Image.Resampling.BOX)
    grey = np.asarray(small.convert("L"), dtype=np.float64)
    if grey.std() < 1:
        return np.zeros((64, 64))
    spectrum = np.fft.fft2(grey)
    log = np.log(np.abs(spectrum) + 1e-9)
    residual = np.abs(np.fft.ifft2(np.exp(log - _blurred(log, 3) + 1j * np.angle(spectrum)))) ** 2
    colours = oklab(np.asarray(small).reshape(-1, 3)).reshape(64, 64, 3)
    distance = np.linalg.norm(colours - colours.mean(axis=(0, 1)), axis=2) ** 2
    shares: NDArray[np.float64] = (_standing_out(_blurred(residual, 9)) + _standing_out(_blurred(distance, 3))) / 2
    return shares


def _standing_out(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The highest tenth, away from the borders: they ring in a Fourier transform, and what matters is seldom there."""
    edge = np.hanning(66)[1:-1] ** 0.5
    values = values * edge[:, None] * edge[None, :]
    values = np.where(values >= np.quantile(values, 0.9), values, 0.0)
    shares: NDArray[np.float64] = values / max(values.sum(), 1e-12)
    return shares


def focus_point(image: Image.Image) -> tuple[float, float]:
    """Where one looks first, as shares of width and height: the centre of what stands out."""
    salient = salience(image)
    if not salient.any():
        return 0.5, 0.5
    across = (np.arange(64) + 0.5) / 64
    return float((salient.sum(axis=0) * across).sum()), float((salient.sum(axis=1) * across).sum())


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
