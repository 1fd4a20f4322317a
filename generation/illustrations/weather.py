"""What is behind and before everything: sky, sun, moon, stars and clouds; rain, snow, fog and storm."""

from __future__ import annotations

from generation.illustrations.canvas import Canvas, closed, n, ridge_points
from generation.illustrations.colouring import lighter, mix


def backdrop(canvas: Canvas, *, hides_sun: bool = False) -> str:
    """The sky with what stands in it; a room brings its own wall, the deep its own water."""
    if canvas.setting.sky in ("wall", "water"):
        return ""
    if canvas.setting.sky == "space":
        return _fill(
            canvas, "space", ("#0B1030", mix("#171B4A", canvas.sky[0], 0.3), mix("#3A2E6B", canvas.sky[1], 0.35))
        )
    parts = [_fill(canvas, "sky", canvas.sky)]
    if canvas.night and canvas.weather.grey < 0.5:
        parts.append(stars(canvas, 46))
    shines = not hides_sun and canvas.weather.grey < 0.5 and canvas.setting.name != "forest"
    if shines:
        parts.append(_sun(canvas))
    return "".join(parts) + _clouds(canvas, _sun_place(canvas) if shines else None)


def _fill(canvas: Canvas, name: str, stops: tuple[str, str, str]) -> str:
    """A gradient from the top to a little below the horizon, where planes cover it: large gradients are slow."""
    bottom = canvas.ground_y(0.12)
    share = canvas.horizon / bottom
    return (
        f'<linearGradient id="{name}" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{stops[0]}"/>'
        f'<stop offset="{share * 0.55:.2f}" stop-color="{stops[1]}"/><stop offset="{share:.2f}" '
        f'stop-color="{stops[2]}"/>'
        f'</linearGradient><rect width="{n(canvas.width)}" height="{n(bottom)}" fill="url(#{name})"/>'
    )


def stars(canvas: Canvas, number: int) -> str:
    """Stars that twinkle through the loop."""
    rng = canvas.rng("stars")
    parts = []
    for index in range(number // 2 if canvas.low else number):
        x, y = rng.random() * canvas.width, rng.random() ** 1.3 * canvas.horizon * 0.9
        radius, phase = 1.4 + rng.random() ** 3 * 4.2, rng.random()
        shine = 0.75 + canvas.swing(0.25, phase) if index % 3 == 0 else 0.8
        parts.append(f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(radius)}" fill-opacity="{shine:.2f}"/>')
    return f'<g fill="#FFF6D8">{"".join(parts)}</g>'


def _sun_place(canvas: Canvas) -> tuple[float, float]:
    """Where sun or moon stand: to the left, since drawings are lit from there."""
    rng = canvas.rng("sun")
    x = canvas.width * (0.16 + 0.2 * rng.random())
    if canvas.light.sun == "low sun":
        return x, canvas.horizon - 120 - 60 * rng.random()
    return x, canvas.stage * (0.13 + 0.08 * rng.random())


def _sun(canvas: Canvas) -> str:
    x, y = _sun_place(canvas)
    if canvas.light.sun == "moon":
        return _moon(canvas, x, y)
    low = canvas.light.sun == "low sun"
    radius = 105.0 if low else 66.0
    colour = {"day": "#FFF1B8", "morning": "#FFE3A0", "dusk": "#FFD27A"}[canvas.light.name]
    halo = "".join(
        f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(radius * far + canvas.swing(5, 0.0))}" '
        f'fill="{colour}" fill-opacity="{opacity}"/>'
        for far, opacity in ((2.6, 0.12), (1.9, 0.16), (1.4, 0.22))
    )
    return f'{halo}<circle cx="{n(x)}" cy="{n(y)}" r="{n(radius)}" fill="{lighter(colour, 0.25)}"/>'


def _moon(canvas: Canvas, x: float, y: float) -> str:
    halo = "".join(
        f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(r + canvas.swing(4))}" fill="#F4EFD2" fill-opacity="{o}"/>'
        for r, o in ((150, 0.06), (105, 0.09))
    )
    craters = "".join(
        f'<circle cx="{n(x + dx)}" cy="{n(y + dy)}" r="{r}" fill="#DDD5B4"/>'
        for dx, dy, r in ((-16, -14, 13), (20, 8, 17), (-8, 26, 9))
    )
    return f'{halo}<circle cx="{n(x)}" cy="{n(y)}" r="62" fill="#F6F0D6"/>{craters}'


def cloud(x: float, y: float, size: float, fill: str, under: str) -> str:
    """A paper cloud with a flat base; `x`, `y` is the middle of the base."""
    w, h = size, size * 0.42
    path = (
        f"M{n(x - w / 2)} {n(y)}a{n(h * 0.42)} {n(h * 0.42)} 0 0 1 {n(w * 0.10)} {n(-h * 0.72)}"
        f"a{n(h * 0.62)} {n(h * 0.62)} 0 0 1 {n(w * 0.40)} {n(-h * 0.18)}"
        f"a{n(h * 0.46)} {n(h * 0.46)} 0 0 1 {n(w * 0.34)} {n(h * 0.26)}"
        f"a{n(h * 0.36)} {n(h * 0.36)} 0 0 1 {n(w * 0.16)} {n(h * 0.64)}Z"
    )
    base = (
        f"M{n(x - w / 2)} {n(y)}q{n(w * 0.2)} {n(-h * 0.34)} {n(w * 0.46)} {n(-h * 0.16)}t{n(w * 0.54)} {n(h * 0.16)}Z"
    )
    return f'<path d="{path}" fill="{fill}"/><path d="{base}" fill="{under}"/>'


def _clouds(canvas: Canvas, sun: tuple[float, float] | None) -> str:
    """Paper clouds that drift; none hides the sun or the moon."""
    rng = canvas.rng("clouds")
    white = canvas.palette.materials["cloud"]
    if canvas.weather.name == "storm":
        white = mix(white, "#4A5268", 0.72)
    elif canvas.weather.grey > 0.3:
        white = mix(white, "#8D97A8", 0.38)
    if canvas.night:
        white = mix(white, canvas.sky[1], 0.78)
    parts: list[tuple[float, str]] = []
    number = canvas.weather.clouds + (canvas.setting.name == "sky") * 2
    for index in range(number):
        size = 190 + 200 * rng.random() + (90 if canvas.weather.grey > 0.3 else 0)
        slot = (index + 0.2 + 0.6 * rng.random()) / max(1, number)
        x = slot * canvas.width * 1.1 - 40 + canvas.swing(26 + size * 0.05, rng.random())
        y = canvas.stage * (0.07 + 0.27 * rng.random())
        far = rng.random()
        fill = mix(canvas.lit(white, 0.7), canvas.sky[1], 0.15 + 0.35 * far)
        if sun and abs(x - sun[0]) < size * 0.55 + 70 and abs(y - size * 0.2 - sun[1]) < size * 0.25 + 90:
            continue
        parts.append((far, cloud(x, y, size * (1.1 - 0.4 * far), fill, mix(fill, canvas.sky[1], 0.4))))
    return "".join(drawn for _far, drawn in sorted(parts, reverse=True))


def overlay(canvas: Canvas) -> str:
    """What is between the eye and the scene: falling rain or snow, fog, lightning's pale light."""
    if canvas.setting.sky != "sky":
        return _spot_shade(canvas)
    parts = []
    if canvas.weather.name == "fog":
        parts.append(_fog(canvas))
    if canvas.weather.name == "storm":
        parts.append(_bolt(canvas))
    if canvas.weather.falls == "rain":
        parts.append(_rain(canvas))
    if canvas.weather.falls == "snow":
        parts.append(_snow(canvas))
    return "".join(parts)


def _spot_shade(canvas: Canvas) -> str:
    """A room at night: its corners are darker than its middle."""
    if not canvas.night or canvas.setting.sky != "wall":
        return ""
    return (
        '<radialGradient id="dim" cx="0.5" cy="0.5" r="0.75"><stop offset="0.35" stop-color="#0'
        'E1230" stop-opacity="0"/>'
        '<stop offset="1" stop-color="#0E1230" stop-opacity="0.5"/></radialGradient>'
        f'<rect width="{n(canvas.width)}" height="{n(canvas.height)}" fill="url(#dim)"/>'
    )


def _rain(canvas: Canvas) -> str:
    rng = canvas.rng("rain")
    slant = 46 if canvas.weather.name == "storm" else 20
    colour = "#DCEBF5" if not canvas.night else "#A9C0E6"
    parts = []
    for _ in range(36 if canvas.low else 90):
        x, start, long = rng.random() * 1.2 - 0.1, rng.random(), 38 + 34 * rng.random()
        fall = (start + canvas.moment * (2 + rng.randrange(2))) % 1.0
        top = fall * (canvas.height + 160) - 80
        left = x * canvas.width - slant * top / 300
        parts.append(f"M{n(left)} {n(top)}l{n(-slant * long / 90)} {n(long)}")
    thick = 5 if canvas.low else 3.4
    return (
        f'<path d="{"".join(parts)}" stroke="{colour}" stroke-opacity="0.55" stroke-width="{thick}" '
        'stroke-linecap="round" fill="none"/>'
    )


def _snow(canvas: Canvas) -> str:
    rng = canvas.rng("snow")
    parts = []
    for _ in range(40 if canvas.low else 95):
        x, start, radius = rng.random(), rng.random(), 3.5 + 6.5 * rng.random() ** 2
        fall = (start + canvas.moment) % 1.0
        left = x * canvas.width + canvas.swing(16, start)
        parts.append(f'<circle cx="{n(left)}" cy="{n(fall * (canvas.height + 40) - 20)}" r="{n(radius)}"/>')
    return f'<g fill="#FFFFFF" fill-opacity="0.88">{"".join(parts)}</g>'


def mist(canvas: Canvas) -> str:
    """Fog between the planes and the objects: thickest at the horizon, in two slow sheets."""
    if canvas.weather.name != "fog" or canvas.setting.sky != "sky":
        return ""
    rng, colour = canvas.rng("fog"), _fog_colour(canvas)
    top, deep = canvas.horizon - 0.30 * canvas.stage, 0.62 * canvas.stage
    stops = "".join(
        f'<stop offset="{at}" stop-color="{colour}" stop-opacity="{o}"/>'
        for at, o in ((0, 0), (0.45, 0.8), (0.6, 0.7), (1, 0))
    )
    parts = (
        f'<linearGradient id="mist" x1="0" y1="0" x2="0" y2="1">{stops}</linearGradient>'
        f'<rect y="{n(top)}" width="{n(canvas.width)}" height="{n(deep)}" fill="url(#mist)"/>'
    )
    for sheet in (0, 1):
        line = ridge_points(rng, canvas.width, canvas.horizon + (0.06 + 0.1 * sheet) * canvas.stage, 90, 0.8)
        line = [(x + canvas.swing(40, 0.5 * sheet), y) for x, y in line]
        low = line[0][1] + 150
        parts += f'<path d="{closed(line, low)}" fill="{colour}" fill-opacity="0.28"/>'
    return parts


def _fog_colour(canvas: Canvas) -> str:
    return mix(canvas.sky[2], "#6F7FA8" if canvas.night else "#F1F3F2", 0.55)


def _fog(canvas: Canvas) -> str:
    """A thin veil before everything."""
    return (
        f'<rect width="{n(canvas.width)}" height="{n(canvas.height)}" fill="{_fog_colour(canvas)}" '
        'fill-opacity="0.16"/>'
    )


def _bolt(canvas: Canvas) -> str:
    """One bolt, at rest bright, faint through most of the loop."""
    rng = canvas.rng("bolt")
    x, top, s = canvas.width * (0.62 + 0.25 * rng.random()), canvas.stage * 0.12, canvas.stage * 0.3
    bright = 1.0 if canvas.moment < 0.08 or 0.5 < canvas.moment < 0.56 else 0.12
    steps = ((0, 0), (-0.16, 0.46), (-0.02, 0.44), (-0.20, 1.0), (0.13, 0.36), (-0.01, 0.38), (0.12, 0))
    points = " ".join(f"{n(x + dx * s)},{n(top + dy * s)}" for dx, dy in steps)
    return f'<polygon points="{points}" fill="#FFE9A0" fill-opacity="{bright:.2f}"/>'
