"""Links that let somebody without an account see one story and comment on it."""

from __future__ import annotations

import secrets
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from creator.models import ReviewLink, Story, User
from creator.models.together import digest_of_token
from creator.services import audit
from media_processing.engine import EngineError
from media_processing.models import Asset, Rendition

DAYS = (1, 3, 7, 14, 30)
MOST = 20
"""Valid links of one story."""


def make(story: Story, *, by: User, days: int = 7, note: str = "") -> tuple[ReviewLink, str]:
    """A link and its token, which is nowhere else: only its hash is kept."""
    if days not in DAYS:
        raise EngineError(f"A link can't be valid for {days} days.", next_step=f"Choose {', '.join(map(str, DAYS))}.")
    if story.review_links.valid().count() >= MOST:
        raise EngineError(f"The story has {MOST} links already.", next_step="Take one back first.")
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        link = ReviewLink.objects.create(
            workspace_id=story.workspace_id, story=story, digest=digest_of_token(token), created_by=by,
            note=" ".join(note.replace("\x00", "").split())[:100], expires=timezone.now() + timedelta(days=days),
        )  # fmt: skip
        detail = {"story": str(story.pk), "expires": link.expires}
        audit.record("review_link.make", link, by=by, workspace=story.workspace_id, detail=detail)
    return link, token


def revoke(story: Story, link_id: int, *, by: User) -> ReviewLink:
    """Take a link back: it opens nothing any more."""
    with transaction.atomic():
        link = story.review_links.select_for_update().filter(pk=link_id).first()
        if link is None:
            raise EngineError("This link is gone.", next_step="Reload the page.")
        if link.revoked is None:
            link.revoked = timezone.now()
            link.save(update_fields=["revoked"])
            audit.record("review_link.revoke", link, by=by, workspace=story.workspace_id)
    return link


def file_of(story: Story, rendition_id: UUID) -> Rendition | None:
    """A rendered file or the captions of a story as it is now, and no other file."""
    if rendition_id not in {pk for row in story.variants.values_list("rendition", "captions_vtt") for pk in row}:
        return None
    return Rendition.objects.filter(workspace=story.workspace_id, pk=rendition_id).first()


def picture_of(story: Story, asset_id: UUID) -> Asset | None:
    """A picture that a scene of the story shows now, and no other."""
    shown = story.scenes.filter(asset=asset_id).exists()
    return Asset.objects.in_workspace(story.workspace_id).filter(pk=asset_id).first() if shown else None
