"""The files of published stories, and the small ones of assets that a search found."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q
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
    """A rendition of a story that is live on the key's channel (scope stories:read), or of an asset of its workspace's
    library (scope search:read). Takes single byte ranges."""
    key = key_of(request, "stories:read", "search:read")
    open_to_key = Q()
    if "stories:read" in key.scopes:
        open_to_key |= Q(publications__in=Publication.objects.live().filter(channel=key.channel_id))
    if "search:read" in key.scopes:
        open_to_key |= Q(asset__workspace=key.channel.workspace_id, asset__archived__isnull=True)
    rendition = Rendition.objects.filter(open_to_key, pk=rendition_id).first()
    if rendition is None:
        return problem(404, "There is no such file in this channel.")
    response: HttpResponseBase = ranged(
        request, rendition.file, content_type=rendition.content_type, etag=rendition.digest
    )
    return response

