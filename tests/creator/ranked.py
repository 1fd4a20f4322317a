"""A channel with published stories, as cheaply as rows can be."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from creator.models import Brief, Channel, Publication, PublishedTerms, Scene, Story, Workspace
from tests.factories import picture


def channel_of(workspace: Workspace, slug: str = "feed") -> Channel:
    return Channel.objects.create(workspace=workspace, slug=slug, name=slug.title())


def published(channel: Channel, count: int, *, now: datetime | None = None, language: str = "en") -> list[Publication]:
    """So many stories, the first published last, an hour apart; all alike in their terms, each with its own cover."""
    now = now or timezone.now()
    made = []
    for number in range(count):
        brief = Brief.objects.create(workspace=channel.workspace, article="A river rose.", language=language)
        story = Story.objects.create(
            workspace=channel.workspace, brief=brief, title=f"Story {number}", state="published", language=language,
            engines={"writer": "extractive", "voice": "espeak"},
        )  # fmt: skip
        shade = f"rgb({number % 250}, {(7 * number) % 250}, {(31 * number) % 250})"
        cover = picture(channel.workspace, shade, f"Cover {number}")
        Scene.objects.create(story=story, position=0, narration="A river rose.", asset=cover, made_by="painter")
        when = now - timedelta(hours=number)
        document = {
            "id": str(story.pk), "title": story.title, "summary": "", "language": language, "hashtags": [],
            "published_at": when.isoformat(), "updated_at": when.isoformat(), "ai_disclosure": {}, "scenes": [],
            "sources": [], "renditions": [],
        }  # fmt: skip
        made.append(Publication.objects.create(
            workspace=channel.workspace, channel=channel, story=story, original=story.pk, document=document,
            language=language, published=when, updated=when,
        ))  # fmt: skip
        PublishedTerms.objects.create(
            publication=made[-1], made_for=when, cover=cover, values={"relevance": 0.5, "quality": 0.5}
        )
    return made
