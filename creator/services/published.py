"""Reading what was published: narrowed lists, a story in its languages, files by shape, what is said in it."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any
from uuid import UUID

import pysubs2
from django.db.models import Q
from django.http import Http404

from creator.models import Publication
from creator.models.publication import PublicationQuerySet
from media_processing.models import Rendition


class Gone(Exception):
    """It was published, and is no longer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def narrowed(
    rows: PublicationQuerySet, *, language: str = "", after: datetime | None = None, before: datetime | None = None,
    updated: datetime | None = None,
) -> PublicationQuerySet:  # fmt: skip
    """Publications in a language (or one of its regions), published between two moments, changed since a third."""
    if language:
        rows = rows.filter(Q(language=language) | Q(language__startswith=f"{language}-"))
    if after:
        rows = rows.filter(published__gt=after)
    if before:
        rows = rows.filter(published__lt=before)
    if updated:
        rows = rows.filter(updated__gt=updated)
    return rows


def after(published: datetime, pk: UUID) -> Q:
    """What comes behind a place in the order (newest first)."""
    return Q(published__lte=published) & (Q(published__lt=published) | Q(pk__gt=pk))


def family(channel: int, story_id: UUID) -> list[Publication]:
    """A story's publication on a channel and those of its translations, without their documents. One query."""
    same = Publication.objects.filter(channel=channel, story=story_id).values("original")
    rows = Publication.objects.filter(channel=channel, original__in=same).defer("document")
    return list(rows.order_by("published", "pk"))


def live_one(group: list[Publication], story_id: UUID) -> Publication:
    """The story of a family, where it is live. Raises Gone, and Http404 where it never was on the channel."""
    found = next((each for each in group if each.story_id == story_id), None)
    if found is None:
        raise Http404
    if not found.is_live:
        raise Gone(found.reason if found.withdrawn else "Its time was over.")
    return found


def nearest(files: list[dict[str, Any]], aspect: str | None) -> list[dict[str, Any]]:
    """Files ordered by how near their shape (width to height) is to "9x16"; as they are where none is wanted."""
    if not aspect:
        return files
    width, _, height = aspect.partition("x")
    wanted = math.log(float(width) / float(height))

    def distance(file: dict[str, Any]) -> float:
        if not (file["width"] and file["height"]):
            return math.inf
        return round(abs(math.log(file["width"] / file["height"]) - wanted), 3)

    return sorted(files, key=distance)


def passages(document: dict[str, Any], captions: Rendition | None) -> list[dict[str, Any]]:
    """What is said: by the times of the captions, else scene by scene without times."""
    if captions is not None and captions.file.is_file():
        lines = pysubs2.SSAFile.from_string(captions.file.read_text(encoding="utf-8"), format_="vtt")
        return [{"text": " ".join(line.plaintext.split()), "start": line.start / 1000, "end": line.end / 1000}
                for line in lines]  # fmt: skip
    said = [scene["narration"] for scene in document["scenes"] if scene["narration"]]
    return [{"text": text, "start": None, "end": None} for text in said]
