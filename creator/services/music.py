"""The music under a story's videos: composed once for each mood and length, then kept."""

from __future__ import annotations

from pathlib import Path

from creator.models import Story
from creator.services.digests import digest_of
from generation import music
from media_processing import services as media


def bed(story: Story, seconds: float) -> Path | None:
    """The music of a story's video of `seconds`; None where it has none."""
    if not story.music:
        return None
    length = min(max(seconds, music.SHORTEST), music.LONGEST)  # a longer video hears it again
    key = digest_of("music 1", story.music, round(length, 3), str(story.pk))
    kept = media.find_rendition(story.workspace_id, key)
    if kept is None:
        kept = media.store_rendition(
            story.workspace_id, key=key, recipe=f"music:{story.music}", seconds=length, content_type="audio/wav",
            content=music.compose(story.music, length, seed=story.pk.int % 2**32),
            made_by={"engine": "composer", "mood": story.music},
        )  # fmt: skip
    return kept.file
