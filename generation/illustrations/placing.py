"""Where each object of a scene goes: on what it stands, how large, clear of the others and of the caption strip."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from itertools import combinations

from generation.illustrations.canvas import Canvas, Placed
from generation.illustrations.catalog import Catalog, ObjectSpec
from generation.illustrations.scene import MOST_DRAWN, Item, Scene

CROWDED = 0.15
"""Overlap of two objects from which all are drawn smaller."""
GROWTH = 0.55
"""Sizes in a picture grow slower than in the world: a house is not 30 cups high."""
TALL, TALL_GROWTH = 1.8, 0.22
"""Above so many metres slower still in an upright picture, where a building leaves little width for people."""


@dataclass(frozen=True)
class _Wish:
    """One copy of an item before it has a place."""

    spec: ObjectSpec
    item: int
    copy: int
    width: float
    height: float
    support: str


def place(scene: Scene, canvas: Canvas, catalog: Catalog) -> list[Placed]:
    """Every copy of every item, from the farthest to the nearest."""
    rng = canvas.rng("places")
    wishes = _sized(_wishes(scene, canvas, catalog), canvas, rng)
    wishes = _stackable(wishes, scene, canvas)
    for _try in range(4):
        placed = _arranged(wishes, scene, canvas, rng)
        free = [one for one in placed if not scene.items[one.item].relation]
        if all(_overlap(one, other) < CROWDED for one, other in combinations(free, 2)):
            break
        wishes = [replace(wish, width=wish.width * 0.87, height=wish.height * 0.87) for wish in wishes]
    return sorted(placed, key=lambda p: (p.support in ("ground", "water", "object"), p.feet + _ahead(p, scene)))


def _arranged(wishes: list[_Wish], scene: Scene, canvas: Canvas, rng: random.Random) -> list[Placed]:
    """One try: the largest first, each where it hides least."""
    placed: list[Placed] = []
    target = _target(wishes, canvas, rng)
    standing = [wish for wish in wishes if wish.support == "ground"]
    behind = canvas.height > canvas.width * 1.15 and len(standing) in (2, 3)
    behind = behind and max(wish.spec.size for wish in standing) > TALL * 1.3
    for wish in sorted(wishes, key=lambda wish: _order(wish, scene)):
        item = scene.items[wish.item]
        anchor = next((p for p in placed if scene.items[p.item].object == item.of), None) if item.relation else None
        if anchor and wish.copy == 0 and not _apart(wish, item, anchor):
            placed.append(_related(wish, item, anchor, canvas))
        else:
            placed.append(_best(wish, placed, canvas, target, rng, behind))
    return placed


def _apart(wish: _Wish, item: Item, anchor: Placed) -> bool:
    """Someone beside a boat stays ashore."""
    supports = {wish.support, anchor.support}
    return item.relation == "beside" and len(supports) == 2 and "air" not in supports


def _order(wish: _Wish, scene: Scene) -> tuple[bool, int, float]:
    """Anchors before what relates to them, heroes before copies, large before small."""
    return bool(scene.items[wish.item].relation), wish.copy, -wish.width * wish.height


def _ahead(placed: Placed, scene: Scene) -> float:
    return {"on": 400.0, "in front of": 40.0, "under": 40.0, "behind": -60.0}.get(
        scene.items[placed.item].relation, 0.0
    )


def _wishes(scene: Scene, canvas: Canvas, catalog: Catalog) -> list[_Wish]:
    found: list[_Wish] = []
    carries = canvas.setting.carries
    for number, item in enumerate(scene.items):
        spec = catalog.objects[item.object]
        swims = "air" if canvas.setting.sky == "water" else "ground"
        support = spec.stands if spec.stands in carries or spec.stands != "water" else swims
        if support == "wall" and "wall" not in carries:
            support = "ground"
        if support == "ground" and "ground" not in carries:
            support = "cloud"
        height = _height(spec.size, canvas)
        for copy in range(item.count):
            found.append(_Wish(spec, number, copy, height * spec.aspect, height, support))
    found.sort(key=lambda wish: wish.copy)
    return found[:MOST_DRAWN]


def _height(metres: float, canvas: Canvas) -> float:
    """How high something is drawn, before all are scaled to fit."""
    if canvas.height > canvas.width * 1.15 and metres > TALL:
        return float(TALL**GROWTH * (metres / TALL) ** TALL_GROWTH)
    return float(metres**GROWTH)


def _sized(wishes: list[_Wish], canvas: Canvas, rng: random.Random) -> list[_Wish]:
    """Scale all by one factor: as large as fits the safe part."""
    if not wishes:
        return []
    tall, wide = max(w.height for w in wishes), max(w.width for w in wishes)
    area = sum(w.height * w.width for w in wishes)
    standing = [w for w in wishes if w.support in ("ground", "cloud", "water")]
    upright = canvas.height > canvas.width * 1.15
    rows = (
        1.0
        + (len(standing) == 2 and upright) * 0.22
        + (len(standing) > 2) * (0.75 if upright else 0.3)
        + (len(standing) > 4) * (0.7 if upright else 0.4)
    )
    across = sum(w.width for w in standing) * 1.12
    factors = [
        (0.60 if len(wishes) < 3 else 0.52) * canvas.stage / tall,
        0.74 * canvas.width / wide,
        (0.32 * canvas.stage * canvas.width / area) ** 0.5,
    ]
    if across:
        factors.append(0.92 * rows * canvas.width / across)
    factor = min(factors) * (1.0 if len(wishes) > 2 else 0.9 + 0.1 * rng.random())
    return [replace(w, width=w.width * factor, height=w.height * factor) for w in wishes]


def _stackable(wishes: list[_Wish], scene: Scene, canvas: Canvas) -> list[_Wish]:
    """Shrink all where one thing on or above another would leave the picture."""
    tallest = {wish.item: wish.height for wish in wishes}
    names = {item.object: number for number, item in enumerate(scene.items)}
    stacks = [
        tallest.get(number, 0.0) + tallest.get(names[item.of], 0.0)
        for number, item in enumerate(scene.items)
        if item.relation in ("on", "above") and item.of in names
    ]
    factor = min(1.0, 0.80 * canvas.stage / max(stacks, default=1.0)) if stacks else 1.0
    return [replace(wish, width=wish.width * factor, height=wish.height * factor) for wish in wishes]


def _band(wish: _Wish, canvas: Canvas) -> tuple[float, float]:
    """Between which heights its bottom may be: far, near."""
    near = canvas.stage - 0.015 * canvas.height
    if wish.support == "water":
        top, bottom = (0.28, 0.46) if canvas.setting.name == "river" else (0.14, 0.47)
        return canvas.ground_y(top), min(canvas.ground_y(bottom), near)
    if wish.support == "air":
        low = min(canvas.horizon - 0.04 * canvas.stage, canvas.stage * 0.62)
        if canvas.setting.carries == ("air",):
            low = canvas.stage * 0.82
        return min(low, canvas.stage * 0.09 + wish.height), max(low, canvas.stage * 0.09 + wish.height)
    if wish.support == "wall":
        return canvas.stage * 0.10 + wish.height, max(canvas.horizon - 60, canvas.stage * 0.10 + wish.height)
    if wish.support == "cloud":
        return canvas.stage * 0.70, canvas.stage * 0.86
    first = {"sea": 0.70, "arctic": 0.70, "river": 0.66}.get(canvas.setting.name, 0.30)
    far = min(canvas.ground_y(first), near - 1)
    return max(far, near - (0.27 if canvas.height > canvas.width * 1.15 else 0.17) * canvas.stage), near


def _target(wishes: list[_Wish], canvas: Canvas, rng: random.Random) -> float:
    """Where the middle of the largest goes, so that two things together are in the middle."""
    standing = sorted((w.width for w in wishes if w.support != "air"), reverse=True)
    if len(standing) != 2:
        return 0.5
    aside = (standing[1] + 0.05 * canvas.width) / 2 / canvas.width
    return 0.5 + (aside if rng.random() < 0.5 else -aside)


def _best(wish: _Wish, placed: list[Placed], canvas: Canvas, target: float, rng: random.Random, behind: bool) -> Placed:
    """The candidate that overlaps least and balances the picture; `behind` puts the largest behind the others."""
    far, near = _band(wish, canvas)
    best, cost = None, float("inf")
    first = not placed
    for step in range(44):
        share = (step % 11) / 10
        row = (step // 11) / 3
        feet = near + (far - near) * row
        shrink = 1.0 - 0.26 * row if wish.support in ("ground", "water") and near > far else 1.0
        width, height = wish.width * shrink, wish.height * shrink
        margin = min(canvas.width * 0.5, width / 2 + canvas.width * 0.035)
        x = margin + (canvas.width - 2 * margin) * (share * 0.94 + 0.06 * rng.random())
        candidate = Placed(wish.spec, wish.item, wish.copy, x, feet, width, height, row, wish.support)
        overlap = sum(_overlap(candidate, other) for other in placed)
        middle = abs(x / canvas.width - (target if first else 0.5))
        pull = middle * (1.2 if first else 0.12)
        if wish.support == "air":
            pull += abs(row - 0.45) * 0.5
        elif first and behind and wish.support == "ground":
            pull += abs(row - 0.6) * 0.6
        else:
            pull += row * (0.35 if first else 0.22)
        total = overlap * 6 + pull + rng.random() * 0.14
        if total < cost:
            best, cost = candidate, total
    assert best is not None  # noqa: S101
    return best


def _overlap(one: Placed, other: Placed) -> float:
    """Hidden share of the smaller of two, with a little air around each."""
    pad = 0.04 * min(one.width, other.width)
    a, b = one.box, other.box
    across = min(a[2], b[2]) - max(a[0], b[0]) + pad
    down = min(a[3], b[3]) - max(a[1], b[1]) + pad
    if across <= 0 or down <= 0:
        return 0.0
    return across * down / min(one.width * one.height, other.width * other.height)


def _related(wish: _Wish, item: Item, anchor: Placed, canvas: Canvas) -> Placed:
    """A place that shows the relation: beside, under, in front of, behind, on or above the anchor."""
    left, top, right, _bottom = anchor.box
    near = canvas.stage - 0.012 * canvas.height
    roomier = 1.0 if canvas.width - right >= left else -1.0
    x, feet, support, width, height = anchor.x, anchor.feet, wish.support, wish.width, wish.height
    match item.relation:
        case "beside":
            x = anchor.x + roomier * (anchor.width * 0.5 + width * 0.54)
            feet = anchor.feet + 2 if anchor.support == support or support == "air" else feet
        case "under":
            feet = anchor.feet + 4 if anchor.support not in ("air", "wall") else near
            x = anchor.x + roomier * anchor.width * (0.04 if anchor.support == "ground" else 0.0)
            if anchor.support == "ground" and height > 0.5 * anchor.height:
                width, height = width * 0.5 * anchor.height / height, 0.5 * anchor.height
        case "in front of":
            feet, x = min(near, anchor.feet + 0.03 * canvas.height), anchor.x + roomier * anchor.width * 0.28
        case "behind":
            feet, x = anchor.feet - 0.035 * canvas.height, anchor.x + roomier * (anchor.width * 0.36 + width * 0.2)
        case "on":
            feet, support = top + 0.05 * anchor.height, "object"
        case "above":
            feet, support = max(top - 0.03 * canvas.stage, height + 0.04 * canvas.stage), "air"
        case _:
            pass
    if support == "object" and feet - height < 0.05 * canvas.stage:
        shrink = max(0.4, (feet - 0.05 * canvas.stage) / height)
        width, height = width * shrink, height * shrink
    margin = width / 2 + canvas.width * 0.02
    x = min(max(x, margin), max(margin, canvas.width - margin))
    return Placed(wish.spec, wish.item, wish.copy, x, feet, width, height, anchor.depth, support)
