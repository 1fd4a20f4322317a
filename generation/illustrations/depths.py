"""Planes of cold and deep water: what is below the sea's surface, and ice that floats on it."""

from __future__ import annotations

import math

from generation.illustrations.canvas import OVERSCAN, Canvas, Plane, closed, height_at, n, ridge_points
from generation.illustrations.colouring import darker, lighter, mix
from generation.illustrations.planes import sea


def _water(canvas: Canvas, depth: float) -> str:
    """The colour of the water at a depth of 0 (surface) to 1."""
    return mix(mix(sea(canvas), lighter(canvas.sky[2], 0.2), 0.42), mix(sea(canvas), "#0C2A52", 0.62), depth)


def deep(canvas: Canvas, plane: Plane, name: str) -> str:
    """The water itself, in bands that darken downwards, and shafts of light from the surface."""
    bands, parts = 7, ""
    for band in range(bands):
        y = canvas.horizon * 1.1 * band / bands
        wave = canvas.swing(10, band * 0.17)
        edge = f"M{-OVERSCAN} -10H{n(canvas.width + OVERSCAN)}"
        if band:
            edge = f"M{-OVERSCAN} {n(y + wave)}Q{n(canvas.width * 0.25)} {n(y - 26)} {n(canvas.width * 0.5)} {n(y)}"
            edge += f"T{n(canvas.width + OVERSCAN)} {n(y - wave)}"
        fill = _water(canvas, 0.12 + 0.7 * band / bands)
        parts += f'<path d="{edge}V{n(canvas.height)}H{-OVERSCAN}Z" fill="{fill}"/>'
    shine = 0.05 if canvas.night else 0.13
    for start, wide, phase in ((0.14, 90, 0.0), (0.38, 140, 0.3), (0.7, 110, 0.6)):
        x, lean = canvas.width * start + canvas.swing(18, phase), canvas.stage * 0.22
        parts += (
            f'<path d="M{n(x)} -10h{wide}L{n(x + wide * 1.9 + lean)} {n(canvas.stage * 0.86)}'
            f'H{n(x + lean * 0.8 - wide * 0.4)}Z" fill="#FFFFFF" fill-opacity="{shine}"/>'
        )
    return parts


def reef(canvas: Canvas, plane: Plane, name: str) -> str:
    """A ridge of rock, with corals where it is near."""
    rng, depth = canvas.rng(name), plane["depth"]
    points = ridge_points(rng, canvas.width, canvas.y(plane["y"]), plane["amp"], plane["waves"])
    fill = mix(mix(canvas.lit(canvas.palette.materials["rock"], 0.6), "#2B3E66", 0.45), _water(canvas, 0.6), depth)
    parts = ""
    if plane.get("corals"):
        materials = ("roof", "accent", "cloth", "foliage")
        for coral in range(round(plane["corals"] * max(1.0, canvas.width / 1300))):
            x, size = rng.random() * canvas.width, 60 + 70 * rng.random()
            tone = mix(canvas.lit(canvas.palette.materials[materials[coral % 4]], 0.6), _water(canvas, 0.5), depth)
            parts += _coral(x, height_at(points, x) + 16, size, tone, rng.randrange(3))
    return parts + canvas.cut(closed(points, canvas.height), fill)


def _coral(x: float, y: float, size: float, fill: str, kind: int) -> str:
    """A branching, a fan-shaped or a tube coral."""
    if kind == 0:
        path = "".join(
            f"M{n(x)} {n(y)}Q{n(x + dx * size * 0.1)} {n(y - size * 0.5)} {n(x + dx * size * 0.5)} {n(y - size * up)}"
            for dx, up in ((-1, 0.8), (-0.3, 1.05), (0.4, 0.95), (1, 0.7))
        )
        return f'<path d="{path}" fill="none" stroke="{fill}" stroke-width="{n(size * 0.17)}" stroke-linecap="round"/>'
    if kind == 1:
        ribs = "".join(
            f"M{n(x)} {n(y)}L{n(x + dx * size * 0.55)} {n(y - size * up)}"
            for dx, up in ((-0.8, 0.5), (0, 0.86), (0.8, 0.5))
        )
        return (
            f'<path d="M{n(x)} {n(y)}C{n(x - size)} {n(y - size * 0.3)} {n(x - size * 0.6)} {n(y - size * 1.1)} '
            f'{n(x)} {n(y - size)}S{n(x + size)} {n(y - size * 0.3)} {n(x)} {n(y)}Z" fill="{fill}"/>'
            f'<path d="{ribs}" stroke="{darker(fill, 0.2)}" stroke-width="5" fill="none"/>'
        )
    return "".join(
        f'<rect x="{n(x + dx * size)}" y="{n(y - size * up)}" width="{n(size * 0.24)}" height="{n(size * up)}" '
        f'rx="{n(size * 0.12)}" fill="{fill}"/>'
        f'<ellipse cx="{n(x + dx * size + size * 0.12)}" cy="{n(y - size * up + size * 0.1)}" '
        f'rx="{n(size * 0.08)}" ry="{n(size * 0.05)}" fill="{darker(fill, 0.35)}"/>'
        for dx, up in ((-0.34, 0.6), (-0.06, 0.95), (0.22, 0.5))
    )


def kelp(canvas: Canvas, plane: Plane, name: str) -> str:
    """Seaweed that sways, denser at both sides."""
    rng, y, depth = canvas.rng(name), canvas.y(plane["y"]) + 30, plane["depth"]
    fill = mix(mix(canvas.lit(canvas.palette.materials["tree"], 0.5), "#1E6B5A", 0.35), _water(canvas, 0.6), depth)
    parts = ""
    for index in range(plane["number"]):
        side = index / (plane["number"] - 1) - 0.5
        x = canvas.width * (0.5 + math.copysign(abs(side * 2) ** 0.55, side) * 0.5) + 30 * (rng.random() - 0.5)
        tall, lean = (
            plane["size"] * (0.55 + 0.5 * rng.random()) * min(1.4, canvas.stage / 900),
            canvas.swing(16, rng.random()),
        )
        half = tall * 0.055
        path = (
            f"M{n(x - half)} {n(y)}C{n(x - 3 * half)} {n(y - tall * 0.35)} "
            f"{n(x + 3 * half + lean)} {n(y - tall * 0.6)} {n(x + lean)} {n(y - tall)}"
            f"C{n(x + 5 * half + lean)} {n(y - tall * 0.6)} {n(x - half)} {n(y - tall * 0.35)} {n(x + half)} {n(y)}Z"
        )
        parts += f'<path d="{path}" fill="{fill if index % 2 else darker(fill, 0.14)}"/>'
    return parts


def bubbles(canvas: Canvas, plane: Plane, name: str) -> str:
    """Bubbles that rise through the loop and start again at the bottom, where nobody sees it."""
    rng, parts = canvas.rng(name), ""
    for _ in range(plane["number"] // 2 if canvas.low else plane["number"]):
        x, start, r = rng.random() * canvas.width, rng.random(), 5 + 14 * rng.random() ** 2
        y = canvas.stage * (1.0 - (start + canvas.moment) % 1.0)
        parts += f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(r)}" fill="#FFFFFF" fill-opacity="0.18"/>'
        parts += (
            f'<circle cx="{n(x - r * 0.3)}" cy="{n(y - r * 0.3)}" r="{n(r * 0.3)}" fill="#FFFFFF" fill-opacity="0.6"/>'
        )
    return parts


def floes(canvas: Canvas, plane: Plane, name: str) -> str:
    """Sheets of ice that drift on the water, larger where they are near."""
    rng, top = canvas.rng(name), canvas.y(0)
    ice, parts = mix(canvas.tone("cloud", 0.15), "#EAF6FB", 0.3), ""
    for index in range(plane["number"]):
        share = (index + 0.6) / plane["number"]
        x = (index * 0.618 % 1.0) * (canvas.width + 160) - 80 + canvas.swing(10 + 10 * share, rng.random())
        y, wide = top + (canvas.ground_y(0.56) - top) * share, (60 + 70 * rng.random()) * (0.6 + 1.1 * share)
        high = wide * 0.2
        sheet = f"M{n(x - wide)} {n(y)}l{n(wide * 0.4)} {n(-high)}h{n(wide * 0.9)}l{n(wide * 0.7)} {n(high * 0.8)}"
        sheet += f"l{n(-wide * 0.5)} {n(high * 0.9)}h{n(-wide * 1.1)}Z"
        parts += f'<path d="{sheet}" transform="translate(0 {n(high * 0.42)})" fill="{mix(ice, sea(canvas), 0.5)}"/>'
        parts += f'<path d="{sheet}" fill="{ice}"/>'
    return parts
