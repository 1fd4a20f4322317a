"""What is not kept for ever: drafts that nobody goes on with, and rendered files that nothing needs.

Never taken: what is or was published, what a person reviewed or somebody reported (a case), what is planned, and what
work is under way on. All that goes can be counted before, by the same queries.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Sum
from django.utils import timezone

from creator.models import (
    Alternative,
    Brief,
    Comment,
    Job,
    Operation,
    Publication,
    Revision,
    Scene,
    Schedule,
    Story,
    StoryVersion,
    Variant,
    Workspace,
)
from creator.services import audit
from media_processing import storage
from media_processing.models import Asset, Rendition
from moderation.models import Report, Review

BATCH = 100
_NAMES = re.compile(r"[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Digests and numbers of renditions, as documents name them."""


@dataclass(frozen=True)
class Old:
    """How much is too old."""

    drafts: int = 0
    renditions: int = 0
    bytes: int = 0
    """Of the renditions."""


def count(*, drafts: timedelta | None = None, renditions: timedelta | None = None) -> Old:
    """What would go now. Ages are those of the settings; zero keeps for ever.

    Renditions of drafts that are too old count only once those are gone.
    """
    files = _needless(settings.KEEP_RENDITIONS if renditions is None else renditions)
    rows = Rendition.objects.filter(pk__in=files)
    return Old(
        old_drafts(settings.KEEP_DRAFTS if drafts is None else drafts).count(), len(files),
        rows.aggregate(size=Sum("size"))["size"] or 0,
    )  # fmt: skip


def apply(
    *, drafts: timedelta | None = None, renditions: timedelta | None = None, check: Callable[[], None] = lambda: None
) -> Old:
    """Let go of what is too old, and say how much that was; `check` is called now and then and may raise to stop."""
    gone = size = 0
    stories = old_drafts(settings.KEEP_DRAFTS if drafts is None else drafts)
    per_workspace: dict[int, int] = {}
    while batch := list(stories.values_list("pk", flat=True)[:BATCH]):
        check()
        before = gone
        for pk in batch:
            with transaction.atomic():
                story = stories.select_for_update(of=("self",)).filter(pk=pk).first()
                if story is None:  # somebody went on with it just now
                    continue
                workspace, brief = story.workspace_id, story.brief_id
                story.delete()
                Brief.objects.filter(pk=brief).delete()
            per_workspace[workspace] = per_workspace.get(workspace, 0) + 1
            gone += 1
        if gone == before:
            break
    needless = _needless(settings.KEEP_RENDITIONS if renditions is None else renditions)
    for row in Rendition.objects.filter(pk__in=needless).iterator():
        check()
        size += row.size
        row.delete()
        kept = any(model.objects.filter(path=row.path).exists() for model in (Asset, Rendition))
        if not kept:
            storage.remove(row.path)
    for workspace, number in per_workspace.items():
        audit.record("retention.apply", "drafts", by=None, workspace=workspace, detail={"stories": number})
    return Old(gone, len(needless), size)


def told(old: Old) -> dict[str, Any]:
    """For JSON."""
    return asdict(old)


def old_drafts(age: timedelta, now: datetime | None = None) -> QuerySet[Story]:
    """Stories that nobody touched for so long, and that never left the house."""
    if not age:
        return Story.objects.none()
    since = (now or timezone.now()) - age

    def has(model: Any, **more: Any) -> Exists:
        return Exists(model.objects.filter(story=OuterRef("pk"), **more))

    return Story.objects.filter(changed__lt=since).exclude(
        has(Publication) | has(Review) | has(Report) | has(Schedule) | has(Job, state__in=Job.OPEN)
        | has(Operation, created__gte=since) | has(Comment, created__gte=since)
    )  # fmt: skip


def _needless(age: timedelta, now: datetime | None = None) -> list[Any]:
    """Numbers of renditions that were made so long ago and that nothing names: no row, and no document of a version."""
    if not age:
        return []
    old = Rendition.objects.filter(created__lt=(now or timezone.now()) - age, asset=None, publications=None)
    for model in (Variant, Scene, Alternative):
        for field in model._meta.concrete_fields:
            if field.related_model is Rendition:
                old = old.exclude(Exists(model._base_manager.filter(**{field.name: OuterRef("pk")})))
    found: list[Any] = []
    for workspace in Workspace.objects.all():
        rows = list(old.filter(workspace=workspace).values_list("pk", "digest", "key"))
        named = _named(workspace) if rows else set()
        found += [row[0] for row in rows if named.isdisjoint(map(str, row))]
    return found


def _named(workspace: Workspace) -> set[str]:
    """Every digest and number that a story's past names: what was reviewed, what an undo or a version brings back."""
    named: set[str] = set()
    for model, field in ((Revision, "document"), (StoryVersion, "document"), (Operation, "changes")):
        for document in model._base_manager.filter(workspace=workspace).values_list(field, flat=True).iterator():
            named.update(_NAMES.findall(str(document)))
    return named
