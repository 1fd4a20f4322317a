"""Captions and queries: the words for what a picture shows, and what of it is kept from training.

What a picture shows is a set of *facets*, one string each: `object:car`, `colour:car:red`, `count:car:2`,
`setting:street`, `light:night`, `weather:rain`. A caption names some of them in one of the templates below, each thing
by one of its synonyms.

Two things never occur in training, so that the measured recall is about new sentences on new pictures:

- every fifth template of each kind (`templates(..., held_out=True)`);
- one in twenty *combinations*: an object with a colour, a setting, a light, a weather or another object, chosen by a
  hash of the two (`held_out_combinations`). A picture that shows one isn't trained on at all.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations

from search.engines.words import split

HELD_OUT_TEMPLATE = 5
"""Every fifth template is held out."""
HELD_OUT_COMBINATION = 20
"""One combination of twenty is held out."""

TEMPLATES: Mapping[str, Sequence[str]] = {
    # T things, P place, L light, W weather. {things} with articles, {bare} without; {place} "in the street",
    # {spot} "street"; {when} "at night", {light} "night"; {air} "in the rain", {weather} "rain".
    "T": (
        "{bare}", "{things}", "a picture of {things}", "an illustration of {things}",
        "there is {things} in the picture", "drawing: {bare}", "{things} on its own", "here we see {things}",
        "look at {things}", "the picture shows {things}",
        "{bare}, flat illustration", "a scene with {things}", "we can see {things}", "something with {things} in it",
        "find {bare}", "all about {things}", "story about {things}", "{things} close up", "image of {bare}",
        "show me {things}",
    ),
    "TP": (
        "{bare} {spot}", "{things} {place}", "{place} there is {things}", "a picture of {things} {place}",
        "{things}, {place}", "{spot} with {bare}", "{spot}, {bare}", "a {spot} and {things}", "we see {things} {place}",
        "{place} stands {things}", "{bare} {place}", "an illustration of a {spot} with {things}", "{spot}: {bare}",
        "the {spot} where {things} can be seen", "look, {things} {place}",
    ),
    "TL": (
        "{bare} {light}", "{things} {when}", "{when}, {things}", "a picture of {things} {when}",
        "{light} scene with {things}", "{light}, {bare}", "{bare} {when}", "it is {light} and there is {things}",
        "{light} and {bare}", "{things} seen {when}",
    ),
    "TW": (
        "{bare} {weather}", "{things} {air}", "{air}, {things}", "a picture of {things} {air}",
        "{weather} scene with {things}", "{weather}, {bare}", "{bare} {air}", "{weather} weather and {things}",
        "{weather} around {things}", "{things} while the weather is {weather}",
    ),
    "TPL": (
        "{bare} {spot} {light}", "{things} {place} {when}", "{when} {things} {place}", "{light}, {spot}, {bare}",
        "{place} {when}, {things}", "a picture of {things} {place} {when}", "{spot} {when} with {bare}",
        "{bare} {when} {place}", "{light} {spot} with {things}", "{when} we see {things} {place}",
    ),
    "TPW": (
        "{bare} {spot} {weather}", "{things} {place} {air}", "{air} {things} {place}", "{weather}, {spot}, {bare}",
        "{place} {air}, {things}", "a picture of {things} {place} {air}", "{spot} {air} with {bare}",
        "{bare} {air} {place}", "{weather} {spot} with {things}", "{air} we see {things} {place}",
    ),
    "TLW": (
        "{bare} {light} {weather}", "{things} {air} {when}", "{when} {things} {air}", "{weather}, {light}, {bare}",
        "{air} {when}, {things}", "a picture of {things} {when} {air}", "{light} with {weather} and {bare}",
        "{bare} {air} {when}", "{weather} {light} and {things}", "{when} we see {things} {air}",
    ),
    "TPLW": (
        "{bare} {spot} {light} {weather}", "{things} {place} {when} {air}", "{when} {things} {place} {air}",
        "{weather}, {light}, {spot}, {bare}", "{place} {when} {air}, {things}",
        "a picture of {things} {place} {when} {air}", "{air} {when} {things} {place}",
        "an illustration: {things} {place}, {light}, {weather}", "{spot}, {light}, {weather}: {bare}",
        "{things} can be seen {place}, {when} and {air}",
    ),
    "P": (
        "{spot}", "{place}", "a {spot}", "a picture of a {spot}", "view of the {spot}", "{spot} scene",
        "the {spot}", "somewhere {place}", "an empty {spot}", "this is {place}",
    ),
    "L": (
        "{light}", "{when}", "a scene {when}", "a picture taken {when}", "everything {when}", "{light} mood",
        "{light} scene", "the {light}", "it is {light}", "{light} light",
    ),
    "W": (
        "{weather}", "{air}", "{weather} weather", "a picture of {weather}", "a day of {weather}", "a scene {air}",
        "the {weather}", "it is {weather}", "{weather} forecast", "outside there is {weather}",
    ),
    "PL": (
        "{spot} {light}", "{place} {when}", "{when} {place}", "{light} {spot}", "the {spot} {when}",
        "a picture of a {spot} {when}", "{light}, {spot}", "{spot}, {light}", "a {spot} {when}",
        "it is {light} {place}",
    ),
    "PW": (
        "{spot} {weather}", "{place} {air}", "{air} {place}", "{weather} {spot}", "the {spot} {air}",
        "a picture of a {spot} {air}", "{weather}, {spot}", "{spot}, {weather}", "a {spot} {air}",
        "there is {weather} {place}",
    ),
    "LW": (
        "{weather} {light}", "{when} {air}", "{air} {when}", "{light} {weather}", "{weather} in the {light}",
        "a picture of {weather} {when}", "{weather}, {light}", "{light} with {weather}", "{light} and {weather}",
        "it is {light} and there is {weather}",
    ),
    "PLW": (
        "{spot} {light} {weather}", "{place} {when} {air}", "{air} {place} {when}", "{weather} {light} {spot}",
        "{when} the {spot} {air}", "a picture of a {spot} {when} {air}", "{weather}, {light}, {spot}",
        "{spot}, {weather}, {light}", "{light} and {weather} {place}", "the {spot} {air}, {when}",
    ),
}
COUNTS: Mapping[int, Sequence[str]] = {
    1: ("one", "a single"), 2: ("two", "a pair of", "2"), 3: ("three", "3"), 4: ("four", "4"), 5: ("five", "5"),
}
KINDS = {
    "place": "setting", "spot": "setting", "when": "light", "light": "light", "air": "weather", "weather": "weather",
}
PLACES = ("in the", "at the", "in a", "near the", "by the", "at a")


@dataclass(frozen=True)
class Lexicon:
    """The words of things: of "object:car", "setting:sea", "light:night", "weather:rain", "colour:red"."""

    words: Mapping[str, Sequence[str]]
    """Synonyms; the first is the plain name."""
    phrases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Ready phrases of settings, lights and weathers: "by the sea"."""
    related: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Looser words of objects and settings ("harvest" of a tractor), said now and then in their place."""
    always: frozenset[str] = frozenset()
    """Facets that are never held out since they go without saying: an object's usual colour, daylight."""

    def texts(self) -> Iterator[str]:
        """Every text that captions are made of, for the vocabulary."""
        for source in (self.words, self.phrases, self.related):
            for phrases in source.values():
                yield from phrases
        yield from fillers()


def fillers() -> list[str]:
    """The words of the training templates and of the small phrases around things.

    Words of held-out templates alone are no part of the vocabulary: nothing would be learned about them.
    """
    frames = [_bare(frame) for signature in TEMPLATES for frame in templates(signature)]
    counts = [word for words in COUNTS.values() for word in words]
    return sorted({word for text in (*frames, *PLACES, *counts, "a the an and with at in on") for word in split(text)})


def frame_words() -> frozenset[str]:
    """Every word of every template, those held out too: as looser words they would say two things ("show")."""
    return frozenset(word for frames in TEMPLATES.values() for one in frames for word in split(_bare(one)))


def _bare(frame: str) -> str:
    return re.sub(r"\{\w+\}", " ", frame)


def templates(signature: str, *, held_out: bool = False) -> list[str]:
    """The templates that name these kinds ("TPL"): those of training, or those held out."""
    return [
        frame for number, frame in enumerate(TEMPLATES[signature])
        if (number % HELD_OUT_TEMPLATE == HELD_OUT_TEMPLATE - 1) == held_out
    ]


def held_out_combinations(facets: Iterable[str], lexicon: Lexicon) -> list[tuple[str, str]]:
    """The combinations among these facets that no training picture shows."""
    facets = sorted(facet for facet in facets if facet not in lexicon.always)
    objects = [facet for facet in facets if facet.startswith("object:")]
    around = [facet for facet in facets if facet.startswith(("setting:", "light:", "weather:"))]
    pairs = [*combinations(objects, 2), *((one, other) for one in objects for other in around)]
    for facet in facets:
        if facet.startswith("colour:"):
            _, owner, colour = facet.split(":")
            pairs.append((f"object:{owner}", f"colour:{colour}"))
    return [pair for pair in pairs if _hashed(*pair) % HELD_OUT_COMBINATION == 0]


@cache
def _hashed(one: str, other: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{one}|{other}".encode()).digest()[:4], "big")


def nameable(facets: Iterable[str]) -> frozenset[str]:
    """The facets that captions name: all but relations and counts of one."""
    return frozenset(
        facet for facet in facets
        if facet.startswith(("object:", "colour:", "setting:", "light:", "weather:"))
        or (facet.startswith("count:") and not facet.endswith(":1"))
    )


def choose(rng: random.Random, facets: Iterable[str], count: int, lexicon: Lexicon) -> frozenset[str]:
    """Up to `count` facets of a picture, as a person might name them: a colour or a number never without its object."""
    left = {facet: _weight(facet, lexicon) for facet in sorted(nameable(facets))}
    chosen: set[str] = set()
    while left and len(chosen) < count:
        facet = rng.choices(list(left), list(left.values()))[0]
        del left[facet]
        kind, name = facet.split(":")[:2]
        wanted = {facet, f"object:{name}"} if kind in ("colour", "count") else {facet}
        if len(chosen | wanted) <= count:
            chosen |= wanted
            left.pop(f"object:{name}", None)
    return frozenset(chosen)


def choose_pair(rng: random.Random, facets: Iterable[str]) -> frozenset[str]:
    """Two objects of a picture with the colour of each; nothing where it shows fewer than two."""
    facets = set(facets)
    owners = sorted(facet.split(":")[1] for facet in facets if facet.startswith("object:"))
    if len(owners) < 2:
        return frozenset()
    pair = rng.sample(owners, 2)
    return frozenset(
        facet for facet in facets if facet.startswith(("object:", "colour:")) and facet.split(":")[1] in pair
    )


def _weight(facet: str, lexicon: Lexicon) -> float:
    kind = facet.split(":")[0]
    if kind in ("light", "weather"):
        return 0.2 if facet in lexicon.always else 1.0
    return {"object": 3.0, "colour": 1.5, "count": 1.5, "setting": 1.5}[kind]


def write(
    rng: random.Random, facets: Iterable[str], lexicon: Lexicon, *, held_out: bool = False, related: float = 0.0
) -> str:
    """A caption that names exactly these facets; `related` is how often a looser word stands for a thing."""
    facets = sorted(facets)
    owners = [facet.split(":")[1] for facet in facets if facet.startswith("object:")]
    rng.shuffle(owners)
    around = {facet.split(":")[0]: facet for facet in facets if not facet.startswith(("object:", "colour:", "count:"))}
    signature = ("T" if owners else "") + "".join(
        letter for letter, kind in (("P", "setting"), ("L", "light"), ("W", "weather")) if kind in around
    )
    frame = rng.choice(templates(signature, held_out=held_out))
    slots = sorted({f"{{{slot}}}" for slot in re.findall(r"\{(\w+)\}", frame)})
    filled = frame
    for slot in slots:
        filled = filled.replace(slot, _fill(rng, slot[1:-1], owners, set(facets), around, lexicon, related))
    return re.sub(r"\s+", " ", filled).strip()


def _fill(
    rng: random.Random, slot: str, owners: Sequence[str], facets: set[str], around: Mapping[str, str], lexicon: Lexicon,
    related: float,
) -> str:
    if slot in ("things", "bare"):
        things = [_thing(rng, owner, facets, lexicon, articles=slot == "things", related=related) for owner in owners]
        link = rng.choice((" and ", " with ", ", ")) if slot == "things" else rng.choice((" ", ", ", " and "))
        return link.join(things)
    facet = around[KINDS[slot]]
    loose = lexicon.related.get(facet)
    word = rng.choice(list(loose)) if loose and rng.random() < related else _synonym(rng, lexicon.words[facet])
    if slot in ("spot", "light", "weather"):
        return word
    if lexicon.phrases.get(facet) and rng.random() < 0.5:
        return rng.choice(list(lexicon.phrases[facet]))
    before = {"place": PLACES, "when": ("at", "in the", "during the"), "air": ("in the", "in", "with", "under")}[slot]
    return f"{rng.choice(before)} {word}"


def _thing(
    rng: random.Random, owner: str, facets: set[str], lexicon: Lexicon, *, articles: bool, related: float
) -> str:
    facet = f"object:{owner}"
    colour = next((one.split(":")[2] for one in sorted(facets) if one.startswith(f"colour:{owner}:")), "")
    count = next((int(one.split(":")[2]) for one in sorted(facets) if one.startswith(f"count:{owner}:")), 0)
    if not colour and not count and lexicon.related.get(facet) and rng.random() < related:
        return rng.choice(list(lexicon.related[facet]))
    noun = _synonym(rng, lexicon.words[facet])
    if colour:
        noun = f"{_synonym(rng, lexicon.words[f'colour:{colour}'])} {noun}"
    if count > 1:
        return f"{rng.choice(list(COUNTS.get(count, (str(count),))))} {plural(noun)}"
    if not articles:
        return plural(noun) if rng.random() < 0.15 else noun
    article = rng.choice(("the", "an" if noun[0] in "aeiou" else "a", "a"))
    return f"{article} {noun}"


def _synonym(rng: random.Random, words: Sequence[str]) -> str:
    return words[0] if rng.random() < 0.4 else rng.choice(list(words))


def plural(noun: str) -> str:
    """The plural of a regular English noun."""
    if noun.endswith(("s", "x", "z", "ch", "sh", "to")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return noun[:-1] + "ies"
    if noun.endswith("man"):
        return noun[:-3] + "men"
    return noun + "s"
