"""How dates, times, ordinals, amounts and measures are said, in the languages that CLDR (Babel) and num2words know."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, parse_date
from babel.numbers import NumberFormatError, format_decimal, get_currency_name, parse_decimal
from babel.units import UnknownUnitError, format_unit
from num2words import num2words

_CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "₽": "RUB", "₴": "UAH",
               "₺": "TRY", "₫": "VND", "฿": "THB", "zł": "PLN", "₦": "NGN", "₪": "ILS"}  # fmt: skip
_UNITS = {
    "km": "length-kilometer", "m": "length-meter", "cm": "length-centimeter", "mm": "length-millimeter",
    "ft": "length-foot", "kg": "mass-kilogram", "g": "mass-gram", "mg": "mass-milligram", "t": "mass-tonne",
    "lb": "mass-pound", "l": "volume-liter", "ml": "volume-milliliter", "km/h": "speed-kilometer-per-hour",
    "m/s": "speed-meter-per-second", "mph": "speed-mile-per-hour", "w": "power-watt", "kw": "power-kilowatt",
    "mw": "power-megawatt", "gw": "power-gigawatt", "kwh": "energy-kilowatt-hour", "m²": "area-square-meter",
    "km²": "area-square-kilometer", "ha": "area-hectare", "m³": "volume-cubic-meter", "°c": "temperature-celsius",
    "°f": "temperature-fahrenheit", "°": "angle-degree", "%": "concentr-percent", "min": "duration-minute",
    "gb": "digital-gigabyte", "mb": "digital-megabyte", "hz": "frequency-hertz", "mhz": "frequency-megahertz",
}  # fmt: skip
SIGNS = "".join(sign for sign in _CURRENCIES if len(sign) == 1)
_ISO = re.compile(r"^(\d{4})-(\d{2})-(\d{2})$")
_NUMERIC = re.compile(r"^\d{1,2}([./])\d{1,2}\1\d{4}$")
_TIME = re.compile(r"^([01]?\d|2[0-4])[:.]([0-5]\d)$|^([01]?\d|2[0-4])[hH]([0-5]\d)?$")
_ORDINAL = {
    "en": re.compile(r"^(\d{1,4})(?:st|nd|rd|th)$", re.IGNORECASE),
    "fr": re.compile(r"^(\d{1,3})(?:er|re|e|ème)$"),
    "es": re.compile(r"^(\d{1,3})\.?[ºª°o]$"),
    "it": re.compile(r"^(\d{1,3})[º°ª]$"),
    "pt": re.compile(r"^(\d{1,3})\.?[ºª°]$"),
    "nl": re.compile(r"^(\d{1,3})(?:e|ste|de)$"),
}
_DIGITS = re.compile(r"\d+(?:[.,'\u00a0\u202f]\d+)*")


@cache
def locale_of(language: str) -> Locale | None:
    """CLDR's data of a language; None for one that it doesn't know."""
    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        short = language.split("-")[0]
        return locale_of(short) if short != language else None


def number(text: str, language: str) -> Decimal | None:
    """A number as a language writes it ("1.234,5" in German); None where it isn't one."""
    locale = locale_of(language)
    if locale is None:
        return None
    try:
        return parse_decimal(text.replace("'", ""), locale=locale)
    except (NumberFormatError, ValueError):
        return None


def date_words(text: str, language: str) -> str | None:
    """ "2026-11-23" and the language's own "23.11.2026" with the month's name; None for what is no date."""
    locale = locale_of(language)
    iso = _ISO.match(text)
    if locale is None or not (iso or _NUMERIC.match(text)):
        return None
    try:
        # English is written both ways round: the month is said where only that makes a date, else as in America.
        day = date(*map(int, iso.groups())) if iso else parse_date(text, locale=locale)
    except (ValueError, IndexError):
        return None
    form = "MMMM d, y" if language in ("en", "en-US") else ("d MMMM y" if _spaced(locale) else "long")
    return str(format_date(day, form, locale=locale))


def _spaced(locale: Locale) -> bool:
    return locale.language not in {"ja", "zh", "ko", "th", "hu", "lt"}


def time_words(text: str, template: str) -> str | None:
    """ "14:30" by a template with {h} and {m} ("{h} Uhr {m}"); on the hour, what stands before {m} alone."""
    found = _TIME.match(text)
    if not found or not template:
        return None
    hour, minute = int(found[1] or found[3]), int(found[2] or found[4] or 0)
    if not minute:
        template = template.split("{m}")[0].rstrip()
        template = template.removesuffix(" e").removesuffix(" y").removesuffix(" i")
    return template.format(h=hour, m=minute)


def english_time(text: str, *, named: bool) -> str | None:
    """ "5:05" is "5 oh 5"; "5:00" "5 o'clock" where nothing like "p.m." follows (`named`)."""
    found = _TIME.match(text) if ":" in text else None
    if not found:
        return None
    hour, minute = int(found[1]), int(found[2])
    if minute == 0:
        return str(hour) if named else (f"{hour} o'clock" if 1 <= hour <= 12 else f"{hour} hundred hours")
    return f"{hour} oh {minute}" if minute < 10 else f"{hour} {minute}"


def ordinal_words(text: str, language: str) -> str | None:
    """ "21st", "1er", "3.º" in words; None for what is no ordinal of that language."""
    short = language.split("-")[0].lower()
    found = _ORDINAL[short].match(text) if short in _ORDINAL else None
    if not found:
        return None
    words = str(num2words(int(found[1]), lang=short, to="ordinal"))
    if short == "fr" and text.endswith("re"):
        return "première"
    feminine = text.endswith("ª") and words.endswith("o")
    return words[:-1] + "a" if feminine else words


def currency_name(sign: str, amount: str, language: str) -> str:
    """ "dólares" of "$" and "5"; "" where nobody knows."""
    locale, code = locale_of(language), _CURRENCIES.get(sign)
    if locale is None or code is None:
        return ""
    return str(get_currency_name(code, count=number(amount, language) or 2, locale=locale))


def unit_name(unit: str, amount: str, language: str) -> str:
    """ "Kilometer" of "km" and "5"; "" where nobody knows, or where the unit doesn't stand after its number."""
    locale, known, value = locale_of(language), _UNITS.get(unit.lower()), number(amount.lstrip("-−"), language)
    if locale is None or known is None or value is None:
        return ""
    try:
        phrase = str(format_unit(value, known, length="long", locale=locale))
    except UnknownUnitError:
        return ""
    figure = str(format_decimal(value, locale=locale))
    return phrase.removeprefix(figure).strip() if phrase.startswith(figure) else ""


def spelled(text: str, language: str) -> str:
    """The text with its numbers in words, for voices that read letters only; as it is where num2words can't."""

    def words(found: re.Match[str]) -> str:
        value = number(found.group(), language)
        if value is None or len(found.group()) > 18:
            return found.group()
        try:
            return str(num2words(value, lang=_num2words_language(language)))
        except (NotImplementedError, OverflowError, ValueError, TypeError):
            return found.group()

    return _DIGITS.sub(words, text)


def _num2words_language(language: str) -> str:
    full = language.replace("-", "_")
    return full if full in ("pt_BR", "en_IN", "fr_BE", "fr_CH") else full.split("_")[0].lower()
