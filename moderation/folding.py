"""Reading a text as a person sees it: tricks that hide a word from a filter are undone, with every character's place
in the original kept.

Undone are: capitals, full-width and mathematical letters, accents, zero-width and direction marks, letters of other
scripts that look Latin, digits of other scripts; and word by word, digits and signs for letters, stretched letters,
letters spaced out or cut apart. Sources: Unicode TR36 and TR39 (confusables; only the Cyrillic, Greek and Armenian
ones that pass for Latin letters).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

LOOKALIKES = {
    "а": "a", "в": "b", "г": "r", "е": "e", "к": "k", "м": "m", "н": "h", "о": "o", "р": "p", "с": "c", "т": "t",
    "у": "y", "х": "x", "ь": "b", "і": "i", "ј": "j", "ѕ": "s", "һ": "h", "ӏ": "l", "ԁ": "d", "ԛ": "q", "ԝ": "w",
    "ѵ": "v", "α": "a", "β": "b", "γ": "y", "δ": "d", "ε": "e", "η": "n", "ι": "i", "κ": "k", "ν": "v", "ο": "o",
    "ρ": "p", "σ": "o", "τ": "t", "υ": "u", "χ": "x", "ω": "w", "ϲ": "c", "ϳ": "j", "օ": "o", "ս": "u", "հ": "h",
    "ո": "n", "ց": "g", "ı": "i", "ł": "l", "ø": "o", "đ": "d", "ɑ": "a", "ɡ": "g", "ɩ": "i", "ʀ": "r", "ʏ": "y",
    "ƒ": "f", "æ": "ae", "œ": "oe", "’": "'", "‘": "'",
    # Small capitals, then Canadian syllables.
    **dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯꜱᴛᴜᴠᴡᴢ", "abcdefghijklmnopqstuvwz", strict=True)),
    **dict(zip("ᗩᗷᑕᗪᗴᖴᕼᒍᒪᗰᑎᑭᖇᔕᑌᐯᗯ᙭", "abcdefhjlmnprsuvwx", strict=True)),
    # Letters in filled circles and squares, which Unicode doesn't decompose.
    **{chr(0x1F150 + number): chr(97 + number) for number in range(26)},
    **{chr(0x1F170 + number): chr(97 + number) for number in range(26)},
}  # fmt: skip
"""What looks like Latin letters, after case folding."""
_ACCENTS = ((0x0300, 0x036F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE00, 0xFE0F), (0xFE20, 0xFE2F))
"""Marks that sit on a letter without changing which letter it is. Vowel signs of Indic scripts are no such marks."""
_NUKTA = "\u093c"
"""Written or left out as one pleases in everyday Hindi."""
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_OVERRIDE, _POP = "\u202e", re.compile("[\u202c\u2069\n]")
_LETTER = r"[^\W_\u0900-\u0903]|[\u0900-\u0963\u0971-\u097f]"
_WORD = re.compile(rf"[@$]?(?:{_LETTER})(?:(?:{_LETTER}|[@$!|*])*(?:{_LETTER}|\$))?")
_SIGNS = str.maketrans("0134578@$!|", "oieastbasii")
_OTHER_SIGNS = str.maketrans("0134578@$!|", "oleastbasll")
_STRETCHED = re.compile(r"(.)\1{2,}")
_CUT = re.compile(r"[-._*·•]")
_SENTENCE_END = re.compile(r"[.!?;:।\n]")
_SPACED_MIN, _SPACED_MAX = 4, 14
"""Letters of a word that is written with gaps."""


@dataclass(frozen=True)
class Folded:
    """A text as it is read, and where each of its characters stood."""

    text: str
    places: list[int]
    """For each character, its offset in the original."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The part of the original that a part of the folded text came from."""
        first, last = self.places[start], self.places[end - 1]
        return min(first, last), max(first, last) + 1


@dataclass(frozen=True)
class Word:
    """A word, in every way that it may be meant to be read."""

    start: int
    end: int
    """Offsets in the folded text."""
    forms: tuple[str, ...]
    linked: bool
    """No sentence ends between it and the word before."""


@lru_cache(maxsize=20_000)
def _fold_character(character: str) -> str:
    """What a character is read as; "" where it can't be seen."""
    folded = []
    for part in unicodedata.normalize("NFKD", character):
        category = unicodedata.category(part)
        # Control characters and halves of surrogate pairs can't be seen either, but for white space.
        if category in ("Cf", "Cs", "Me") or (category == "Cc" and not part.isspace()):
            continue
        if part == _NUKTA or part in _FILLERS or any(a <= ord(part) <= b for a, b in _ACCENTS):
            continue
        digit = unicodedata.digit(part, None) if category == "Nd" else None
        small = part.casefold()
        folded.append(str(digit) if digit is not None else LOOKALIKES.get(small, small))
    return "".join(folded)


def fold(text: str) -> Folded:
    """A text as it is read. Linear in its length."""
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        folded = _fold_character(character)
        # In Spanish a tilde makes another letter: año is no ano.
        if character in "ñÑ":
            folded = "ñ"
        elif character == "\u0303" and characters and characters[-1] == "n":
            characters[-1] = "ñ"
        characters.extend(folded)
        places.extend([place] * len(folded))
    return Folded("".join(characters), places)


def overridden(text: str) -> Iterator[Folded]:
    """The stretches that a right-to-left override shows backwards, as they are seen."""
    start = text.find(_OVERRIDE)
    while start >= 0:
        closing = _POP.search(text, start)
        end = closing.start() if closing else len(text)
        inner = fold(text[start:end])
        yield Folded(inner.text[::-1], [place + start for place in reversed(inner.places)])
        start = text.find(_OVERRIDE, end)


def words(folded: str) -> list[Word]:
    """The words of a folded text, in order."""
    found: list[Word] = []
    last = 0
    for match in _WORD.finditer(folded):
        linked = bool(found) and not _SENTENCE_END.search(folded, last, match.start())
        found.append(Word(match.start(), match.end(), forms(match.group()), linked))
        last = match.end()
    return found


def forms(word: str) -> tuple[str, ...]:
    """How a folded word may be meant: "a$$h0le" -> "asshole", "fuuuck" -> "fuck"."""
    if word.isascii() and word.isalpha() and not _STRETCHED.search(word):
        return (word,)
    made = [word]
    # Only among letters does a digit stand for one: A55 is a road, h0le is none.
    if sum(character.isdigit() for character in word) <= 0.6 * len(word):
        made += [word.translate(_SIGNS), word.translate(_OTHER_SIGNS)]
    made += [_STRETCHED.sub(r"\1", form) for form in made] + [_STRETCHED.sub(r"\1\1", form) for form in made]
    return tuple(dict.fromkeys(made))


def rejoined(folded: str, found: list[Word], known: Callable[[str], bool]) -> Iterator[Word]:
    """Words that were taken apart, "f u c k", "f.u.c.k", "fu-ck", of those that are `known`."""
    for before, word in pairwise(found):
        if word.start - before.end == 1 and _CUT.match(folded, before.end):
            made = tuple(form for form in forms(before.forms[0] + word.forms[0]) if known(form))
            if made:
                yield Word(before.start, word.end, made, False)
    run: list[Word] = []
    for word in found:
        single = len(word.forms[0]) == 1
        near = bool(run) and word.start - run[-1].end <= 3 and "\n" not in folded[run[-1].end : word.start]
        if run and not (near and single):
            yield from _spelled(run, known)
            run = []
        if single:
            run.append(word)
    yield from _spelled(run, known)


def _spelled(run: list[Word], known: Callable[[str], bool]) -> Iterator[Word]:
    """Every word that a run of single letters spells."""
    letters = "".join(word.forms[-1][:1] for word in run)
    for first in range(len(run) - _SPACED_MIN + 1):
        for past in range(first + _SPACED_MIN, min(first + _SPACED_MAX, len(run)) + 1):
            if known(letters[first:past]):
                yield Word(run[first].start, run[past - 1].end, (letters[first:past],), False)
