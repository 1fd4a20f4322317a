"""Words for a picture query out of a sentence: what can be seen in it."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from generation.illustrations.catalog import Catalog
from generation.illustrations.senses import meant, things
from generation.languages import is_spaceless, language_data, words_of

MOST_WORDS = 6
_IRREGULAR = {
    "children": "child",
    "men": "man",
    "women": "woman",
    "people": "people",
    "leaves": "leaf",
    "wolves": "wolf",
    "knives": "knife",
    "shelves": "shelf",
    "loaves": "bread",
    "loaf": "bread",
    "geese": "goose",
    "mice": "mouse",
    "feet": "foot",
    "teeth": "tooth",
    "fishermen": "fisherman",
    "policemen": "policeman",
    "firemen": "firefighter",
}
# Words that make no picture of their own but stand for one.
_STANDS_FOR = {
    "rainfall": "rain",
    "snowfall": "snow",
    "downpour": "rain",
    "flooding": "flood",
    "flooded": "flood",
    "sailed": "sailboat",
    "swam": "swimmer",
    "cycling": "bicycle",
    "cyclists": "cyclist",
    "farming": "farm",
    "pupils": "pupil",
    "commuters": "commuter",
    "firefighters": "firefighter",
    "wildfire": "forest fire",
    "blaze": "fire",
    "seas": "sea",
    "coastline": "coast",
    "seafront": "beach",
    "waterfront": "harbour",
    "riverside": "river",
    "rooftops": "roof",
    "skies": "sky",
    "planted": "plant",
    "reading": "book",
    "readers": "book",
    "books": "book",
    "surgery": "surgeon",
    "vaccine": "syringe",
    "votes": "ballot",
    "election": "ballot",
    "concerts": "concert",
}


@dataclass(frozen=True)
class _Words:
    nouns: frozenset[str]
    looks: frozenset[str]
    abstract: frozenset[str]


@cache
def _data() -> _Words:
    table = tomllib.loads((Path(__file__).parent / "concrete.toml").read_text(encoding="utf-8"))
    abstract = frozenset(table["abstract"].split())
    nouns = frozenset(table["nouns"].split())
    looks = frozenset(table["colours"].split()) | frozenset(table["looks"].split())
    return _Words(nouns - looks, looks, abstract)


def visual_words(sentence: str, *, language: str, background: Sequence[str] = ()) -> str:
    """2 to 6 words for a picture search: concrete English words in the sentence's order, filled up from `background`.

    `background` is what the whole article shows, most typical first. Other languages keep the article's own words.
    """
    if not language.startswith("en"):
        return " ".join(_own_words(sentence, language) or list(background[:3]))
    found = concrete_words(sentence)
    nouns = sum(word not in _data().looks for word in found)
    for word in background:
        if nouns >= 2:
            break
        if word not in found:
            found.append(word)
            nouns += 1
    if nouns < 2:
        found += [word for word in _other_words(sentence) if word not in found][: 3 - nouns]
    return " ".join(list(dict.fromkeys(" ".join(found).split()))[:MOST_WORDS])


def concrete_words(sentence: str) -> list[str]:
    """What can be seen in an English sentence, in its order and singular; colours and looks before their noun.

    What the illustrator draws comes with its own words, read in the sentence: "they saw" names no tool.
    """
    data = _data()
    tokens, colours = meant(sentence), Catalog.load().colour_words
    drawn = {start: (words, end) for words, start, end in things(sentence)}
    found: list[str] = []
    looks: list[str] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        words, end = drawn.get(at, ("", at + 1))
        thing = _STANDS_FOR.get(words, words) if words else _noun(token)
        if thing:
            found += [*looks, thing]
            looks = []
        elif token in data.looks or colours.at(tokens, at):
            looks.append(token)
        else:
            looks = []  # an adjective counts only straight before its noun
        at = end
    unique = list(dict.fromkeys(found))
    return unique[:MOST_WORDS]


def _noun(token: str) -> str:
    data = _data()
    if token in _STANDS_FOR:
        return _STANDS_FOR[token]
    if token in data.looks or token in language_data("en").stopwords:
        return ""
    catalog = Catalog.load()
    if catalog.find(token) or catalog.colour_words.at([token], 0):
        return ""  # drawn, but not meant here; "gold" is how a ring looks
    single = _singular(token)
    return single if single in data.nouns else (token if token in data.nouns else "")


def _singular(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "oes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


def _other_words(sentence: str) -> list[str]:
    """What is left of an English sentence for a picture: neither abstract, nor a verb or an adverb by its ending."""
    data, stop = _data(), language_data("en").stopwords
    words = []
    for at, word in enumerate(words_of(sentence)):
        low = word.lower()
        if low in stop or low in data.abstract or _singular(low) in data.abstract or len(low) < 4:
            continue
        if low.endswith(
            ("ly", "ed", "ing", "tion", "ment", "ness", "ity", "ance", "ence", "ism", "ous", "ive", "able")
        ):
            continue
        if word[0].isupper() and at:
            continue  # names are for the caption: a picture search knows few of them
        words.append(low)
    return words


def background_words(sentences: Sequence[str], language: str, most: int = 6) -> list[str]:
    """What the whole article shows, most frequent first."""
    if not language.startswith("en"):
        counts = Counter(word for sentence in sentences for word in _own_words(sentence, language))
    else:
        looks = _data().looks
        counts = Counter(word for sentence in sentences for word in concrete_words(sentence) if word not in looks)
    return [word for word, _count in counts.most_common(most)]


def _own_words(sentence: str, language: str) -> list[str]:
    """The words that carry a sentence of another language: longer ones, and in German the nouns by their capital."""
    data = language_data(language)
    if is_spaceless(language):
        return [part for part in re.split(r"[的了是在和，。、！？\s]", sentence) if 2 <= len(part) <= 8][:4]
    words = words_of(sentence)
    kept = [
        word
        for word in words
        if word.lower() not in data.stopwords and len(word) >= 3 and word.lower() not in data.days
    ]
    if data.code == "de":
        kept = [word for word in kept if word[0].isupper()] or kept
    unique = list(dict.fromkeys(kept))
    if len(unique) > 5:
        longest = set(sorted(unique, key=len, reverse=True)[:5])
        unique = [word for word in unique if word in longest]
    return unique
