"""Planes of the land: ridges, peaks, dunes, water and its shore, paths."""

from __future__ import annotations

import math

from generation.illustrations.canvas import OVERSCAN, Canvas, Plane, closed, n, ridge_points, smooth
from generation.illustrations.colouring import darker, lighter, mix


def ridge(canvas: Canvas, plane: Plane, name: str) -> str:
    """A sheet of hills."""
    points = ridge_points(canvas.rng(name), canvas.width, canvas.y(plane["y"]), plane["amp"], plane["waves"])
    path, fill = closed(points, canvas.height), canvas.tone(plane["material"], plane["depth"])
    sheet = canvas.cut(path, fill)
    if canvas.low or plane["depth"] > 0.7:
        return sheet
    inner = [(x, y + 34 + 22 * math.sin(x / 170)) for x, y in points]
    return sheet + f'<path d="{closed(inner, canvas.height)}" fill="{darker(fill, 0.05)}"/>'


def peaks(canvas: Canvas, plane: Plane, name: str) -> str:
    """Pointed mountains with a lit left side, a dark right one and snow on top."""
    rng = canvas.rng(name)
    base, amp, depth = canvas.y(plane["y"]), plane["amp"] * min(1.5, canvas.stage / 900), plane["depth"]
    fill = canvas.tone(plane["material"], depth)
    dark, white = mix(fill, canvas.shadow, 0.16), mix(canvas.lit("#FFFFFF", 0.7), canvas.sky[2], depth * 0.4)
    number = max(3, round(canvas.width / 330))
    parts = []
    for index in sorted(range(number), key=lambda _i: rng.random()):
        x = (index + 0.5 + 0.5 * (rng.random() - 0.5)) / number * canvas.width
        tall, half = amp * (0.6 + 0.4 * rng.random()), amp * (0.75 + 0.4 * rng.random())
        top = base - tall
        kink = half * 0.12
        body = f"M{n(x - half)} {n(base + 90)}L{n(x)} {n(top)}L{n(x + half)} {n(base + 90)}Z"
        side = (
            f"M{n(x)} {n(top)}L{n(x + half)} {n(base + 90)}H{n(x - kink)}L{n(x + kink)} {n(base - tall * 0.3)}"
            f"L{n(x - kink * 0.6)} {n(base - tall * 0.55)}Z"
        )
        parts.append(canvas.cut(body, fill) + f'<path d="{side}" fill="{dark}"/>')
        if plane.get("snow"):
            s = 0.34
            w = half * s * tall / (tall + 90)
            cap = (
                f"M{n(x)} {n(top)}l{n(w)} {n(tall * s)}l{n(-w * 0.45)} {n(-tall * 0.07)}l{n(-w * 0.5)} {n(tall * 0.09)}"
                f"l{n(-w * 0.5)} {n(-tall * 0.10)}L{n(x - w)} {n(top + tall * s)}Z"
            )
            parts.append(f'<path d="{cap}" fill="{white}"/>')
    ground = (
        f'<rect x="{n(-OVERSCAN)}" y="{n(base + 60)}" width="{n(canvas.width + 2 * OVERSCAN)}" '
        f'height="{n(canvas.height)}" fill="{fill}"/>'
    )
    return ground + "".join(parts)


def mesas(canvas: Canvas, plane: Plane, name: str) -> str:
    """Flat-topped rocks on the desert's horizon."""
    rng = canvas.rng(name)
    base, fill = canvas.y(plane["y"]) + 40, canvas.tone(plane["material"], plane["depth"])
    parts, x = [], -80 + 120 * rng.random()
    while x < canvas.width:
        wide, tall = 120 + 190 * rng.random(), plane["amp"] * (0.45 + 0.55 * rng.random())
        body = f"M{n(x)} {n(base)}l{n(wide * 0.14)} {n(-tall)}h{n(wide * 0.66)}l{n(wide * 0.2)} {n(tall)}Z"
        side = (
            f"M{n(x + wide * 0.62)} {n(base)}l{n(-wide * 0.06)} {n(-tall)}h{n(wide * 0.24)}l{n(wide * 0.2)} {n(tall)}Z"
        )
        parts.append(canvas.cut(body, fill) + f'<path d="{side}" fill="{mix(fill, canvas.shadow, 0.13)}"/>')
        x += wide + 90 + 260 * rng.random()
    return "".join(parts)


def dunes(canvas: Canvas, plane: Plane, name: str) -> str:
    """Sand with a shadow side below each crest."""
    points = ridge_points(canvas.rng(name), canvas.width, canvas.y(plane["y"]), plane["amp"], plane["waves"])
    fill = canvas.tone(plane["material"], plane["depth"])
    fill = mix(fill, canvas.tone("earth", plane["depth"]), 0.28 - plane["depth"] * 0.3)
    sheet = canvas.cut(closed(points, canvas.height), fill)
    crest = min(points, key=lambda point: point[1] if 0.1 < point[0] / canvas.width < 0.9 else 1e9)
    right = [point for point in points if point[0] >= crest[0]]
    if len(right) < 4:
        return sheet
    back = [(x - (x - crest[0]) * 0.35, y + 30 + (x - crest[0]) * 0.16) for x, y in reversed(right)]
    shade = f"{smooth(right)}L{n(back[0][0])} {n(back[0][1])}{smooth(back).replace('M', 'L', 1)}Z"
    return sheet + f'<path d="{shade}" fill="{darker(fill, 0.10)}"/>'


def water(canvas: Canvas, plane: Plane, name: str) -> str:
    """Water in bands that roll, with the sun's glitter."""
    rng, top = canvas.rng(name), canvas.y(plane["y"])
    near = sea(canvas)
    far = mix(near, canvas.haze, 0.55 if canvas.setting.name == "sea" else 0.4)
    wide = canvas.width + 2 * OVERSCAN
    parts = [f'<rect x="{-OVERSCAN}" y="{n(top)}" width="{n(wide)}" height="{n(canvas.height - top)}" fill="{far}"/>']
    bands = int(plane["bands"])
    for band in range(1, bands + 1):
        share = band / bands
        y = top + (canvas.ground_y(0.9) - top) * share**1.5
        length, lift = 70 + 150 * share, 4 + 11 * share
        roll = ((canvas.moment if band % 2 else -canvas.moment) + rng.random()) % 1.0
        start = -OVERSCAN - 2 * length + roll * length
        steps = math.ceil((wide + 3 * length) / length)
        bob = canvas.swing(3 * share, share)
        path = f"M{n(start)} {n(y + bob)}" + f"q{n(length / 4)} {n(-lift)} {n(length / 2)} 0t{n(length / 2)} 0" * steps
        path += f"V{n(canvas.height)}H{n(start)}Z"
        fill = mix(far, near, share)
        parts.append(f'<path d="{path}" fill="{fill}"/>' if canvas.low else canvas.cut(path, fill, lift=4))
    return "".join(parts) + _glitter(canvas, top, name)


def sea(canvas: Canvas) -> str:
    """Near water: its own colour, the sky's mirrored in it, so that dusk turns it violet and not grey."""
    own = canvas.lit(canvas.palette.materials["water"], 0.45)
    share = {"day": 0.12, "morning": 0.28, "dusk": 0.42, "night": 0.3}[canvas.light.name]
    return mix(own, mix(canvas.sky[0], canvas.sky[1], 0.4), share + canvas.weather.grey * 0.35)


def _glitter(canvas: Canvas, top: float, name: str) -> str:
    rng = canvas.rng(name + "glitter")
    colour = lighter(canvas.sky[2], 0.45) if not canvas.night else "#C9D6F2"
    parts = []
    for _ in range(6 if canvas.low else 18):
        x, down, wide = rng.random() * canvas.width, rng.random(), 18 + 50 * rng.random()
        shine = 0.35 + canvas.swing(0.3, rng.random())
        y = top + 8 + down * down * (canvas.height - top) * 0.5
        parts.append(
            f'<rect x="{n(x)}" y="{n(y)}" width="{n(wide * (0.5 + down))}" '
            f'height="{n(3 + 3 * down)}" rx="3" fill-opacity="{max(0.05, shine):.2f}"/>'
        )
    return f'<g fill="{colour}">{"".join(parts)}</g>'


def shore(canvas: Canvas, plane: Plane, name: str) -> str:
    """Sand or grass before the water, with foam where they meet."""
    rng, y = canvas.rng(name), canvas.ground_y(plane["y"])
    wash, lean = canvas.swing(9), 24 * (rng.random() - 0.5)
    points = [
        (float(x), y + lean * math.sin(x / canvas.width * 3) + 24 * math.sin(x / 260 + lean))
        for x in range(-60, int(canvas.width) + 160, 90)
    ]
    fill = canvas.tone(plane["material"], 0.0)
    foam = canvas.lit("#FFFFFF", 0.7)
    grass = plane["kind"] == "bank"
    edge = darker(fill, 0.2) if grass else mix(foam, sea(canvas), 0.25)
    lap = [(x, py - (13 if grass else 20 - wash)) for x, py in points]
    parts = f'<path d="{closed(lap, canvas.height)}" fill="{edge}"/>'
    wet = closed([(x, py - 4) for x, py in points], canvas.height)
    if not grass:
        parts += f'<path d="{wet}" fill="{darker(fill, 0.14)}"/>'
        points = [(x, py + 20) for x, py in points]
    return parts + canvas.cut(closed(points, canvas.height), fill)


def path(canvas: Canvas, plane: Plane, name: str) -> str:
    """A path that winds from the horizon to the viewer."""
    rng, top = canvas.rng(name), canvas.y(plane["y"])
    left = rng.random() < 0.5
    end = canvas.width * (0.3 if left else 0.7)
    start = canvas.width * (0.62 if left else 0.38)
    deep = canvas.height - top
    a, b = start + (end - start) * -0.9, end + (end - start) * 0.7
    d = (
        f"M{n(start - 7)} {n(top)}C{n(a)} {n(top + deep * 0.3)} {n(b - 150)} {n(top + deep * 0.45)} "
        f"{n(end - 190)} {n(canvas.height)}"
        f"H{n(end + 190)}C{n(b + 60)} {n(top + deep * 0.5)} {n(a + 60)} {n(top + deep * 0.28)} {n(start + 7)} {n(top)}Z"
    )
    ground = canvas.tone(canvas.setting.ground, 0.1)
    return f'<path d="{d}" fill="{mix(canvas.tone(plane["material"], plane["depth"]), ground, 0.3)}"/>'
