"""The files of published stories."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from ninja import Router

from creator.api.errors import problem
from creator.api.keys import key_of
from creator.api.stories import PROBLEMS
from creator.models import Publication
from creator.ranges import ranged
from media_processing.models import Rendition

router = Router(tags=["renditions"])


@router.get("/{uuid:rendition_id}", response={200: None, 206: None, **PROBLEMS}, summary="Download a file")
def get_rendition(request: HttpRequest, rendition_id: UUID) -> Any:
    """A rendition of a story that is live on the key's channel. Takes single byte ranges."""
    key = key_of(request, "stories:read")
    live = Publication.objects.live().filter(channel=key.channel_id)
    rendition = Rendition.objects.filter(pk=rendition_id, publications__in=live).first()
    if rendition is None:
        return problem(404, "There is no such file in this channel.")
    response: HttpResponseBase = ranged(
        request, rendition.file, content_type=rendition.content_type, etag=rendition.digest
    )
    return response

