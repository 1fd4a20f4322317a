"""Words to numbers for the starter CLIP: a fixed vocabulary, and what to do with a word that isn't in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WORD = re.compile(r"[a-z]+|\d+")
PAD = 0
NUMBERS = {
    "0": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6": "six", "7": "seven", "8": "eight",
    "9": "nine", "10": "ten",
}
IRREGULAR = {
    "people": "person", "men": "man", "women": "woman", "children": "child", "mice": "mouse", "geese": "goose",
    "feet": "foot", "teeth": "tooth", "oxen": "ox", "leaves": "leaf", "wolves": "wolf", "knives": "knife",
    "loaves": "loaf", "shelves": "shelf", "calves": "calf", "lives": "life", "buses": "bus", "lenses": "lens",
}
LIKE_ENOUGH = 0.62
"""Dice coefficient of letter trigrams from which an unknown word counts as a known one ("harbor": harbour)."""


class Words:
    """A vocabulary of English words. Number 0 pads, the highest number ends a text.

    An unknown word is read, in this order, as another number of the same noun ("cars": car), as two known words
    ("firetruck": fire truck), or as the known word that shares most of its letter trigrams; else it is left out.
    """

    def __init__(self, words: Sequence[str], *, context: int, fillers: Iterable[str] = ()) -> None:
        self.words = tuple(words)
        self.context = context
        """Most numbers of a text, its end included."""
        self.fillers = frozenset(fillers)
        """Words that say nothing ("the"), left out first where a text is too long."""
        self._numbers = {word: number for number, word in enumerate(self.words, start=1)}
        self._trigrams = {word: _trigrams(word) for word in self.words if len(word) > 3}
        self.read = lru_cache(maxsize=8192)(self._read)

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return len(self.words) + 2

    @property
    def end(self) -> int:
        return len(self.words) + 1

    @classmethod
    def of(cls, texts: Iterable[str], *, context: int, fillers: Iterable[str] = ()) -> Words:
        """The vocabulary of texts, plurals folded into their singular."""
        found = {NUMBERS.get(word, word) for text in texts for word in split(text)}
        kept = sorted(word for word in found if not word.isdigit() and not any(one in found for one in singulars(word)))
        return cls(kept, context=context, fillers=fillers)

    @classmethod
    def load(cls, file: Path) -> Words:
        data = json.loads(file.read_text(encoding="utf-8"))
        return cls(data["words"], context=data["context"], fillers=data["fillers"])

    def save(self, file: Path) -> None:
        data = {"context": self.context, "fillers": sorted(self.fillers), "words": self.words}
        file.write_text(json.dumps(data, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")

    def known(self, text: str) -> list[str]:
        """The words of the vocabulary that a text is read as."""
        return [known for word in split(text) for known in self.read(word)]

    def encode(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """(n, context) numbers."""
        rows = np.full((len(texts), self.context), PAD, dtype=np.int64)
        for row, text in zip(rows, texts, strict=True):
            known = self.known(text)
            if len(known) >= self.context:
                known = [word for word in known if word not in self.fillers]
            numbers = [self._numbers[word] for word in known[: self.context - 1]]
            row[: len(numbers) + 1] = [*numbers, self.end]
        return rows

    def _read(self, word: str) -> tuple[str, ...]:
        word = NUMBERS.get(word, word)
        for form in (word, *singulars(word), word + "s"):
            if form in self._numbers:
                return (form,)
        for cut in range(3, len(word) - 2):
            halves = [next((form for form in (half, *singulars(half)) if form in self._numbers), "")
                      for half in (word[:cut], word[cut:])]
            if all(halves):
                return tuple(halves)
        return self._nearest(word)

    def _nearest(self, word: str) -> tuple[str, ...]:
        if len(word) < 5:
            return ()
        own = _trigrams(word)
        score, best = max(
            ((2 * len(own & other) / (len(own) + len(other)), known)
             for known, other in self._trigrams.items() if known[0] == word[0]),
            default=(0.0, ""),
        )
        return (best,) if score >= LIKE_ENOUGH else ()


def split(text: str) -> list[str]:
    """Lower-case words and whole numbers; hyphens divide and possessives fall away."""
    plain = text.lower().replace("\u2019", "'")
    return WORD.findall(re.sub(r"'s\b", "", plain).replace("'", " "))


def singulars(word: str) -> tuple[str, ...]:
    """What `word` may be the plural of, likeliest first."""
    if word in IRREGULAR:
        return (IRREGULAR[word],)
    if word.endswith("men") and len(word) > 5:
        return (word[:-3] + "man",)
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return ()
    if word.endswith("ies"):
        return (word[:-3] + "y", word[:-1])
    if word.endswith("ves"):
        return (word[:-3] + "f", word[:-3] + "fe", word[:-1])
    if word.endswith(("ses", "xes", "zes", "ches", "shes", "oes")):
        return (word[:-2], word[:-1])
    return (word[:-1],)


def _trigrams(word: str) -> frozenset[str]:
    framed = f"^{word}$"
    return frozenset(framed[start : start + 3] for start in range(len(framed) - 2))
