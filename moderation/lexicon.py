"""Banks of terms as data, and finding them in a text in time that grows with its length and not with their number.

A bank is a TOML file: its language, phrases that make a term harmless, words of news reporting, families of words, and
groups of terms that share category and severity. A term is one or more whole words; a `*` at the end of a word stands
for any ending, `[hurt]` for any word of the family `hurt`, `[very]?` for one of them or none, `..` for up to three
words of the same sentence.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from moderation.folding import Word, fold, words

NEAR_WORDS = 10
"""Words before and after a term among which news words make it a report."""
GAP_WORDS = 3
"""Words that `..` stands for at most."""


class Slot(NamedTuple):
    """What may stand at one place of a phrase."""

    whole: frozenset[str] = frozenset()
    stems: tuple[str, ...] = ()
    """Beginnings of words."""
    optional: bool = False

    def fits(self, word: Word) -> bool:
        return any(form in self.whole or form.startswith(self.stems) for form in word.forms)


GAP = Slot(optional=True)
Phrase: TypeAlias = tuple[Slot, ...]


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
    words: Phrase
    """Folded."""
    everywhere: bool
    """It means the same in a text of any language."""


@dataclass(frozen=True)
class Bank:
    """The terms of one language."""

    language: str
    entries: tuple[Entry, ...]
    harmless: tuple[Phrase, ...]
    """Phrases within which no term counts."""
    news: tuple[Phrase, ...]


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
    families = {name: _slot(words, {}) for name, words in table.get("families", {}).items()}
    entries = [entry for group in table["group"] for entry in _entries(group, language, families)]
    repeated = {entry.rule for entry in entries if [each.rule for each in entries].count(entry.rule) > 1}
    if repeated:
        raise ValueError(f"{name} has these terms twice: {', '.join(sorted(repeated))}.")
    return Bank(
        language=language,
        entries=tuple(entries),
        harmless=tuple(_phrase(phrase, families) for phrase in table.get("harmless", ())),
        news=tuple(_phrase(phrase, families) for phrase in table.get("news", ())),
    )


def _entries(group: dict[str, Any], language: str, families: Mapping[str, Slot]) -> Iterator[Entry]:
    severity, reported = float(group["severity"]), float(group.get("reported", group["severity"]))
    if not 0 < reported <= severity <= 1:
        raise ValueError(f"{language}.{group['id']}: severities lie over 0 and at most at 1.")
    for term in group["terms"]:
        yield Entry(
            rule=f"{language}.{group['id']}: {term}", category=group["category"], severity=severity, reported=reported,
            words=_phrase(term, families), everywhere=group.get("everywhere", False),
        )  # fmt: skip


def _phrase(term: str, families: Mapping[str, Slot]) -> Phrase:
    """A term's places, as a text's words are read."""
    made: list[Slot] = []
    for part in term.split():
        made += [GAP] if part == ".." else [_slot([part], families)] if part[0] == "[" else _slots(part)
    if not made or made[0].optional or made[-1].optional:
        raise ValueError(f"The term {term!r} must begin and end with a word.")
    return tuple(made)


def _slot(options: Iterable[str], families: Mapping[str, Slot]) -> Slot:
    """One place for several words, or for one `[family]`."""
    slots: list[Slot] = []
    for option in options:
        if option.startswith("["):
            name = option.rstrip("?").strip("[]")
            if name not in families:
                raise ValueError(f"No family is called {name!r}.")
            return families[name]._replace(optional=option.endswith("?"))
        slots += _slots(option)
    return Slot(
        frozenset().union(*(slot.whole for slot in slots)), tuple(each for slot in slots for each in slot.stems)
    )


def _slots(part: str) -> list[Slot]:
    folded = fold(part).text
    forms = [word.forms[0] for word in words(folded.rstrip("*"))]
    if not folded.endswith("*"):
        return [Slot(frozenset({form})) for form in forms]
    return [*(Slot(frozenset({form})) for form in forms[:-1]), *(Slot(stems=(form,)) for form in forms[-1:])]


def _past(found: list[Word], at: int, rest: Phrase) -> int | None:
    """The word past the last one, where the rest of a phrase stands at a place."""
    if not rest:
        return at
    slot, after = rest[0], rest[1:]
    here = at < len(found) and found[at].linked
    if slot is GAP:
        for skipped in range(GAP_WORDS + 1):
            past = _past(found, at + skipped, after)
            if past is not None:
                return past
            if at + skipped >= len(found) or not found[at + skipped].linked:
                return None
        return None
    if here and slot.fits(found[at]):
        past = _past(found, at + 1, after)
        if past is not None:
            return past
    return _past(found, at, after) if slot.optional else None


class Lexicon:
    """The phrases to look for in texts of one language, by their first word."""

    def __init__(self, phrases: Sequence[tuple[Phrase, Entry | None]]) -> None:
        self._whole: dict[str, list[tuple[Phrase, Entry | None]]] = defaultdict(list)
        self._stems: dict[str, list[tuple[Phrase, Entry | None]]] = defaultdict(list)
        for phrase in phrases:
            for word in phrase[0][0].whole:
                self._whole[word].append(phrase)
            for stem in phrase[0][0].stems:
                self._stems[stem].append(phrase)
        self._longest = max(map(len, self._stems), default=0)
        single = [phrase[0] for phrase, entry in phrases if entry and len(phrase) == 1]
        self._single = frozenset().union(*(slot.whole for slot in single))
        # A stem of three letters begins too many words that nobody took apart.
        self._single_stems = tuple(stem for slot in single for stem in slot.stems if len(stem) > 3)

    def find(self, found: list[Word]) -> Iterator[tuple[int, int, Entry | None]]:
        """(first word, word past the last, entry) for each phrase in a text; they may overlap."""
        for at, word in enumerate(found):
            for phrase, entry in self._beginning(word):
                past = _past(found, at + 1, phrase[1:])
                if past is not None:
                    yield at, past, entry

    def knows(self, form: str) -> bool:
        """Whether a form is, or begins with, an entry of a single word."""
        return form in self._single or form.startswith(self._single_stems)

    def single(self, word: Word) -> Iterator[Entry]:
        """The entries of one word that a word by itself is."""
        return (entry for phrase, entry in self._beginning(word) if entry is not None and len(phrase) == 1)

    def _beginning(self, word: Word) -> Iterator[tuple[Phrase, Entry | None]]:
        for form in word.forms:
            if form in self._whole:
                yield from self._whole[form]
            for length in range(1, min(len(form), self._longest) + 1):
                if form[:length] in self._stems:
                    yield from self._stems[form[:length]]
