"""Reads a line of English and says which scene shows it.

Direct names come first, looser words only where too few things are named; a line without any becomes a pattern.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from generation.illustrations.catalog import Catalog
from generation.illustrations.language import Index, Match, stems, tokens
from generation.illustrations.scene import ABSTRACT, MOST_COPIES, Item, Scene, choose_palette
from generation.illustrations.senses import is_done, is_query, meant

SHORT_LINE = 14
"""Up to so many words, a sentence may show a fourth object."""
PLACES = frozenset(
    ("in", "at", "on", "by", "along", "near", "across", "through", "over", "into", "outside", "inside", "around", "to")
)
LINKS = frozenset(("is", "was", "are", "were", "looks", "painted", "in"))
OWNERS = frozenset(("his", "her", "its", "their", "our", "my", "your"))
IDIOMS = frozenset(("on", "by", "with", "over"))
"""These need an article: "on strike" and "by car" are no places."""
OFFICES = frozenset(
    ("council", "hall", "government", "mayor", "official", "officials", "police", "court", "parliament", "leaders")
)
"""After a place, these speak of who runs it: the "city council" needs no skyline."""
SYMBOLIC = ("symbols", "money")
"""Groups that stand for ideas: where a line names more than can be drawn, things come first."""
FURNITURE = frozenset(("table", "bed", "lamp", "chair"))
OUTDOORS = 2.4
"""Things drawn larger than so many metres don't fit into rooms."""
ENOUGH = 0.3
"""Score from which a loosely related object is worth drawing: its word belongs to few others."""


@dataclass(frozen=True)
class Reading:
    """A scene and the words of the line that it shows, in the line's order."""

    scene: Scene
    knew: tuple[str, ...]


@dataclass(frozen=True)
class _Named:
    """An object that a line names, with what it says about it."""

    match: Match
    item: Item
    words: tuple[int, ...]
    """Numbers of all the tokens that it used."""


def read(words: str, seed: int = 0) -> Reading:
    """The scene for `words`. The same words and seed always give the same scene."""
    return _Reader(words, seed).reading()


def named(scene: Scene, line: str) -> tuple[str, ...]:
    """The words of `line` that name what `scene` shows: its objects or its setting by their names and synonyms.

    Looser words, that only suggest an object, don't count.
    """
    catalog = Catalog.load()
    shown = {catalog.objects[item.object].words for item in scene.items}
    if scene.setting != ABSTRACT:
        shown.add((scene.setting, *catalog.settings[scene.setting].words))
    index, words = Index((word, "shown") for synonyms in shown for word in synonyms), meant(line)
    found: list[str] = []
    at = 0
    while at < len(words):
        match = index.at(words, at)
        if match and not is_done(words, match):
            found.append(" ".join(words[match.start : match.end]))
        at = match.end if match else at + 1
    return tuple(dict.fromkeys(found))


class _Reader:
    """One reading of one line."""

    def __init__(self, words: str, seed: int) -> None:
        self.catalog = Catalog.load()
        self.words = meant(words)
        self.query = is_query(self.words)
        self.rng = random.Random(f"{' '.join(tokens(words))}|{seed}")
        self.fillers = frozenset(self.catalog.language["reading"]["fillers"])
        self.numbers: dict[str, int] = self.catalog.language["numbers"]
        self.used: set[int] = set()

    def reading(self) -> Reading:
        named = self._limit(self._direct())
        light, weather = self._mood(self.catalog.light_words, "day"), self._mood(self.catalog.weather_words, "clear")
        place = self._place()
        named = self._without_walls(named, place)
        place = "" if self._is_elsewhere(named, place) else place
        named = self._without_furniture(named, place)
        if len(named) < 2:
            named += self._loose(named, 2 - len(named) if not named else 1)
        if not named and place:
            named = [
                _Named(Match(guest, 0, 0, False), Item(guest), ()) for guest in self.catalog.settings[place].guests
            ]
        mood = bool(self.used)
        if not named and not place and not mood:
            return self._abstract()
        items = self._with_relations(named)
        for one in named:
            self.used.update(one.words)
        setting = place or self._home(items, weather)
        light = "night" if self.catalog.settings[setting].sky == "space" else light
        scene = Scene(
            setting=setting,
            light=light,
            weather=weather,
            items=items,
            palette=choose_palette(self.rng, setting, light, items, self.catalog),
            seed=self.rng.randrange(2**31),
        )
        return Reading(scene, tuple(self._phrases()))

    def _without_walls(self, named: list[_Named], place: str) -> list[_Named]:
        """Inside the opera house, the opera house isn't seen."""
        if not place or not self.catalog.settings[place].indoors:
            return named
        objects = self.catalog.objects
        return [one for one in named if objects[one.item.object].group != "buildings" or not self.used & set(one.words)]

    def _without_furniture(self, named: list[_Named], place: str) -> list[_Named]:
        """No table stands in the hills beside a house, where there is enough else to show."""
        specs = [self.catalog.objects[one.item.object] for one in named]
        outside = any(spec.group == "buildings" for spec in specs)
        outside = outside or bool(place and not self.catalog.settings[place].indoors)
        at_home = [spec.name in FURNITURE for spec in specs]
        if not outside or at_home.count(False) < 2:
            return named
        return [one for one, inside in zip(named, at_home, strict=True) if not inside]

    def _is_elsewhere(self, named: Sequence[_Named], place: str) -> bool:
        """Who watches the sky stands under it, no building in a room or on the seabed; no fish swims in an office."""
        if not place:
            return False
        specs, setting = [self.catalog.objects[one.item.object] for one in named], self.catalog.settings[place]
        if place == "sky":
            return any(spec.stands == "ground" for spec in specs)
        if place == "office" and any(spec.stands == "water" for spec in specs):
            return True
        closed = setting.indoors or setting.sky == "water"
        return closed and any(spec.group == "buildings" for spec in specs)

    def _abstract(self) -> Reading:
        palette = self.rng.choice(sorted(self.catalog.palettes))
        light = self.rng.choice(("day", "morning", "dusk"))
        return Reading(Scene(ABSTRACT, light=light, palette=palette, seed=self.rng.randrange(2**31)), ())

    def _phrases(self) -> list[str]:
        """The used tokens, neighbours joined."""
        phrases: list[str] = []
        for place in sorted(self.used):
            if phrases and place - 1 in self.used:
                phrases[-1] += " " + self.words[place]
            else:
                phrases.append(self.words[place])
        return phrases

    # Objects

    def _direct(self) -> list[_Named]:
        """Objects that the line names, each once."""
        found: dict[str, _Named] = {}
        at = 0
        while at < len(self.words):
            match = self.catalog.object_words.at(self.words, at)
            if match is None or is_done(self.words, match) or self._is_measure(match) or self._in_place(match):
                at += 1
                continue
            one = self._described(match)
            known = found.get(match.name)
            if known is None:
                found[match.name] = one
            elif one.item.colour and not known.item.colour:
                found[match.name] = replace(known, item=replace(known.item, colour=one.item.colour))
            at = match.end
        return list(found.values())

    def _in_place(self, match: Match) -> bool:
        """The "solar" of "solar system" is no panel."""
        place = self.catalog.setting_words.at(self.words, match.start)
        return place is not None and place.length > match.length

    def _is_measure(self, match: Match) -> bool:
        """The "crowd" of "a crowd of farmers" is a number."""
        return self.words[match.start] in self.numbers and self.words[match.end : match.end + 1] == ("of",)

    def _described(self, match: Match) -> _Named:
        """Colour and number, from the words before it ("three shiny red cars") or after it ("the car is red")."""
        spec = self.catalog.objects[match.name]
        colour, counts, used = None, [], set(range(match.start, match.end))
        at = match.start - 1
        while at >= 0 and match.start - at <= 7:
            word = self.words[at]
            shade = self._colour_ending(at)
            if shade and colour is None:
                colour = shade.name
                used.update(range(shade.start, shade.end))
                at = shade.start
            elif word in self.numbers or word.isdigit():
                counts.append(self.numbers.get(word) or min(MOST_COPIES, max(1, int(word))))
                if counts[-1] > 1:
                    used.add(at)
            elif word not in self.fillers and word != "and":
                break
            at -= 1
        if colour is None and self.words[match.end : match.end + 1] and self.words[match.end] in LINKS:
            shade = self.catalog.colour_words.at(self.words, match.end + 1)
            if shade:
                colour = shade.name
                used.update(range(shade.start, shade.end))
        usual = 2 if spec.aspect > 1.2 or (spec.size > 2.2 and spec.group != "plants") else 3
        count = max(counts) if counts else usual if match.plural else 1
        count = 1 if match.name in self.catalog.language["collectives"]["names"] else count
        colour = colour if "main" in spec.slots else None
        return _Named(match, Item(match.name, colour, max(1, min(MOST_COPIES, count))), tuple(used))

    def _colour_ending(self, at: int) -> Match | None:
        """A colour whose last word is at `at`: "red", "dark blue"."""
        for start in (at - 1, at):
            match = self.catalog.colour_words.at(self.words, start) if start >= 0 else None
            if match and match.end == at + 1 and not match.plural:
                return match
        return None

    def _limit(self, named: list[_Named]) -> list[_Named]:
        """The three or four that the line says most about, in its order."""
        most = 4 if len(self.words) <= SHORT_LINE and not self.query else 3
        if len(named) <= most:
            return named
        symbols = {one.item.object for one in named if self.catalog.objects[one.item.object].group in SYMBOLIC}
        ranked = sorted(named, key=lambda one: (one.item.object in symbols, -len(one.words), one.match.start))[:most]
        return sorted(ranked, key=lambda one: one.match.start)

    def _loose(self, named: Sequence[_Named], most: int) -> list[_Named]:
        """Objects that related words suggest: a word that few objects share says more."""
        taken = {place for one in named for place in one.words} | self.used
        scores: dict[str, float] = defaultdict(float)
        causes: dict[str, Match] = {}
        at = 0
        while at < len(self.words):
            matches = self._related_at(at) if at not in taken else []
            for match in matches:
                scores[match.name] += match.length**0.5 / len(matches)
                causes.setdefault(match.name, match)
            at = matches[0].end if matches else at + 1
        for one in named:
            scores.pop(one.item.object, None)
        order = {name: self.rng.random() * 0.01 for name in sorted(scores)}
        best = sorted(scores, key=lambda name: -scores[name] - order[name])
        found: list[_Named] = []
        for name in best:
            cause = causes[name]
            fresh = all(cause.start != one.match.start for one in found)
            if len(found) < most and fresh and (scores[name] >= ENOUGH or not (found or named)):
                found.append(_Named(cause, Item(name), tuple(range(cause.start, cause.end))))
        return found

    def _related_at(self, at: int) -> list[Match]:
        catalog = self.catalog
        if any(
            known.at(self.words, at) for known in (catalog.colour_words, catalog.setting_words, catalog.object_words)
        ):
            return []
        index = self.catalog.related_words
        found = index.all_at(self.words, at)
        for stem in () if found else stems(self.words[at]):
            found = found or self.catalog.object_words.all_at([stem], 0) or index.all_at([stem], 0)
            found = [Match(match.name, at, at + 1, False) for match in found]
        return found

    def _with_relations(self, named: Sequence[_Named]) -> tuple[Item, ...]:
        """Items with the relations that stand between them: "a dog under a table"."""
        items = [one.item for one in named]
        for number, (one, other) in enumerate(pairwise(named)):
            relation = self._relation(one.match.end, other.match.start)
            if relation and other.match.start - one.match.end <= 7:
                items[number] = replace(items[number], relation=relation, of=other.item.object)
                break
            if number == 0 and not relation and (first := self._relation(0, one.match.start)):
                items[1] = replace(items[1], relation=first, of=one.item.object)
                break
        return tuple(items)

    def _relation(self, start: int, end: int) -> str:
        """What stands right before the second object, its own colour and number aside."""
        noun = end
        while end > start and (self._says_little(end - 1) or self._colour_ending(end - 1)):
            end -= 1
        before = f" {' '.join(self.words[start:end])}"
        found = [
            (len(phrase), relation)
            for relation, phrases in self.catalog.language["relations"].items()
            for phrase in phrases
            if before.endswith(f" {phrase}") and (end < noun or phrase not in IDIOMS)
        ]
        return max(found)[1] if found else ""

    def _says_little(self, at: int) -> bool:
        word = self.words[at]
        return word != "of" and (word in self.numbers or word.isdigit() or word in self.fillers | OWNERS)

    # Place, light and weather

    def _mood(self, index: Index, usual: str) -> str:
        """The last light or weather that the line names."""
        chosen = usual
        for at in range(len(self.words)):
            match = index.at(self.words, at)
            if match and not self._colour_after(match):
                chosen = match.name
                self.used.update(range(match.start, match.end))
        return chosen

    def _colour_after(self, match: Match) -> bool:
        """The "dark" of "dark blue" is no night."""
        return any(
            shade.start <= match.start and shade.end > match.end
            for start in (match.start, match.start - 1)
            if start >= 0 and (shade := self.catalog.colour_words.at(self.words, start))
        )

    def _place(self) -> str:
        """The setting that the line names most clearly."""
        best, score, cause = "", 0.0, None
        for at in range(len(self.words)):
            match = self.catalog.setting_words.at(self.words, at)
            if match is None or is_done(self.words, match) or self._is_part(match):
                continue
            value = 1.0 + 0.4 * match.length + (-0.05 if self.query else 0.01) * at
            value -= 1.5 * self._is_building(match) + 0.5 * ("near" in self.words[max(0, at - 3) : at])
            value += 2.0 * any(word in PLACES for word in self.words[max(0, at - 3) : at])
            value -= 1.5 * any(word in OFFICES for word in self.words[match.end : match.end + 1])
            if value > score:
                best, score, cause = match.name, value, match
        if cause:
            self.used.update(range(cause.start, cause.end))
        return best

    def _is_building(self, match: Match) -> bool:
        """A museum is seen from outside unless the line says "in the museum"."""
        thing = self.catalog.object_words.at(self.words, match.start)
        inside = self.catalog.settings[match.name].indoors
        return bool(inside and thing and self.catalog.objects[thing.name].group == "buildings")

    def _is_part(self, match: Match) -> bool:
        """The "market" of "stock market" is no place."""
        for start in range(max(0, match.start - 3), match.start + 1):
            whole = self.catalog.object_words.at(self.words, start)
            if whole and whole.end >= match.end and whole.length > match.length:
                return True
        return False

    def _home(self, items: Sequence[Item], weather: str) -> str:
        """Where the items are at home together, with the hints that the line gives."""
        scores: dict[str, float] = defaultdict(float)
        for number, item in enumerate(items):
            spec = self.catalog.objects[item.object]
            for rank, home in enumerate(spec.settings):
                scores[home] += (1.0 if number else 1.6) / (1 + 0.35 * rank)
            for name, setting in self.catalog.settings.items():
                if spec.stands == "water" and "water" in setting.carries:
                    scores[name] += 1.5
                if spec.stands == "ground" and "ground" not in setting.carries:
                    scores[name] -= 1.5
                if setting.indoors and (spec.group == "buildings" or spec.size > OUTDOORS):
                    scores[name] -= 6.0
        for at in range(len(self.words)):
            for match in self.catalog.setting_hints.all_at(self.words, at):
                scores[match.name] += 0.8
        for name, setting in self.catalog.settings.items():
            if weather != "clear" and (setting.indoors or setting.sky != "sky"):
                scores[name] -= 4.0
        if not scores or max(scores.values()) <= 0:
            return self.rng.choice(("hills", "city", "street"))
        top = max(scores.values())
        return self.rng.choice(sorted(name for name, value in scores.items() if value > top - 0.25))
