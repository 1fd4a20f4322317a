"""Where the words of a query stand: in what is said, to the second, or in what is written of a thing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from search.words import PREFIX_FROM, Wanted, forms, words_of

BEFORE, AFTER = 6, 14
"""Words of a snippet before the first that matches, and from it on."""
Piece: TypeAlias = tuple[str, bool]
"""(text, whether it is one of the words)."""
_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Passage:
    """The place in a text where most of a query's words stand together."""

    pieces: tuple[Piece, ...]
    matched: frozenset[str]
    """The words of the query that stand there."""
    first: int
    """Which word of the text is the first of them."""


class Finder:
    """Looks for the words of one query in texts."""

    def __init__(self, asked: Wanted) -> None:
        self.words = frozenset(word for run in asked.any_of + asked.all_of for word in run)
        self._seen: dict[str, frozenset[str]] = {}
        self._known = {form: word for word in sorted(self.words) for form in forms(word)}

    def passage(self, words: Sequence[str]) -> Passage | None:
        """The passage of a text, given as its words in order; None where none of them is asked for."""
        held = [self._held(word) for word in words]
        starts = [at for at, here in enumerate(held) if here]
        if not starts:
            return None
        together = {at: frozenset().union(*held[at : at + AFTER]) for at in starts}
        first = max(starts, key=lambda at: (len(together[at]), -at))
        begin, end = max(0, first - BEFORE), first + AFTER
        pieces = list(_joined((word, bool(here)) for word, here in zip(words[begin:end], held[begin:end], strict=True)))
        if begin:
            pieces.insert(0, ("… ", False))
        if end < len(words):
            pieces.append((" …", False))
        return Passage(tuple(pieces), together[first], first)

    def _held(self, word: str) -> frozenset[str]:
        """The words of the query that a word of a text holds; in a script without spaces that may be several."""
        if word not in self._seen:
            self._seen[word] = frozenset(filter(None, map(self._asked, words_of(word))))
        return self._seen[word]

    def _asked(self, word: str) -> str | None:
        if word in self._known:
            return self._known[word]
        return next((one for one in self.words if len(one) >= PREFIX_FROM and word.startswith(one)), None)


def _joined(words: Iterable[Piece]) -> Iterator[Piece]:
    """Neighbours of the same sort as one piece, with the spaces between them in what doesn't match."""
    before: Piece | None = None
    for word, here in words:
        if before is None:
            before = (word, here)
        elif before[1] == here:
            before = (f"{before[0]} {word}", here)
        elif here:
            yield (f"{before[0]} ", False)
            before = (word, True)
        else:
            yield before
            before = (f" {word}", False)
    if before is not None:
        yield before


@dataclass(frozen=True)
class Place:
    """Where the words of a query stand in what is known of a result."""

    why: str
    """"said at 0:42", "in the title"."""
    pieces: tuple[Piece, ...]
    matched: frozenset[str]
    at: float | None = None
    """Second at which the first of them is said."""


def place(
    finder: Finder, written: Sequence[tuple[str, str]], passages: Sequence[Mapping[str, Any]], start: float, end: float
) -> Place | None:
    """The best place: where most of the words stand, what is said before what is written.

    written: (how a place is called, its text). passages: of a transcript. start, end: the moment's seconds; equal where
    it isn't a stretch of time, and then nothing is said in it.
    """
    places = []
    spoken = [word for word in _spoken(passages) if start <= word[1] < end]
    if found := finder.passage([text for text, _ in spoken]):
        at = spoken[found.first][1]
        places.append(Place(f"said at {clock(at)}", found.pieces, found.matched, at))
    for name, text in written:
        if found := finder.passage(_shown(text)):
            places.append(Place(name, found.pieces, found.matched))
    return max(places, key=lambda one: len(one.matched), default=None)


def _spoken(passages: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, float]]:
    """Words with the second at which each begins; where only a passage's bounds are known, its own."""
    for passage in passages:
        words = passage.get("words")
        if words:
            yield from ((str(word["text"]), float(word["start"])) for word in words)
        else:
            yield from ((word, float(passage["start"])) for word in _shown(str(passage["text"])))


def _shown(text: str) -> list[str]:
    """A text's words with their punctuation, as they can be shown: control characters are no part of them."""
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(char) in ("Cc", "Cs") else char for char in text)
    return _WORD.findall(text)


def clock(seconds: float) -> str:
    """"0:42", "1:02:03"."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
