"""The library of the key's workspace: for apps that look for pictures themselves."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from ninja import Query, Router, Schema
from pydantic import Field

from creator.api.contract import answers
from creator.api.keys import ChannelKey, key_of
from creator.services import finding
from creator.services.links import base_url
from media_processing.models import Rendition
from search.fulltext import listed
from search.prepared import Prepared

SMALL = Prepared(
    lambda: Rendition.objects.filter(asset__pk__among=[]).order_by("asset", "recipe").values_list(
        "asset", "id", "recipe", "content_type", "width", "height"
    )
)  # fmt: skip
router = Router(tags=["search"], auth=ChannelKey("search:read"))


class Reason(Schema):
    """One part of a score."""

    signal: str = Field(description='"picture", "words" ...')
    value: float = Field(description="In the signal's own unit: a cosine, a text rank.")
    contribution: float = Field(description="What it adds to the score.")


class Small(Schema):
    """A file made of the asset, by GET /renditions/{id}."""

    recipe: str
    content_type: str
    width: int
    height: int
    url: str


class Moment(Schema):
    """An asset, and the second of it that was found."""

    asset: UUID
    title: str
    alt: str
    kind: str
    width: int
    height: int
    licence: str
    credit: str
    start: float = Field(description="Second at which the moment begins.")
    score: float
    explain: list[Reason] = Field(description="What the score is made of.")
    by_words_only: bool = Field(description="The search model hasn't seen its picture.")
    renditions: list[Small]


class Found(Schema):
    """What a search found, best first."""

    items: list[Moment]
    notes: list[str] = Field(description="What should be known of how it was found.")
    model: str = Field(description="The search model that looked at pictures; empty where none did.")
    next: int | None = Field(None, description="Offset of the next page; null at the end.")


class SearchQuery(Schema):
    """What a search may be asked; anything else is refused."""

    q: str = Field("", description='As in the library\'s box: words, "quoted words", -unwanted words, filters.')
    kind: Literal["image", "video", "audio"] | None = None
    limit: int = Field(20, ge=1, le=100)
    offset: int = Field(0, ge=0, le=1000)


@router.get("", response=answers(Found), summary="Search the library")
def search_library(request: HttpRequest, query: Query[SearchQuery]) -> Any:
    """Moments of the workspace's library by words and filters, published or not. Needs the scope search:read."""
    key = key_of(request)
    question = finding.Question(query.q, filters={"kind": [query.kind]} if query.kind else {})
    answer = finding.find(key.channel.workspace, question, offset=query.offset, limit=query.limit)
    small = _small([shown.asset.pk for shown in answer])
    items = [_moment(shown, small.get(shown.asset.pk, [])) for shown in answer]
    body = {"items": items, "notes": answer.notes, "model": answer.model, "next": answer.more}
    # Not through the schemas, which only describe it: checking what we wrote ourselves took a tenth of a search.
    return JsonResponse(body, headers={"Cache-Control": "private, no-store"})


def _small(assets: list[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """Asset -> its renditions."""
    found: dict[UUID, list[dict[str, Any]]] = {}
    for asset, number, *values in SMALL.rows(listed([asset.hex for asset in assets])):
        told = dict(zip(("recipe", "content_type", "width", "height"), values, strict=True))
        told["url"] = f"{base_url()}/api/v1/renditions/{UUID(str(number))}"
        found.setdefault(UUID(str(asset)), []).append(told)
    return found


def _moment(shown: finding.Shown, renditions: list[dict[str, Any]]) -> dict[str, Any]:
    asset, found = shown.asset, shown.found
    return {
        "asset": asset.pk, "title": asset.title, "alt": asset.alt, "kind": asset.kind, "width": asset.width,
        "height": asset.height, "licence": asset.licence, "credit": asset.credit, "start": found.start,
        "score": found.score, "by_words_only": found.by_words_only,
        "explain": [
            {"signal": each.name, "value": each.value, "contribution": each.contribution} for each in found.explain
        ],
        "renditions": renditions,
    }  # fmt: skip
