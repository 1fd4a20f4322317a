"""What the illustrator knows: its objects, settings, lights, weather, palettes and the words for them.

Everything is data in this folder (README.md says how an object is drawn); this module reads and checks it once.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from generation.illustrations.language import Index, Match, tokens

FOLDER = Path(__file__).parent
STANDS = ("ground", "water", "air", "wall")
SLOT = re.compile(r"\{([a-z_]+)\}")
VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


class CatalogError(ValueError):
    """A data file says something that can't be drawn."""


@dataclass(frozen=True)
class ObjectSpec:
    """One object: its words, how it is placed, and its drawing."""

    name: str
    words: tuple[str, ...]
    group: str
    size: float
    """Drawing height in metres, small things exaggerated."""
    stands: str
    main: str
    second: str
    accent: str
    related: tuple[str, ...]
    settings: tuple[str, ...]
    """Names of settings that exist (a home like "kitchen" has become "room")."""
    box: tuple[float, float]
    """Width and height of the drawing's own coordinates."""
    body: str
    """The drawing with its colour slots still open."""
    named: str = ""
    """What alt text calls it, where that isn't its first word."""

    @property
    def aspect(self) -> float:
        return self.box[0] / self.box[1]

    @property
    def label(self) -> str:
        """Its plain English name."""
        return self.named or self.words[0]

    @cached_property
    def slots(self) -> frozenset[str]:
        return frozenset(SLOT.findall(self.body))


@dataclass(frozen=True)
class SettingSpec:
    """A place: words, horizon, and the planes that build it from far to near."""

    name: str
    words: tuple[str, ...]
    related: tuple[str, ...]
    label: str
    """How alt text names it: "by the sea"."""
    horizon: float
    """Share of the height, from the top, where sky or wall ends."""
    indoors: bool
    sky: str
    """"sky", "wall", "space" or "water": what is behind everything."""
    carries: tuple[str, ...]
    """Which kinds of objects find their own place here: "ground", "water", "air", "wall"."""
    ground: str
    """Material under the objects, for shadows and contrast."""
    planes: tuple[Mapping[str, Any], ...]
    guests: tuple[str, ...] = ()
    """Objects drawn where a line names the place and nothing in it."""


@dataclass(frozen=True)
class LightSpec:
    """A time of day: its words and what it does to colours."""

    name: str
    words: tuple[str, ...]
    label: str
    tint: str
    """Colour that everything is mixed with."""
    strength: float
    """How far, 0 to 1, in the background; objects take half of it."""
    sun: str
    """"sun", "low sun", "moon" or ""."""


@dataclass(frozen=True)
class WeatherSpec:
    """A weather: its words and what it does to sky and air."""

    name: str
    words: tuple[str, ...]
    label: str
    grey: float
    """How far the sky turns to its own grey, 0 to 1."""
    haze: float
    """Added aerial perspective, 0 to 1."""
    clouds: int
    falls: str
    """"rain", "snow" or ""."""


@dataclass(frozen=True)
class PaletteSpec:
    """A designed set of colours: a sky for each light, and materials."""

    name: str
    sky: Mapping[str, tuple[str, ...]]
    """For each light, three colours from the top to the horizon."""
    materials: Mapping[str, str]


@dataclass(frozen=True)
class Catalog:
    """All that can be drawn. `Catalog.load()` is read once in a process."""

    objects: Mapping[str, ObjectSpec]
    settings: Mapping[str, SettingSpec]
    lights: Mapping[str, LightSpec]
    weathers: Mapping[str, WeatherSpec]
    palettes: Mapping[str, PaletteSpec]
    colours: Mapping[str, tuple[str, str, str]]
    """Named colours: base, dark, light."""
    fixed: Mapping[str, str]
    """The slots that have one colour everywhere ("ink", "metal")."""
    people: Mapping[str, tuple[tuple[str, str], ...]]
    """"skins" and "hairs": pairs of a base and its dark."""
    language: Mapping[str, Any] = field(default_factory=dict)
    """words.toml as read: numbers, relations, verbs."""

    @staticmethod
    def load() -> Catalog:
        return _load()

    @cached_property
    def object_words(self) -> Index:
        return Index((word, name) for name, spec in self.objects.items() for word in spec.words)

    @cached_property
    def related_words(self) -> Index:
        return Index((word, name) for name, spec in self.objects.items() for word in spec.related)

    @cached_property
    def setting_words(self) -> Index:
        return Index((word, name) for name, spec in self.settings.items() for word in (name, *spec.words))

    @cached_property
    def setting_hints(self) -> Index:
        return Index((word, name) for name, spec in self.settings.items() for word in spec.related)

    @cached_property
    def light_words(self) -> Index:
        return Index((word, name) for name, spec in self.lights.items() for word in (name, *spec.words))

    @cached_property
    def weather_words(self) -> Index:
        return Index((word, name) for name, spec in self.weathers.items() for word in (name, *spec.words))

    @cached_property
    def colour_words(self) -> Index:
        synonyms = self.language["colours"]
        return Index((word, name) for name in self.colours for word in (name, *synonyms.get(name, ())))

    def find(self, words: str) -> ObjectSpec | None:
        """The object that a word or short phrase names: "fire engines" finds the fire engine."""
        found = self.object_words.at(tokens(words), 0)
        return self.objects[found.name] if found else None

    def find_setting(self, words: str) -> SettingSpec | None:
        found = self.setting_words.at(tokens(words), 0)
        return self.settings[found.name] if found else None

    def shared_words(self) -> dict[str, list[str]]:
        """Words that two objects claim, which there should be none of."""
        owners: dict[str, list[str]] = {}
        for name, spec in self.objects.items():
            for word in spec.words:
                owners.setdefault(" ".join(tokens(word)), []).append(name)
        return {word: names for word, names in owners.items() if len(set(names)) > 1}


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))


def _strings(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


def _object(name: str, row: Mapping[str, Any], settings: Mapping[str, SettingSpec], homes: Index) -> ObjectSpec | None:
    """One object of a group file, or None while its drawing isn't there."""
    file = FOLDER / "objects" / f"{name}.svg"
    if not file.exists():
        return None
    source = file.read_text(encoding="utf-8")
    box = VIEW_BOX.search(source)
    if not box:
        raise CatalogError(f"{file.name} has no viewBox that starts at 0 0.")
    if row["stands"] not in STANDS:
        raise CatalogError(f"{name} stands on {row['stands']!r}: one of {', '.join(STANDS)}.")
    body = source[source.index(">", box.end()) + 1 : source.rindex("</svg>")]
    known: list[str] = []
    for home in row["settings"]:
        match = homes.at(tokens(home), 0)
        if match and match.name in settings and match.name not in known:
            known.append(match.name)
    return ObjectSpec(
        name=name,
        words=_strings(row["words"]),
        group=str(row["group"]),
        size=float(row["size"]),
        stands=str(row["stands"]),
        main=str(row["main"]),
        second=str(row["second"]),
        accent=str(row["accent"]),
        related=_strings(row["related"]),
        settings=tuple(known) or ("field",),
        box=(float(box[1]), float(box[2])),
        named=str(row.get("label", "")),
        body=re.sub(r">\s+<", "><", body.strip()),
    )


def _settings() -> dict[str, SettingSpec]:
    return {
        name: SettingSpec(
            name=name,
            words=_strings(row["words"]),
            related=_strings(row.get("related", ())),
            label=row["label"],
            horizon=row["horizon"],
            indoors=row.get("indoors", False),
            sky=row.get("sky", "sky"),
            carries=_strings(row["carries"]),
            ground=row["ground"],
            planes=tuple(row["planes"]),
            guests=_strings(row.get("guests", ())),
        )
        for name, row in _read("settings.toml").items()
    }


def _objects(settings: Mapping[str, SettingSpec]) -> dict[str, ObjectSpec]:
    homes = Index((word, name) for name, spec in settings.items() for word in (name, *spec.words, *spec.related))
    found: dict[str, ObjectSpec] = {}
    for file in sorted((FOLDER / "objects").glob("*.toml")):
        for name, row in tomllib.loads(file.read_text(encoding="utf-8")).items():
            spec = _object(name, row, settings, homes)
            if spec:
                found[name] = spec
    return found


@cache
def _load() -> Catalog:
    settings, moods, words = _settings(), _read("moods.toml"), _read("words.toml")
    colours = {name: (row[0], row[1], row[2]) for name, row in _read("palettes.toml")["colours"].items()}
    catalog = Catalog(
        objects=_objects(settings),
        settings=settings,
        lights={name: LightSpec(name=name, **_tupled(row)) for name, row in moods["lights"].items()},
        weathers={name: WeatherSpec(name=name, **_tupled(row)) for name, row in moods["weathers"].items()},
        palettes={
            name: PaletteSpec(name, {light: tuple(sky) for light, sky in row["sky"].items()}, row["materials"])
            for name, row in moods["palettes"].items()
        },
        colours=colours,
        fixed=moods["fixed"],
        people={kind: tuple((pair[0], pair[1]) for pair in rows) for kind, rows in moods["people"].items()},
        language=words,
    )
    for spec in catalog.objects.values():
        for colour in (spec.main, spec.second, spec.accent):
            if colour not in colours:
                raise CatalogError(f"{spec.name} is {colour!r}, which palettes.toml doesn't name.")
    return catalog


def _tupled(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


__all__ = [
    "Catalog",
    "CatalogError",
    "LightSpec",
    "Match",
    "ObjectSpec",
    "PaletteSpec",
    "SettingSpec",
    "WeatherSpec",
]
