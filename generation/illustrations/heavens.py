"""Planes above the ground: seas of cloud, stars, a planet, the ground of a moon."""

from __future__ import annotations

from generation.illustrations.canvas import Canvas, Plane, closed, height_at, n, ridge_points
from generation.illustrations.colouring import darker, lighter, mix
from generation.illustrations.weather import stars


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
        f'<path d="M{n(x - r * 0.95)} {n(y - r * 0.3)}Q{n(x)} {n(y - r * 0.06)} {n(x + r * 0.95)} '
        f"{n(y - r * 0.3)}A{r} {r} 0 0 1 {n(x + r)} {n(y)}"
        f"Q{n(x)} {n(y + r * 0.28)} {n(x - r)} {n(y)}A{r} {r} 0 0 1 {n(x - r * 0.95)} "
        f'{n(y - r * 0.3)}Z" fill="{band}" fill-opacity="0.55"/>'
        f'<path d="M{n(x + r * 0.2)} {n(y - r * 0.98)}A{r} {r} 0 0 1 {n(x + r * 0.2)} '
        f'{n(y + r * 0.98)}A{n(r * 1.3)} {n(r * 1.3)} 0 0 0 {n(x + r * 0.2)} {n(y - r * 0.98)}Z" '
        'fill="#14183A" fill-opacity="0.25"/>'
        f'<path d="M{n(x - r * 0.97)} {n(y + r * 0.05)}Q{n(x - r * 1.9)} {n(y + r * 0.62)} {n(x)} '
        f'{n(y + r * 0.4)}T{n(x + r * 0.98)} {n(y - r * 0.2)}" '
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
            f'<ellipse cx="{n(x + 4)}" cy="{n(y + 5)}" rx="{n(wide * 0.9)}" ry="{n(wide * 0.19)}" '
            f'fill="{lighter(fill, 0.08)}"/>'
        )
    return sheet + "".join(parts)
