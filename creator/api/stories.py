"""What a channel holds: published stories and their renditions."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core import signing
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.utils.http import http_date, parse_etags
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from creator.api.errors import Problem, problem
from creator.api.keys import key_of
from creator.models import Publication
from creator.services.digests import digest_of
from creator.services.stories import base_url

router = Router(tags=["stories"])
PROBLEMS: dict[Any, Any] = dict.fromkeys((400, 401, 403, 404, 410, 422), Problem)


class Rendition(Schema):
    """A file of a story."""

    id: UUID
    format: str = Field(description='"video:9x16", "card:1x1" ...')
    recipe: str = Field(description="The format, or vtt or srt for captions.")
    language: str
    content_type: str
    digest: str = Field(description="sha256 of the file.")
    size: int = Field(description="Bytes.")
    width: int
    height: int
    seconds: float
    url: str


class SceneText(Schema):
    """What is said and shown in one scene."""

    narration: str
    on_screen: str
    alt: str
    licence: str
    credit: str


class StoryItem(Schema):
    """A published story."""

    id: UUID
    title: str
    summary: str
    language: str
    hashtags: list[str]
    published_at: datetime
    updated_at: datetime
    ai_disclosure: dict[str, Any]
    renditions: list[Rendition]


class StoryDetail(StoryItem):
    """A published story with its texts and sources."""

    scenes: list[SceneText]
    sources: list[str]


class StoryList(Schema):
    """A page of stories, newest first."""

    items: list[StoryItem]
    next: str | None = Field(None, description="Cursor of the next page; null at the end.")


class ListQuery(Schema):
    """What a list may be asked for; anything else is refused."""

    limit: int = Field(20, ge=1, le=100)
    cursor: str = Field("", max_length=300)
    language: str = Field("", max_length=12)


@router.get("", response={200: StoryList, **PROBLEMS}, summary="List published stories")
def list_stories(request: HttpRequest, query: Query[ListQuery]) -> Any:
    """The stories of the key's channel, newest first."""
    key = key_of(request, "stories:read")
    unknown = sorted(set(request.GET) - set(ListQuery.model_fields))
    if unknown:
        known = ", ".join(ListQuery.model_fields)
        return problem(422, f"Unknown parameters: {', '.join(unknown)[:200]}. Known are: {known}.")
    rows = Publication.objects.live().filter(channel=key.channel_id)
    if query.language:
        rows = rows.filter(document__language=query.language)
    if query.cursor:
        published, pk = _read_cursor(query.cursor)
        rows = rows.filter(Q(published__lt=published) | Q(published=published, pk__gt=pk))
    page = list(rows.order_by("-published", "pk")[: query.limit + 1])
    more, page = len(page) > query.limit, page[: query.limit]
    last = page[-1] if more else None
    items = [_item(each.document) for each in page]
    cursor = signing.dumps([last.published.isoformat(), str(last.pk)], salt="cursor") if last else None
    body = StoryList(items=[StoryItem(**item) for item in items], next=cursor)
    # The tag leaves the cursor out: it is signed with the time of day.
    return _conditional(request, body, digest_of(items, more))


def _read_cursor(cursor: str) -> tuple[str, str]:
    try:
        published, pk = signing.loads(cursor, salt="cursor")
    except (signing.BadSignature, ValueError):
        raise HttpError(400, "This cursor was not made by this API. Begin again without one.") from None
    return published, pk


@router.get("/{uuid:story_id}", response={200: StoryDetail, **PROBLEMS}, summary="One published story")
def get_story(request: HttpRequest, story_id: UUID) -> Any:
    """A story of the key's channel; 410 once it is withdrawn."""
    key = key_of(request, "stories:read")
    publication = Publication.objects.filter(channel=key.channel_id, story=story_id).first()
    if publication is None:
        return problem(404, "There is no such story in this channel.")
    if publication.withdrawn:
        return problem(410, f"This story was withdrawn: {publication.reason}")
    response = _conditional(request, StoryDetail(**_item(publication.document)), digest_of(publication.document))
    response["Last-Modified"] = http_date(publication.updated.timestamp())
    return response


def _item(document: dict[str, Any]) -> dict[str, Any]:
    renditions = [{**each, "url": f"{base_url()}/api/v1/renditions/{each['id']}"} for each in document["renditions"]]
    return {**document, "renditions": renditions}


def _conditional(request: HttpRequest, body: Schema, digest: str) -> HttpResponse:
    """The answer with a strong ETag, or 304 where the client has it already."""
    tag = f'"{digest[:32]}"'
    if tag in parse_etags(request.headers.get("If-None-Match", "")):
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(body.model_dump_json(), content_type="application/json")
    response["ETag"] = tag
    patch_cache_control(response, private=True, no_cache=True)
    return response
