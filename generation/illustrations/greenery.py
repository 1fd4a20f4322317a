"""Planes that grow: trees near and far, grass, crops and the fence beside them."""

from __future__ import annotations

import math

from generation.illustrations.canvas import OVERSCAN, Canvas, Plane, n
from generation.illustrations.colouring import mix


def _crown(x: float, y: float, size: float, fill: str, dark: str, wood: str, kind: int, sway: float) -> str:
    """A round, oval or pointed tree that stands at `x`, `y`."""
    trunk = (
        f'<rect x="{n(x - size * 0.05)}" y="{n(y - size * 0.5)}" width="{n(size * 0.1)}" '
        f'height="{n(size * 0.52)}" fill="{wood}"/>'
    )
    cx, cy = x + sway, y - size * 0.72
    if kind == 0:
        leaves = f'<circle cx="{n(cx)}" cy="{n(cy)}" r="{n(size * 0.36)}" fill="{fill}"/>'
        shade = (
            f'<path d="M{n(cx)} {n(cy - size * 0.36)}a{n(size * 0.36)} {n(size * 0.36)} 0 0 1 0 {n(size * 0.72)}'
            f'q{n(size * 0.2)} {n(-size * 0.36)} 0 {n(-size * 0.72)}Z" fill="{dark}"/>'
        )
    else:
        wide, tall = size * 0.26, size * (0.44 if kind == 1 else 0.52)
        leaves = f'<ellipse cx="{n(cx)}" cy="{n(cy)}" rx="{n(wide)}" ry="{n(tall)}" fill="{fill}"/>'
        shade = (
            f'<path d="M{n(cx)} {n(cy - tall)}a{n(wide)} {n(tall)} 0 0 1 0 {n(2 * tall)}'
            f'q{n(wide * 0.5)} {n(-tall)} 0 {n(-2 * tall)}Z" fill="{dark}"/>'
        )
    return trunk + leaves + shade


def trees(canvas: Canvas, plane: Plane, name: str) -> str:
    """A loose row of round trees."""
    rng, y = canvas.rng(name), canvas.y(plane["y"])
    fill = canvas.tone("tree", plane["depth"])
    other = mix(fill, canvas.tone("foliage", plane["depth"]), 0.4)
    wood = mix(canvas.tone("earth", plane["depth"]), canvas.shadow, 0.25)
    parts = []
    number = round(plane["number"] * max(1.0, canvas.width / 1300))
    for index in range(number):
        x = (index + 0.15 + 0.7 * rng.random()) / number * (canvas.width + 40) - 20
        size, kind, tone = plane["size"] * (0.75 + 0.6 * rng.random()), rng.randrange(3), rng.random()
        if rng.random() < 0.18:
            continue
        leaf = mix(fill, other, tone)
        parts.append(
            _crown(x, y + 14, size, leaf, mix(leaf, canvas.shadow, 0.14), wood, kind, canvas.swing(size * 0.025, tone))
        )
    return "".join(parts)


def pines(canvas: Canvas, plane: Plane, name: str) -> str:
    """A row of firs, each of three cut triangles."""
    rng, y = canvas.rng(name), canvas.y(plane["y"]) + 20
    fill = canvas.tone("tree", plane["depth"])
    dark = mix(fill, canvas.shadow, 0.12)
    scale = min(1.35, canvas.stage / 900) if plane["size"] > 200 else 1.0
    number = round(plane["number"] * max(1.0, canvas.width / 1300))
    parts = []
    for index in range(number):
        x = (index + 0.1 + 0.8 * rng.random()) / number * (canvas.width + 80) - 40
        tall = plane["size"] * scale * (0.65 + 0.5 * rng.random())
        half, sway = tall * 0.21, canvas.swing(tall * 0.012, rng.random())
        tiers = "".join(
            f"M{n(x - half * w)} {n(y - tall * b)}L{n(x + sway * t)} {n(y - tall * t)}"
            f"L{n(x + half * w)} {n(y - tall * b)}Z"
            for w, b, t in ((1.0, 0.0, 0.5), (0.8, 0.28, 0.76), (0.58, 0.54, 1.0))
        )
        right = "".join(
            f"M{n(x + sway * t)} {n(y - tall * t)}L{n(x + half * w)} {n(y - tall * b)}H{n(x)}Z"
            for w, b, t in ((1.0, 0.0, 0.5), (0.8, 0.28, 0.76), (0.58, 0.54, 1.0))
        )
        parts.append(f'<path d="{tiers}" fill="{fill}"/><path d="{right}" fill="{dark}"/>')
    floor = (
        f'<rect x="{-OVERSCAN}" y="{n(y - 2)}" width="{n(canvas.width + 2 * OVERSCAN)}" '
        f'height="{n(canvas.height)}" fill="{fill}"/>'
    )
    return "".join(parts) + floor


def trunks(canvas: Canvas, plane: Plane, name: str) -> str:
    """Near trunks that leave the picture at the top, denser at its sides."""
    rng, y = canvas.rng(name), canvas.y(plane["y"])
    wood = mix(canvas.tone("earth", plane["depth"]), canvas.shadow, 0.3)
    leaf = canvas.tone("tree", plane["depth"])
    parts = []
    for index in range(plane["number"]):
        side = index / (plane["number"] - 1) - 0.5
        x = canvas.width * (0.5 + math.copysign(abs(side * 2) ** 0.6, side) * 0.52) + 40 * (rng.random() - 0.5)
        wide = 34 + 30 * rng.random()
        parts.append(
            f'<path d="M{n(x - wide * 0.8)} {n(y + 20)}Q{n(x - wide * 0.4)} {n(y - 60)} '
            f"{n(x - wide * 0.4)} -20H{n(x + wide * 0.4)}"
            f'Q{n(x + wide * 0.4)} {n(y - 60)} {n(x + wide * 0.8)} {n(y + 20)}Z" fill="{wood}"/>'
            f'<path d="M{n(x + wide * 0.1)} -20H{n(x + wide * 0.4)}Q{n(x + wide * 0.4)} {n(y - 60)} '
            f"{n(x + wide * 0.8)} {n(y + 20)}"
            f'H{n(x + wide * 0.2)}Z" fill="{mix(wood, canvas.shadow, 0.2)}"/>'
        )
    leaves = "".join(
        "<circle "
        f'cx="{n((index + rng.random()) / 9 * canvas.width + canvas.swing(6, rng.random()))}" '
        f'cy="{n(-20 + 60 * rng.random())}" r="{n(90 + 70 * rng.random())}"/>'
        for index in range(9)
    )
    return "".join(parts) + f'<g fill="{mix(leaf, canvas.shadow, 0.12)}">{leaves}</g>'


def tufts(canvas: Canvas, plane: Plane, name: str) -> str:
    """Grass and small flowers, none in the caption strip."""
    if canvas.low:
        return ""
    rng, top = canvas.rng(name), canvas.y(plane["y"])
    fill = canvas.tone("foliage", 0.0)
    blade, bloom = mix(fill, canvas.tone("tree", 0.0), 0.55), canvas.lit(canvas.palette.materials["accent"], 0.7)
    parts = []
    for index in range(plane["number"]):
        x, y = rng.random() * canvas.width, top + rng.random() * max(10.0, canvas.stage - top + canvas.calm * 0.3)
        size, sway = 12 + 12 * rng.random(), canvas.swing(4, rng.random())
        if index % 4 == 0 and canvas.weather.falls != "snow":
            parts.append(f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(size * 0.3)}" fill="{bloom}"/>')
        else:
            parts.append(
                f'<path d="M{n(x - size * 0.5)} {n(y)}q{n(size * 0.1)} {n(-size * 0.7)} '
                f"{n(-size * 0.2 + sway)} {n(-size)}q{n(size * 0.5)} {n(size * 0.3)} "
                f"{n(size * 0.7 - sway)} {n(size)}q{n(size * 0.1)} {n(-size * 0.9)} "
                f"{n(size * 0.6 + sway)} {n(-size)}q{n(-size * 0.1)} {n(size * 0.6)} "
                f'{n(-size * 0.2 - sway)} {n(size)}Z" fill="{blade}"/>'
            )
    return "".join(parts)


def furrows(canvas: Canvas, plane: Plane, name: str) -> str:
    """Rows of a crop that run to one point on the horizon."""
    rng, top = canvas.rng(name), canvas.y(plane["y"])
    one, other = canvas.tone(plane["material"], plane["depth"]), canvas.tone(plane["other"], plane["depth"])
    other = mix(one, other, 0.42)
    vanish, wide = canvas.width * (0.3 + 0.4 * rng.random()), canvas.width * 2.6
    parts = [
        f'<rect x="{-OVERSCAN}" y="{n(top)}" width="{n(canvas.width + 2 * OVERSCAN)}" '
        f'height="{n(canvas.height - top)}" fill="{one}"/>'
    ]
    rows = 15
    for row in range(0, rows, 2):
        a, b = (row / rows - 0.5) * wide, ((row + 1) / rows - 0.5) * wide
        parts.append(
            f'<path d="M{n(vanish + a * 0.07)} {n(top)}L{n(vanish + a)} {n(canvas.height)}'
            f'H{n(vanish + b)}L{n(vanish + b * 0.07)} {n(top)}Z" fill="{other}"/>'
        )
    haze = mix(one, canvas.sky[2], 0.4)
    parts.append(
        f'<rect x="{-OVERSCAN}" y="{n(top)}" width="{n(canvas.width + 2 * OVERSCAN)}" height="10" fill="{haze}"/>'
    )
    return "".join(parts)


def fence(canvas: Canvas, plane: Plane, name: str) -> str:
    """A low wooden fence across one side."""
    if canvas.low:
        return ""
    rng, y = canvas.rng(name), canvas.y(plane["y"])
    wood = mix(canvas.tone("wall", plane["depth"]), canvas.tone("earth", 0.1), 0.35)
    left = rng.random() < 0.5
    start, end = (-40.0, canvas.width * 0.42) if left else (canvas.width * 0.6, canvas.width + 40)
    posts = "".join(f'<rect x="{n(x)}" y="{n(y - 44)}" width="9" height="50" rx="3"/>' for x in _steps(start, end, 58))
    rails = "".join(
        f'<rect x="{n(start)}" y="{n(y - up)}" width="{n(end - start)}" height="7" rx="3"/>' for up in (34, 16)
    )
    return f'<g fill="{wood}">{rails}{posts}</g>'


def _steps(start: float, end: float, step: float) -> list[float]:
    return [start + step * index for index in range(int((end - start) // step) + 1)]
