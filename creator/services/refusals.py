"""What tools and jobs refuse with, in the language of whoever reads it.

They say it in English, with the names and numbers of the case filled in, and it is kept so: on a job's row, say, which
people of several languages read. So it is found again by its form; manage.py translations collects the forms.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from babel.messages.mofile import read_mo
from django.conf import settings
from django.utils.translation import get_language

FILLED = "{}"
SENTENCE = re.compile(r"(?<=[.!?]) ")
LETTERS = 8
"""A form of fewer letters of its own would fit what it doesn't mean."""


def told(text: str) -> str:
    """A refusal, or a refusal and its next step, in the language of the page; as it is where nobody translated it."""
    forms = _forms((get_language() or settings.LANGUAGE_CODE).split("-")[0])
    if not forms.whole or not text:
        return text
    if (all_of_it := _found(text, forms)) is not None:
        return all_of_it
    for between in SENTENCE.finditer(text):
        first, second = _found(text[: between.start()], forms), _found(text[between.end() :], forms)
        if first is not None and second is not None:
            return f"{first} {second}"
    return text


class Forms(NamedTuple):
    """The refusals of one language: those without a gap, and patterns of the others, which say most first."""

    whole: dict[str, str]
    filled: list[tuple[re.Pattern[str], str]]


def _found(text: str, forms: Forms) -> str | None:
    if text in forms.whole:
        return forms.whole[text]
    for form, translated in forms.filled:
        if match := form.fullmatch(text):
            return translated.format(*match.groups())
    return None


@cache
def _forms(language: str) -> Forms:
    path = settings.LOCALE_PATHS[0] / language / "LC_MESSAGES" / "refusals.mo"
    if not path.exists():
        return Forms({}, [])
    with path.open("rb") as file:
        known = {str(each.id): str(each.string) for each in read_mo(file) if each.id and each.string}
    letters = {each: sum(letter.isalpha() for letter in each) for each in known if FILLED in each}
    return Forms(
        {each: said for each, said in known.items() if FILLED not in each},
        [
            (re.compile(re.escape(each).replace(re.escape(FILLED), "(.+?)"), re.DOTALL), known[each])
            for each in sorted(letters, key=lambda each: -letters[each])
            if letters[each] >= LETTERS
        ],
    )
