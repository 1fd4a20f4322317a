"""Banks of terms as data, and finding them in a text in time that grows with its length and not with their number.

A bank is a TOML file: its language, phrases that make a term harmless, words of news reporting, and groups of terms
that share category and severity. A term is one or more whole words; a `*` at the end of a word stands for any ending.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from moderation.folding import Word, fold, words

NEAR_WORDS = 10
"""Words before and after a term among which news words make it a report."""


@dataclass(frozen=True)
class Entry:
    """A term of a bank."""

    rule: str
    """"en.threats: kill you"."""
    category: str
    severity: float
    """0 to 1."""
    reported: float
    """The severity among words of news reporting."""
    words: tuple[str, ...]
    """Folded; a word that ends in `*` stands for all that begin so."""
    everywhere: bool
    """It means the same in a text of any language."""


@dataclass(frozen=True)
class Bank:
    """The terms of one language."""

    language: str
    entries: tuple[Entry, ...]
    harmless: tuple[tuple[str, ...], ...]
    """Phrases within which no term counts."""
    news: tuple[tuple[str, ...], ...]


@lru_cache(maxsize=8)
def read_banks(folder: Path) -> tuple[dict[str, Bank], str]:
    """The banks of a folder by language, and a digest of all that they say. Raises ValueError for a faulty bank."""
    banks: dict[str, Bank] = {}
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.toml")):
        raw = path.read_bytes()
        digest.update(raw)
        bank = _bank(tomllib.loads(raw.decode("utf-8")), path.name)
        banks[bank.language] = bank
    return banks, digest.hexdigest()[:12]


def _bank(table: dict[str, Any], name: str) -> Bank:
    language = table["language"]
    entries = [entry for group in table["group"] for entry in _entries(group, language)]
    repeated = {entry.rule for entry in entries if [each.rule for each in entries].count(entry.rule) > 1}
    if repeated:
        raise ValueError(f"{name} has these terms twice: {', '.join(sorted(repeated))}.")
    return Bank(
        language=language,
        entries=tuple(entries),
        harmless=tuple(_folded_words(phrase) for phrase in table.get("harmless", ())),
        news=tuple(_folded_words(phrase) for phrase in table.get("news", ())),
    )


def _entries(group: dict[str, Any], language: str) -> Iterator[Entry]:
    severity, reported = float(group["severity"]), float(group.get("reported", group["severity"]))
    if not 0 < reported <= severity <= 1:
        raise ValueError(f"{language}.{group['id']}: severities lie over 0 and at most at 1.")
    for term in group["terms"]:
        yield Entry(
            rule=f"{language}.{group['id']}: {term}", category=group["category"], severity=severity, reported=reported,
            words=_folded_words(term), everywhere=group.get("everywhere", False),
        )  # fmt: skip


def _folded_words(term: str) -> tuple[str, ...]:
    """The words of a term as a text's words are read, each with its `*`."""
    made = []
    for part in term.split():
        folded = fold(part).text
        found = words(folded.rstrip("*"))
        made += [word.forms[0] for word in found]
        if folded.endswith("*") and found:
            made[-1] += "*"
    if not made:
        raise ValueError(f"The term {term!r} has no word.")
    return tuple(made)


class Lexicon:
    """The phrases to look for in texts of one language, by their first word."""

    def __init__(self, phrases: Sequence[tuple[tuple[str, ...], Entry | None]]) -> None:
        self._whole: dict[str, list[tuple[tuple[str, ...], Entry | None]]] = defaultdict(list)
        self._stems: dict[str, list[tuple[tuple[str, ...], Entry | None]]] = defaultdict(list)
        for phrase in phrases:
            first = phrase[0][0]
            index = self._stems if first.endswith("*") else self._whole
            index[first.rstrip("*")].append(phrase)
        self._longest = max(map(len, self._stems), default=0)
        single = [first for phrase, entry in phrases if entry and len(phrase) == 1 for first in phrase]
        self._single = frozenset(word for word in single if not word.endswith("*"))
        # A stem of three letters begins too many words that nobody took apart.
        self._single_stems = tuple(word[:-1] for word in single if word.endswith("*") and len(word) > 4)

    def find(self, found: list[Word]) -> Iterator[tuple[int, int, Entry | None]]:
        """(first word, word past the last, entry) for each phrase in a text; they may overlap."""
        for at, word in enumerate(found):
            for phrase, entry in self._beginning(word):
                past = at + len(phrase)
                if past <= len(found) and all(
                    follower.linked and _fits(follower, wanted)
                    for follower, wanted in zip(found[at + 1 : past], phrase[1:], strict=True)
                ):
                    yield at, past, entry

    def knows(self, form: str) -> bool:
        """Whether a form is, or begins with, an entry of a single word."""
        return form in self._single or form.startswith(self._single_stems)

    def single(self, word: Word) -> Iterator[Entry]:
        """The entries of one word that a word by itself is."""
        return (entry for phrase, entry in self._beginning(word) if entry is not None and len(phrase) == 1)

    def _beginning(self, word: Word) -> Iterator[tuple[tuple[str, ...], Entry | None]]:
        for form in word.forms:
            if form in self._whole:
                yield from self._whole[form]
            for length in range(1, min(len(form), self._longest) + 1):
                if form[:length] in self._stems:
                    yield from self._stems[form[:length]]


def _fits(word: Word, wanted: str) -> bool:
    if wanted.endswith("*"):
        return any(form.startswith(wanted[:-1]) for form in word.forms)
    return wanted in word.forms
