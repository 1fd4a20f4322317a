"""Rows in bulk, for pages and lists: no files behind them."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from django.utils import timezone

WORDS = ("river", "tree", "boat", "school", "market", "bridge", "bird", "garden", "train", "harbour")


def assets(workspace: Any, count: int) -> list[Any]:
    from media_processing.models import Asset, Rendition

    made = Asset.objects.bulk_create(
        Asset(
            workspace=workspace, kind=("image", "video", "image", "audio")[number % 4], digest=digest("asset", number),
            path=f"none/{number}", content_type="image/png", size=1000 + number, width=(1080, 1920, 1080)[number % 3],
            height=(1920, 1080, 1080)[number % 3], title=f"A {WORDS[number % 10]} and a {WORDS[number // 10 % 10]}",
            alt="A picture", tags=[WORDS[number % 10], WORDS[number // 7 % 10]], licence="CC0 1.0",
            domain="illustrations", colour="#336699",
        )
        for number in range(count)
    )  # fmt: skip
    Rendition.objects.bulk_create(
        Rendition(
            workspace=workspace, asset=asset, recipe="webp-480", key=digest("small", number), path="none",
            digest=digest("small", number), content_type="image/webp", size=100, width=270, height=480,
        )
        for number, asset in enumerate(made)
    )  # fmt: skip
    return made


def stories(workspace: Any, author: Any, pictures: list[Any], count: int) -> list[Any]:
    from creator.models import Brief, Scene, Story, Variant

    briefs = Brief.objects.bulk_create(
        Brief(workspace=workspace, article="The river rose. Trees hold the soil. " * 20, title=f"Story {number}",
              formats=["video:9x16", "card:1x1"])
        for number in range(count)
    )  # fmt: skip
    made = Story.objects.bulk_create(
        Story(
            workspace=workspace, brief=brief, author=author, title=f"{WORDS[number % 10].capitalize()} story {number}",
            summary="The river rose.", state=("draft", "published", "in_review", "approved")[number % 4],
            engines={"writer": "extractive"}, hashtags=["river"],
        )
        for number, brief in enumerate(briefs)
    )  # fmt: skip
    shown = [asset for asset in pictures if asset.kind == "image"]
    Scene.objects.bulk_create(
        Scene(
            story=story, position=position, narration="The river rose by two metres in one night.",
            on_screen="Two metres", visual="river", alt="A river", asset=shown[(number * 6 + position) % len(shown)],
            sources=[0],
        )
        for number, story in enumerate(made)
        for position in range(6)
    )  # fmt: skip
    Variant.objects.bulk_create(
        Variant(story=story, format=name, language="en") for story in made for name in ("video:9x16", "card:1x1")
    )
    return made


def publications(workspace: Any, author: Any, channel: Any, count: int) -> list[Any]:
    from creator.models import Publication

    made = stories(workspace, author, assets(workspace, 50), count)
    now = timezone.now()
    return Publication.objects.bulk_create(
        Publication(
            workspace=workspace, channel=channel, story=story, document=document(story),
            published=now - timezone.timedelta(minutes=number), updated=now, original=story.pk,
        )
        for number, story in enumerate(made)
    )  # fmt: skip


def document(story: Any) -> dict[str, Any]:
    now = timezone.now().isoformat()
    rendition = {
        "id": "7b0e2d0c-4b0d-4d2e-9d0a-111111111111", "format": "video:9x16", "recipe": "video:9x16", "language": "en",
        "content_type": "video/mp4", "digest": digest(story.pk), "size": 4_000_000, "width": 1080, "height": 1920,
        "seconds": 41.2,
    }  # fmt: skip
    scene = {"narration": "It rose.", "on_screen": "Two metres", "alt": "A river", "licence": "CC0", "credit": ""}
    return {
        "id": str(story.pk), "title": story.title, "summary": story.summary, "language": "en", "hashtags": ["river"],
        "scenes": [scene] * 6, "sources": [], "ai_disclosure": {"text": "extractive"}, "published_at": now,
        "updated_at": now, "renditions": [rendition] * 4,
    }  # fmt: skip


def digest(*parts: Any) -> str:
    return sha256(repr(parts).encode()).hexdigest()
