"""Planes of nature: ridges, peaks, water, sand, trees, clouds, the ground of the moon."""

from __future__ import annotations

import math

from generation.illustrations.canvas import OVERSCAN, Canvas, Plane, closed, height_at, n, ridge_points, smooth
from generation.illustrations.colouring import darker, lighter, mix
from generation.illustrations.weather import stars


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
    ground = f'<rect x="{n(-OVERSCAN)}" y="{n(base + 60)}" width="{n(canvas.width + 2 * OVERSCAN)}" height="{n(canvas.height)}" fill="{fill}"/>'
    return ground + "".join(parts)


def mesas(canvas: Canvas, plane: Plane, name: str) -> str:
    """Flat-topped rocks on the desert's horizon."""
    rng = canvas.rng(name)
    base, fill = canvas.y(plane["y"]) + 40, canvas.tone(plane["material"], plane["depth"])
    parts, x = [], -80 + 120 * rng.random()
    while x < canvas.width:
        wide, tall = 120 + 190 * rng.random(), plane["amp"] * (0.45 + 0.55 * rng.random())
        body = f"M{n(x)} {n(base)}l{n(wide * 0.14)} {n(-tall)}h{n(wide * 0.66)}l{n(wide * 0.2)} {n(tall)}Z"
        side = f"M{n(x + wide * 0.62)} {n(base)}l{n(-wide * 0.06)} {n(-tall)}h{n(wide * 0.24)}l{n(wide * 0.2)} {n(tall)}Z"
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
    shade = f'{smooth(right)}L{n(back[0][0])} {n(back[0][1])}{smooth(back).replace("M", "L", 1)}Z'
    return sheet + f'<path d="{shade}" fill="{darker(fill, 0.10)}"/>'


def water(canvas: Canvas, plane: Plane, name: str) -> str:
    """Water in bands that roll, with the sun's glitter."""
    rng, top = canvas.rng(name), canvas.y(plane["y"])
    near = sea(canvas)
    far = mix(near, canvas.sky[2], 0.55 if canvas.setting.name == "sea" else 0.4)
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
            f'<rect x="{n(x)}" y="{n(y)}" width="{n(wide * (0.5 + down))}" height="{n(3 + 3 * down)}" rx="3" fill-opacity="{max(0.05, shine):.2f}"/>'
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
    edge = darker(fill, 0.2) if grass else foam
    lap = [(x, py - (13 if grass else 20 - wash)) for x, py in points]
    parts = f'<path d="{closed(lap, canvas.height)}" fill="{edge}" fill-opacity="{0.9 if grass else 0.8}"/>'
    wet = closed([(x, py - 4) for x, py in points], canvas.height)
    if not grass:
        parts += f'<path d="{wet}" fill="{darker(fill, 0.14)}"/>'
        points = [(x, py + 20) for x, py in points]
    return parts + canvas.cut(closed(points, canvas.height), fill)


def _crown(x: float, y: float, size: float, fill: str, dark: str, wood: str, kind: int, sway: float) -> str:
    """A round, oval or pointed tree that stands at `x`, `y`."""
    trunk = f'<rect x="{n(x - size * 0.05)}" y="{n(y - size * 0.5)}" width="{n(size * 0.1)}" height="{n(size * 0.52)}" fill="{wood}"/>'
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
        parts.append(_crown(x, y + 14, size, leaf, mix(leaf, canvas.shadow, 0.14), wood, kind, canvas.swing(size * 0.025, tone)))
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
            f"M{n(x - half * w)} {n(y - tall * b)}L{n(x + sway * t)} {n(y - tall * t)}L{n(x + half * w)} {n(y - tall * b)}Z"
            for w, b, t in ((1.0, 0.0, 0.5), (0.8, 0.28, 0.76), (0.58, 0.54, 1.0))
        )
        right = "".join(
            f"M{n(x + sway * t)} {n(y - tall * t)}L{n(x + half * w)} {n(y - tall * b)}H{n(x)}Z"
            for w, b, t in ((1.0, 0.0, 0.5), (0.8, 0.28, 0.76), (0.58, 0.54, 1.0))
        )
        parts.append(f'<path d="{tiers}" fill="{fill}"/><path d="{right}" fill="{dark}"/>')
    floor = f'<rect x="{-OVERSCAN}" y="{n(y - 2)}" width="{n(canvas.width + 2 * OVERSCAN)}" height="{n(canvas.height)}" fill="{fill}"/>'
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
            f'<path d="M{n(x - wide * 0.8)} {n(y + 20)}Q{n(x - wide * 0.4)} {n(y - 60)} {n(x - wide * 0.4)} -20H{n(x + wide * 0.4)}'
            f'Q{n(x + wide * 0.4)} {n(y - 60)} {n(x + wide * 0.8)} {n(y + 20)}Z" fill="{wood}"/>'
            f'<path d="M{n(x + wide * 0.1)} -20H{n(x + wide * 0.4)}Q{n(x + wide * 0.4)} {n(y - 60)} {n(x + wide * 0.8)} {n(y + 20)}'
            f'H{n(x + wide * 0.2)}Z" fill="{mix(wood, canvas.shadow, 0.2)}"/>'
        )
    leaves = "".join(
        f'<circle cx="{n((index + rng.random()) / 9 * canvas.width + canvas.swing(6, rng.random()))}" cy="{n(-20 + 60 * rng.random())}" r="{n(90 + 70 * rng.random())}"/>'
        for index in range(9)
    )
    return "".join(parts) + f'<g fill="{mix(leaf, canvas.shadow, 0.12)}">{leaves}</g>'


def path(canvas: Canvas, plane: Plane, name: str) -> str:
    """A path that winds from the horizon to the viewer."""
    rng, top = canvas.rng(name), canvas.y(plane["y"])
    left = rng.random() < 0.5
    end = canvas.width * (0.3 if left else 0.7)
    start = canvas.width * (0.62 if left else 0.38)
    deep = canvas.height - top
    a, b = start + (end - start) * -0.9, end + (end - start) * 0.7
    d = (
        f"M{n(start - 7)} {n(top)}C{n(a)} {n(top + deep * 0.3)} {n(b - 150)} {n(top + deep * 0.45)} {n(end - 190)} {n(canvas.height)}"
        f"H{n(end + 190)}C{n(b + 60)} {n(top + deep * 0.5)} {n(a + 60)} {n(top + deep * 0.28)} {n(start + 7)} {n(top)}Z"
    )
    ground = canvas.tone(canvas.setting.ground, 0.1)
    return f'<path d="{d}" fill="{mix(canvas.tone(plane["material"], plane["depth"]), ground, 0.3)}"/>'


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
                f'<path d="M{n(x - size * 0.5)} {n(y)}q{n(size * 0.1)} {n(-size * 0.7)} {n(-size * 0.2 + sway)} {n(-size)}q{n(size * 0.5)} {n(size * 0.3)} '
                f'{n(size * 0.7 - sway)} {n(size)}q{n(size * 0.1)} {n(-size * 0.9)} {n(size * 0.6 + sway)} {n(-size)}q{n(-size * 0.1)} {n(size * 0.6)} {n(-size * 0.2 - sway)} {n(size)}Z" fill="{blade}"/>'
            )
    return "".join(parts)


def furrows(canvas: Canvas, plane: Plane, name: str) -> str:
    """Rows of a crop that run to one point on the horizon."""
    rng, top = canvas.rng(name), canvas.y(plane["y"])
    one, other = canvas.tone(plane["material"], plane["depth"]), canvas.tone(plane["other"], plane["depth"])
    other = mix(one, other, 0.42)
    vanish, wide = canvas.width * (0.3 + 0.4 * rng.random()), canvas.width * 2.6
    parts = [f'<rect x="{-OVERSCAN}" y="{n(top)}" width="{n(canvas.width + 2 * OVERSCAN)}" height="{n(canvas.height - top)}" fill="{one}"/>']
    rows = 15
    for row in range(0, rows, 2):
        a, b = (row / rows - 0.5) * wide, ((row + 1) / rows - 0.5) * wide
        parts.append(
            f'<path d="M{n(vanish + a * 0.07)} {n(top)}L{n(vanish + a)} {n(canvas.height)}H{n(vanish + b)}L{n(vanish + b * 0.07)} {n(top)}Z" fill="{other}"/>'
        )
    haze = mix(one, canvas.sky[2], 0.4)
    parts.append(f'<rect x="{-OVERSCAN}" y="{n(top)}" width="{n(canvas.width + 2 * OVERSCAN)}" height="10" fill="{haze}"/>')
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
    rails = "".join(f'<rect x="{n(start)}" y="{n(y - up)}" width="{n(end - start)}" height="7" rx="3"/>' for up in (34, 16))
    return f'<g fill="{wood}">{rails}{posts}</g>'


def _steps(start: float, end: float, step: float) -> list[float]:
    return [start + step * index for index in range(int((end - start) // step) + 1)]


def bank_of_cloud(canvas: Canvas, plane: Plane, name: str) -> str:
    """A sea of cloud seen from above."""
    rng, y = canvas.rng(name), canvas.y(plane["y"])
    fill = mix(canvas.tone("cloud", plane["depth"]), canvas.sky[1], plane["depth"] * 0.5)
    drift = canvas.swing(22, rng.random())
    x, parts = -140.0, []
    while x < canvas.width + 140:
        r = plane["amp"] * (0.7 + 0.6 * rng.random())
        parts.append(f"M{n(x + drift - r)} {n(y)}a{n(r)} {n(r)} 0 0 1 {n(2 * r)} 0V{n(y + r)}h{n(-2 * r)}Z")
        x += r * (1.0 + 0.3 * rng.random())
    d = "".join(parts) + f"M-200 {n(y)}H{n(canvas.width + 200)}V{n(canvas.height)}H-200Z"
    return canvas.cut(d, fill, lift=10)


def starfield(canvas: Canvas, plane: Plane, name: str) -> str:
    return stars(canvas, plane["number"])


def planet(canvas: Canvas, plane: Plane, name: str) -> str:
    """A ringed planet."""
    rng = canvas.rng(name)
    x, y, r = canvas.width * (plane["x"] + 0.06 * rng.random()), canvas.y(plane["y"]) + 60, plane["size"]
    fill, band = canvas.palette.materials["accent"], canvas.palette.materials["roof"]
    return (
        f'<circle cx="{n(x)}" cy="{n(y)}" r="{r}" fill="{fill}"/>'
        f'<path d="M{n(x - r * 0.95)} {n(y - r * 0.3)}Q{n(x)} {n(y - r * 0.06)} {n(x + r * 0.95)} {n(y - r * 0.3)}A{r} {r} 0 0 1 {n(x + r)} {n(y)}'
        f'Q{n(x)} {n(y + r * 0.28)} {n(x - r)} {n(y)}A{r} {r} 0 0 1 {n(x - r * 0.95)} {n(y - r * 0.3)}Z" fill="{band}" fill-opacity="0.55"/>'
        f'<path d="M{n(x + r * 0.2)} {n(y - r * 0.98)}A{r} {r} 0 0 1 {n(x + r * 0.2)} {n(y + r * 0.98)}A{n(r * 1.3)} {n(r * 1.3)} 0 0 0 {n(x + r * 0.2)} {n(y - r * 0.98)}Z" fill="#14183A" fill-opacity="0.25"/>'
        f'<path d="M{n(x - r * 0.97)} {n(y + r * 0.05)}Q{n(x - r * 1.9)} {n(y + r * 0.62)} {n(x)} {n(y + r * 0.4)}T{n(x + r * 0.98)} {n(y - r * 0.2)}" '
        f'fill="none" stroke="#F5E6C8" stroke-width="{n(r * 0.09)}" stroke-linecap="round"/>'
    )


def crater_ground(canvas: Canvas, plane: Plane, name: str) -> str:
    """The ground of a moon."""
    rng = canvas.rng(name)
    points = ridge_points(rng, canvas.width, canvas.y(plane["y"]), plane["amp"], 0.9)
    fill = mix(canvas.palette.materials[plane["material"]], "#2A2B5C", 0.25 + plane["depth"])
    sheet = canvas.cut(closed(points, canvas.height), fill)
    parts = []
    for _ in range(4 if canvas.low else 8):
        x, wide = rng.random() * canvas.width, 26 + 60 * rng.random()
        y = height_at(points, x) + 50 + rng.random() * max(20.0, canvas.stage - canvas.y(plane["y"]))
        parts.append(
            f'<ellipse cx="{n(x)}" cy="{n(y)}" rx="{n(wide)}" ry="{n(wide * 0.26)}" fill="{darker(fill, 0.2)}"/>'
            f'<ellipse cx="{n(x + 4)}" cy="{n(y + 5)}" rx="{n(wide * 0.9)}" ry="{n(wide * 0.19)}" fill="{lighter(fill, 0.08)}"/>'
        )
    return sheet + "".join(parts)
