"""What a policy makes of verdicts: pass, review or block, with the reasons. No database, no engine."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from media_processing.engine import EngineError
from moderation.models import Policy, Verdict

Result: TypeAlias = Literal["pass", "review", "block"]
Rules: TypeAlias = Mapping[str, Any]

RANK: dict[str, int] = {"pass": 0, "review": 1, "block": 2}
EMPTY = hashlib.sha256(b"").hexdigest()
"""The hash of no text at all, in which nothing can be missed."""
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
QUOTE = 160
"""Characters of a piece that a reason quotes where no judge pointed at a place."""


class PolicyError(EngineError):
    """Rules that can't be a policy."""


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
    `score` and `threshold` are None where there is none. One for each category and place."""


def checked(rules: Rules) -> dict[str, Any]:
    """The rules as they are stored. Raises PolicyError, which names every fault."""
    faults = [*_surface_faults(rules), *_expectation_faults(rules)]
    clauses = rules.get("clauses")
    if not isinstance(clauses, Mapping) or not all(isinstance(text, str) and text for text in clauses.values()):
        faults.append("`clauses` must name each category with a sentence")
    else:
        named = {category for levels in _surfaces(rules).values() if isinstance(levels, Mapping) for category in levels}
        faults += [f"{category} has no clause" for category in sorted(named - set(clauses))]
    if faults:
        raise PolicyError(f"These rules are no policy: {'; '.join(faults)}.", permanent=True)
    return {key: rules[key] for key in ("surfaces", "expects", "clauses") if key in rules}


def _surfaces(rules: Rules) -> Mapping[str, Any]:
    surfaces = rules.get("surfaces")
    return surfaces if isinstance(surfaces, Mapping) else {}


def _surface_faults(rules: Rules) -> Iterator[str]:
    if not _surfaces(rules):
        yield "`surfaces` must name at least one surface"
    for surface, levels in _surfaces(rules).items():
        if not isinstance(levels, Mapping) or not levels:
            yield f"{surface} has no categories"
            continue
        for category, thresholds in levels.items():
            place = f"{surface}, {category}"
            if not isinstance(thresholds, Mapping) or not thresholds:
                yield f"{place}: no threshold"
                continue
            if unknown := set(thresholds) - {"review", "block"}:
                yield f"{place}: unknown outcome {', '.join(sorted(map(str, unknown)))}"
            values = [thresholds[name] for name in ("review", "block") if name in thresholds]
            # A threshold of 0 would catch what nobody said a word against.
            if any(not _is_share(value) or value == 0 for value in values):
                yield f"{place}: a threshold lies over 0 and at most at 1"
            elif values != sorted(values):
                yield f"{place}: `review` lies above `block`"


def _expectation_faults(rules: Rules) -> Iterator[str]:
    expects = rules.get("expects", {})
    if not isinstance(expects, Mapping) or set(expects) - {"text", "picture"}:
        yield "`expects` names `text` and `picture`"
    elif not all(isinstance(each, list) and all(isinstance(name, str) for name in each) for each in expects.values()):
        yield "`expects` lists categories"


def _is_share(value: object) -> bool:
    # A bool is an int to Python; NaN compares false with everything.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def weigh(policy: Policy, surface: str, pieces: Iterable[Piece]) -> Outcome:
    """The gravest outcome over all pieces. What is missing or unknown asks for a review and never passes."""
    rules: Rules = policy.rules
    levels = _surfaces(rules).get(surface)
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
        yield _reason(rules, category, "review", why="missing", where=piece.where, text=piece.text[:QUOTE])


def _judged(
    rules: Rules, levels: Mapping[str, Any], piece: Piece, verdict: Verdict, category: str, score: float
) -> Iterator[dict[str, Any]]:
    if not _is_share(score) or score == 0:  # a score that is no number counts as missing, below
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
            if _is_share(score)
        }
        missing |= set(expects.get(kind, levels)) - scored
    return missing


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
