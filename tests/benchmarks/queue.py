"""The queue: two reviewers at the same cases, a hundred reports on one story, a long audit log."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from tests.benchmarks.harness import Clock, Figure, at_most, plain, team

CASES = 1_000
REPORTS = 100


def figures() -> Iterator[Figure]:
    from django.db import connection

    from creator.models import AuditEntry, Brief, Channel, Membership, Publication, Revision, Story, User
    from creator.services import audit, reports, reviews
    from moderation import cases
    from moderation import services as moderation
    from moderation.models import Decision, Report, Review

    workspace, admin = team("queue-bench")
    other = User.objects.create_user("queue-bench-2", is_staff=True)
    Membership.objects.create(workspace=workspace, user=other, role="moderator")
    policy = moderation.active_policy(workspace.pk)
    briefs = Brief.objects.bulk_create(Brief(workspace=workspace, article="x") for _ in range(CASES + 1))
    stories = Story.objects.bulk_create(Story(workspace=workspace, brief=brief, title="A") for brief in briefs)
    rows = [
        cases.open_case(
            workspace_id=workspace.pk, story_id=story.pk, number=1, digests=["x"], policy=policy,
            outcome=moderation.Outcome("review"), submitted_by_id=None,
        )
        for story in stories[:CASES]
    ]  # fmt: skip
    together = threading.Barrier(2)
    lost: list[int] = []

    def decide_all(person: Any, verb: str) -> None:
        for row in rows:
            together.wait()
            try:
                said = {"reason": "policy", "clause": "violence", "note": "Seen."}
                reviews.decide(Review.objects.get(pk=row.pk), by=person, verb=verb, version=1, **said)
            except cases.Conflict:
                lost.append(row.pk)
        connection.close()

    with Clock() as clock:
        people = [threading.Thread(target=decide_all, args=each) for each in ((admin, "approve"), (other, "reject"))]
        for thread in people:
            thread.start()
        for thread in people:
            thread.join()
    decided = Decision.objects.filter(workspace=workspace)
    twice = decided.count() - decided.values("review").distinct().count()
    beside = f"{decided.count()} decisions and {len(lost)} conflicts"
    yield at_most(f"queue: double decisions, 2 reviewers at {CASES:,} cases at once", twice, "", 0, beside)
    yield at_most("queue: cases left undecided by them", CASES - decided.count(), "", 0, beside)
    yield plain("queue: processor time of a decision", 1000 * clock.cpu / (2 * CASES), "ms", "with notices and the log")

    story = stories[CASES]
    live = Publication.objects.create(
        workspace=workspace, channel=Channel.objects.create(workspace=workspace, slug="queue", name="Queue"),
        story=story, published=story.created, updated=story.created, original=story.pk,
    )  # fmt: skip
    live.revisions.add(
        Revision.objects.create(workspace=workspace, story=story, number=1, digest="x", document={"scenes": []})
    )

    def report_all(part: int) -> None:
        for number in range(part, REPORTS, 4):
            reports._report(live, reporter=f"key:1:{number}", reason="spam", text="", by=None)
        connection.close()

    crowd = [threading.Thread(target=report_all, args=(part,)) for part in range(4)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    made = Review.objects.filter(story=story, kind="report").count()
    beside = f"{Report.objects.filter(story=story).count()} reports"
    yield at_most(f"queue: cases that {REPORTS} reports at once make", made, "", 1, beside)

    with Clock() as clock:
        found = audit.verify()
    entries = AuditEntry.objects.count()
    yield at_most("queue: broken entries in the log after all that", int(found.broken is not None), "", 0, found.why)
    taken = 1e6 * clock.cpu / entries
    yield plain("queue: processor time of verifying 1,000 entries", taken, "ms", f"{entries} entries in all")
