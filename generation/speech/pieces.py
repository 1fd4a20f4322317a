"""Dividing a text into what a voice says in one go: its sentences, and parts of very long ones."""

from __future__ import annotations

import re
from dataclasses import dataclass

from generation.languages import is_spaceless
from generation.sentences import sentences
from generation.speech.normalise import is_silent

_PAUSES = re.compile(r"[;:—–、，；：]\s*|,\s+|\s[-–]\s|\s+")


@dataclass(frozen=True)
class Piece:
    """A sentence, or a part of a long one."""

    text: str
    sentence: int
    """Number of the sentence that it belongs to, from 0."""


def pieces(text: str, language: str, *, longest: int) -> list[Piece]:
    """The sentences of `text`, none longer than `longest` characters; words stay whole, and none is lost.

    What has nothing to say (a lone dash) goes with the sentence before it.
    """
    whole: list[str] = []
    for sentence in sentences(text, language):
        silent = all(is_silent(token) for token in sentence.split())
        if whole and (silent or all(is_silent(token) for token in whole[-1].split())):
            whole[-1] = f"{whole[-1]} {sentence}"
        else:
            whole.append(sentence)
    if not is_spaceless(language) and " ".join(whole).split() != text.split():
        whole = [" ".join(text.split())]  # a sentence that ends within a word can't be timed by itself
    return [Piece(part, number) for number, each in enumerate(whole) for part in _short(each, longest)]


def _short(sentence: str, longest: int) -> list[str]:
    """Parts of a sentence, each ended at its last comma or dash that fits, else at a space."""
    parts: list[str] = []
    rest = sentence
    while len(rest) > longest:
        breaks = list(_PAUSES.finditer(rest, 0, longest + 1))
        pauses = [match for match in breaks if match.group().strip() and match.end() > longest // 3]
        chosen = (pauses or breaks or [None])[-1]  # type: ignore[list-item]
        at = chosen.end() if chosen else longest
        parts.append(rest[:at].strip())
        rest = rest[at:].strip()
    return [part for part in [*parts, rest] if part]
