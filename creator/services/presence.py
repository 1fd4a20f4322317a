"""Who has a story open, and in which scene they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from creator.models import Event, Presence, Story, User

SAID_EVERY = timedelta(seconds=15)
"""How often a page says that it is still there."""
GONE_AFTER = 3 * SAID_EVERY
KIND = "story.presence"


def here(story: Story, person: User, scene: UUID | None = None) -> None:
    """A person has the story open, and is in a scene or in none. Others are told where that is new."""
    now = timezone.now()
    with transaction.atomic():
        row, created = Presence.objects.select_for_update().get_or_create(
            story=story, person=person, defaults={"workspace_id": story.workspace_id, "scene": scene, "seen": now}
        )
        is_news = created or row.scene != scene or row.seen < now - GONE_AFTER
        row.scene, row.seen = scene, now
        row.save(update_fields=["scene", "seen"])
        if is_news:
            _tell(story, person, {"scene": str(scene or "")})


def leave(story: Story, person: User) -> None:
    """A person closed the story."""
    with transaction.atomic():
        gone, _ = Presence.objects.filter(story=story, person=person).delete()
        if gone:
            _tell(story, person, {"gone": True})


def _tell(story: Story, person: User, data: dict[str, Any]) -> None:
    """Where somebody is now; where they were before is nobody's business any more."""
    Event.objects.filter(story=story, person=person, kind=KIND).delete()
    Event.objects.create(
        workspace_id=story.workspace_id, story=story, person=person, kind=KIND, data={**as_dict(person), **data}
    )


def as_dict(person: User) -> dict[str, Any]:
    """What a page shows of a person."""
    return {"id": person.pk, "name": str(person), "initials": person.username[:2].upper()}


def others(story: Story, person: User) -> list[dict[str, Any]]:
    """Who else has the story open: [{"id", "name", "initials", "scene"}]."""
    rows = story.presences.filter(seen__gt=timezone.now() - GONE_AFTER).exclude(person=person)
    return [{**as_dict(row.person), "scene": str(row.scene or "")} for row in rows.select_related("person")]
