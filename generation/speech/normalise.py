"""Spelling out what a voice would stumble over, token by token, so that times still lead back to the text."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from num2words import num2words

from generation.languages import words_of
from generation.speech import written

_CORE = re.compile(r"^([\"'“‘«„(\[¿¡#]*)(.*?)([\"'”’»“)\],;:!?…।॥]*)$", re.S)
_NUMBER = r"\d+(?:[.,]\d+)*"
_SIGN = f"[{re.escape(written.SIGNS)}]"
_MONEY = re.compile(rf"^({_SIGN})({_NUMBER})([a-zA-Z]{{0,2}})$|^({_NUMBER})({_SIGN}|zł)$")
_RANGE = re.compile(rf"^({_SIGN}?)({_NUMBER})[–—-]({_NUMBER})(\D*)$")
_MEASURE = re.compile(rf"^(-?{_NUMBER})(°\s?[CF]|°|[^\d\s.,:%°'’–-][^\d\s]{{0,4}})$")
_DOTTED = re.compile(r"^(?:[^\W\d_]\.){2,}(?:['’]s)?$")
_INITIAL = re.compile(r"^[A-ZÀ-Þ]\.$")
# eSpeak reads these scripts' digits and separators itself; num2words would only be a second opinion.
_YEARS = range(1100, 2100)
_AFTER_YEAR = frozenset(
    {"and", "to", "when", "as", "the", "by", "in", "after", "but", "with", "for", "at", "on", "or", "was", "is"}
)


@cache
def _table(language: str) -> dict[str, Any]:
    tables = tomllib.loads((Path(__file__).parent / "spoken.toml").read_text(encoding="utf-8"))
    found: dict[str, Any] = tables.get(language.split("-")[0].lower(), {})
    return found


def spoken_tokens(
    tokens: Sequence[str], language: str, pronunciations: Mapping[str, str] | None = None, *, spell: bool = False
) -> list[str]:
    """How each whitespace-separated token is said, one string for each; "" where a neighbour says it too.

    `spell` writes numbers out too, for voices that can't read digits.
    """
    table = _table(language)
    said = [_token(tokens, at, table, language) for at in range(len(tokens))]
    _move_currency(tokens, said, table)
    if spell:
        said = [written.spelled(each, language) for each in said]
    _pronounce(tokens, said, pronunciations or {})
    return said


def _token(tokens: Sequence[str], at: int, table: Mapping[str, Any], language: str) -> str:
    match = _CORE.match(tokens[at])
    assert match is not None  # noqa: S101 - the pattern matches every string
    before, core, after = match.groups()
    following = tokens[at + 1] if at + 1 < len(tokens) else ""
    previous = tokens[at - 1] if at else ""
    return before.replace("#", "") + _core(core, previous, following, table, language) + after


def _core(core: str, previous: str, following: str, table: Mapping[str, Any], language: str) -> str:
    low = core.lower()
    if low in table.get("before_number", {}) and following[:1].isdigit():
        return str(table["before_number"][low])
    if low == "st." and previous[:1].isupper() and not following[:1].isupper():
        return "street" if language.startswith("en") else core
    if low in table.get("words", {}):
        # "B." is "Beispiel" only after "z."
        if (low == "z." and following != "B.") or (low == "b." and previous != "z."):
            return core.rstrip(".")
        return str(table["words"][low]) + _sentence_stop(core, following)
    if _DOTTED.match(core):
        letters = " ".join(re.findall(r"[^\W\d_](?=\.)", core)).upper()
        return letters + ("'s" if core.endswith("s") else "") + _sentence_stop(core, following)
    if _INITIAL.match(core) and following[:1].isupper():
        return core[0]
    stop = core[-1:] if core[-1:] == "." else ""
    return _numeral(core.removesuffix("."), previous, following, table, language) + stop


def _sentence_stop(core: str, following: str) -> str:
    """A full stop where the abbreviation also ended the text: the voice must let its tone fall."""
    return "." if core.endswith(".") and not following else ""


def _numeral(core: str, previous: str, following: str, table: Mapping[str, Any], language: str) -> str:
    known = _date_or_time(core, following, table, language) or written.ordinal_words(core, language)
    if known:
        return known
    money = _MONEY.match(core)
    if money:
        amount, letter = money[2] or money[4], (money[3] or "").lower()
        unit = _currency(money[1] or money[5], amount, table, language)
        if not unit:
            return core
        scale = table.get("letters", {}).get(letter, letter)
        return f"{_amount(amount, language)} {scale} {unit}".replace("  ", " ").strip()
    between = _RANGE.match(core)
    if between and table.get("to"):
        unit = _currency(between[1], between[3], table, language) if between[1] else ""
        return f"{between[2]} {table['to']} {between[3]}{between[4]} {unit}".strip()
    measure = _MEASURE.match(core)
    if measure:
        unit = measure[2].replace(" ", "")
        name = table.get({"°C": "celsius", "°F": "fahrenheit", "°": "degrees"}.get(unit, ""), "")
        name = name or table.get("units", {}).get(unit.lower(), "") or table.get("letters", {}).get(unit.lower(), "")
        name = name or written.unit_name(unit, measure[1], language)
        if name:
            return f"{measure[1]} {name}"
    if core.lower() in table.get("units", {}) and re.search(r"\d$", previous):
        return str(table["units"][core.lower()])
    if core in {"°C", "°F", "°"} and previous[-1:].isdigit():
        return str(table.get({"°C": "celsius", "°F": "fahrenheit", "°": "degrees"}[core], core))
    if re.search(r"\d$", previous) and core not in table.get("words", {}):
        amount = re.sub(r"^\D+", "", previous)
        name = _currency(core, amount, table, language) or written.unit_name(core, amount, language)
        if name:
            return name
    return _year(core, previous, following, table, language)


def _date_or_time(core: str, following: str, table: Mapping[str, Any], language: str) -> str | None:
    day = written.date_words(core, language)
    if day is not None:
        return _english_year(day) if language.startswith("en") else day
    if language.startswith("en"):
        named = following.lower().replace(".", "").strip(",;:!?") in {"am", "pm", "o'clock", "gmt", "utc"}
        return written.english_time(core, named=named)
    followed = following.lower().strip(",;.!?") in table.get("clock_words", ())
    template = "{h} {m}" if followed else table.get("clock", "")
    return written.time_words(core, template) if ":" in core or "h" in core.lower() else None


def _english_year(day: str) -> str:
    """The year at the end of a date, in pairs."""
    before, _space, year = day.rpartition(" ")
    return f"{before} {num2words(int(year), lang='en', to='year')}" if int(year) in _YEARS else day


def _currency(sign: str, amount: str, table: Mapping[str, Any], language: str) -> str:
    """Our own word for a currency, else CLDR's."""
    return str(table.get("currency", {}).get(sign, "")) or written.currency_name(sign, amount, language)


def _amount(amount: str, language: str) -> str:
    """ "4.50" of a currency: "4 50" is how people say prices."""
    whole, dot, cents = amount.rpartition(".")
    return f"{whole} {cents}" if dot and len(cents) == 2 and cents != "00" and language.startswith("en") else amount


def _year(core: str, previous: str, following: str, table: Mapping[str, Any], language: str) -> str:
    """English years in pairs ("nineteen ninety-eight"); other languages say them as numbers."""
    decade = re.fullmatch(r"(1[1-9]\d0|20\d0)s", core)
    if not language.startswith("en") or not (decade or (core.isdecimal() and core.isascii() and len(core) == 4)):
        return core
    year = int(core[:4])
    if year not in _YEARS:
        return core
    if decade:
        spoken = str(num2words(year, lang="en", to="year"))
        return spoken[:-1] + "ies" if spoken.endswith("y") else spoken + "s"  # nineteen fifties, twenty tens
    after = re.sub(r"\W", "", previous).lower() in table["year_after"]
    # "in 2026 homes" counts homes; "in 2026 when" doesn't.
    counts = following[:1].islower() and following not in _AFTER_YEAR
    return str(num2words(year, lang="en", to="year")) if after and (not counts or not following) else core


def _move_currency(tokens: Sequence[str], said: list[str], table: Mapping[str, Any]) -> None:
    """ "$2.4 million" is said "2.4 million dollars"."""
    for at, token in enumerate(tokens[:-1]):
        money = _MONEY.match(token.strip('("“'))
        next_core = tokens[at + 1].rstrip('.,;:!?)”"')
        if money and money[1] and not money[3] and next_core.lower() in table.get("scales", ()):
            unit = table.get("currency", {}).get(money[1], "")
            tail = tokens[at + 1][len(next_core) :]
            said[at], said[at + 1] = money[2], f"{next_core} {unit}{tail}"


def _pronounce(tokens: Sequence[str], said: list[str], pronunciations: Mapping[str, str]) -> None:
    """Put the brand's own pronunciations in: longest spelling first, whole tokens only, possessives kept."""
    cores = [re.sub(r"^\W+|\W+$", "", token) for token in tokens]
    taken: set[int] = set()
    for spelling in sorted(pronunciations, key=len, reverse=True):
        wanted = spelling.split()
        if not wanted:
            continue
        for at in range(len(tokens) - len(wanted) + 1):
            span = range(at, at + len(wanted))
            if taken & set(span):
                continue
            last, owner = _without_owner(cores[span[-1]])
            if [core.casefold() for core in [*cores[at : span[-1]], last]] != [w.casefold() for w in wanted]:
                continue
            taken |= set(span)
            tail = re.search(r"[.,;:!?…।]*\W*$", tokens[span[-1]])
            spoken = pronunciations[spelling].split()
            shares = spoken if len(spoken) == len(wanted) else [" ".join(spoken)] + [""] * (len(wanted) - 1)
            for i, share in zip(span, shares, strict=True):
                said[i] = share
            filled = max(i for i in span if said[i])
            said[filled] += owner + (tail.group() if tail else "")


def _without_owner(core: str) -> tuple[str, str]:
    for ending in ("'s", "’s"):
        if core.endswith(ending):
            return core[:-2], ending
    return core, ""


def pronounced(text: str, pronunciations: Mapping[str, str]) -> str:
    """The text with those pronunciations put in and nothing else spelled out."""
    tokens = text.split()
    said = list(tokens)
    _pronounce(tokens, said, pronunciations)
    return " ".join(filter(None, said))


def used(pronunciations: Mapping[str, str], text: str) -> dict[str, str]:
    """Those that a text needs, so that changing another one makes nothing stale."""
    low = text.casefold()
    return {spelling: spoken for spelling, spoken in pronunciations.items() if spelling.casefold() in low}


def is_silent(token: str) -> bool:
    """Whether a token has nothing to say: a dash, an ellipsis, a lone quote."""
    return not words_of(token) and not any(ch.isalnum() or ch in "%&+=@€$£₹°" for ch in token)
