"""Telling a person in full where the article's first mention of them was left out."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Two or three capitalised words in a row, the second and third perhaps with a particle between ("Rosa van Dijk").
_FULL_NAME = re.compile(
    r"(?<![\w-])([A-ZÀ-Þ][a-zß-ÿ]+(?:-[A-ZÀ-Þ][a-zß-ÿ]+)?)"
    r"((?:\s+[A-Z]\.)?(?:\s+(?:de|da|van|von|der|den|del|la|bin|al))*\s+[A-ZÀ-Þ][a-zß-ÿ]{2,}(?:-[A-ZÀ-Þ][a-zß-ÿ]+)?)(?![\w-])"
)
_NOT_FIRST = """
the a an in on at for and but new north south east west saint san santa los las el la le les old great upper lower mount
lake river port city state united royal national central general prime grand king queen lord lady mayor president street
avenue university hospital school council department ministry minister der die das im am von mr mrs ms dr prof when
while
after before as if since our this that it
"""
_NO_FIRST_NAME = frozenset(_NOT_FIRST.split())
_NOT_LAST = """
street avenue road park university hospital school college council department ministry bridge river lake bay island
valley mountain city county state province company group bank museum library centre center station airport church
house hall institute association society trust fund court office service agency committee party union league cup games
prize award festival project plan act day week monday tuesday wednesday thursday friday saturday sunday january february
march april may june july august september october november december square garden gardens market theatre theater
foundation times post news republic kingdom states nations district port harbour harbor beach forest reserve
"""
_NO_LAST_NAME = frozenset(_NOT_LAST.split())


def full_names(sentences: Sequence[str]) -> dict[str, tuple[str, int]]:
    """From a surname to the full name and the number of the sentence that gives it first.

    Only surnames that also stand alone later count: that is what tells a person from a place.
    """
    found: dict[str, tuple[str, int]] = {}
    for number, sentence in enumerate(sentences):
        for match in _FULL_NAME.finditer(sentence):
            first, last = match[1], match[2].split()[-1]
            if first.lower() in _NO_FIRST_NAME or last.lower() in _NO_LAST_NAME:
                continue
            if last not in found and any(_alone(last, other) for other in sentences[number + 1 :]):
                found[last] = (f"{first}{match[2]}", number)
    return found


def introduce(narrations: Sequence[str], names: dict[str, tuple[str, int]]) -> list[tuple[str, tuple[int, ...]]]:
    """Each narration with the first bare surname told in full, and the sentences that the names came from."""
    known: set[str] = set()
    told = []
    for narration in narrations:
        sources: list[int] = []
        for last, (full, number) in names.items():
            if last in known or not re.search(rf"\b{re.escape(last)}\b", narration):
                continue
            known.add(last)
            if full not in narration and (match := _alone(last, narration)):
                narration = narration[: match.start()] + full + narration[match.start() + len(last) :]
                sources.append(number)
        told.append((narration, tuple(sources)))
    return told


def _alone(surname: str, text: str) -> re.Match[str] | None:
    """The first place where the surname stands without a first name, a title or more of a name around it."""
    for match in re.finditer(rf"(?<![\w'’-]){re.escape(surname)}(?![\w-])(?!\s+[A-ZÀ-Þ])", text):
        before = text[: match.start()].split()
        previous = before[-1] if before else ""
        opens = len(before) == 1 and previous.lower() in _NO_FIRST_NAME
        if opens or not previous[:1].isupper() or (previous[-1] in ',;:.!?”"' and not previous.endswith("r.")):
            return match
    return None
