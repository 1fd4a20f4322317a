"""Planes that people built: skylines, rows of houses, roads and lamps."""

from __future__ import annotations

from generation.illustrations.canvas import OVERSCAN, Canvas, Plane, n
from generation.illustrations.colouring import darker, lighter, mix
from generation.illustrations.interiors import box


def skyline(canvas: Canvas, plane: Plane, name: str) -> str:
    """A row of towers; near ones have windows, lit at night."""
    rng, base, depth = canvas.rng(name), canvas.y(plane["y"]), plane["depth"]
    stone = canvas.tone(plane.get("material", "building"), depth)
    other = mix(stone, canvas.tone("roof", depth), 0.28)
    cool = mix(stone, canvas.tone("peak", depth), 0.5)
    tall = plane["amp"] * min(1.45, canvas.stage / 950)
    x, parts = -OVERSCAN, []
    while x < canvas.width + OVERSCAN:
        wide, high = plane["width"] * (0.7 + 0.6 * rng.random()), tall * (0.35 + 0.65 * rng.random() ** 1.2)
        fill, roof, lamps = rng.choice((stone, stone, other, cool)), rng.randrange(5), rng.random()
        parts.append(_tower(canvas, x, base, wide, high, fill, roof))
        if plane.get("windows") and not (canvas.low and depth > 0.4):
            parts.append(_windows(canvas, x, base, wide, high, fill, lamps, depth))
        x += wide + (0 if rng.random() < 0.6 else plane["width"] * 0.25 * rng.random())
    ground = mix(stone, canvas.tone("road", depth), 0.6)
    return "".join(parts) + box(-OVERSCAN, base, canvas.width + 2 * OVERSCAN, canvas.height - base, ground)


def _tower(canvas: Canvas, x: float, base: float, wide: float, high: float, fill: str, roof: int) -> str:
    top = base - high
    dark = mix(fill, canvas.shadow, 0.10)
    parts = box(x, top, wide, high + 40, fill) + box(x + wide * 0.66, top, wide * 0.34, high + 40, dark)
    if roof == 0:
        parts += box(x + wide * 0.47, top - wide * 0.5, max(3.0, wide * 0.05), wide * 0.5, dark)
    elif roof == 1:
        parts += (
            f'<path d="M{n(x)} {n(top + 1)}l{n(wide / 2)} {n(-wide * 0.42)}l{n(wide / 2)} '
            f'{n(wide * 0.42)}Z" fill="{dark}"/>'
        )
    elif roof == 2:
        parts += box(x + wide * 0.18, top - wide * 0.16, wide * 0.4, wide * 0.17, fill)
    return parts


def _windows(
    canvas: Canvas, x: float, base: float, wide: float, high: float, fill: str, share: float, depth: float
) -> str:
    """A grid of windows; `share` chooses which are lit, so that light never moves with detail."""
    dark = mix(fill, canvas.shadow, 0.2)
    lit = mix(canvas.glow(), canvas.sky[2], depth * 0.35)
    columns, rows = max(2, round(wide / 34)), max(2, round(high / 46))
    step, up = wide / columns, high / rows
    unlit: list[str] = []
    bright: list[str] = []
    threshold = {"night": 0.55, "dusk": 0.35}.get(canvas.light.name, 0.0)
    for row in range(rows):
        for column in range(columns):
            chance = (share * 97 + row * 0.618 + column * 0.414 * (row % 3 + 1)) % 1.0
            rect = (
                f"M{n(x + step * (column + 0.28))} {n(base - high + up * (row + 0.3))}"
                f"h{n(step * 0.44)}v{n(up * 0.44)}h{n(-step * 0.44)}Z"
            )
            (bright if chance < threshold else unlit).append(rect)
    parts = f'<path d="{"".join(unlit)}" fill="{dark}"/>' if unlit else ""
    return parts + (f'<path d="{"".join(bright)}" fill="{lit}"/>' if bright else "")


def houses(canvas: Canvas, plane: Plane, name: str) -> str:
    """A street front: coloured houses with roofs, windows, doors and awnings."""
    rng, base, depth = canvas.rng(name), canvas.y(plane["y"]) + 6, plane["depth"]
    materials = canvas.palette.materials
    walls = [canvas.tone(m, depth) for m in ("building", "wall", "sand")]
    walls += [mix(walls[0], canvas.tone(m, depth), 0.55) for m in ("accent", "roof", "water")]
    scale = min(1.4, canvas.stage / 850)
    x, last, parts = -30.0 - 90 * rng.random(), "", []
    while x < canvas.width + OVERSCAN:
        wide, high = (
            plane["width"] * (0.8 + 0.5 * rng.random()) * scale**0.5,
            plane["amp"] * (0.72 + 0.4 * rng.random()) * scale,
        )
        wall = rng.choice([w for w in walls if w != last])
        last = wall
        parts.append(
            _house(canvas, x, base, wide, high, wall, materials["roof"], depth, rng.random(), rng.randrange(3))
        )
        x += wide
    return "".join(parts)


def _house(
    canvas: Canvas,
    x: float,
    base: float,
    wide: float,
    high: float,
    wall: str,
    roof: str,
    depth: float,
    share: float,
    kind: int,
) -> str:
    top, tiles = base - high, mix(canvas.lit(roof), wall, 0.15 + depth * 0.4)
    parts = box(x, top, wide, high, wall) + box(
        x + wide - wide * 0.08, top, wide * 0.08, high, mix(wall, canvas.shadow, 0.12)
    )
    if kind == 0:
        parts += (
            f'<path d="M{n(x - 6)} {n(top)}l{n(wide / 2 + 6)} {n(-wide * 0.36)}l{n(wide / 2 + 6)} '
            f'{n(wide * 0.36)}Z" fill="{tiles}"/>'
        )
    elif kind == 1:
        parts += (
            f'<path d="M{n(x)} {n(top)}l{n(wide * 0.1)} {n(-46)}h{n(wide * 0.8)}l{n(wide * 0.1)} 46Z" fill="{tiles}"/>'
        )
    else:
        parts += box(x - 5, top - 12, wide + 10, 16, mix(wall, canvas.shadow, 0.2))
    pane, lit = mix(wall, canvas.shadow, 0.34), canvas.glow()
    columns = 2 if wide < 190 else 3
    threshold = {"night": 0.6, "dusk": 0.45}.get(canvas.light.name, 0.0)
    step, shop = wide / columns, base - min(92.0, high * 0.34)
    rows = max(1, int((shop - top - 16) / 76))
    for row in range(rows):
        for column in range(columns):
            chance = (share * 53 + row * 0.618 + column * 0.37) % 1.0
            left, down = x + step * column + step * 0.5 - 15, top + 22 + row * (shop - top - 16) / rows
            parts += box(left, down, 30, 42, lit if chance < threshold else pane)
            if not canvas.low:
                parts += box(left - 4, down + 42, 38, 5, lighter(wall, 0.35))
    return parts + _shopfront(
        canvas, x, shop, wide, base, wall, share, lit if canvas.night or canvas.light.name == "dusk" else pane
    )


def _shopfront(canvas: Canvas, x: float, y: float, wide: float, base: float, wall: str, share: float, pane: str) -> str:
    """A window with an awning and a door."""
    materials = canvas.palette.materials
    cloth = canvas.lit(materials["cloth"] if share < 0.5 else materials["accent"])
    left, room = x + wide * 0.1, wide * 0.5
    parts = box(left, y + 14, room, base - y - 22, pane) + box(
        x + wide * 0.7, y + 8, wide * 0.19, base - y - 8, mix(cloth, canvas.shadow, 0.3)
    )
    stripes = 6
    for stripe in range(stripes):
        fill = cloth if stripe % 2 == 0 else lighter(wall, 0.6)
        parts += box(left - 8 + stripe * (room + 16) / stripes, y, (room + 16) / stripes + 0.5, 24, fill)
    return parts


def lamps(canvas: Canvas, plane: Plane, name: str) -> str:
    """Street lamps, with a halo when it is dark."""
    rng, base = canvas.rng(name), canvas.y(plane["y"]) + 10
    post = mix(canvas.tone("road", plane["depth"]), canvas.shadow, 0.55)
    number, start = max(2, round(canvas.width / 520)), rng.random() * 0.4 + 0.3
    dark = canvas.light.name in ("night", "dusk")
    parts = []
    for index in range(number):
        x, top = (index + start) / number * canvas.width, base - plane["amp"]
        parts.append(box(x - 3.5, top, 7, plane["amp"], post) + box(x - 20, top - 4, 40, 7, post))
        parts.append(
            f'<circle cx="{n(x)}" cy="{n(top + 12)}" r="13" fill="{canvas.glow() if dark else lighter(post, 0.7)}"/>'
        )
        if dark:
            parts.append(f'<circle cx="{n(x)}" cy="{n(top + 12)}" r="70" fill="{canvas.glow()}" fill-opacity="0.16"/>')
    return "".join(parts)


def road(canvas: Canvas, plane: Plane, name: str) -> str:
    """Pavement, kerb and a road with a dashed middle; a car passes in the far lane while the scene moves."""
    top, wide = canvas.y(plane["y"]), canvas.width + 2 * OVERSCAN
    tar = canvas.tone("road", 0.05)
    walk = mix(canvas.tone("building", 0.1), tar, 0.35)
    deep = canvas.height - top
    kerb = top + min(deep * 0.17, 80)
    parts = box(-OVERSCAN, top, wide, deep, walk) + box(-OVERSCAN, kerb, wide, 9, lighter(walk, 0.3))
    parts += box(-OVERSCAN, kerb + 9, wide, canvas.height, darker(tar, 0.12))
    middle = kerb + (canvas.stage - kerb) * 0.42
    dash = "".join(box(x, middle, 90, 9, lighter(tar, 0.55)) for x in range(-40, int(canvas.width) + 60, 190))
    return parts + dash + _traffic(canvas, kerb + 42)


def _traffic(canvas: Canvas, y: float) -> str:
    """A small van that crosses once in the loop. At moment 0 it is out of sight: a still shows what was asked for."""
    if canvas.moment == 0.0:
        return ""
    x = -190 + canvas.moment * (canvas.width + 380)
    body, glass = canvas.lit(canvas.palette.materials["accent"], 0.6), canvas.lit("#BFE0EA", 0.5)
    wheels = "".join(f'<circle cx="{n(x + dx)}" cy="{n(y)}" r="14" fill="#2A2D3A"/>' for dx in (34, 112))
    lamp = f'<circle cx="{n(x + 144)}" cy="{n(y - 18)}" r="6" fill="{canvas.glow()}"/>'
    return (
        f'<path d="M{n(x)} {n(y)}v-52q0-14 14-14h76q12 0 20 12l14 24q22 2 22 16v14Z" fill="{body}"/>'
        f'<path d="M{n(x + 84)} {n(y - 56)}h6q8 0 13 8l11 19h-30Z" fill="{glass}"/>{wheels}{lamp}'
    )


def pavement(canvas: Canvas, plane: Plane, name: str) -> str:
    """A square of wide slabs before the city."""
    top, wide = canvas.y(plane["y"]), canvas.width + 2 * OVERSCAN
    stone = mix(canvas.tone("road", plane["depth"]), canvas.tone("building", plane["depth"]), 0.45)
    parts = box(-OVERSCAN, top, wide, canvas.height - top, stone) + box(-OVERSCAN, top, wide, 12, lighter(stone, 0.25))
    if canvas.low:
        return parts
    line, vanish, lines = darker(stone, 0.09), canvas.width / 2, []
    for column in range(-5, 6):
        lines.append(f"M{n(vanish + column * 90)} {n(top + 12)}L{n(vanish + column * 300)} {n(canvas.height)}")
    for row in (0.16, 0.38, 0.7):
        lines.append(f"M{n(-OVERSCAN)} {n(top + (canvas.height - top) * row)}h{n(wide)}")
    return parts + f'<path d="{"".join(lines)}" stroke="{line}" stroke-width="4" fill="none"/>'
