"""From an article's sentences to the ones that are said, grouped into scenes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from generation.extraction.ranking import Floats, choose, scores, terms_of
from generation.extraction.shortening import dangles, shorten, spoken_seconds
from generation.illustrations.senses import things
from generation.languages import language_data
from generation.sentences import paragraphs, split_paragraph

MOST_SCENES = 8
FEWEST_SCENES = 4
_LONG = 11.0  # seconds: past this a scene drags, and its sentence is shortened further
_UNSEEN = 0.35
"""What an English sentence loses that names nothing a picture can show: a video has to be seen, too."""
_QUOTE_MARKS = '“”"«»„「」'


@dataclass(frozen=True)
class Unit:
    """A sentence of the article and what it becomes when it is said."""

    number: int
    text: str
    spoken: str
    seconds: float
    heading: bool
    leans: bool
    """It needs the sentence before it to be understood."""


def units_of(text: str, language: str) -> list[Unit]:
    """The article's sentences, numbered from 0 in the order of `sentences()`."""
    units: list[Unit] = []
    parts = paragraphs(text)
    for part in parts:
        split = split_paragraph(part, language)
        for sentence in split:
            # A lone mark says nothing; like a heading, it is never said.
            heading = not any(ch.isalnum() for ch in sentence)
            heading = heading or (len(split) == 1 and len(parts) > 3 and _is_heading(sentence))
            spoken = shorten(sentence, language)
            if spoken_seconds(spoken, language) > _LONG:
                spoken = shorten(sentence, language, tight=True)
            leans = dangles(spoken, language) or _pronoun_speaks(sentence, language)
            units.append(Unit(len(units), sentence, spoken, spoken_seconds(spoken, language), heading, leans))
    return units


def _is_heading(sentence: str) -> bool:
    return len(sentence) <= 80 and sentence[-1] not in ".!?…。！？।॥؟۔:" + _QUOTE_MARKS


def _pronoun_speaks(sentence: str, language: str) -> bool:
    """Whether a quote is given to a mere "she said": who spoke stands in the sentence before."""
    data = language_data(language)
    if not data.subjects or not any(mark in sentence for mark in _QUOTE_MARKS):
        return False
    outside = re.sub(r"[“\"«„][^”\"»“]*[”\"»“]", " ", sentence).lower()
    words = re.findall(r"\w+", outside)
    return any(
        (a in data.subjects and b in data.attribution) or (b in data.subjects and a in data.attribution)
        for a, b in pairwise(words)
    )


def _features(units: Sequence[Unit], language: str) -> Floats:
    """What speaks for or against saying a sentence, besides how central it is."""
    data = language_data(language)
    found = np.zeros(len(units))
    for unit in units:
        text, points = unit.text, 0.0
        points -= 10.0 if unit.heading else 0.0
        points -= 1.5 if unit.leans else 0.0
        points -= 0.3 if text.rstrip(_QUOTE_MARKS)[-1:] in "?？؟" else 0.0
        points -= 0.15 if text[0] in _QUOTE_MARKS else 0.0
        points -= 0.8 if text[-1] == ":" else 0.0
        points -= 0.25 if data.code == "en" and re.search(r"\b(?:them|him|it)\b", text) else 0.0
        points -= 0.7 if unit.seconds < 2.0 else 0.15 if unit.seconds < 3.2 else 0.0
        points += 0.035 * min(12, len(set(terms_of(text, language))))
        points -= 0.3 if text.lower().startswith(data.connectives or ("\0",)) and unit.spoken[:4] == text[:4] else 0.0
        points -= 0.25 * max(0.0, (unit.seconds - _LONG) / 3)
        points += 0.15 if any(ch.isdigit() for ch in text) else 0.0
        points -= _UNSEEN if data.code == "en" and not things(text) else 0.0
        if unit.number >= 0.65 * len(units) and data.endings & set(text.lower().split()):
            points += 0.2
        found[unit.number] = points
    return found


def select(units: Sequence[Unit], *, title: str, language: str, seconds: float) -> tuple[list[Unit], Floats]:
    """The units to say, in order, within `seconds`; and the points of all units."""
    said = [unit for unit in units if not unit.heading] or list(units)
    points, alike = scores(
        [unit.text for unit in units], title=title, language=language, features=_features(units, language)
    )
    if sum(unit.seconds for unit in said) <= seconds and len(said) <= 2 * MOST_SCENES:
        return said, points
    costs = np.array([unit.seconds for unit in units[: len(points)]])
    # With little time, short sentences leave room for more of the story.
    points = points - 0.06 * np.maximum(0.0, costs - 1.2 * seconds / FEWEST_SCENES)
    first = _lead(said, points)
    seeds = [first]
    last = _ending(said, points, alike, first, seconds)
    if last is not None and costs[first] + costs[last] <= seconds:
        seeds.append(last)
    chosen = choose(points, alike, costs, budget=seconds, most=MOST_SCENES + 2, chosen=seeds)
    chosen = _with_followers(units, chosen, points, seconds)
    return [units[i] for i in chosen], points


def _lead(said: Sequence[Unit], points: Floats) -> int:
    """The opening: the article's first sentence, unless one of the next two is clearly better to begin with."""
    opening = said[:3]
    return max(opening, key=lambda unit: points[unit.number] - 0.35 * opening.index(unit)).number


def _ending(said: Sequence[Unit], points: Floats, alike: Floats, lead: int, seconds: float) -> int | None:
    """A sentence of the article's last third to close with."""
    if len(said) < 6:
        return None
    tail = [
        unit.number
        for unit in said[-max(2, len(said) // 3) :]
        if not unit.leans and unit.number < len(points) and unit.seconds <= max(6.0, seconds / 3)
    ]
    return max(tail, key=lambda i: points[i] - alike[i, lead], default=None)


def _with_followers(units: Sequence[Unit], chosen: list[int], points: Floats, seconds: float) -> list[int]:
    """Spend what time is left on sentences that lean on a chosen one ("She ...")."""
    taken = set(chosen)
    left = seconds - sum(units[i].seconds for i in taken)
    followers = [i + 1 for i in chosen if i + 1 < len(points) and i + 1 not in taken and units[i + 1].leans]
    for i in sorted(followers, key=lambda i: -points[i]):
        if points[i] > -1.3 and units[i].seconds <= left:
            taken.add(i)
            left -= units[i].seconds
    return sorted(taken)


def group(chosen: Sequence[Unit], language: str) -> list[list[Unit]]:
    """Units that belong in one scene: a sentence and what leans on it, and very short neighbours."""
    scenes: list[list[Unit]] = []
    for unit in chosen:
        before = scenes[-1] if scenes else []
        together = sum(u.seconds for u in before) + unit.seconds
        follows = bool(before) and before[-1].number + 1 == unit.number
        spare = len(chosen) - sum(len(scene) - 1 for scene in scenes) > FEWEST_SCENES
        if spare and follows and ((unit.leans and together <= _LONG) or together <= 5.0):
            before.append(unit)
        else:
            scenes.append([unit])
    while len(scenes) > MOST_SCENES:
        at = min(range(len(scenes) - 1), key=lambda i: sum(u.seconds for u in scenes[i] + scenes[i + 1]))
        scenes[at : at + 2] = [scenes[at] + scenes[at + 1]]
    return scenes


_SPLITS = {
    "en": re.compile(
        r"(?P<cut>;|,\s+(?:and|while)\s|,(?=\s+(?:but|so)\s))\s*"
        r"(?=(?:(?:but|so)\s+)?(?:the|he|she|it|they|a|an|we|its|their|his|her|in|by|that|this)\s)"
    ),
    "es": re.compile(r"(?P<cut>;|,(?=\s+pero\s))\s+(?=\w)"),
    "de": re.compile(
        r"(?P<cut>;|,\s+und\s|,(?=\s+(?:aber|doch)\s))\s*"
        r"(?=(?:(?:aber|doch)\s+)?(?:der|die|das|er|sie|es|wir)\s)"
    ),
    "fr": re.compile(r"(?P<cut>;|,\s+et\s|,(?=\s+mais\s))\s*(?=(?:mais\s+)?(?:le|la|les|il|elle|ils|un|une)\s)"),
}
_ANY_SPLIT = re.compile(r"(?P<cut>[;；])\s*")


def split_long(narration: str, language: str) -> list[str]:
    """A long sentence as two that can be said one after the other; itself where no clause begins well."""
    pattern = _SPLITS.get(language.split("-")[0], _ANY_SPLIT)
    if any(mark in narration for mark in _QUOTE_MARKS):
        return [narration]
    for match in pattern.finditer(narration):
        head, tail = narration[: match.start()].strip(), narration[match.end("cut") :].strip()
        short = min(spoken_seconds(head, language), spoken_seconds(tail, language))
        if short >= 2.4 and "," not in head:
            return [f"{head}.", tail[:1].upper() + tail[1:]]
    return [narration]
