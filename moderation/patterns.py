"""Personal data that is recognised by its build, and checked by its own check digits.

Every expression begins at a boundary and has bounded repeats, so that no text makes it slow. Sources: ISO/IEC 7812
(card numbers, Luhn), ISO 13616 (IBAN; lengths from the SWIFT registry), UIDAI (Aadhaar, Verhoeff). Phone numbers are
found by Google's libphonenumber.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from phonenumbers import PhoneNumberMatcher, PhoneNumberType, number_type

IBAN_LENGTHS = {
    "ad": 24, "ae": 23, "al": 28, "at": 20, "az": 28, "ba": 20, "be": 16, "bg": 22, "bh": 22, "br": 29, "ch": 21,
    "cr": 22, "cy": 28, "cz": 24, "de": 22, "dk": 18, "do": 28, "ee": 20, "eg": 29, "es": 24, "fi": 18, "fo": 18,
    "fr": 27, "gb": 22, "ge": 22, "gi": 23, "gl": 18, "gr": 27, "gt": 28, "hr": 21, "hu": 28, "ie": 22, "il": 23,
    "is": 26, "it": 27, "jo": 30, "kw": 30, "kz": 20, "lb": 28, "li": 21, "lt": 20, "lu": 20, "lv": 21, "mc": 27,
    "md": 24, "me": 22, "mk": 19, "mr": 27, "mt": 31, "mu": 30, "nl": 18, "no": 15, "pk": 24, "pl": 28, "ps": 29,
    "pt": 25, "qa": 29, "ro": 24, "rs": 22, "sa": 24, "se": 24, "si": 19, "sk": 24, "sm": 27, "tn": 24, "tr": 26,
    "ua": 29, "xk": 20,
}  # fmt: skip
ROLES = frozenset({
    "contact", "contacto", "desk", "editor", "editorial", "enquiries", "hello", "help", "impressum", "info", "kontakt",
    "mail", "media", "newsroom", "office", "prensa", "presse", "press", "redaccion", "redaktion", "sales", "service",
    "support", "tips", "webmaster",
})  # fmt: skip
"""Mailboxes of an office and not of a person."""

_EMAIL = re.compile(r"(?<![\w.%+-])([\w.%+-]{1,64})@([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,4}\.[a-z]{2,24})(?![\w-])")
# Looked ahead, so that a year or a count before the number hides nothing.
_CARD = re.compile(
    r"(?<!\d)(?=(\d{13,19}(?!\d)|\d{4}([ -])\d{4}\2\d{4}\2\d{1,7}(?!\d)|\d{4}([ -])\d{6}\3\d{4,5}(?!\d)))"
)
_IBAN = re.compile(r"(?<!\w)[a-z]{2}\d{2}(?=[ ]?[a-z0-9]{4})")
_IBAN_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_SAID_PHONE = re.compile(
    r"(?<!\w)(?:(?:my|his|her|their) number is|tel|telefon|telefono|phone|mobile|cell|call|text|whatsapp|ring|handy"
    r"|mobil|anrufen|nummer|movil|llama|llame|celular|फोन|मोबाइल|नंबर|व्हाट्सएप)(?!\w)"
    r"[^\d\n]{0,20}(\d(?:[ ./-]{0,2}\d){6,13})(?!\d)"
)
_REGIONS = {"de": ("DE",), "en": ("US", "GB"), "es": ("ES", "MX"), "hi": ("IN",)}
"""Whose national numbers a text of a language may hold. Numbers with a country code are known in any."""
_SERVICES = frozenset({
    PhoneNumberType.TOLL_FREE, PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.UAN,
    PhoneNumberType.VOICEMAIL,
})  # fmt: skip
_WORD = r"[^\W\d_][\w'.-]{0,24}"
_ADDRESSES = (
    re.compile(
        rf"(?<![\w.,-])\d{{1,5}}[a-z]? (?:{_WORD} ){{1,4}}"
        r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|court|close|crescent|boulevard|blvd|terrace|square)(?!\w)"
    ),
    re.compile(
        r"(?<!\w)(?:[^\W\d_][\w-]{0,24} ){0,2}?(?:[^\W\d_][\w-]{0,24})?(?:strasse|str\.|gasse|allee|weg|ufer|damm)"
        r" \d{1,4} ?[a-z]?(?!\w)"
    ),
    re.compile(
        rf"(?<!\w)(?:calle|avda\.|avenida|plaza|paseo|camino) (?:{_WORD} ){{0,4}}{_WORD},?"
        r" (?:n\.?[o°]?\.? ?)?\d{1,4}(?!\w)"
    ),
    re.compile(r"(?<!\w)(?:मकान|पलाट|प्लॉट|फ्लैट|फलैट) (?:नं|नंबर|संख्या)?\.? ?\d{1,5}(?!\w)"),
)  # fmt: skip
"""House numbers beside what streets are called."""
_POSTCODE = re.compile(r"(?<!\w)(?:\d{5,6}|[a-z]{1,2}\d[a-z\d]? \d[a-z]{2})(?!\w)")
_NEARBY = 40
"""Characters behind a street in which a postcode belongs to it."""
_SOCIAL_SECURITY = re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_AADHAAR = re.compile(r"(?<!\d)(?<!\d[ -])[2-9]\d{3}([ -])\d{4}\1\d{4}(?![ -]?\d)")


@dataclass(frozen=True)
class Find:
    """Personal data at a place of the folded text."""

    rule: str
    start: int
    end: int
    severity: float


def luhn(digits: str) -> bool:
    """Whether a card number's last digit fits the others."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def iban(text: str) -> bool:
    """Whether an IBAN without spaces, in small letters, has its country's length and the right check digits."""
    if IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    turned = text[4:] + text[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def verhoeff(digits: str) -> bool:
    """Whether an Aadhaar number's last digit fits the others (multiplication in the dihedral group of order 10)."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        for _turn in range(place % 8):
            value = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)[value]
        check = _dihedral(check, value)
    return check == 0


def _dihedral(one: int, other: int) -> int:
    if one < 5:
        return (one + other) % 5 if other < 5 else 5 + (one + other - 5) % 5
    return 5 + (one - 5 - other) % 5 if other < 5 else (one - other) % 5


def _issued(digits: str) -> bool:
    """Whether a bank that exists issues numbers that begin and are as long as this."""
    first4 = int(digits[:4])
    return (
        (digits[0] == "4" and len(digits) in (13, 16, 19))
        or ((5100 <= first4 < 5600 or 2221 <= first4 <= 2720) and len(digits) == 16)
        or (digits[:2] in ("34", "37") and len(digits) == 15)
        or ((first4 == 6011 or 6440 <= first4 < 6600) and len(digits) in (16, 19))
        or (3528 <= first4 <= 3589 and len(digits) == 16)
        or ((3000 <= first4 <= 3059 or digits[:2] in ("36", "38", "39")) and len(digits) == 14)
        or (digits[:2] in ("60", "65", "81", "82", "50") and len(digits) == 16)
    )


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def _emails(text: str) -> Iterator[Find]:
    for match in _EMAIL.finditer(text):
        if match.group(2).split(".")[-2] == "example":
            continue
        yield Find("email", match.start(), match.end(), 0.2 if match.group(1) in ROLES else 0.6)


def _cards(text: str) -> Iterator[Find]:
    for match in _CARD.finditer(text):
        digits = _digits(match.group(1))
        if _issued(digits) and luhn(digits):
            yield Find("card", match.start(1), match.end(1), 0.95)


def _ibans(text: str) -> Iterator[Find]:
    for match in _IBAN.finditer(text):
        length = IBAN_LENGTHS.get(match.group()[:2], 0)
        taken, end = "", match.start()
        while end < min(len(text), match.start() + 2 * length) and len(taken) < length:
            if text[end] in _IBAN_LETTERS:
                taken += text[end]
            elif text[end] != " ":
                break
            end += 1
        if len(taken) == length and iban(taken) and not text[end : end + 1].isalnum():
            yield Find("iban", match.start(), end, 0.9)


def _phones(text: str, language: str) -> Iterator[Find]:
    for region in (_REGIONS.get(language) or (None,)):
        for match in PhoneNumberMatcher(text, region):
            service = number_type(match.number) in _SERVICES
            yield Find("phone", match.start, match.end, 0.2 if service else 0.6)
    for said in _SAID_PHONE.finditer(text):
        yield Find("phone", said.start(1), said.end(1), 0.6)


def _addresses(text: str) -> Iterator[Find]:
    """A street with a number may be that of a ministry; with its postcode it is meant to be found."""
    for pattern in _ADDRESSES:
        for match in pattern.finditer(text):
            located = _POSTCODE.search(text, match.end(), match.end() + _NEARBY)
            yield Find("address", match.start(), located.end() if located else match.end(), 0.6 if located else 0.35)


def _numbers_of_people(text: str) -> Iterator[Find]:
    for match in _SOCIAL_SECURITY.finditer(text):
        yield Find("social-security", match.start(), match.end(), 0.7)
    for match in _AADHAAR.finditer(text):
        if verhoeff(_digits(match.group())):
            yield Find("aadhaar", match.start(), match.end(), 0.7)


SEEKERS: tuple[Callable[[str], Iterator[Find]], ...] = (_emails, _cards, _ibans, _numbers_of_people, _addresses)


def personal_data(folded: str, language: str = "") -> list[Find]:
    """Personal data in a folded text, in order; of two that overlap, the graver."""
    finds = [find for seek in SEEKERS for find in seek(folded)]
    kept: list[Find] = []
    for find in sorted([*finds, *_phones(folded, language)], key=lambda find: find.start):
        if not kept or find.start >= kept[-1].end:
            kept.append(find)
        elif find.severity > kept[-1].severity:
            kept[-1] = find
    return kept
