"""Duty 13: the figures are what anybody counts from the audit log."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from statistics import median

import pytest
from django.utils import timezone

from creator.models import AuditEntry, Membership, Story, User
from creator.services import audit, publications, reports, reviews, transparency
from moderation import cases
from moderation.models import Review
from tests.conftest import Cast
from tests.moderation.conftest import BLOCK, PASS, REVIEW, make_story, opened


@pytest.fixture
def lead(cast: Cast) -> User:
    person = User.objects.create_user("lea", password="lea-has-a-long-password", is_staff=True)
    Membership.objects.create(workspace=cast.workspace, user=person, role="moderator")
    return person


def decide(review: Review, by: User, verb: str, clause: str, note: str = "") -> None:
    Review.objects.filter(pk=review.pk).update(created=timezone.now() - timedelta(minutes=1 + review.pk % 600))
    review.refresh_from_db()
    decided = reviews.decide(
        review, by=by, verb=verb, version=review.version, reason="other", clause=clause, note=note
    )
    assert decided is not None


def test_duty_13_the_figures_are_a_recount_of_the_log(cast: Cast, lead: User) -> None:
    stories = [make_story(cast) for _n in range(6)]
    outcomes = (PASS, BLOCK, REVIEW, REVIEW, REVIEW, REVIEW)
    rows = [opened(story, cast, outcome=outcome) for story, outcome in zip(stories, outcomes, strict=True)]
    for review in rows:
        reviews.record_opening(review, by=cast.alice)
    decide(rows[0], cast.mo, "approve", "violence")
    decide(rows[1], cast.mo, "approve", "violence", "It quotes a court.")
    decide(rows[2], lead, "approve", "hate")
    for review in rows[3:5]:
        decide(review, cast.mo, "reject", "accuracy")
    for review, verb in zip(rows[3:5], ("overturn", "uphold"), strict=True):
        Story.objects.filter(pk=review.story_id).update(author=cast.alice)
        decision = review.decisions.get()
        decide(reviews.appeal(decision, by=cast.alice, text="No."), lead, verb, "accuracy")
    now = timezone.now()
    told = transparency.figures(cast.workspace, now - timedelta(days=1), now + timedelta(days=1))

    entries = [(entry, audit.detail_of(entry)) for entry in AuditEntry.objects.in_workspace(cast.workspace.pk)]
    verbs = {verb for pair in cases.VERBS.values() for verb in pair}
    decided = [(e.action.removeprefix("review."), d) for e, d in entries if e.action.removeprefix("review.") in verbs]
    assert told["decisions"] == told["by_people"] == len(decided) == 7
    assert told["verbs"] == Counter(verb for verb, _ in decided)
    sides = Counter((d["clause"], "through" if verb in cases.LETS_THROUGH else "back") for verb, d in decided)
    assert {(c, s): n for c, both in told["clauses"].items() for s, n in both.items() if n} == sides
    assert told["reasons"] == Counter(d["reason"] for _, d in decided)
    assert told["median_seconds"] == pytest.approx(median(d["seconds"] for _, d in decided), abs=0.01)
    assert told["opened"] == Counter(d["kind"] for e, d in entries if e.action == "review.open") - Counter()
    won, lost = (sum(verb == each for verb, _ in decided) for each in ("overturn", "uphold"))
    assert (told["overturn_rate"], told["appeals_decided"]) == (won / (won + lost), 2) == (0.5, 2)
    flagged = [(verb, d) for verb, d in decided if d["kind"] == "submission" and d["outcome"] != "pass"]
    false = [d for verb, d in flagged if verb == "approve"]
    assert (told["flagged"], told["false_alarms"]) == (len(flagged), len(false)) == (4, 2)
    assert {each["review"] for each in told["false_alarm_sample"]} == {rows[1].pk, rows[2].pk}
    assert told["by_machines"] == 0
    assert ("decisions", "", 7) in transparency.rows(told)


def test_what_lies_outside_the_time_is_not_counted(cast: Cast) -> None:
    decide(opened(make_story(cast), cast), cast.mo, "approve", "violence")
    now = timezone.now()
    told = transparency.figures(cast.workspace, now + timedelta(hours=1), now + timedelta(days=1))
    assert (told["decisions"], told["median_seconds"], told["overturn_rate"]) == (0, None, None)
    other = transparency.figures(cast.other, now - timedelta(days=1), now + timedelta(days=1))
    assert other["decisions"] == 0


def test_what_the_program_withdraws_counts_as_its_own(cast: Cast) -> None:
    from tests.factories import finished_story

    story = finished_story(cast.workspace, cast.alice, formats=("card:1x1",))
    review = reviews.submit(story, by=cast.alice)
    reviews.decide(review, by=cast.mo, verb="approve", version=1)
    story.refresh_from_db()
    live = publications.publish(story, publications.default_channel(cast.workspace), by=cast.alice)
    reports.by_person(live, by=cast.bob, reason="spam")
    publications.withdraw(live, by=None, reason="A banned picture.")
    now = timezone.now()
    told = transparency.figures(cast.workspace, now - timedelta(days=1), now + timedelta(days=1))
    assert (told["by_machines"], told["by_people"], told["reports"]) == (1, 1, {"spam": 1})
