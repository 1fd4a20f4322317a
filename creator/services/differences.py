"""What changed between two versions of a text, or of a whole story, for people to see side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

_WORDS = re.compile(r"\s+|[^\s]+")


@dataclass(frozen=True)
class Piece:
    """A stretch of text: `op` is "same", "gone" (only in the old one) or "new" (only in the new one)."""

    op: str
    text: str


@dataclass(frozen=True)
class Change:
    """One place that differs."""

    where: str
    before: list[Piece] = field(default_factory=list)
    after: list[Piece] = field(default_factory=list)
    picture_before: str = ""
    """Digest of the asset, where the picture changed."""
    picture_after: str = ""


def by_words(before: str, after: str) -> tuple[list[Piece], list[Piece]]:
    """Both texts in stretches, matched by words (Ratcliff and Obershelp's matching blocks, as in difflib)."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    left: list[Piece] = []
    right: list[Piece] = []
    for op, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, came = "".join(old[a:b]), "".join(new[c:d])
        if op == "equal":
            left.append(Piece("same", gone))
            right.append(Piece("same", came))
            continue
        if gone:
            left.append(Piece("gone", gone))
        if came:
            right.append(Piece("new", came))
    return left, right


def between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What differs between two documents of revisions: texts, and scenes matched by what is said in them."""
    changes = [
        _texts(label, str(before.get(key, "")), str(after.get(key, "")))
        for label, key in (("Headline", "title"), ("Summary", "summary"))
    ]
    tags = [" ".join(f"#{str(tag).lstrip('#')}" for tag in each.get("hashtags", ())) for each in (before, after)]
    changes.append(_texts("Hashtags", *tags))
    for number, old, new in _pairs(before.get("scenes", ()), after.get("scenes", ())):
        for label, key in (("", "narration"), (", on screen", "on_screen"), (", alt text", "alt")):
            changes.append(_texts(f"Scene {number}{label}", str(old.get(key, "")), str(new.get(key, ""))))
        if old.get("picture", "") != new.get("picture", ""):
            pictures = str(old.get("picture", "")), str(new.get("picture", ""))
            changes.append(Change(f"Scene {number}, picture", [], [], *pictures))
    return [change for change in changes if change is not None]


def _texts(where: str, before: str, after: str) -> Change | None:
    return None if before == after else Change(where, *by_words(before, after))


def _pairs(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> list[tuple[int, Mapping[str, Any], Mapping[str, Any]]]:
    """(number as it is now, old scene, new scene); an empty scene stands for one that came or went."""
    old_lines, new_lines = ([str(scene.get("narration", "")) for scene in scenes] for scenes in (before, after))
    pairs = []
    for op, a, b, c, d in SequenceMatcher(None, old_lines, new_lines, autojunk=False).get_opcodes():
        count = max(b - a, d - c) if op != "equal" else b - a
        for step in range(count):
            old: Mapping[str, Any] = before[a + step] if a + step < b else {}
            new: Mapping[str, Any] = after[c + step] if c + step < d else {}
            pairs.append((min(c + step, max(len(after) - 1, 0)) + 1, old, new))
    return pairs
