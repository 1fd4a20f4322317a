"""Planes of public places: classroom, hospital ward, kitchen, stadium and market."""

from __future__ import annotations

import math

from generation.illustrations.canvas import OVERSCAN, Canvas, Plane, n
from generation.illustrations.colouring import darker, lighter, mix
from generation.illustrations.interiors import box, indoors


def disc(x: float, y: float, r: float, fill: str) -> str:
    return f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(r)}" fill="{fill}"/>'


def blackboard(canvas: Canvas, plane: Plane, name: str) -> str:
    """A green board with a drawing in chalk, between a shelf for the chalk and paper stars above it."""
    wide, high = min(canvas.width * 0.56, 760.0), plane["height"] * min(1.25, canvas.stage / 900)
    x, y = canvas.width * 0.56 - wide / 2, canvas.y(plane["y"]) - high / 2
    board, wood = mix(indoors(canvas, "tree"), "#1F4A41", 0.6), darker(indoors(canvas, "floor"), 0.12)
    chalk = mix(board, "#FFFFFF", 0.75)
    parts = box(x - 15, y - 15, wide + 30, high + 30, wood, round_=8) + box(x, y, wide, high, board)
    parts += box(x, y + high - 20, wide, 20, mix(board, "#FFFFFF", 0.06)) + box(
        x - 30, y + high + 14, wide + 60, 13, wood
    )
    if not canvas.low:
        left, low = x + wide * 0.12, y + high * 0.74
        lines = (
            f"M{n(left)} {n(low)}h{n(wide * 0.22)}l{n(-wide * 0.22)} {n(-high * 0.46)}Z"
            f"M{n(left + wide * 0.36)} {n(y + high * 0.3)}h{n(wide * 0.42)}m0 {n(high * 0.2)}h{n(-wide * 0.42)}"
            f"m0 {n(high * 0.2)}h{n(wide * 0.26)}"
        )
        parts += f'<path d="{lines}" fill="none" stroke="{chalk}" stroke-width="8" stroke-linecap="round"/>'
    for share, material in ((0.2, "accent"), (0.26, "roof"), (0.32, "cloud")):
        parts += box(x + wide * share, y + high + 4, 34, 10, indoors(canvas, material), round_=5)
    return parts


def desks(canvas: Canvas, plane: Plane, name: str) -> str:
    """A row of pupils' desks with chairs before the wall."""
    y, high, step = canvas.y(plane["y"]), plane["amp"], 235.0
    wood, legs = mix(indoors(canvas, "floor"), "#F2C98A", 0.35), mix(indoors(canvas, "peak"), "#3A4256", 0.4)
    seats = [indoors(canvas, material) for material in ("water", "roof", "accent")]
    parts, number = "", math.ceil(canvas.width / step)
    start = (canvas.width - number * step) / 2
    for desk in range(number):
        x = start + desk * step + 30
        parts += box(x + 46, y - high * 1.06, 84, high * 0.62, seats[desk % 3], round_=14)
        parts += "".join(box(x + dx, y - high * 0.6, 9, high * 0.6, legs) for dx in (8, 158))
        parts += box(x - 6, y - high * 0.7, 187, 20, wood, round_=5)
        parts += box(x - 6, y - high * 0.7 + 14, 187, 7, darker(wood, 0.2), round_=3)
    return parts


def beds(canvas: Canvas, plane: Plane, name: str) -> str:
    """A hospital bed along the wall at each side, with a drip, and a monitor that beats in between."""
    y, high = canvas.y(plane["y"]), plane["amp"]
    steel, sheet = mix(indoors(canvas, "peak"), "#C9D3DC", 0.5), lighter(indoors(canvas, "wall"), 0.75)
    cover = mix(indoors(canvas, "water"), "#3E8FD0", 0.4)
    long, parts = min(400.0, canvas.width * 0.36), ""
    for side, edge in ((1, canvas.width * 0.03), (-1, canvas.width * 0.97)):
        left = min(edge, edge + side * long)
        head = edge if side > 0 else edge - 16
        parts += box(left, y - high * 0.34, long, 13, steel, round_=5)
        parts += "".join(box(left + dx, y - high * 0.3, 10, high * 0.3, darker(steel, 0.25)) for dx in (30, long - 40))
        parts += box(left + 6, y - high * 0.62, long - 12, high * 0.3, sheet, round_=12)
        parts += box(
            left + (0.32 * long if side > 0 else 6), y - high * 0.64, long * 0.66, high * 0.33, cover, round_=12
        )
        parts += box(edge + side * 0.17 * long - 44, y - high * 0.8, 88, high * 0.22, lighter(sheet, 0.5), round_=16)
        parts += box(head, y - high, 16, high, steel, round_=6)
        parts += box(left + (long - 14 if side > 0 else 0), y - high * 0.72, 14, high * 0.72, steel, round_=6)
        pole = edge + side * (long + 34)
        parts += box(pole - 4, y - high * 1.9, 8, high * 1.9, darker(steel, 0.1)) + box(pole - 26, y - 9, 52, 9, steel)
        parts += box(pole - 17, y - high * 1.9, 34, high * 0.46, mix(sheet, "#F4C6C0", 0.6), round_=9)
    return parts + _monitor(canvas, canvas.width * 0.5, canvas.y(-0.38), steel)


def _monitor(canvas: Canvas, x: float, y: float, steel: str) -> str:
    parts = box(x - 96, y - 66, 192, 132, steel, round_=12) + box(x - 82, y - 53, 164, 106, "#20344A", round_=5)
    beat = canvas.swing(14, 0.2)
    line = f"M{n(x - 72)} {n(y)}h44l14 {n(-30 - beat)}l18 {n(58 + beat)}l14 -28h54"
    return parts + f'<path d="{line}" fill="none" stroke="#7BE0A4" stroke-width="7" stroke-linejoin="round"/>'


def screens(canvas: Canvas, plane: Plane, name: str) -> str:
    """Two curtains on a rail, as between the beds of a ward."""
    cloth, rail = mix(indoors(canvas, "foliage"), "#2FA39A", 0.5), lighter(indoors(canvas, "peak"), 0.3)
    top, foot, sway, parts = canvas.y(-0.9), canvas.horizon - 26, canvas.swing(6), ""
    wide = min(170.0, canvas.width * 0.14)
    for side, edge in ((1, -12.0), (-1, canvas.width + 12)):
        left = min(edge, edge + side * (wide + sway))
        parts += box(left, top, wide + abs(sway), foot - top, cloth)
        parts += "".join(
            box(left + wide * fold, top, 16, foot - top, darker(cloth, 0.1)) for fold in (0.18, 0.48, 0.78)
        )
    return parts + box(0, top - 10, canvas.width, 12, rail)


def cupboards(canvas: Canvas, plane: Plane, name: str) -> str:
    """Hung cupboards to the left and the hood over the hob to the right."""
    wood = mix(indoors(canvas, "accent"), indoors(canvas, "wall"), 0.3)
    steel, top = mix(indoors(canvas, "peak"), "#D8DEE3", 0.6), canvas.y(-0.86)
    high, wide = 210.0 * min(1.2, canvas.stage / 900), canvas.width * 0.15
    parts = ""
    for door in range(2):
        x = canvas.width * 0.05 + door * (wide + 8)
        parts += box(x, top, wide, high, wood, round_=6) + box(
            x + 14, top + 14, wide - 28, high - 28, lighter(wood, 0.14)
        )
        parts += box(x + (wide - 26 if door == 0 else 12), top + high * 0.62, 13, 34, darker(wood, 0.35), round_=6)
    x = canvas.width * 0.80
    parts += box(x - 44, -5, 88, top + high * 0.5, steel)
    return parts + (
        f'<path d="M{n(x - 52)} {n(top + high * 0.45)}h104l64 {n(high * 0.4)}v26h-232v-26Z" fill="{steel}"/>'
        + box(x - 116, top + high * 0.85, 232, 26, darker(steel, 0.15), round_=4)
    )


def stove(canvas: Canvas, plane: Plane, name: str) -> str:
    """Base cupboards under a worktop, an oven among them, a pan and a pot that steams on top."""
    y, high = canvas.y(plane["y"]), plane["amp"]
    front, top = mix(indoors(canvas, "accent"), indoors(canvas, "wall"), 0.3), lighter(indoors(canvas, "floor"), 0.2)
    steel, dark = mix(indoors(canvas, "peak"), "#D8DEE3", 0.45), "#2C3342"
    parts = box(0, y - high, canvas.width, high, front)
    parts += "".join(
        box(x + 10, y - high + 40, 150, high - 62, lighter(front, 0.14), round_=5)
        + box(x + 58, y - high + 52, 54, 9, darker(front, 0.35), round_=4)
        for x in range(0, int(canvas.width), 172)
    )
    oven = canvas.width * 0.80
    parts += box(oven - 108, y - high + 14, 216, high - 14, steel) + box(
        oven - 82, y - high * 0.66, 164, high * 0.48, dark, round_=10
    )
    parts += "".join(disc(oven + dx, y - high + 38, 9, dark) for dx in (-66, -22, 22, 66))
    parts += box(0, y - high - 4, canvas.width, 24, top) + box(0, y - high + 16, canvas.width, 6, darker(top, 0.25))
    pot = mix(indoors(canvas, "roof"), "#FFFFFF", 0.06)
    parts += box(oven - 92, y - high - 66, 92, 62, pot, round_=12) + box(
        oven - 98, y - high - 74, 104, 13, darker(pot, 0.25), round_=6
    )
    parts += box(oven + 20, y - high - 26, 84, 22, dark, round_=9) + box(
        oven + 98, y - high - 24, 52, 9, dark, round_=4
    )
    steam = canvas.swing(9)
    return parts + (
        f'<path d="M{n(oven - 62)} {n(y - high - 88)}q{n(-18 + steam)} -28 0 -52t0 -48'
        f'M{n(oven - 28)} {n(y - high - 88)}q{n(18 - steam)} -28 0 -52t0 -40" '
        'fill="none" stroke="#FFFFFF" stroke-opacity="0.55" stroke-width="11" '
        'stroke-linecap="round"/>'
    )


def checkered(canvas: Canvas, plane: Plane, name: str) -> str:
    """A floor of squares that runs towards the viewer."""
    top, low = canvas.y(plane["y"]), canvas.height
    light = lighter(indoors(canvas, "wall"), 0.35)
    dark = mix(light, indoors(canvas, "peak"), 0.4)
    rows, middle, parts = 5, canvas.width / 2, ""
    edges = [top + (low - top) * (row / rows) ** 1.6 for row in range(rows + 1)]
    for row in range(rows if not canvas.low else 3):
        near, far = edges[row + 1], edges[row]
        a, b = (110 + 130 * (y - top) / (low - top) for y in (far, near))
        parts += "".join(
            f"M{n(middle + c * a)} {n(far)}h{n(a)}L{n(middle + (c + 1) * b)} {n(near)}h{n(-b)}Z"
            for c in range(-10, 10)
            if (c + row) % 2
        )
    return (
        box(0, top, canvas.width, low - top, light)
        + f'<path d="{parts}" fill="{dark}"/>'
        + box(0, top, canvas.width, 8, darker(dark, 0.15))
    )


def stands(canvas: Canvas, plane: Plane, name: str) -> str:
    """Two tiers full of people under a roof, a band of advertising, and floodlights that shine when it is dark."""
    rng, base = canvas.rng(name), canvas.y(plane["y"]) + 8
    high, depth = plane["amp"] * min(1.4, canvas.stage / 900), plane["depth"]
    stone, shade = canvas.tone("building", depth), mix(canvas.tone("peak", depth), canvas.shadow, 0.3)
    dark = canvas.light.name in ("night", "dusk")
    wide, parts = canvas.width + 2 * OVERSCAN, ""
    for x in (canvas.width * 0.1, canvas.width * 0.9):
        parts += box(x - 7, base - high * 1.75, 14, high * 1.2, shade) + box(
            x - 66, base - high * 1.86, 132, 54, shade, round_=6
        )
        lamp = canvas.glow() if dark else "#FDF8E4"
        parts += "".join(
            disc(x - 44 + 29 * c, base - high * 1.86 + 15 + 24 * r, 9, lamp) for r in range(2) for c in range(4)
        )
        if dark:
            parts += (
                f'<circle cx="{n(x)}" cy="{n(base - high * 1.8)}" r="150" fill="{canvas.glow()}" fill-opacity="0.16"/>'
            )
    bow = high * 0.16
    people = [canvas.tone(m, depth * 0.6) for m in ("roof", "water", "accent", "cloud", "cloth")]
    for tier, (top, tall) in enumerate(((1.12, 0.5), (0.56, 0.5))):
        y = base - high * top
        curve = (
            f"M{-OVERSCAN} {n(y - bow)}Q{n(canvas.width / 2)} {n(y + bow)} {n(canvas.width + OVERSCAN)} {n(y - bow)}"
        )
        fill = mix(stone, shade, 0.3 + 0.2 * (1 - tier))
        parts += canvas.cut(f"{curve}V{n(base)}H{-OVERSCAN}Z", fill)
        rows, step = (3, 34.0) if canvas.low else (5, 27.0)
        for row in range(rows):
            for seat in range(int(wide / step)):
                x = -OVERSCAN + (seat + 0.5 * (row % 2)) * step
                lift = bow * (4 * (x / canvas.width - 0.5) ** 2 - 0.5)
                if rng.random() < 0.85:
                    hop = canvas.swing(4, rng.random())
                    parts += disc(
                        x, y - lift + 24 + (row + 0.3) * high * tall / rows + hop, step * 0.3, rng.choice(people)
                    )
    roof = base - high * 1.16
    parts += canvas.cut(
        f"M{-OVERSCAN} {n(roof - bow - 66)}Q{n(canvas.width / 2)} {n(roof + bow - 30)} {n(canvas.width + OVERSCAN)} "
        f"{n(roof - bow - 66)}v52Q{n(canvas.width / 2)} {n(roof + bow + 8)} {-OVERSCAN} {n(roof - bow - 14)}Z",
        lighter(stone, 0.45),
    )
    parts += box(-OVERSCAN, base - 46, wide, 54, shade)
    boards = [canvas.tone(m, 0.1) for m in ("water", "accent", "roof")]
    return parts + "".join(
        box(x, base - 40, 168, 42, boards[i % 3], round_=4)
        for i, x in enumerate(range(-40, int(canvas.width) + 40, 180))
    )


def mown(canvas: Canvas, plane: Plane, name: str) -> str:
    """A pitch mown in stripes, with its touchline and half of the centre circle."""
    top, grass = canvas.y(plane["y"]), canvas.tone("foliage", plane["depth"])
    grass = mix(grass, canvas.tone("tree", plane["depth"]), 0.3)
    line, middle = mix(grass, "#FFFFFF", 0.75), canvas.width / 2
    parts = box(-OVERSCAN, top, canvas.width + 2 * OVERSCAN, canvas.height - top, grass)
    stripes = "".join(
        f"M{n(middle + c * 120)} {n(top)}h120L{n(middle + (c + 1) * 270)} {n(canvas.height)}h-270Z"
        for c in range(-8, 8, 2)
    )
    deep = canvas.height - top
    return parts + (
        f'<path d="{stripes}" fill="{lighter(grass, 0.1)}"/>'
        + box(-OVERSCAN, top + deep * 0.07, canvas.width + 2 * OVERSCAN, 8, line)
        + f'<ellipse cx="{n(middle)}" cy="{n(top + deep * 0.62)}" rx="{n(canvas.width * 0.36)}" ry="{n(deep * 0.26)}" '
        f'fill="none" stroke="{line}" stroke-width="9"/>'
    )


def stalls(canvas: Canvas, plane: Plane, name: str) -> str:
    """Stalls with striped awnings and crates of fruit."""
    rng, base, depth = canvas.rng(name), canvas.y(plane["y"]) + 10, plane["depth"]
    high, step = plane["amp"] * min(1.3, canvas.stage / 900), 330.0
    wood, light = mix(canvas.tone("floor", depth), canvas.shadow, 0.1), canvas.tone("cloud", depth)
    fruits = [canvas.lit(colour, 0.6) for colour in ("#E2574C", "#F0A33A", "#8DBF4B", "#F4D35E", "#8E5EA2")]
    number = math.ceil(canvas.width / step) + 1
    start, parts = (canvas.width - number * step) / 2 + 60 * (rng.random() - 0.5), ""
    for stall in range(number):
        x, wide = start + stall * step + 14, step - 28
        cloth = canvas.lit(canvas.palette.materials[("cloth", "water", "accent", "tree")[stall % 4]], 0.6)
        parts += box(x + 12, base - high, wide - 24, high * 0.62, mix(wood, canvas.shadow, 0.45))
        parts += "".join(box(x + dx, base - high, 11, high, wood) for dx in (4, wide - 15))
        parts += box(x - 4, base - high * 0.36, wide + 8, high * 0.36, wood) + box(
            x - 8, base - high * 0.38, wide + 16, 13, lighter(wood, 0.25)
        )
        for crate in range(3):
            left, fruit = x + 6 + crate * (wide - 8) / 3, fruits[(stall * 2 + crate) % 5]
            heap = "".join(
                disc(left + 20 + 25 * c + 12 * r, base - high * 0.42 - 20 * r, 15, fruit)
                for r in range(2)
                for c in range(3 - r)
            )
            parts += heap + box(left, base - high * 0.4, (wide - 8) / 3 - 8, 20, lighter(wood, 0.35), round_=3)
        stripe = (wide + 28) / 7
        for strip in range(7):
            left = x - 14 + strip * stripe
            fill = cloth if strip % 2 == 0 else light
            parts += (
                f'<path d="M{n(x + wide * strip / 7)} {n(base - high * 1.22)}h{n(wide / 7)}'
                f"L{n(left + stripe)} {n(base - high * 0.9)}"
                f'a{n(stripe / 2)} {n(stripe / 2)} 0 0 1 {n(-stripe)} 0Z" fill="{fill}"/>'
            )
    return parts


def bunting(canvas: Canvas, plane: Plane, name: str) -> str:
    """Strings of small flags across the place."""
    colours = [canvas.lit(canvas.palette.materials[m], 0.6) for m in ("accent", "roof", "water", "cloud")]
    parts = ""
    for row, (start, sag) in enumerate(((0.10, 90.0), (0.2, 120.0))):
        top, number = canvas.stage * start, 9 if canvas.low else 15
        lean = canvas.swing(5, row * 0.4)
        rope = f"M-20 {n(top)}Q{n(canvas.width / 2 + lean)} {n(top + 2 * sag)} {n(canvas.width + 20)} {n(top - 30)}"
        parts += f'<path d="{rope}" fill="none" stroke="{mix(canvas.shadow, colours[3], 0.4)}" stroke-width="4"/>'
        for flag in range(number):
            share = (flag + 0.5) / number
            x = -20 + share * (canvas.width + 40)
            y = (1 - share) ** 2 * top + 2 * share * (1 - share) * (top + 2 * sag) + share**2 * (top - 30)
            parts += f'<path d="M{n(x - 21)} {n(y - 2)}h42l{n(-21 + lean)} 48Z" fill="{colours[(flag + row) % 4]}"/>'
    return parts
