"""What the starter engines know of languages: stop words, abbreviations, connectives. Data in *.toml, no models."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SPACELESS = frozenset({"zh", "ja", "th", "lo", "km", "my"})
"""Languages written without spaces between words."""

# Scripts that (nearly) name their language by themselves, or that say which languages to choose from.
_SCRIPTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Kana", "\u3040-\u30ff", ("ja",)),
    ("Hangul", "\uac00-\ud7af\u1100-\u11ff", ("ko",)),
    ("Han", "\u4e00-\u9fff\u3400-\u4dbf", ("zh",)),
    ("Cyrillic", "\u0400-\u04ff", ("ru", "uk", "bg", "sr")),
    ("Greek", "\u0370-\u03ff", ("el",)),
    ("Arabic", "\u0600-\u06ff", ("ar", "fa", "ur")),
    ("Hebrew", "\u0590-\u05ff", ("he",)),
    ("Devanagari", "\u0900-\u097f", ("hi", "mr", "ne")),
    ("Bengali", "\u0980-\u09ff", ("bn",)),
    ("Gurmukhi", "\u0a00-\u0a7f", ("pa",)),
    ("Gujarati", "\u0a80-\u0aff", ("gu",)),
    ("Oriya", "\u0b00-\u0b7f", ("or",)),
    ("Tamil", "\u0b80-\u0bff", ("ta",)),
    ("Telugu", "\u0c00-\u0c7f", ("te",)),
    ("Kannada", "\u0c80-\u0cff", ("kn",)),
    ("Malayalam", "\u0d00-\u0d7f", ("ml",)),
    ("Sinhala", "\u0d80-\u0dff", ("si",)),
    ("Thai", "\u0e00-\u0e7f", ("th",)),
    ("Lao", "\u0e80-\u0eff", ("lo",)),
    ("Myanmar", "\u1000-\u109f", ("my",)),
    ("Georgian", "\u10a0-\u10ff", ("ka",)),
    ("Armenian", "\u0530-\u058f", ("hy",)),
    ("Ethiopic", "\u1200-\u137f", ("am",)),
    ("Khmer", "\u1780-\u17ff", ("km",)),
    ("Latin", "A-Za-z\u00c0-\u024f\u1e00-\u1eff", ()),
)
_SCRIPT_PATTERNS = tuple((name, re.compile(f"[{span}]"), codes) for name, span, codes in _SCRIPTS)
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u0900-\u0963\u0966-\u0dff'’\u200c\u200d])*")
_SAMPLE = 20_000  # characters: more doesn't change the answer
_OTHER_SCRIPTS = frozenset({"Latin"})


@dataclass(frozen=True)
class Language:
    """Small word lists of one language; lower case. Empty ones simply switch their rule off."""

    code: str
    name: str = ""
    stopwords: frozenset[str] = frozenset()
    abbreviations: frozenset[str] = frozenset()
    starters: frozenset[str] = frozenset()
    """Words that begin sentences so often that an abbreviation before one of them ended the sentence."""
    connectives: tuple[str, ...] = ()
    """Openings that lean on the sentence before and can go; longest first."""
    pronouns: frozenset[str] = frozenset()
    """Openings that mean nothing without the sentence before."""
    attribution: frozenset[str] = frozenset()
    """Neutral verbs of saying. "Claimed" and "alleged" are left out on purpose: they carry a doubt."""
    subjects: frozenset[str] = frozenset()
    prepositions: frozenset[str] = frozenset()
    """Words before which a phrase may end."""
    verbs: frozenset[str] = frozenset()
    """Forms of verbs that no ending gives away: what they are about follows them."""
    never_last: frozenset[str] = frozenset()
    """Words on which no line may end."""
    days: frozenset[str] = frozenset()
    endings: frozenset[str] = frozenset()
    """Words of a look ahead, which makes a good ending."""


@cache
def language_data(code: str) -> Language:
    """The word lists of a language ("en", "pt-BR"); an empty Language where there are none."""
    short = code.split("-")[0].lower()
    table = _tables().get(short)
    if table is None:
        return Language(short)
    fields: dict[str, object] = {}
    for key, value in table.items():
        if key == "connectives":
            fields[key] = tuple(sorted((str(item).lower() for item in value), key=len, reverse=True))
        elif key != "name":
            fields[key] = frozenset(str(value).lower().split())
    return Language(short, name=str(table["name"]), **fields)  # type: ignore[arg-type]


def known_languages() -> frozenset[str]:
    """Codes of the languages with word lists of their own."""
    return frozenset(_tables())


def language_name(code: str) -> str:
    """ "German" for "de-AT"; the code itself where we have no name."""
    return language_data(code).name or code


def words_of(text: str) -> list[str]:
    """The words of a text, without digits and punctuation, as they are spelled."""
    return _WORD.findall(text)


def is_spaceless(language: str) -> bool:
    return language.split("-")[0].lower() in SPACELESS


def detect_language(text: str, hint: str = "") -> str:
    """The language code of a text, from its script and its commonest words.

    `hint` (a page's own `lang`) decides where the text doesn't; "en" where nothing does.
    """
    sample = text[:_SAMPLE]
    hint = hint.replace("_", "-").split("-")[0].strip().lower()
    script, codes = _main_script(sample)
    if not script:
        return hint or "en"
    if script not in _OTHER_SCRIPTS and len(codes) == 1:
        return codes[0]
    candidates = codes or _latin_languages()
    scores = _scores(sample, candidates)
    best = max(scores, key=lambda code: scores[code])
    if scores[best] <= 0:
        return hint if hint else ("en" if script == "Latin" else candidates[0])
    # A page's own word counts where ours is a near tie (Norwegian and Danish).
    if hint in scores and scores[hint] > 0.85 * scores[best]:
        return hint
    return best


def _main_script(text: str) -> tuple[str, tuple[str, ...]]:
    counts = {name: len(pattern.findall(text)) for name, pattern, _codes in _SCRIPT_PATTERNS}
    # Japanese mixes Han and kana; a tenth of kana is enough to know it.
    if counts["Kana"] * 10 > counts["Han"] and counts["Kana"] > 0:
        counts["Kana"] += counts["Han"]
    # A Han character says about as much as three Latin letters.
    counts["Han"] *= 3
    counts["Kana"] *= 2
    name = max(counts, key=lambda script: counts[script])
    if not counts[name]:
        return "", ()
    return name, next(codes for script, _pattern, codes in _SCRIPT_PATTERNS if script == name)


def _scores(text: str, candidates: tuple[str, ...]) -> dict[str, float]:
    """For each language, the share of the text's words that are its stop words, rarer ones counting more."""
    counts = Counter(word.lower().replace("’", "'") for word in words_of(text))
    owners = _owners()
    scores = dict.fromkeys(candidates, 0.0)
    for word, count in counts.items():
        speakers = owners.get(word, ())
        for code in speakers:
            if code in scores:
                scores[code] += count * (0.3 + 1.0 / len(speakers))
    # A longer list finds more of any text: divide by its length, gently.
    return {code: score / max(1, len(language_data(code).stopwords)) ** 0.25 for code, score in scores.items()}


@cache
def _owners() -> dict[str, tuple[str, ...]]:
    owners: dict[str, tuple[str, ...]] = {}
    for code in _tables():
        for word in language_data(code).stopwords:
            owners[word] = (*owners.get(word, ()), code)
    return owners


@cache
def _latin_languages() -> tuple[str, ...]:
    latin = _SCRIPT_PATTERNS[-1][1]
    return tuple(
        code for code in _tables() if sum(bool(latin.match(word)) for word in language_data(code).stopwords) > 10
    )


@cache
def _tables() -> dict[str, dict[str, list[str]]]:
    folder = Path(__file__).parent
    tables: dict[str, dict[str, list[str]]] = {}
    for path in sorted(folder.glob("*.toml")):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        if path.stem == "more":
            tables.update(data)
        else:
            tables[path.stem] = data
    return tables
