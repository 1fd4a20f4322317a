"""Ranked lists of a channel's stories: what an app shows one person, so that it can say what was clicked."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import Http404, HttpRequest
from ninja import Router, Schema
from pydantic import Field

from creator.api.contract import Moment, Wanted, Whole, answers, sent
from creator.api.keys import ChannelKey, key_of
from creator.api.stories import ITEM, StoryItem, item
from creator.models import OfferedList, Story
from creator.services import links, lists, terms
from creator.services.links import base_url

router = Router(tags=["lists"], auth=ChannelKey("stories:read"))
variants = Router(tags=["stories"], auth=ChannelKey("stories:write"))
MOST = 50


class ListWish(Wanted):
    """What a list is for."""

    limit: Whole = Field(20, ge=1, le=MOST)
    language: str = Field("", max_length=12, pattern="^[A-Za-z-]*$", description='"en" is also "en-GB".')
    exclude: list[Annotated[UUID, Field(strict=False)]] = Field(
        default_factory=list, max_length=200, description="Stories that the person has seen."
    )


class Why(Schema):
    """A term of a score."""

    signal: str = Field(description='"relevance", "quality", "freshness" or "engagement".')
    value: float = Field(description="Between 0 and 1.")
    weight: float
    contribution: float = Field(description="Weight x value: what it adds to the score.")
    note: str = ""


class Placed(Schema):
    """A story in its place."""

    position: int = Field(description="From 1. Events may say it.")
    rank: int = Field(description="Its place before chance had a say; 0 for what only the lottery brought in.")
    rank_by_score: int = Field(description="Its place before look-alikes were put apart.")
    score: float = Field(description="The sum of the contributions.")
    explain: list[Why]
    propensity: float = Field(description="How likely it was to stand here.")
    by: str = Field(description='"lottery" or "coin" where chance put it here.')
    story: StoryItem


class RankedList(Schema):
    """A list for one person; null as its id where there is nothing to show."""

    id: UUID | None = Field(description="What events name as their `list`.")
    ranker: int = Field(description="Version of the weights.")
    items: list[Placed]


class Shown(Schema):
    """What stood where."""

    position: int
    story: UUID
    propensity: float


class ShownList(Schema):
    """A list that was offered."""

    id: UUID
    ranker: int
    offered_at: Moment
    items: list[Shown]


@router.post("", response=answers(RankedList, status=201), summary="Make a ranked list")
def make_list(request: HttpRequest, wish: ListWish) -> Any:
    """The channel's stories in the order that the ranker gives them for one person now, each with its reasons. It is
    written down: tell what was seen and clicked by POST /events. Scope: stories:read."""
    channel = key_of(request).channel
    made = lists.offer(channel, limit=wish.limit, language=wish.language, exclude=wish.exclude)
    link = links.signer(channel.pk)
    items = [
        {"position": each.place, "rank": each.rank, "rank_by_score": each.by_score, "score": each.score,
         "explain": terms.told(each.explain), "propensity": each.propensity, "by": each.by,
         "story": item(each.publication.document, ITEM, link)}
        for each in made.offers
    ]  # fmt: skip
    number = str(made.list.pk) if made.list else None
    where = {"Location": f"{base_url()}/api/v1/lists/{number}"} if number else {}
    return sent({"id": number, "ranker": made.ranker, "items": items}, status=201, headers=where)


@router.get("/{uuid:list_id}", response=answers(ShownList), summary="What a list held")
def get_list(request: HttpRequest, list_id: UUID) -> Any:
    """What stood where on a list of the key's channel, for 30 days. Scope: stories:read."""
    row = OfferedList.objects.filter(pk=list_id, channel=key_of(request).channel_id).select_related("ranker").first()
    if row is None:
        raise Http404
    items = [
        {"position": at, "story": each["story"], "propensity": each["propensity"]}
        for at, each in enumerate(row.items, 1)
    ]
    told = {"id": str(row.pk), "ranker": row.ranker.version, "offered_at": row.offered.isoformat(), "items": items}
    return sent(told)


class RankedVariant(Schema):
    """A variant in its place."""

    format: str
    language: str
    rank: int
    rank_by_score: int = Field(description="Its place before a second one of a kind was put behind another kind.")
    score: float
    explain: list[Why]


class RankedVariants(Schema):
    """A story's rendered variants, the best first."""

    items: list[RankedVariant]


@variants.get("/{uuid:story_id}/variants", response=answers(RankedVariants), summary="Variants of a story, ranked")
def list_variants(request: HttpRequest, story_id: UUID) -> Any:
    """Which of a story's variants is best, and why. Scope: stories:write."""
    workspace = key_of(request).channel.workspace_id
    story = Story.objects.in_workspace(workspace).filter(pk=story_id).first()
    if story is None:
        raise Http404
    return sent({"items": [each.told() for each in terms.ranked_variants(story)]})
