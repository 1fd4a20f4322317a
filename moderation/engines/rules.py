"""A judge of text that looks for terms, and shows the place and the rule of all that it finds."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from moderation.engines.base import Opinion, TextJudge
from moderation.folding import Folded, fold, overridden, rejoined, words
from moderation.lexicon import NEAR_WORDS, Entry, Lexicon, read_banks

SHIPPED = Path(__file__).parents[1] / "banks"
VERSION = "3"
"""Of the code; it is part of the model's name, so that verdicts of an older one are made again."""
SHOWN = 60
"""Pieces of evidence that an opinion holds at most, the gravest first."""


class RulesJudge(TextJudge):
    """Terms of banks in several languages, with exceptions.

    It reads words, not meaning: irony, new words and pictures in words escape it. A text in a language without a bank
    is searched for what means the same everywhere, and all categories that need words count as missing.
    """

    title = "Rules"
    leaves_the_machine = False
    starter = True
    languages = frozenset({"de", "en", "es", "hi"})
    categories = (
        "violence", "hate", "sexual", "self-harm", "harassment", "illicit", "profanity", "spam", "medical-claims",
        "financial-claims", "personal-data",
    )  # fmt: skip

    def __init__(self, name: str = "", *, banks: Path | str = SHIPPED) -> None:
        super().__init__(name)
        self._folder = Path(banks)
        self._lexicons: dict[str, tuple[Lexicon, Lexicon]] = {}

    @property
    def model(self) -> str:
        """The version of the code and the digest of the banks."""
        return f"{VERSION}-{read_banks(self._folder)[1]}"

    def _load(self) -> None:
        banks, _digest = read_banks(self._folder)
        everywhere = [entry for bank in banks.values() for entry in bank.entries if entry.everywhere]
        for language in ("", *banks):
            bank = banks.get(language)
            entries = {entry.rule: entry for entry in [*everywhere, *(bank.entries if bank else ())]}
            phrases = [(entry.words, entry) for entry in entries.values()]
            harmless = [(phrase, None) for each in banks.values() for phrase in each.harmless]
            news = [(phrase, None) for phrase in (bank.news if bank else ())]
            self._lexicons[language] = (Lexicon([*phrases, *harmless]), Lexicon(news))

    def _judge(self, text: str, *, language: str) -> Opinion:
        language = language.split("-")[0].lower()
        known = language if language in self._lexicons else ""
        folded = fold(text)
        evidence: list[dict[str, Any]] = []
        for view in (folded, *overridden(text)):
            evidence += self._terms(text, view, known)
        evidence = _tidy(evidence)
        # Personal data is mostly known by its build, in any language: another judge's work.
        scores = dict.fromkeys(self.categories if known else ("personal-data",), 0.0)
        for each in evidence:
            scores[each["category"]] = max(scores.get(each["category"], 0.0), each["severity"])
        missing = () if known else tuple(name for name in self.categories if name != "personal-data")
        return Opinion(scores=scores, evidence=evidence[:SHOWN], missing=missing)

    def _terms(self, text: str, folded: Folded, language: str) -> Iterator[dict[str, Any]]:
        """Evidence for the terms in a text. What lies within a harmless phrase doesn't count."""
        terms, news = self._lexicons[language]
        found = words(folded.text)
        hits = list(terms.find(found))
        harmless = {at for first, past, entry in hits if entry is None for at in range(first, past)}
        reporting = sorted(first for first, _past, _entry in news.find(found))
        for first, past, entry in hits:
            if entry is None or harmless.issuperset(range(first, past)):
                continue
            # A word of the term itself, "doctors won't tell", reports nothing.
            before, after = (first - NEAR_WORDS, first), (past, past + NEAR_WORDS + 1)
            reported = _within(reporting, *before) or _within(reporting, *after)
            yield _evidence(text, folded, found[first].start, found[past - 1].end, entry, reported=reported)
        for word in rejoined(folded.text, found, terms.knows):
            for entry in terms.single(word):
                yield _evidence(text, folded, word.start, word.end, entry, reported=False)


def _within(places: list[int], start: int, end: int) -> bool:
    """Whether any of the ordered places lies from start to before end."""
    at = bisect_left(places, start)
    return at < len(places) and places[at] < end


def _evidence(text: str, folded: Folded, start: int, end: int, entry: Entry, *, reported: bool) -> dict[str, Any]:
    severity = entry.reported if reported else entry.severity
    place = _place(text, folded, start, end)
    return {"category": entry.category, "severity": severity, "rule": entry.rule, **place}


def _place(text: str, folded: Folded, start: int, end: int) -> dict[str, Any]:
    first, past = folded.span(start, end)
    return {"start": first, "end": past, "text": text[first:past]}


def _tidy(evidence: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One piece for each category and place, the gravest first."""
    best: dict[tuple[str, int, int], dict[str, Any]] = {}
    for each in evidence:
        key = (each["category"], each["start"], each["end"])
        if key not in best or best[key]["severity"] < each["severity"]:
            best[key] = each
    return sorted(best.values(), key=lambda each: (-each["severity"], each["start"]))
