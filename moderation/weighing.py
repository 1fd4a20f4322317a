"""What a policy makes of verdicts: pass, review or block, with the reasons. No database, no engine."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from moderation.models import Policy, Verdict
from moderation.policy_rules import Rules, is_share, surfaces

Result: TypeAlias = Literal["pass", "review", "block"]

RANK: dict[str, int] = {"pass": 0, "review": 1, "block": 2}
EMPTY = hashlib.sha256(b"").hexdigest()
"""The hash of no text at all, in which nothing can be missed."""
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
QUOTE = 160
"""Characters of a piece that a reason quotes where no judge pointed at a place."""


@dataclass(frozen=True)
class Piece:
    """One text or picture of a story and what the machines think of it."""

    where: str
    """As people call the place: "scene 2: narration"."""
    text: str
    """The text itself, or the title of the picture."""
    verdicts: Sequence[Verdict] = ()
    """Empty where nothing judged it, which is never a pass."""


@dataclass(frozen=True)
class Outcome:
    """What a policy makes of all pieces together."""

    outcome: Result
    reasons: list[dict[str, Any]] = field(default_factory=list)
    """[{"category", "score", "threshold", "outcome", "where", "text", "clause", "why"}], the gravest first. `why` is
    "over" (a score reached its threshold), "missing" (nobody judged it) or "unknown" (the policy has no rule for it);
    `score` and `threshold` are None where there is none. One for each category and place. `weigh_for` adds the
    "surface"."""


def weigh(policy: Policy, surface: str, pieces: Iterable[Piece]) -> Outcome:
    """The gravest outcome over all pieces. What is missing or unknown asks for a review and never passes."""
    rules: Rules = policy.rules
    levels = surfaces(rules).get(surface)
    if not isinstance(levels, Mapping):
        reason = _reason(rules, "surface", "review", why="unknown", text=f"The policy has no surface {surface!r}.")
        return Outcome("review", [reason])
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for reason in (reason for piece in pieces for reason in _reasons(rules, levels, piece)):
        key = (reason["category"], reason["where"])
        if key not in found or _gravity(reason) > _gravity(found[key]):
            found[key] = reason
    reasons = sorted(found.values(), key=_gravity, reverse=True)
    return Outcome(reasons[0]["outcome"] if reasons else "pass", reasons)


def weigh_for(policy: Policy, surfaces: Iterable[str], pieces: Iterable[Piece]) -> Outcome:
    """What it makes of them on several surfaces together: of a reason the gravest counts, and the first of equals."""
    pieces = list(pieces)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for surface in surfaces:
        for reason in weigh(policy, surface, pieces).reasons:
            key = (reason["category"], reason["where"])
            if key not in found or _gravity(reason) > _gravity(found[key]):
                found[key] = {**reason, "surface": surface}
    reasons = sorted(found.values(), key=_gravity, reverse=True)
    return Outcome(reasons[0]["outcome"] if reasons else "pass", reasons)


def heavier(reasons: Iterable[Mapping[str, Any]], known: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Those that weigh heavier than what is known at their places."""
    ranks: dict[tuple[str, str], int] = {}
    for reason in known:
        key = (reason["category"], reason["where"])
        ranks[key] = max(ranks.get(key, 0), RANK[reason["outcome"]])
    return [
        dict(reason)
        for reason in reasons
        if RANK[reason["outcome"]] > ranks.get((reason["category"], reason["where"]), 0)
    ]


def _gravity(reason: Mapping[str, Any]) -> tuple[int, float]:
    return RANK[reason["outcome"]], -1.0 if reason["score"] is None else reason["score"]


def _reasons(rules: Rules, levels: Mapping[str, Any], piece: Piece) -> Iterator[dict[str, Any]]:
    """What speaks against one piece."""
    if not piece.verdicts:
        yield _reason(rules, "unjudged", "review", why="missing", where=piece.where, text=piece.text[:QUOTE])
        return
    for verdict in piece.verdicts:
        for category, score in verdict.scores.items():
            yield from _judged(rules, levels, piece, verdict, category, score)
    for category in sorted(_missing(rules, levels, piece)):
        yield _reason(rules, category, "review", why="missing", where=piece.where, text=_excuse(piece, category))


def _judged(
    rules: Rules, levels: Mapping[str, Any], piece: Piece, verdict: Verdict, category: str, score: float
) -> Iterator[dict[str, Any]]:
    if not is_share(score) or score == 0:  # a score that is no number counts as missing, below
        return
    thresholds = levels.get(category)
    if not isinstance(thresholds, Mapping):
        yield _reason(rules, category, "review", why="unknown", score=score, where=piece.where, text=piece.text[:QUOTE])
        return
    for outcome in ("block", "review"):
        threshold = thresholds.get(outcome, math.inf)
        if score >= threshold:
            yield _reason(
                rules, category, outcome, why="over", score=score, threshold=threshold, where=piece.where,
                text=_quote(piece, verdict, category),
            )  # fmt: skip
            return


def _missing(rules: Rules, levels: Mapping[str, Any], piece: Piece) -> set[str]:
    """Categories that had to be judged and were not. Without `expects`, that is every category of the surface."""
    expects = rules.get("expects", {})
    missing = {category for verdict in piece.verdicts for category in verdict.missing}
    verdicts = [verdict for verdict in piece.verdicts if verdict.content != EMPTY]
    for kind in {verdict.kind for verdict in verdicts}:
        scored = {
            category
            for verdict in verdicts
            if verdict.kind == kind
            for category, score in verdict.scores.items()
            if is_share(score)
        }
        missing |= set(expects.get(kind, levels)) - scored
    return missing


def _excuse(piece: Piece, category: str) -> str:
    """Why a judge has no opinion on a category, where one says so; else the beginning of the piece."""
    said = (each for verdict in piece.verdicts if category in verdict.missing for each in verdict.evidence)
    notes = (str(each.get("note") or "") for each in said if each.get("category") in ("", category))
    return next((note for note in notes if note), piece.text[:QUOTE])


def _quote(piece: Piece, verdict: Verdict, category: str) -> str:
    """The words that the judge pointed at, else the beginning of the piece."""
    seen = [each for each in verdict.evidence if each.get("category") == category]
    worst = max(seen, key=lambda each: float(each.get("severity", 0)), default=None)
    return str(worst.get("text") or worst.get("note") or "") if worst else piece.text[:QUOTE]


def _reason(
    rules: Rules, category: str, outcome: str, *, why: str, score: float | None = None,
    threshold: float | None = None, where: str = "", text: str = "",
) -> dict[str, Any]:  # fmt: skip
    text = str(storable({"text": text})["text"])
    clause = category if category in rules.get("clauses", {}) else ""
    return {
        "category": category, "score": score, "threshold": threshold, "outcome": outcome, "where": where,
        "text": text, "clause": clause, "why": why,
    }  # fmt: skip


def storable(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """With a stand-in for each character that PostgreSQL can't hold in JSON; the length stays, so offsets hold."""
    return {key: _UNSTORABLE.sub("\ufffd", each) if isinstance(each, str) else each for key, each in evidence.items()}


def severity(outcome: Outcome) -> float:
    """How much is at stake, 0 to 1."""
    return {"pass": 0.1, "review": 0.5, "block": 1.0}[outcome.outcome]


def confidence(outcome: Outcome) -> float:
    """How sure the machines are of their strongest reason, 0 to 1. A missing signal is a coin toss."""
    scores = [reason["score"] for reason in outcome.reasons if reason["score"] is not None]
    return max(scores, default=0.5)
