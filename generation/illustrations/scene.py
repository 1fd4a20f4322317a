"""What a picture shows, as plain data: the same scene always draws the same picture."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from generation.illustrations.catalog import Catalog, ObjectSpec
from generation.illustrations.colouring import distance

MOST_OBJECTS = 4
MOST_COPIES = 5
MOST_DRAWN = 8
"""Drawings in one picture, copies included: more can't be told apart."""
RELATIONS = ("beside", "under", "in front of", "behind", "on", "above")
ABSTRACT = ""
"""The setting of a scene of paper shapes, drawn where no word of a line is known."""


@dataclass(frozen=True)
class Item:
    """One object, or several of a kind."""

    object: str
    colour: str | None = None
    """A name of palettes.toml for the part that a colour word names; None leaves its usual colour."""
    count: int = 1
    relation: str = ""
    """One of RELATIONS, to the item named `of`; empty leaves the place to the composer."""
    of: str = ""

    def facet_colour(self, catalog: Catalog) -> str:
        return self.colour or catalog.objects[self.object].main


@dataclass(frozen=True)
class Scene:
    """A setting in a light and a weather with one to four items; no setting means an abstract pattern."""

    setting: str
    light: str = "day"
    weather: str = "clear"
    items: tuple[Item, ...] = ()
    palette: str = "meadow"
    style: str = "paper"
    seed: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "items": [asdict(item) for item in self.items]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Scene:
        """The inverse of `as_dict`."""
        return cls(**{**data, "items": tuple(Item(**item) for item in data["items"])})

    def facets(self) -> frozenset[str]:
        """What can be seen in it, one string each: "colour:car:red", "light:night", "count:tree:3"."""
        if self.setting == ABSTRACT:
            return frozenset({"setting:abstract"})
        catalog = Catalog.load()
        found = {f"setting:{self.setting}", f"light:{self.light}", f"weather:{self.weather}"}
        for item in self.items:
            found |= {
                f"object:{item.object}",
                f"count:{item.object}:{item.count}",
                f"colour:{item.object}:{item.facet_colour(catalog)}",
            }
            if item.relation:
                found.add(f"relation:{item.object}:{item.relation}:{item.of}")
        return frozenset(found)


def choose_palette(rng: random.Random, setting: str, light: str, items: Sequence[Item], catalog: Catalog) -> str:
    """A palette in which the items stand out from what is behind and under them; `rng` breaks near ties."""
    ground = catalog.settings[setting].ground if setting in catalog.settings else "foliage"

    def clearness(name: str) -> float:
        palette = catalog.palettes[name]
        behind = (palette.materials[ground], palette.sky[light][-1])
        mains = [catalog.colours[item.facet_colour(catalog)][0] for item in items]
        nearest = min((distance(main, other) for main in mains for other in behind), default=0.5)
        return min(nearest, 0.35) + rng.random() * 0.3

    return max(sorted(catalog.palettes), key=clearness)


def lights_of(setting: str, catalog: Catalog) -> list[str]:
    """Which lights suit a setting."""
    return ["night"] if catalog.settings[setting].sky == "space" else list(catalog.lights)


def weathers_of(setting: str, catalog: Catalog) -> list[str]:
    """Which weathers suit a setting: none indoors or under water, no rain in the desert or among the stars."""
    spec = catalog.settings[setting]
    if spec.indoors or spec.sky != "sky":
        return ["clear"]
    return [name for name in catalog.weathers if setting != "desert" or name not in ("rain", "snow")]


def random_scene(rng: random.Random, catalog: Catalog, *, objects: int | None = None) -> Scene:
    """A scene for training: every object equally likely, everything else varied. `objects` is how many kinds."""
    kinds = objects if objects is not None else rng.choice((1, 1, 2, 2, 3))
    specs = [catalog.objects[name] for name in rng.sample(sorted(catalog.objects), kinds)]
    setting = _random_setting(rng, specs, catalog)
    light = rng.choice(["day", "day", *lights_of(setting, catalog)])
    if light not in lights_of(setting, catalog):
        light = lights_of(setting, catalog)[0]
    weather = rng.choice(weathers_of(setting, catalog)) if rng.random() < 0.55 else "clear"
    items = _random_items(rng, specs, catalog)
    return Scene(
        setting=setting,
        light=light,
        weather=weather,
        items=items,
        palette=rng.choice(sorted(catalog.palettes)),
        seed=rng.randrange(2**31),
    )


def _random_setting(rng: random.Random, specs: Iterable[ObjectSpec], catalog: Catalog) -> str:
    """A home of one of the objects mostly, any setting sometimes, so that neither gives the other away."""
    homes = [home for spec in specs for home in spec.settings]
    if homes and rng.random() < 0.5:
        return rng.choice(homes)
    return rng.choice(sorted(catalog.settings))


def _random_items(rng: random.Random, specs: Sequence[ObjectSpec], catalog: Catalog) -> tuple[Item, ...]:
    items: list[Item] = []
    for number, spec in enumerate(specs):
        colour = rng.choice(sorted(catalog.colours)) if "main" in spec.slots and rng.random() < 0.6 else None
        count = rng.choice((1, 1, 1, 1, 2, 3)) if len(specs) < 3 else 1
        relation, of = "", ""
        if number == 1 and len(specs) == 2 and count == items[0].count == 1 and rng.random() < 0.3:
            relation, of = rng.choice(RELATIONS), items[0].object
        items.append(Item(spec.name, colour, count, relation, of))
    return tuple(items)
