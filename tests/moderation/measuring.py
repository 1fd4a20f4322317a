"""Precision and recall of the judges of text that ship, on the written lines (lines.tsv)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from moderation.engines.base import TextJudge
from moderation.engines.personal import PersonalJudge
from moderation.engines.rules import RulesJudge
from moderation.services import shipped_rules

LINES = Path(__file__).with_name("lines.tsv")
SITE = shipped_rules()["surfaces"]["site"]
RULES, PERSONAL = RulesJudge("rules"), PersonalJudge("personal")
PARTS = (
    "written after the first banks", "written unseen, which the banks then grew by", "written unseen, last",
    "written before the families", "by a third hand, which the banks then grew by", "by a third hand, left alone",
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """How judges did on some lines."""

    lines: int
    precision: float
    recall: float
    named: float
    """Share of the lines that should be flagged which got the category that a person named."""


@dataclass(frozen=True)
class Line:
    part: int
    """Place in PARTS."""
    wanted: bool
    """Whether a person would flag it."""
    language: str
    category: str
    text: str


@cache
def written() -> tuple[Line, ...]:
    """All lines; a comment between two of them begins the next part."""
    lines: list[Line] = []
    part = -1
    for row in LINES.read_text(encoding="utf-8").splitlines():
        if row.startswith("#"):
            part += 1
        else:
            label, language, category, text = row.split("\t")
            lines.append(Line(part, label == "flag", language, category, text))
    return tuple(lines)


def flagged(judge: TextJudge, text: str, language: str = "en") -> set[str]:
    """The categories for which the shipped policy wants a person to look before the site shows a text."""
    scores = judge.judge(text, language=language).scores
    return {category for category, score in scores.items() if score >= SITE[category]["review"]}


def measure(part: int | None = None) -> Measured:
    """On one part of the lines, or on all."""
    lines = [line for line in written() if part in (None, line.part)]
    found = [flagged(RULES, line.text, line.language) | flagged(PERSONAL, line.text, line.language) for line in lines]
    both = list(zip(lines, found, strict=True))
    right = sum(bool(line.wanted and hit) for line, hit in both)
    flags, wanted = sum(map(bool, found)), sum(line.wanted for line in lines)
    named = sum(line.wanted and line.category in hit for line, hit in both)
    return Measured(len(lines), right / flags, right / wanted, named / wanted)
