"""Abstract scenes of cut paper for lines that name nothing drawable: calm, layered, in palette and light."""

from __future__ import annotations

import math
from collections.abc import Callable

from generation.illustrations.canvas import Canvas, closed, n, ridge_points
from generation.illustrations.colouring import mix

FAMILIES = (
    ("water", "foliage", "sand", "accent", "roof"),
    ("water", "accent", "sand", "cloth", "foliage"),
    ("roof", "accent", "sand", "tree", "water"),
    ("tree", "foliage", "wall", "accent", "roof"),
)


def pattern(canvas: Canvas) -> str:
    """One of four patterns, by seed."""
    rng = canvas.rng("pattern")
    kind: Callable[[Canvas, list[str]], str] = rng.choice((_strata, _arches, _quarters, _orbs))
    family = rng.choice(FAMILIES)
    colours = [canvas.lit(canvas.palette.materials[name], 0.6) for name in family]
    return kind(canvas, colours)


def _ground(canvas: Canvas, top: str, bottom: str) -> str:
    return (
        f'<linearGradient id="paper" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{top}"/>'
        f'<stop offset="1" stop-color="{bottom}"/></linearGradient>'
        f'<rect width="{n(canvas.width)}" height="{n(canvas.height)}" fill="url(#paper)"/>'
    )


def _disc(canvas: Canvas, x: float, y: float, r: float, fill: str, cast: float = 9) -> str:
    shade = (
        f'<circle cx="{n(x + cast * 0.5)}" cy="{n(y + cast)}" r="{n(r + 3)}" fill="{canvas.shadow}" '
        'fill-opacity="0.13"/>'
    )
    return shade + f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(r)}" fill="{fill}"/>'


def _strata(canvas: Canvas, colours: list[str]) -> str:
    """Rolling sheets below a disc."""
    rng, (top, _middle, low) = canvas.rng("strata"), canvas.sky
    parts = [_ground(canvas, mix(top, low, 0.35), low)]
    r = 130 + 50 * rng.random()
    parts.append(
        _disc(canvas, canvas.width * (0.28 + 0.44 * rng.random()), canvas.stage * 0.3 + canvas.swing(10), r, colours[3])
    )
    sheets = 6
    for sheet in range(sheets):
        share = sheet / (sheets - 1)
        y = canvas.stage * (0.46 + 0.5 * share)
        points = ridge_points(rng, canvas.width, y, 130 - 50 * share, 0.8 + 0.7 * rng.random())
        points = [(x, py + canvas.swing(8, share + x / canvas.width * 0.5)) for x, py in points]
        fill = mix(mix(colours[0], colours[1], share), low, 0.55 * (1 - share))
        if sheet == 2:
            fill = mix(colours[4], low, 0.35)
        parts.append(canvas.cut(closed(points, canvas.height), fill, lift=10))
    return "".join(parts)


def _arches(canvas: Canvas, colours: list[str]) -> str:
    """Nested arches like rainbows of paper."""
    rng = canvas.rng("arches")
    light = mix(colours[2], "#FFFDF6", 0.55)
    parts = [_ground(canvas, light, mix(light, colours[0], 0.2))]
    base = canvas.stage * 0.98
    spots = [(0.24, 0.86), (0.80, 0.74), (0.52, 1.0)]
    for index, (place, size) in enumerate(spots):
        x, r = (
            canvas.width * (place + 0.05 * (rng.random() - 0.5)),
            size * min(430.0, canvas.width * 0.32) * (0.9 + 0.2 * rng.random()),
        )
        tall = r * (0.25 + 0.7 * rng.random()) * min(1.6, canvas.stage / 900)
        offset = rng.randrange(5)
        for ring in range(5):
            inner = r * (1 - ring * 0.19)
            lift = canvas.swing(7, index * 0.3 + ring * 0.08)
            fill = colours[(offset + ring) % 5] if ring < 4 else light
            d = (
                f"M{n(x - inner)} {n(canvas.height)}V{n(base - tall + lift)}a{n(inner)} {n(inner)} 0 "
                f"0 1 {n(2 * inner)} 0V{n(canvas.height)}Z"
            )
            parts.append(canvas.cut(d, fill, lift=5))
    return (
        "".join(parts) + f'<rect y="{n(base)}" width="{n(canvas.width)}" height="{n(canvas.height - base)}" '
        f'fill="{mix(colours[0], canvas.shadow, 0.12)}"/>'
    )


def _quarters(canvas: Canvas, colours: list[str]) -> str:
    """A grid of quarter circles."""
    rng = canvas.rng("quarters")
    across = 4 if canvas.width <= canvas.height else 7
    cell = canvas.width / across
    light = mix(colours[2], "#FFFDF6", 0.5)
    parts = [f'<rect width="{n(canvas.width)}" height="{n(canvas.height)}" fill="{light}"/>']
    last = max(2, math.ceil(canvas.stage / cell))
    for row in range(last):
        for column in range(across):
            x, y, turn, fade = column * cell, row * cell, rng.randrange(4), row / last * 0.4
            back, front = (mix(colour, light, fade) for colour in rng.sample(colours, 2))
            if rng.random() < 0.8:
                parts.append(
                    f'<rect x="{n(x)}" y="{n(y)}" width="{n(cell + 0.6)}" height="{n(cell + 0.6)}" '
                    f'fill="{mix(back, light, 0.45)}"/>'
                )
            swing = canvas.swing(7, rng.random())
            kind = rng.random()
            if kind < 0.72:
                d = f"M0 0H{n(cell)}A{n(cell)} {n(cell)} 0 0 1 0 {n(cell)}Z"
                parts.append(
                    f'<path d="{d}" fill="{front}" transform="translate({n(x)} {n(y)}) '
                    f'rotate({turn * 90} {n(cell / 2)} {n(cell / 2)}) rotate({swing:.1f})"/>'
                )
            else:
                parts.append(_disc(canvas, x + cell / 2, y + cell / 2, cell * (0.3 + swing / 250), front, 6))
    end = last * cell
    return (
        "".join(parts) + f'<rect y="{n(end)}" width="{n(canvas.width)}" height="{n(max(0.0, canvas.height - end))}" '
        f'fill="{mix(colours[0], light, 0.3)}"/>'
    )


def _orbs(canvas: Canvas, colours: list[str]) -> str:
    """Floating discs, rings and half moons."""
    rng = canvas.rng("orbs")
    low = mix(canvas.sky[2], colours[2], 0.4)
    parts = [_ground(canvas, mix(canvas.sky[1], low, 0.5), low)]
    for index in range(13):
        share = index / 12
        x, y = canvas.width * ((index * 0.618 + rng.random() * 0.2) % 1.0), canvas.stage * (0.08 + 0.86 * rng.random())
        r = (190 * (1 - share) ** 1.4 + 36) * (0.8 + 0.4 * rng.random())
        phase, fill = rng.random(), mix(colours[rng.randrange(5)], low, 0.45 * (1 - share))
        x, y = x + canvas.swing(14, phase), y + canvas.swing(16, phase + 0.25)
        match index % 4:
            case 1:
                parts.append(
                    f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(r * 0.8)}" fill="none" stroke="{fill}" '
                    f'stroke-width="{n(r * 0.22)}"/>'
                )
            case 2:
                turn = rng.randrange(4) * 45 + canvas.swing(8, phase)
                parts.append(
                    f'<path d="M{n(-r)} 0a{n(r)} {n(r)} 0 0 1 {n(2 * r)} 0Z" fill="{fill}" '
                    f'transform="translate({n(x)} {n(y)}) rotate({turn:.1f})"/>'
                )
            case _:
                parts.append(_disc(canvas, x, y, r, fill))
    return "".join(parts)
