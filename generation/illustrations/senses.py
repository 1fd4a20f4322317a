"""Which words of a line mean what they look like: "per cent" is no coin, "they saw" no tool, Sarah Baker no baker."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

from generation.illustrations.catalog import Catalog
from generation.illustrations.language import WORD, Index, Match, singulars, tokens

MASK = "_"
"""Stands for a word that is read as nothing."""
DETERMINERS = frozenset(
    ("a", "an", "the", "this", "that", "these", "those", "his", "her", "its", "their", "our", "my", "your", "each")
) | frozenset(
    ("every", "some", "any", "no", "another", "of", "with", "and", "new", "in", "first", "second", "third", "last")
)
FUNCTION = DETERMINERS | frozenset(
    ("to", "is", "was", "are", "were", "has", "had", "have", "for", "on", "at", "by", "it", "he", "she", "they", "be")
)


@cache
def _misleading() -> Index:
    return Index((phrase, "") for phrase in Catalog.load().language["reading"]["misleading"])


@cache
def _with_article() -> frozenset[str]:
    return frozenset(Catalog.load().language["reading"]["with_article"])


@lru_cache(maxsize=2048)
def meant(line: str) -> tuple[str, ...]:
    """The tokens of `line`, those masked that mislead."""
    words = tokens(line)
    masked = _surnames(line, words)
    for at in range(len(words)):
        found = _misleading().at(words, at)
        if found:
            masked.update(range(found.start, found.end))
        if words[at] in _with_article() and not is_query(words) and not _determined(words, at):
            masked.add(at)
    return tuple(MASK if at in masked else word for at, word in enumerate(words))


def is_query(words: Sequence[str]) -> bool:
    """Bare nouns, as a writer hands them on, without the small words of a sentence."""
    return len(words) < 9 and not FUNCTION & set(words)


def _determined(words: Sequence[str], at: int) -> bool:
    language = Catalog.load().language
    before = words[at - 1] if at else ""
    return before in DETERMINERS or before in language["numbers"] or before in language["reading"]["fillers"]


def _surnames(line: str, words: Sequence[str]) -> set[int]:
    """Capitalised words beside a capitalised word that isn't known: Sarah Baker, Kieran Moss, Port Salis."""
    plain = line.replace("\u2019s", "").replace("'s", "")
    upper = {word.lower() for word in _words_as_written(plain) if word[:1].isupper()}
    if len(upper) < 2:
        return set()
    catalog, found = Catalog.load(), set[int]()

    def unknown(at: int) -> bool:
        """A capitalised word that is no thing and no small word."""
        if not 0 <= at < len(words) or words[at] not in upper or words[at] in FUNCTION:
            return False
        return not (catalog.object_words.at(words, at) or catalog.setting_words.at(words, at))

    for at in range(1, len(words)):
        thing = catalog.object_words.at(words, at) if words[at] in upper else None
        if thing and thing.length == 1:
            group = catalog.objects[thing.name].group
            if group != "buildings" and (unknown(at - 1) or (group != "people" and unknown(at + 1))):
                found.add(at)
    return found


def _words_as_written(line: str) -> list[str]:
    return [line[match.start() : match.end()] for match in WORD.finditer(line.lower())]


def is_done(words: Sequence[str], match: Match) -> bool:
    """Whether a word is something that is done: "to plant", "they fish"."""
    if match.length > 1 or match.start == 0:
        return False
    reading = Catalog.load().language["reading"]
    before = words[match.start - 1]
    return before in reading["modals"] or (before == "to" and words[match.start] in reading["verbs"])


@lru_cache(maxsize=2048)
def things(line: str) -> tuple[tuple[str, int, int], ...]:
    """The objects and places that a line names: their words in singular, from which to which token (exclusive)."""
    catalog, words = Catalog.load(), meant(line)
    found: list[tuple[str, int, int]] = []
    at = 0
    while at < len(words):
        matches = [m for index in (catalog.object_words, catalog.setting_words) if (m := index.at(words, at))]
        match = max(matches, key=lambda one: one.length, default=None)
        if match and not is_done(words, match):
            found.append((_singular(words, match), match.start, match.end))
            at = match.end
        else:
            at += 1
    return tuple(found)


def _singular(words: Sequence[str], match: Match) -> str:
    """As the catalog knows it: "fire engines" is "fire engine", but "woods" stays."""
    front, last = list(words[match.start : match.end - 1]), words[match.end - 1]
    if match.plural:
        catalog = Catalog.load()
        for single in singulars(last):
            phrase = " ".join((*front, single))
            if catalog.find(phrase) or catalog.find_setting(phrase):
                return phrase
    return " ".join((*front, last))
