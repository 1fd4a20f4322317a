"""What is said in an asset, word by word, with those that somebody looks for marked."""

from __future__ import annotations

from dataclasses import dataclass

from media_processing.models import Transcript
from search.words import PREFIX_FROM, forms, wanted, words_of


@dataclass(frozen=True)
class Spoken:
    """A word (or, without word times, a passage) as it is said."""

    text: str
    start: float
    """Second."""
    asked: bool = False
    """Whether it is one of the words that are looked for."""


def spoken(transcript: Transcript, words: str = "") -> list[list[Spoken]]:
    """The passages of a transcript, each a list of what is said in it; `words` is the question as it was typed."""
    asked = wanted(words)
    looked_for = {word for run in asked.any_of + asked.all_of for word in run}
    known = {form for word in looked_for for form in forms(word)}
    beginnings = tuple(word for word in looked_for if len(word) >= PREFIX_FROM)

    def hit(text: str) -> bool:
        return any(word in known or word.startswith(beginnings) for word in words_of(text))

    return [
        [Spoken(part["text"], part["start"], hit(part["text"])) for part in passage.get("words") or [passage]]
        for passage in transcript.passages
    ]
