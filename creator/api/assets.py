"""The library of the key's workspace: assets, their small files and what is said in them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from creator.api.caching import conditional
from creator.api.contract import TAGGED, answers
from creator.api.cursors import PageQuery, newest
from creator.api.keys import ChannelKey, key_of
from creator.api.stories import Passage
from creator.models import ApiKey
from creator.services.digests import digest_of
from creator.services.links import base_url
from media_processing.models import Asset, Rendition, Transcript

router = Router(tags=["assets"], auth=ChannelKey("assets:read"))
NAMES = ("kind", "title", "alt", "tags", "licence", "credit", "content_type", "size", "width", "height", "seconds",
         "digest", "made_by")  # fmt: skip


class SmallFile(Schema):
    """A file made of an asset: GET its address with a key."""

    id: UUID
    recipe: str = Field(description='"webp-480" ...')
    content_type: str
    size: int
    width: int
    height: int
    url: str


class AssetItem(Schema):
    """A file in the library."""

    id: UUID
    kind: Literal["image", "video", "audio"]
    title: str
    alt: str
    tags: list[str]
    licence: str
    credit: str
    content_type: str
    size: int
    width: int
    height: int
    seconds: float
    digest: str = Field(description="sha256 of the file.")
    made_by: dict[str, Any] = Field(description="Who made it; empty for what a person brought.")
    created: datetime
    renditions: list[SmallFile]


class AssetList(Schema):
    """A page of assets, the newest first."""

    items: list[AssetItem]
    next: str | None = None


class AssetQuery(PageQuery):
    """What the list may be asked for."""

    kind: Literal["image", "video", "audio"] | None = None


class AssetTranscript(Schema):
    """What is said in an asset."""

    language: str
    text: str
    passages: list[Passage]
    made_by: dict[str, Any]


def _told(assets: list[Asset]) -> list[dict[str, Any]]:
    """Assets with their files, in one further query."""
    files: dict[UUID | None, list[dict[str, Any]]] = {}
    for each in Rendition.objects.filter(asset__in=assets).order_by("recipe"):
        files.setdefault(each.asset_id, []).append(
            {"id": str(each.pk), "recipe": each.recipe, "content_type": each.content_type, "size": each.size,
             "width": each.width, "height": each.height, "url": f"{base_url()}/api/v1/renditions/{each.pk}"}
        )  # fmt: skip
    return [
        {"id": str(asset.pk), **{name: getattr(asset, name) for name in NAMES}, "created": asset.created.isoformat(),
         "renditions": files.get(asset.pk, [])}
        for asset in assets
    ]  # fmt: skip


def _asset_of(key: ApiKey, asset_id: UUID) -> Asset:
    found = Asset.objects.in_workspace(key.channel.workspace_id).active().filter(pk=asset_id).first()
    if found is None:
        raise Http404
    return found


@router.get("", response=answers(AssetList), summary="List assets", openapi_extra=TAGGED)
def list_assets(request: HttpRequest, query: Query[AssetQuery]) -> HttpResponse:
    """The workspace's library, the newest first. GET /search finds by words. Scope: assets:read."""
    workspace = key_of(request).channel.workspace_id
    rows = Asset.objects.in_workspace(workspace).active()
    if query.kind:
        rows = rows.filter(kind=query.kind)
    found, more = newest(rows, query, of=digest_of(workspace, query.kind)[:16])
    told = {"items": _told(found), "next": more}
    return conditional(request, ("assets", workspace, told), lambda: json.dumps(told, ensure_ascii=False))


@router.get("/{uuid:asset_id}", response=answers(AssetItem), summary="One asset", openapi_extra=TAGGED)
def get_asset(request: HttpRequest, asset_id: UUID) -> HttpResponse:
    """An asset with its small files. Scope: assets:read."""
    told = _told([_asset_of(key_of(request), asset_id)])[0]
    return conditional(request, ("asset", told), lambda: json.dumps(told, ensure_ascii=False))


@router.get(
    "/{uuid:asset_id}/transcript", response=answers(AssetTranscript), summary="What is said in an asset",
    tags=["transcripts"], openapi_extra=TAGGED,
)  # fmt: skip
def get_asset_transcript(request: HttpRequest, asset_id: UUID) -> HttpResponse:
    """The transcript of a video or a recording; 404 where there is none. Scope: assets:read."""
    asset = _asset_of(key_of(request), asset_id)
    found = Transcript.objects.filter(asset=asset).first()
    if found is None:
        raise Http404
    passages = [{name: each[name] for name in ("text", "start", "end")} for each in found.passages]
    told = {"language": found.language, "text": found.text, "passages": passages, "made_by": found.made_by}
    return conditional(request, ("transcript", told), lambda: json.dumps(told, ensure_ascii=False))
