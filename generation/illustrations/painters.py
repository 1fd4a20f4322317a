"""Paints a setting: its planes, from far to near."""

from __future__ import annotations

from collections.abc import Callable

from generation.illustrations import buildings, depths, greenery, halls, heavens, interiors, planes
from generation.illustrations.canvas import Canvas, Plane

Painter = Callable[[Canvas, Plane, str], str]
"""A canvas, a row of settings.toml and the plane's own name for its random stream, to SVG."""

KINDS: dict[str, Painter] = {
    "ridge": planes.ridge,
    "water": planes.water,
    "shore": planes.shore,
    "bank": planes.shore,
    "trees": greenery.trees,
    "pines": greenery.pines,
    "trunks": greenery.trunks,
    "path": planes.path,
    "tufts": greenery.tufts,
    "furrows": greenery.furrows,
    "fence": greenery.fence,
    "dunes": planes.dunes,
    "mesas": planes.mesas,
    "peaks": planes.peaks,
    "bank_of_cloud": heavens.bank_of_cloud,
    "stars": heavens.starfield,
    "planet": heavens.planet,
    "crater_ground": heavens.crater_ground,
    "skyline": buildings.skyline,
    "houses": buildings.houses,
    "lamps": buildings.lamps,
    "road": buildings.road,
    "pavement": buildings.pavement,
    "wallpaper": interiors.wallpaper,
    "window": interiors.window,
    "frames": interiors.frames,
    "floorboards": interiors.floorboards,
    "rug": interiors.rug,
    "panorama": interiors.panorama,
    "tiles": interiors.tiles,
    "shelves": interiors.shelves,
    "bench": interiors.bench,
    "backdrop": interiors.backdrop,
    "beams": interiors.beams,
    "curtains": interiors.curtains,
    "blackboard": halls.blackboard,
    "desks": halls.desks,
    "beds": halls.beds,
    "screens": halls.screens,
    "cupboards": halls.cupboards,
    "stove": halls.stove,
    "checkered": halls.checkered,
    "stands": halls.stands,
    "mown": halls.mown,
    "stalls": halls.stalls,
    "bunting": halls.bunting,
    "deep": depths.deep,
    "reef": depths.reef,
    "kelp": depths.kelp,
    "bubbles": depths.bubbles,
    "floes": depths.floes,
}


def paint(canvas: Canvas) -> str:
    """All planes of the canvas's setting."""
    parts = []
    for number, plane in enumerate(canvas.setting.planes):
        content = KINDS[plane["kind"]](canvas, plane, f"{number}:{plane['kind']}")
        parts.append(canvas.plane(content, plane.get("depth", 0.0)))
    return "".join(parts)
