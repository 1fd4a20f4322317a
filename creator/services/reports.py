"""Verbs of reports: readers, through the app that showed it, and colleagues object to what was published."""

from __future__ import annotations

from django.db import transaction

from creator.models import ApiKey, Channel, Publication, Story, User
from creator.services import audit, reviews
from media_processing.engine import EngineError
from moderation import cases
from moderation import services as moderation
from moderation.models import Report


def by_app(key: ApiKey, publication: Publication, *, reason: str, text: str = "", reader: str = "") -> Report:
    """A reader's report through an app. `reader` is the app's own name for them (no address, no name of a person):
    without it, all of an app's readers count as one."""
    return _report(publication, reporter=f"key:{key.pk}:{reader}"[:100], reason=reason, text=text, by=None)


def by_person(publication: Publication, *, by: User, reason: str, text: str = "") -> Report:
    """A colleague's report."""
    return _report(publication, reporter=f"person:{by.pk}", reason=reason, text=text, by=by)


def _report(publication: Publication, *, reporter: str, reason: str, text: str, by: User | None) -> Report:
    with transaction.atomic():
        Story.objects.select_for_update().get(pk=publication.story_id)
        publication.refresh_from_db()
        revisions = list(publication.revisions.all())
        if publication.withdrawn or not revisions:
            raise EngineError("This story isn't published any more.", permanent=True)
        said_before = Report.objects.filter(
            story=publication.story_id, number=revisions[0].number, reporter=reporter, reason=reason
        ).first()
        if said_before is not None:
            return said_before
        report, opened = cases.report(
            workspace_id=publication.workspace_id, story_id=publication.story_id, number=revisions[0].number,
            digests=[revision.digest for revision in revisions], reporter=reporter, reason=reason, text=text,
            policy=moderation.active_policy(publication.workspace_id), reach=_reach(publication),
        )  # fmt: skip
        said = {"report": report.pk, "reason": reason, "reporter": reporter}
        audit.record("report.receive", report.review, by=by, workspace=publication.workspace_id, detail=said)
        if opened:
            reviews.record_opening(report.review, by=by)
    return report


def _reach(publication: Publication) -> float:
    """The share of the workspace's channels that show the story."""
    channels = Channel.objects.filter(workspace=publication.workspace_id).count()
    shown = Publication.objects.live().filter(story=publication.story_id).count()
    return shown / max(channels, 1)
