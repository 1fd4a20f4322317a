"""A judge of text that looks for personal data: phone numbers, mail, card, account and identity numbers, addresses."""

from __future__ import annotations

import phonenumbers

from moderation.engines.base import Opinion, TextJudge
from moderation.folding import fold
from moderation.patterns import personal_data

VERSION = "3"
"""Of the code; it is part of the model's name, so that verdicts of an older one are made again."""
SHOWN = 60
"""Pieces of evidence that an opinion holds at most, the gravest first."""


class PersonalJudge(TextJudge):
    """Recognises data by its build and its check digits; of names of people it knows nothing.

    Phone numbers are those that the numbering plans of the world allow, as the library phonenumbers knows them.
    """

    title = "Personal data"
    leaves_the_machine = False
    starter = True
    categories = ("personal-data",)

    @property
    def model(self) -> str:
        """The version of the code and of the numbering plans."""
        return f"{VERSION}-{phonenumbers.__version__}"

    def _judge(self, text: str, *, language: str) -> Opinion:
        folded = fold(text)
        evidence = []
        for find in personal_data(folded.text, language.split("-")[0].lower()):
            first, past = folded.span(find.start, find.end)
            evidence.append({
                "category": "personal-data", "severity": find.severity, "rule": f"any.personal-data: {find.rule}",
                "start": first, "end": past, "text": text[first:past],
            })  # fmt: skip
        evidence.sort(key=lambda each: (-float(str(each["severity"])), int(str(each["start"]))))
        score = max((float(str(each["severity"])) for each in evidence), default=0.0)
        return Opinion(scores={"personal-data": score}, evidence=evidence[:SHOWN])
