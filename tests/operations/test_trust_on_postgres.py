"""The queue and the audit log on a real PostgreSQL: several processes at once, and triggers that hold."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.operations.servers import postgres
from tests.processes import manage

pytestmark = pytest.mark.slow

MAKE = """
from creator.models import Brief, Channel, Membership, Publication, Revision, Story, User, Workspace
from moderation import cases, services
team = Workspace.objects.create(slug="pg", name="PG")
for name in ("one", "two"):
    Membership.objects.create(workspace=team, user=User.objects.create_user(name), role="moderator")
policy = services.active_policy(team.pk)
for number in range(21):
    brief = Brief.objects.create(workspace=team, article="x")
    story = Story.objects.create(workspace=team, brief=brief, title="A")
    if number < 20:
        cases.open_case(workspace_id=team.pk, story_id=story.pk, number=1, digests=["x"], policy=policy,
                        outcome=services.Outcome("review"), submitted_by_id=None)
live = Publication.objects.create(workspace=team, story=story, published=story.created, updated=story.created,
                                  channel=Channel.objects.create(workspace=team, slug="c", name="C"), original=story.pk)
live.revisions.add(Revision.objects.create(workspace=team, story=story, number=1, digest="x", document={"scenes": []}))
"""
ACT = """
import json
from creator.models import Publication, User
from creator.services import reports, reviews
from moderation import cases
from moderation.models import Review
me = User.objects.get(username={name!r})
live = Publication.objects.get(workspace__slug="pg")
won = 0
for case in Review.objects.filter(workspace__slug="pg", kind="submission").order_by("pk"):
    try:
        reviews.decide(case, by=me, verb={verb!r}, version=1, reason="policy", clause="violence", note="Seen.")
        won += 1
    except cases.Conflict:
        pass
    reports._report(live, reporter=f"key:1:{{me.pk}}:{{case.pk}}", reason="spam", text="", by=None)
print(json.dumps(won))
"""
SAY = """
import json
from django.db import DatabaseError, connection, transaction
from creator.models import AuditEntry
from moderation.models import Decision, Report, Review
refused = 0
for statement in ("UPDATE creator_auditentry SET action = 'x'", "DELETE FROM creator_auditentry",
                  "UPDATE moderation_decision SET verb = 'x'", "DELETE FROM moderation_decision",
                  "TRUNCATE creator_auditentry", "TRUNCATE moderation_decision CASCADE",
                  "TRUNCATE moderation_review CASCADE"):
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError:
        refused += 1
decisions = Decision.objects.filter(workspace__slug="pg")
print(json.dumps([refused, decisions.count(), decisions.values("review").distinct().count(),
                  Report.objects.count(), Review.objects.filter(kind="report").count(), AuditEntry.objects.count()]))
"""


def run(data: Path, code: str, url: str) -> Any:
    """What a script of ours prints last, in a process of its own."""
    said = manage(data, "shell", "-c", code, timeout=300, DATABASE_URL=url).stdout.strip()
    return json.loads(said.splitlines()[-1]) if said.endswith(("]", *"0123456789")) else None


@pytest.mark.servers
def test_two_processes_at_once_on_postgres(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with postgres(tmp_path / "pg") as port:
        url = f"postgresql://storyloom:river@127.0.0.1:{port}/storyloom"
        manage(data, "migrate", "-v", "0", timeout=400, DATABASE_URL=url)
        run(data, MAKE, url)
        codes = [ACT.format(name=name, verb=verb) for name, verb in (("one", "approve"), ("two", "reject"))]
        with ThreadPoolExecutor(2) as pool:
            won = list(pool.map(lambda code: run(data, code, url), codes))
        assert sum(won) == 20
        refused, decisions, decided, reports, cases, entries = run(data, SAY, url)
        assert (refused, decisions, decided, reports, cases) == (7, 20, 20, 40, 1)
        said = json.loads(manage(data, "audit_verify", "--json", DATABASE_URL=url).stdout)
        assert (said["broken"], said["entries"]) == (None, entries)
        assert entries == 20 + 40 + 1  # decisions, reports, the case that they opened
