"""Draws a scene as SVG, in any aspect and at any moment of its loop, and renders it with resvg."""

from __future__ import annotations

import io
import random
from functools import lru_cache

import resvg_py
from PIL import Image

from generation.illustrations.canvas import Canvas, Placed, n
from generation.illustrations.catalog import SLOT, Catalog, ObjectSpec
from generation.illustrations.colouring import mix
from generation.illustrations.painters import paint
from generation.illustrations.patterns import pattern
from generation.illustrations.placing import place
from generation.illustrations.planes import sea
from generation.illustrations.scene import ABSTRACT, Item, Scene
from generation.illustrations.styles import STYLES, styled
from generation.illustrations.weather import backdrop, mist, overlay

GLOWS = frozenset({"glow"})
LOW_BELOW = 200
"""Pictures whose shorter side has fewer pixels leave out what can't be seen."""


def svg(scene: Scene, width: int, height: int, *, moment: float = 0.0, detail: str = "full") -> str:
    """The scene as an SVG document of `width` x `height` pixels. `moment` (0 to 1) is the phase of a seamless loop."""
    canvas = canvas_for(scene, width, height, moment=moment, detail=detail)
    catalog = Catalog.load()
    if scene.setting == ABSTRACT:
        body = pattern(canvas)
    else:
        body = backdrop(canvas, hides_sun=any(item.object in ("sun", "moon") for item in scene.items))
        body += paint(canvas) + mist(canvas) + _objects(scene, canvas, catalog) + overlay(canvas)
    body = styled(body, canvas.style, canvas.width, canvas.height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {n(canvas.width)} {n(canvas.height)}">{body}</svg>'
    )


def render(scene: Scene, width: int, height: int, moment: float = 0.0, *, detail: str | None = None) -> Image.Image:
    """The scene as an RGB picture. `detail` "low" is chosen for thumbnails unless given."""
    chosen = detail or ("low" if min(width, height) < LOW_BELOW else "full")
    content = rasterise(svg(scene, width, height, moment=moment, detail=chosen))
    with Image.open(io.BytesIO(content)) as picture:
        return picture.convert("RGB")


def rasterise(document: str) -> bytes:
    """An SVG document of ours as PNG bytes, in its own size. No fonts: our drawings hold no text."""
    return bytes(resvg_py.svg_to_bytes(svg_string=document, skip_system_fonts=True))


def canvas_for(scene: Scene, width: int, height: int, *, moment: float = 0.0, detail: str = "full") -> Canvas:
    """The canvas of a scene: a thousand units along the shorter side."""
    catalog = Catalog.load()
    unit = min(width, height) / 1000
    return Canvas(
        width=width / unit,
        height=height / unit,
        setting=catalog.settings[scene.setting or "hills"],
        light=catalog.lights[scene.light],
        weather=catalog.weathers[scene.weather],
        palette=catalog.palettes[scene.palette],
        style=STYLES[scene.style],
        seed=scene.seed,
        moment=moment % 1.0,
        low=detail == "low",
    )


def placements(scene: Scene, width: int, height: int) -> list[Placed]:
    """Where the objects of a scene are, in units: for tests and for cropping."""
    return place(scene, canvas_for(scene, width, height), Catalog.load())


def _objects(scene: Scene, canvas: Canvas, catalog: Catalog) -> str:
    placed = place(scene, canvas, catalog)
    return "".join(_one(one, scene.items[one.item], canvas, catalog) for one in placed)


def _one(placed: Placed, item: Item, canvas: Canvas, catalog: Catalog) -> str:
    """One object with its shadow on what it stands on."""
    spec = placed.spec
    body = coloured(spec, _slots(spec, item, placed, canvas, catalog))
    scale = placed.height / spec.box[1]
    left, top = placed.x - placed.width / 2, placed.feet - placed.height
    motion, support = _motion(placed, canvas), ""
    if placed.support in ("ground", "water", "cloud"):
        support = _contact(placed, canvas)
    frame = f"translate({n(left)} {n(top)}) scale({scale:.4f})"
    drawing = f'<g transform="{frame}"{canvas.style.group(scale)}>{body}</g>'
    if canvas.style.shadows and not canvas.low:
        drawing = _cast(spec, frame, canvas) + drawing
    if placed.support == "water":
        drawing += _waterline(placed, canvas)
    return canvas.plane(
        f'{support}<g transform="{motion}">{drawing}</g>' if motion else support + drawing, placed.depth
    )


def _slots(
    spec: ObjectSpec, item: Item, placed: Placed, canvas: Canvas, catalog: Catalog
) -> tuple[tuple[str, str], ...]:
    """The colour of every slot, in the light of the scene."""
    fixed = dict(catalog.fixed)
    if "skin" in spec.slots or "hair" in spec.slots:
        rng = random.Random(f"{canvas.seed}:{item.object}:{placed.copy}")
        fixed["skin"], fixed["skin_dark"] = rng.choice(catalog.people["skins"])
        fixed["hair"], _dark = rng.choice(catalog.people["hairs"])
    for slot, name in (("main", item.colour or spec.main), ("second", spec.second), ("accent", spec.accent)):
        fixed[slot], fixed[f"{slot}_dark"], fixed[f"{slot}_light"] = catalog.colours[name]
    strength = 0.15 if canvas.setting.sky == "space" else 0.5
    air = placed.depth * 0.10 + canvas.weather.haze * (0.1 + 0.3 * placed.depth)
    return tuple(
        (slot, colour if slot in GLOWS else mix(canvas.lit(colour, strength), canvas.sky[2], air))
        for slot, colour in fixed.items()
        if slot in spec.slots
    )


@lru_cache(maxsize=2048)
def coloured_by_name(name: str, slots: tuple[tuple[str, str], ...]) -> str:
    colours = dict(slots)
    return SLOT.sub(lambda match: colours[match[1]], Catalog.load().objects[name].body)


def coloured(spec: ObjectSpec, slots: tuple[tuple[str, str], ...]) -> str:
    """A drawing with its slots filled."""
    return coloured_by_name(spec.name, slots)


def _cast(spec: ObjectSpec, frame: str, canvas: Canvas) -> str:
    """The paper shadow of an object: its shapes, a little down and to the right.

    Only a rim of it shows, so shapes may overlap; a group opacity would cost a layer of the whole picture's size.
    """
    shape = coloured(spec, tuple((slot, canvas.shadow) for slot in sorted(spec.slots)))
    return f'<g fill-opacity="0.15" stroke-opacity="0.15" transform="translate(6 5) {frame}">{shape}</g>'


def _contact(placed: Placed, canvas: Canvas) -> str:
    """The soft shadow where it touches ground, the cloud it stands on, or its reflection on water."""
    half = placed.width * 0.5
    if placed.support == "cloud":
        fill = canvas.tone("cloud", 0.05)
        return "".join(
            f'<ellipse cx="{n(placed.x + half * dx)}" cy="{n(placed.feet + 26 + dy)}" rx="{n(half * r + 26)}" '
            f'ry="{n(30 + 22 * r)}" fill="{fill}"/>'
            for dx, dy, r in ((-0.7, 12, 0.5), (0.7, 14, 0.5), (0.0, 8, 0.9))
        )
    printed, dark = canvas.style.cast
    fill, opacity = printed or canvas.shadow, dark * (0.26 if placed.support == "ground" else 0.16)
    flat = max(7.0, half * 0.085)
    return (
        f'<ellipse cx="{n(placed.x + half * 0.06)}" cy="{n(placed.feet - flat * 0.25)}" rx="{n(half * 0.98)}" '
        f'ry="{n(flat)}" fill="{fill}" fill-opacity="{opacity:.2f}"/>'
        + (
            ""
            if canvas.low
            else f'<ellipse cx="{n(placed.x + half * 0.16)}" cy="{n(placed.feet)}" rx="{n(half * 1.2)}" '
            f'ry="{n(flat * 1.7)}" fill="{fill}" fill-opacity="0.1"/>'
        )
    )


def _waterline(placed: Placed, canvas: Canvas) -> str:
    """Water before the hull, so that it floats in and not on the sea."""
    fill = mix(sea(canvas), canvas.sky[2], 0.22)
    half, y = placed.width * 0.56, placed.feet - placed.height * 0.035
    deep = placed.height * 0.05 + 5
    return (
        f'<path d="M{n(placed.x - half)} {n(y + deep)}Q{n(placed.x - half * 0.5)} {n(y - deep)} {n(placed.x)} {n(y)}'
        f'T{n(placed.x + half)} {n(y + deep)}Q{n(placed.x)} {n(y + deep * 2)} {n(placed.x - half)} {n(y + deep)}Z" '
        f'fill="{fill}"/>'
    )


def _motion(placed: Placed, canvas: Canvas) -> str:
    """How it moves in the loop: boats bob, flyers hover, plants sway, people and animals shift a little."""
    phase = (placed.item * 0.37 + placed.copy * 0.23) % 1.0
    base = canvas.swing(1.0, phase)
    group = placed.spec.group
    if placed.support == "water":
        return (
            f"translate(0 {n(base * 7)}) rotate({canvas.swing(2.2, phase + 0.25):.2f} {n(placed.x)} {n(placed.feet)})"
        )
    if placed.support == "air":
        travel = 26 if group in ("vehicles", "animals") else 8
        return f"translate({n(canvas.swing(travel, phase + 0.25))} {n(canvas.swing(13, phase))})"
    if placed.support in ("wall", "object", "cloud"):
        return ""
    if group == "plants":
        return f"rotate({base * 1.3:.2f} {n(placed.x)} {n(placed.feet)})"
    if group == "vehicles":
        return f"translate({n(base * 12)} {n(-abs(canvas.swing(2.0, phase, 2)))})"
    if group in ("people", "animals"):
        return (
            f"translate(0 {n(-abs(canvas.swing(4.0, phase)))}) rotate({base * 0.9:.2f} {n(placed.x)} {n(placed.feet)})"
        )
    return ""
