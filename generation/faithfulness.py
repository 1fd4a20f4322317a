"""Whether a text says names and numbers that its source doesn't hold, sentence by sentence.

It compares, and doesn't understand: a wrong sentence made of right words passes ("the mayor sued the bridge"), and a
right one is flagged where it rounds ("nearly 1,200" for 1,187), counts for itself ("three of the four") or calls
somebody by another name ("the Norwegian capital" for Oslo). So flags are notes to an editor and stop nothing.

Numbers are compared by value: 1,200 = 1200 = 1.200 = "twelve hundred", 31 million = 31,000,000. Spelled numbers are
known as far as num2words spells them in the language; below three they are left out ("one of them", "the 1st of two").

Names are runs of capitalised words. A word that opens a sentence counts only as part of a longer run or before a verb
of saying; in German, where every noun has a capital, only runs of two words and more; in scripts without capitals none.
In a text of another language than its source only runs of two words and more are compared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import log

from generation.extraction.ranking import terms_of
from generation.languages import is_spaceless, language_data
from generation.sentences import sentences

_DIGITS = re.compile(
    r"(?<![^\W\d_])(?<![^\W\d_]-)\d+(?:[.,'’\u00a0\u202f]\d{3})*(?:[.,]\d+)?(?=(?P<after>[^\W\d_]*))", re.UNICODE
)
_GROUPS = re.compile(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(?!\d))")
_WORD = re.compile(r"[^\W\d_]+(?:['’\-.][^\W\d_]+)*\.?|\d+")
_SUFFIXES = {"k": 1e3, "m": 1e6, "mn": 1e6, "bn": 1e9, "tn": 1e12}
_ORDINALS = {"st", "nd", "rd", "th"}
_UNITS = {*_ORDINALS, "s", "er", "re", "e", "º", "ª", "a", "o", "km", "cm", "mm", "kg", "h", "min", "pm", "am"}
_SCALES = {
    "hundred": 1e2, "thousand": 1e3, "million": 1e6, "millions": 1e6, "billion": 1e9, "billions": 1e9,
    "trillion": 1e12, "dozen": 12.0, "hundert": 1e2, "tausend": 1e3, "millionen": 1e6, "milliarde": 1e9,
    "milliarden": 1e9, "mil": 1e3, "millón": 1e6, "millones": 1e6, "mille": 1e3, "milliard": 1e9, "milliards": 1e9,
    "milione": 1e6, "milioni": 1e6, "miliardo": 1e9, "miliardi": 1e9, "milhão": 1e6, "milhões": 1e6, "bilhões": 1e9,
    "हजार": 1e3, "हज़ार": 1e3, "लाख": 1e5, "करोड़": 1e7, "тысяч": 1e3, "миллионов": 1e6, "миллиардов": 1e9,
}  # fmt: skip
_PARTICLES = {"of", "de", "la", "del", "der", "den", "von", "van", "da", "di", "bin", "al", "el", "du", "des", "y"}
_AND = {"and", "und", "y", "e"}
_LEAST_SPELLED = 3


@dataclass(frozen=True)
class Flag:
    """Something in a sentence that the source doesn't hold."""

    sentence: str
    kind: str
    """"number" or "name"."""
    what: str
    nearest: int
    """Number of the source's sentence that is most like it (from 0); -1 where none shares a word."""
    nearest_text: str


@dataclass(frozen=True)
class _Facts:
    """What a source holds."""

    sentences: tuple[str, ...]
    numbers: frozenset[float]
    words: frozenset[str]
    stems: frozenset[str]
    initials: frozenset[str]
    terms: tuple[frozenset[str], ...]
    rarity: dict[str, float]


def check(text: str, *, source: str, title: str = "", language: str = "en", source_language: str = "") -> list[Flag]:
    """The names and numbers of a text that neither the source nor its title holds."""
    source_language = source_language or language
    facts = _facts(source, title, source_language)
    same = language.split("-")[0] == source_language.split("-")[0]
    flags = []
    for sentence in sentences(text, language):
        wrong = [("number", said) for said, values in _numbers(sentence, language) if not values & facts.numbers]
        for run in _names(sentence, language):
            if (same or len(run) > 1) and not _holds(run, facts):
                wrong.append(("name", " ".join(run)))
        if wrong:
            nearest = _nearest(sentence, language, facts)
            beside = facts.sentences[nearest] if nearest >= 0 else ""
            flags += [Flag(sentence, kind, what, nearest, beside) for kind, what in dict.fromkeys(wrong)]
    return flags


@lru_cache(maxsize=64)
def _facts(source: str, title: str, language: str) -> _Facts:
    said = tuple(sentences(source, language))
    numbers: set[float] = set()
    words: set[str] = set()
    initials: set[str] = set()
    for sentence in (*said, title):
        for _text, values in _numbers(sentence, language, least=0):
            numbers |= values
        for match in _DIGITS.finditer(_GROUPS.sub("", sentence)):
            numbers |= _values(match[0])  # "31 million" also holds 31
        words |= {_plain(word) for word in _WORD.findall(sentence)}
        for run in _runs(sentence):
            initials.add("".join(word[0] for word in run if word[0].isupper()).casefold())
    words |= {part for word in words for part in word.split("-")}
    terms = tuple(frozenset(terms_of(sentence, language)) for sentence in said)
    seen = Counter(term for each in terms for term in each)
    rarity = {term: log(1 + len(said) / count) for term, count in seen.items()}
    stems = frozenset(word[: max(4, len(word) - 2)] for word in words if len(word) >= 5)
    return _Facts(said, frozenset(numbers), frozenset(words), stems, frozenset(initials), terms, rarity)


# Numbers -------------------------------------------------------------------------------------------------------------


def _numbers(sentence: str, language: str, *, least: int = _LEAST_SPELLED) -> Iterator[tuple[str, set[float]]]:
    """Each number of a sentence as it is written, with the values that it may have ("1.200" is 1200 or 1.2)."""
    text = _GROUPS.sub("", sentence)
    for match in _DIGITS.finditer(text):
        after = match["after"].casefold()
        if after and after not in _SUFFIXES and after not in _UNITS and not is_spaceless(language):
            continue  # "4x4", "3D"
        if after in _ORDINALS and max(_values(match[0])) < least:
            continue
        following = re.match(r"[\s\u00a0-]*([^\s\d.,;:!?।()\"“”]+)", text[match.end() :])
        scale = _SUFFIXES.get(after, 1.0)
        scaled = _SCALES.get(following[1].casefold(), 1.0) if following and scale == 1.0 else scale
        said = match[0] + (f" {following[1]}" if following and scaled != 1.0 and not after else after)
        yield said, {round(value * scaled, 6) for value in _values(match[0])}
    yield from _spelled(text, language, least)


def _values(digits: str) -> set[float]:
    plain = "".join(str(int(c)) if c.isdecimal() else c for c in digits)
    whole = re.sub(r"['’\u00a0\u202f]", "", plain)
    values = set()
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", whole):
        values.add(float(re.sub(r"[.,]", "", whole)))
    marks = re.findall(r"[.,]", whole)
    if len(marks) <= 1:
        values.add(float(whole.replace(",", ".")))
    elif marks[-1] != marks[0]:
        head, tail = whole.rsplit(marks[-1], 1)
        values.add(float(f"{re.sub('[.,]', '', head)}.{tail}"))
    return values


@lru_cache(maxsize=32)
def _number_words(language: str) -> dict[str, int]:
    """The words for 0 to 100 and the round hundreds, as the language spells them."""
    from num2words import num2words

    try:
        known = (*range(101), *range(200, 1000, 100))
        return {str(num2words(number, lang=language)).casefold().replace("-", " "): number for number in known}
    except (NotImplementedError, KeyError, TypeError, ValueError):
        return {}


def _spelled(text: str, language: str, least: int) -> Iterator[tuple[str, set[float]]]:
    table = _number_words(language.split("-")[0])
    if not table or is_spaceless(language):
        return
    words = [(match[0], match[0].casefold()) for match in re.finditer(r"[^\W\d_]+", text)]
    at = 0
    while at < len(words):
        length, total = _phrase(words, at, table)
        if not length:
            at += 1
            continue
        said = " ".join(word for word, _ in words[at : at + length])
        at += length
        if total >= least:
            yield said, {float(total)}


def _phrase(words: list[tuple[str, str]], at: int, table: dict[str, int]) -> tuple[int, float]:
    """How many words from `at` on spell a number, and which: "twelve hundred", "three million two hundred"."""
    total, part, length = 0.0, 0.0, 0
    while at + length < len(words):
        low = words[at + length][1]
        found = next((n for n in (4, 3, 2, 1) if _joined(words, at + length, n) in table), 0)
        if found:
            part += table[_joined(words, at + length, found)]
            length += found
        elif length and low in _SCALES and low != "dozen":
            scale = _SCALES[low]
            total, part = (total, part * scale) if scale < 1e3 else (total + part * scale, 0.0)
            length += 1
        elif total + part >= 100 and low in _AND and _joined(words, at + length + 1, 1) in table:
            length += 1
        else:
            break
    return length, total + part


def _joined(words: list[tuple[str, str]], at: int, count: int) -> str:
    return " ".join(low for _, low in words[at : at + count]) if at + count <= len(words) else ""


# Names ---------------------------------------------------------------------------------------------------------------


def _names(sentence: str, language: str) -> Iterator[tuple[str, ...]]:
    """The runs of capitalised words that are names by the rules above."""
    data = language_data(language)
    common = data.stopwords | data.pronouns | data.starters | data.prepositions
    tokens = _WORD.findall(sentence)
    opening = tokens[0] if tokens else ""
    shouted = sum(token.isupper() for token in tokens) > len(tokens) / 2
    for run in _runs(sentence):
        words = list(run)
        opens = words[0] == opening and sentence.lstrip("\"'“‘«„(").startswith(opening)
        while words and _plain(words[0]) in common | _PARTICLES:
            words.pop(0)
            opens = False
        if not words:
            continue
        acronym = len(words) == 1 and words[0].isupper() and len(words[0].strip(".")) > 1 and not shouted
        if opens and len(words) == 1 and not acronym:
            after = tokens[tokens.index(words[0]) + 1 :][:1]
            if not (after and after[0].casefold() in data.attribution):
                continue
        if data.code == "de" and len(words) == 1 and not acronym:
            continue
        yield tuple(words)


def _runs(sentence: str) -> Iterator[tuple[str, ...]]:
    """Capitalised words that follow each other, particles between them included; a comma ends a run."""
    run: list[str] = []
    end = 0
    for match in _WORD.finditer(sentence):
        word = match[0].rstrip(".") if not re.fullmatch(r"(?:[^\W\d_]\.)+", match[0]) else match[0]
        between = sentence[end : match.start()]
        if run and between.strip(" \u00a0"):
            yield from _finished(run)
            run = []
        if (word[:1].isupper() and (len(word) > 1 or run)) or (run and word in _PARTICLES):
            run.append(word)
        else:
            yield from _finished(run)
            run = []
        end = match.start() + len(word)
    yield from _finished(run)


def _finished(run: list[str]) -> Iterator[tuple[str, ...]]:
    while run and run[-1] in _PARTICLES:
        run.pop()
    if run:
        yield tuple(run)


def _holds(run: tuple[str, ...], facts: _Facts) -> bool:
    return all(_known(word, facts) for word in run if word not in _PARTICLES)


def _known(word: str, facts: _Facts) -> bool:
    plain = _plain(word)
    if plain in facts.words or (word.isupper() and plain in facts.initials):
        return True
    if "-" in plain:
        return all(part in facts.words for part in plain.split("-"))
    # Endings of case and number: "Warschaus", "Москвы".
    return len(plain) >= 6 and plain[: max(4, len(plain) - 2)] in facts.stems


def _plain(word: str) -> str:
    return re.sub(r"['’]s?$", "", word.casefold()).replace(".", "")


def _nearest(sentence: str, language: str, facts: _Facts) -> int:
    terms = set(terms_of(sentence, language))
    points = [sum(facts.rarity.get(t, 0.0) for t in terms & each) / (1 + len(each)) ** 0.5 for each in facts.terms]
    best = max(range(len(points)), key=points.__getitem__, default=-1)
    return best if best >= 0 and points[best] > 0 else -1
