"""Colour arithmetic on "#RRGGBB" strings."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def hexed(red: float, green: float, blue: float) -> str:
    """Channels of 0 to 255 as "#RRGGBB"."""
    return "#" + "".join(f"{max(0, min(255, round(value))):02X}" for value in (red, green, blue))


@lru_cache(maxsize=65536)
def mix(one: str, other: str, share: float) -> str:
    """`share` 0 is `one`, 1 is `other`."""
    a, b = rgb(one), rgb(other)
    return hexed(*(x + (y - x) * share for x, y in zip(a, b, strict=True)))


@lru_cache(maxsize=65536)
def multiply(one: str, other: str, share: float) -> str:
    """`one` seen in light of the colour `other`, to the degree `share`."""
    a, b = rgb(one), rgb(other)
    return hexed(*(x + (x * y / 255 - x) * share for x, y in zip(a, b, strict=True)))


def darker(colour: str, share: float) -> str:
    return mix(colour, "#1B2038", share)


def lighter(colour: str, share: float) -> str:
    return mix(colour, "#FFFDF6", share)


def distance(one: str, other: str) -> float:
    """How different two colours look, roughly 0 to 1 (weighted as eyes weigh channels)."""
    a, b = rgb(one), rgb(other)
    mean = (a[0] + b[0]) / 2
    red, green, blue = (x - y for x, y in zip(a, b, strict=True))
    square = (2 + mean / 256) * red * red + 4 * green * green + (2 + (255 - mean) / 256) * blue * blue
    return float(square**0.5 / 765)
