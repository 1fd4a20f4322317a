"""Planes of rooms: walls, windows, floors, shelves, and a stage with its curtains and light."""

from __future__ import annotations

from generation.illustrations.canvas import Canvas, Plane, n
from generation.illustrations.colouring import darker, lighter, mix


def box(x: float, y: float, width: float, height: float, fill: str, *, round_: float = 0) -> str:
    corner = f' rx="{n(round_)}"' if round_ else ""
    return f'<rect x="{n(x)}" y="{n(y)}" width="{n(width)}" height="{n(height)}"{corner} fill="{fill}"/>'


def indoors(canvas: Canvas, material: str) -> str:
    """Rooms keep lamps on: at night a wall is warm and only half as dark as the world outside."""
    colour = canvas.palette.materials[material]
    if canvas.night:
        return mix(canvas.lit(colour, 0.75), "#C98F5A", 0.10)
    return canvas.lit(colour, 0.6)


def wallpaper(canvas: Canvas, plane: Plane, name: str) -> str:
    """A wall with broad stripes and a skirting board."""
    wall = indoors(canvas, "wall")
    parts = box(0, 0, canvas.width, canvas.horizon + 2, wall)
    if not plane.get("plain") and not canvas.low:
        stripe = mix(wall, canvas.palette.materials["accent"], 0.08)
        parts += "".join(box(x, 0, 42, canvas.horizon, stripe) for x in range(20, int(canvas.width), 126))
    return parts + box(0, canvas.horizon - 20, canvas.width, 22, lighter(wall, 0.4))


def _view(canvas: Canvas, x: float, y: float, wide: float, high: float, name: str, towers: bool) -> str:
    """The world outside a window."""
    top, middle, low = canvas.sky
    parts = box(x, y, wide, high, mix(middle, low, 0.3)) + box(x, y, wide, high * 0.4, mix(top, middle, 0.5))
    rng = canvas.rng(name + "view")
    if canvas.night:
        parts += (
            f'<circle cx="{n(x + wide * 0.28)}" cy="{n(y + high * 0.26)}" '
            f'r="{n(min(wide, high) * 0.09)}" fill="#F6F0D6"/>'
        )
    elif canvas.weather.grey < 0.5:
        parts += (
            f'<circle cx="{n(x + wide * 0.28)}" cy="{n(y + high * 0.3)}" '
            f'r="{n(min(wide, high) * 0.11)}" fill="#FFF1B8"/>'
        )
    if not towers:
        far, near = canvas.tone("peak", 0.7), canvas.tone("foliage", 0.3)
        parts += (
            f'<path d="M{n(x)} {n(y + high)}v{n(-high * 0.3)}q{n(wide * 0.3)} {n(-high * 0.2)} '
            f'{n(wide * 0.6)} {n(high * 0.02)}t{n(wide * 0.4)} {n(-high * 0.04)}V{n(y + high)}Z" '
            f'fill="{far}"/>'
        )
        return (
            parts + f'<path d="M{n(x)} {n(y + high)}v{n(-high * 0.1)}q{n(wide * 0.4)} {n(-high * 0.14)} '
            f'{n(wide)} {n(-high * 0.04)}V{n(y + high)}Z" fill="{near}"/>'
        )
    left = x
    while left < x + wide - 20:
        w, h = min(50 + 50 * rng.random(), x + wide - left), high * (0.25 + 0.5 * rng.random())
        tower = canvas.tone("building", 0.45 + 0.35 * rng.random())
        parts += box(left, y + high - h, w, h, tower)
        if canvas.night and not canvas.low:
            parts += "".join(
                box(left + 10 + 22 * c, y + high - h + 14 + 34 * r, 9, 14, canvas.glow())
                for r in range(3)
                for c in range(2)
                if (r + c + int(left)) % 3
            )
        left += w
    return parts


def window(canvas: Canvas, plane: Plane, name: str) -> str:
    """A window with a cross and light curtains."""
    wide, high = plane["width"], plane["height"] * min(1.3, canvas.stage / 900)
    x, y = canvas.width * plane["x"] - wide / 2, canvas.y(plane["y"]) - high / 2 + 20
    frame = lighter(indoors(canvas, "wall"), 0.75)
    cloth = mix(indoors(canvas, "accent"), indoors(canvas, "cloth"), 0.25)
    sway = canvas.swing(5)
    parts = box(x - 16, y - 16, wide + 32, high + 32, frame, round_=6) + _view(canvas, x, y, wide, high, name, False)
    parts += box(x + wide / 2 - 6, y, 12, high, frame) + box(x, y + high * 0.44, wide, 11, frame)
    for side, edge in ((-1, x - 30), (1, x + wide + 30)):
        inner = edge - side * (70 + sway)
        parts += (
            f'<path d="M{n(edge)} {n(y - 34)}H{n(inner)}Q{n(inner + side * 8)} {n(y + high * 0.6)} '
            f'{n(edge - side * (26 + sway))} {n(y + high + 54)}H{n(edge)}Z" fill="{cloth}"/>'
        )
    return parts + box(x - 50, y - 44, wide + 100, 14, darker(cloth, 0.25), round_=7)


def frames(canvas: Canvas, plane: Plane, name: str) -> str:
    """Two abstract prints on the wall."""
    rng = canvas.rng(name)
    x, y, materials = canvas.width * plane["x"], canvas.y(plane["y"]), canvas.palette.materials
    parts = ""
    for dx, dy, wide, high in ((-70, -40, 110, 150), (66, 10, 90, 90)):
        one, two = (indoors(canvas, m) for m in rng.sample(sorted(materials), 2))
        left, top = x + dx - wide / 2, y + dy - high / 2
        parts += box(left - 8, top - 8, wide + 16, high + 16, indoors(canvas, "floor")) + box(
            left, top, wide, high, lighter(one, 0.5)
        )
        parts += f'<circle cx="{n(left + wide * 0.45)}" cy="{n(top + high * 0.42)}" r="{n(wide * 0.24)}" fill="{two}"/>'
        parts += box(left, top + high * 0.62, wide, high * 0.38, one)
    return parts


def floorboards(canvas: Canvas, plane: Plane, name: str) -> str:
    """A floor that runs towards the viewer."""
    top, floor = canvas.y(plane["y"]), indoors(canvas, "floor")
    if plane.get("plain"):
        floor = mix(floor, indoors(canvas, "wall"), 0.45)
    parts = box(0, top, canvas.width, canvas.height - top, floor)
    if not canvas.low:
        lines, vanish = [], canvas.width / 2
        for column in range(-9, 10):
            lines.append(f"M{n(vanish + column * 92)} {n(top)}L{n(vanish + column * 190)} {n(canvas.height)}")
        parts += f'<path d="{"".join(lines)}" stroke="{darker(floor, 0.08)}" stroke-width="4" fill="none"/>'
    return parts + box(0, top, canvas.width, 8, darker(floor, 0.2))


def rug(canvas: Canvas, plane: Plane, name: str) -> str:
    """An oval rug for things to stand on."""
    near = canvas.stage - 0.02 * canvas.height
    y, cloth = min(canvas.y(plane["y"]), near), indoors(canvas, "water")
    wide, high = canvas.width * 0.42, (canvas.height - canvas.horizon) * 0.2
    trim = lighter(cloth, 0.3)
    x = canvas.width / 2
    return (
        f'<ellipse cx="{n(x)}" cy="{n(y)}" rx="{n(wide)}" ry="{n(high)}" fill="{cloth}"/>'
        f'<ellipse cx="{n(x)}" cy="{n(y)}" rx="{n(wide * 0.9)}" ry="{n(high * 0.84)}" fill="none" '
        f'stroke="{trim}" stroke-width="7"/>'
    )


def panorama(canvas: Canvas, plane: Plane, name: str) -> str:
    """A band of windows over the town."""
    high = plane["height"] * min(1.35, canvas.stage / 900)
    y, frame = canvas.y(plane["y"]) - high / 2 + 40, lighter(indoors(canvas, "wall"), 0.7)
    x, wide = canvas.width * 0.07, canvas.width * 0.86
    parts = box(x - 14, y - 14, wide + 28, high + 28, frame, round_=5) + _view(canvas, x, y, wide, high, name, True)
    panes = max(2, round(wide / 300))
    return parts + "".join(box(x + wide * i / panes - 6, y, 12, high, frame) for i in range(1, panes))


def tiles(canvas: Canvas, plane: Plane, name: str) -> str:
    """A tiled wall."""
    wall = mix(indoors(canvas, "wall"), indoors(canvas, "water"), 0.22)
    parts = box(0, 0, canvas.width, canvas.horizon + 2, wall)
    if not canvas.low:
        lines = "".join(f"M{x} 0V{n(canvas.horizon)}" for x in range(60, int(canvas.width), 120))
        lines += "".join(f"M0 {y}H{n(canvas.width)}" for y in range(40, int(canvas.horizon), 120))
        parts += f'<path d="{lines}" stroke="{lighter(wall, 0.3)}" stroke-width="4" fill="none"/>'
    return parts


def shelves(canvas: Canvas, plane: Plane, name: str) -> str:
    """Two shelves of coloured glass and boxes."""
    rng, wood = canvas.rng(name), lighter(indoors(canvas, "floor"), 0.25)
    materials = ("accent", "roof", "water", "foliage", "cloth")
    parts, width = "", canvas.width * 0.8
    for row in (0, 1):
        y = canvas.y(plane["y"]) + row * 150
        x = canvas.width * 0.1
        while x < canvas.width * 0.1 + width - 70:
            fill, kind, high = (
                mix(indoors(canvas, rng.choice(materials)), indoors(canvas, "wall"), 0.35),
                rng.randrange(3),
                44 + 40 * rng.random(),
            )
            if kind == 0:
                parts += box(x + 8, y - high, 34, high, fill, round_=6)
            elif kind == 1:
                parts += (
                    f'<path d="M{n(x + 20)} {n(y - high)}h14v{n(high * 0.35)}l16 {n(high * 0.5)}q2 '
                    f"{n(high * 0.15)} -8 {n(high * 0.15)}h-30q-10 0 -8 {n(-high * 0.15)}l16 "
                    f'{n(-high * 0.5)}Z" fill="{fill}"/>'
                )
            x += 52 + 34 * rng.random()
        parts += box(canvas.width * 0.08, y, canvas.width * 0.84, 13, wood, round_=3)
    return parts


def bench(canvas: Canvas, plane: Plane, name: str) -> str:
    """A workbench along the wall."""
    y, amp = canvas.y(plane["y"]), plane["amp"]
    front = mix(indoors(canvas, "wall"), indoors(canvas, "peak"), 0.45)
    parts = box(0, y - amp + 14, canvas.width, amp, front) + box(0, y - amp, canvas.width, 20, lighter(front, 0.55))
    step = 190
    return parts + "".join(
        box(x + 70, y - amp + 44, 52, 9, darker(front, 0.3), round_=4) for x in range(0, int(canvas.width), step)
    )


def backdrop(canvas: Canvas, plane: Plane, name: str) -> str:
    """The dark back of a stage with a great disc of light."""
    cloth = canvas.palette.materials["cloth"]
    back = mix(mix(cloth, "#2A1B4A", 0.62), "#0E1026", 0.35 if canvas.night else 0.0)
    parts = box(0, 0, canvas.width, canvas.height, back)
    r = min(canvas.width, canvas.stage) * 0.42
    disc = mix(back, canvas.palette.materials["accent"], 0.62 if not canvas.night else 0.4)
    return parts + f'<circle cx="{n(canvas.width / 2)}" cy="{n(canvas.horizon - r * 0.55)}" r="{n(r)}" fill="{disc}"/>'


def beams(canvas: Canvas, plane: Plane, name: str) -> str:
    """Spotlights that sway and meet on the boards."""
    x, floor = canvas.width / 2, canvas.stage - 0.02 * canvas.height
    high = (canvas.height - canvas.horizon) * 0.18
    parts = (
        f'<ellipse cx="{n(x)}" cy="{n(floor)}" rx="{n(canvas.width * 0.36)}" ry="{n(high)}" '
        'fill="#FFF3C4" fill-opacity="0.28"/>'
    )
    for start, end, phase in ((0.16, 0.46, 0.0), (0.84, 0.54, 0.5)):
        sx, ex = canvas.width * start, canvas.width * end + canvas.swing(26, phase)
        parts += (
            f'<path d="M{n(sx - 16)} -10H{n(sx + 16)}L{n(ex + canvas.width * 0.22)} {n(floor)}'
            f'H{n(ex - canvas.width * 0.22)}Z" fill="#FFF3C4" fill-opacity="0.13"/>'
        )
    return parts


def curtains(canvas: Canvas, plane: Plane, name: str) -> str:
    """Red curtains at both sides and a valance on top."""
    cloth = canvas.lit(canvas.palette.materials["cloth"], 0.5)
    dark, wide = darker(cloth, 0.28), min(190.0, canvas.width * 0.15)
    foot = canvas.horizon + (canvas.stage - canvas.horizon) * 0.35
    sway, parts = canvas.swing(6), ""
    for side, edge in ((1, -20.0), (-1, canvas.width + 20)):
        inner = edge + side * (wide + 20 + sway)
        parts += (
            f'<path d="M{n(edge)} -10H{n(inner)}Q{n(inner - side * 34)} {n(foot * 0.6)} '
            f'{n(inner - side * 10)} {n(foot)}H{n(edge)}Z" fill="{cloth}"/>'
        )
        for fold in (0.3, 0.62):
            left = edge + side * (wide * fold + sway * fold)
            parts += (
                f'<path d="M{n(left)} -10h{n(side * 17)}Q{n(left + side * 4)} {n(foot * 0.6)} '
                f'{n(left + side * 15)} {n(foot)}h{n(-side * 15)}Z" fill="{dark}"/>'
            )
    scallops, step = "", canvas.width / max(4, round(canvas.width / 180))
    scallops = "M-5 -10V50" + f"q{n(step / 2)} 74 {n(step)} 0" * (round(canvas.width / step) + 1) + "V-10Z"
    return parts + f'<path d="{scallops}" fill="{mix(cloth, dark, 0.5)}"/>'
