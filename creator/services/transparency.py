"""What the moderators did in a time, in figures that anybody may see. Each of them can be counted again from the audit
log, and tests/moderation/test_transparency.py does."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from statistics import median
from typing import Any

from creator.models import AuditEntry, Workspace
from moderation.cases import LETS_THROUGH
from moderation.models import Decision, Report, Review

SAMPLE = 20
"""False alarms that are listed by name."""


def figures(workspace: Workspace, since: datetime, until: datetime) -> dict[str, Any]:
    """The report over decisions and reports from `since` to before `until`, JSON.

    A false alarm is a submission that machines flagged and people let through; the sample of them is the same each
    time. Seconds run from the opening of a case to its decision.
    """
    within = {"workspace": workspace, "created__gte": since, "created__lt": until}
    decisions = list(Decision.objects.filter(**within).select_related("review__story").order_by("id"))
    opened = Review.objects.filter(**within)
    by_clause: dict[str, Counter[str]] = {}
    for decision in decisions:
        by_clause.setdefault(decision.clause or "none", Counter())[_side(decision)] += 1
    verbs = Counter(decision.verb for decision in decisions)
    waits = [(decision.created - decision.review.created).total_seconds() for decision in decisions]
    flagged = [each for each in decisions if each.review.kind == Review.Kind.SUBMISSION and _flagged(each.review)]
    false = [each for each in flagged if each.verb in LETS_THROUGH]
    machine = AuditEntry.objects.filter(**within, actor__isnull=True, action="publication.withdraw").count()
    overturned, upheld = verbs["overturn"], verbs["uphold"]
    return {
        "workspace": workspace.slug,
        "since": since.isoformat(),
        "until": until.isoformat(),
        "decisions": len(decisions),
        "verbs": dict(sorted(verbs.items())),
        "clauses": {
            name: {side: count[side] for side in ("through", "back")} for name, count in sorted(by_clause.items())
        },
        "reasons": dict(sorted(Counter(decision.reason or "none" for decision in decisions).items())),
        "by_people": len(decisions),
        "by_machines": machine,
        "by_two": sum(decision.review.first_by_id is not None for decision in decisions),
        "late": sum(bool(each.review.due and each.created > each.review.due) for each in decisions),
        "median_seconds": round(median(waits), 3) if waits else None,
        "opened": dict(sorted(Counter(opened.values_list("kind", flat=True)).items())),
        "reports": dict(sorted(Counter(Report.objects.filter(**within).values_list("reason", flat=True)).items())),
        "appeals_decided": overturned + upheld,
        "overturn_rate": round(overturned / (overturned + upheld), 4) if overturned + upheld else None,
        "flagged": len(flagged),
        "false_alarms": len(false),
        "false_alarm_rate": round(len(false) / len(flagged), 4) if flagged else None,
        "false_alarm_sample": [_sampled(each) for each in _sample(false, since)],
    }


def _side(decision: Decision) -> str:
    return "through" if decision.verb in LETS_THROUGH else "back"


def _flagged(review: Review) -> bool:
    return any(reason["why"] == "over" for reason in review.reasons)


def _sample(decisions: list[Decision], since: datetime) -> list[Decision]:
    drawn = random.Random(since.isoformat()).sample(decisions, min(SAMPLE, len(decisions)))
    return sorted(drawn, key=lambda decision: decision.pk)


def _sampled(decision: Decision) -> dict[str, Any]:
    reasons = [reason for reason in decision.review.reasons if reason["why"] == "over"]
    return {
        "review": decision.review_id, "title": decision.review.story.title, "reason": decision.reason,
        "categories": sorted({reason["category"] for reason in reasons}),
        "scores": {reason["category"]: reason["score"] for reason in reasons},
    }  # fmt: skip


def rows(report: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """The report as lines of (figure, of what, value), for a table."""
    for name, value in report.items():
        if name == "false_alarm_sample":
            yield from (("false alarm", str(each["review"]), ", ".join(each["categories"])) for each in value)
        elif name == "clauses":
            yield from ((f"clause: {side}", clause, n) for clause, sides in value.items() for side, n in sides.items())
        elif isinstance(value, dict):
            yield from ((name, key, count) for key, count in value.items())
        else:
            yield name, "", "" if value is None else value
