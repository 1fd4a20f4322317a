"""Deciding on what was sent to review, by a key that acts in a moderator's name: never on that person's own content."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from creator.api.contract import Wanted, Whole, answers, sent
from creator.api.jobs import Number
from creator.api.keys import ChannelKey, key_of
from creator.models import ApiKey, Revision
from creator.services import reviews
from media_processing.engine import EngineError
from moderation.models import Review

router = Router(tags=["reviews"], auth=ChannelKey("reviews:write"))


class Case(Schema):
    """A case: what a person decides on."""

    id: int
    story: UUID
    title: str
    kind: str
    state: str
    version: int = Field(description="Name it in the decision.")
    outcome: str = Field(description='What the policy makes of the machines\' verdicts: "pass", "review" or "block".')
    reasons: list[dict[str, Any]]
    created: datetime


class CaseDetail(Case):
    """A case with what was frozen for it."""

    revisions: list[dict[str, Any]] = Field(description="The documents that the decision is about.")


class CaseList(Schema):
    """Open cases, the most urgent first."""

    items: list[Case]


class CaseQuery(Schema):
    """How many."""

    limit: int = Field(20, ge=1, le=100)


class DecisionWish(Wanted):
    """A decision with its reason."""

    verb: Literal["approve", "reject"]
    version: Whole = Field(ge=0, le=2**31 - 1, description="Of the case as you saw it.")
    reason: Annotated[str, Field(max_length=40)] = ""
    clause: Annotated[str, Field(max_length=40, description="Of the policy; a rejection names one.")] = ""
    note: Annotated[str, Field(max_length=2000)] = ""


def _told(review: Review) -> dict[str, Any]:
    names = ("kind", "state", "version", "outcome", "reasons")
    return {
        "id": review.pk, "story": str(review.story_id), "title": review.story.title,
        **{name: getattr(review, name) for name in names}, "created": review.created.isoformat(),
    }  # fmt: skip


def _case_of(key: ApiKey, review_id: int) -> Review:
    found = Review.objects.in_workspace(key.channel.workspace_id).select_related("story").filter(pk=review_id).first()
    if found is None:
        raise Http404
    return found


@router.get("", response=answers(CaseList), summary="Open cases")
def list_reviews(request: HttpRequest, query: Query[CaseQuery]) -> HttpResponse:
    """What waits for a decision, the most urgent first. Scope: reviews:write."""
    waiting = Review.objects.in_workspace(key_of(request).channel.workspace_id).waiting().select_related("story")
    return sent({"items": [_told(review) for review in waiting[: query.limit]]})


@router.get("/{review_id}", response=answers(CaseDetail), summary="One case")
def get_review(request: HttpRequest, review_id: Number) -> HttpResponse:
    """A case with the documents that the decision is about. Scope: reviews:write."""
    review = _case_of(key_of(request), review_id)
    frozen = Revision.objects.filter(story=review.story_id, number=review.number)
    return sent({**_told(review), "revisions": list(frozen.values_list("document", flat=True))})


@router.post("/{review_id}/decisions", response=answers(CaseDetail, status=201), summary="Decide on a case")
def decide(request: HttpRequest, review_id: Number, wish: DecisionWish) -> HttpResponse:
    """Approve or reject, in the name of the key's moderator; never what they wrote themselves. Scope: reviews:write."""
    key = key_of(request)
    review = _case_of(key, review_id)
    if key.person is None:  # the scope's check saw to it; said for the types
        raise EngineError("A key that reviews acts in a moderator's name.")
    reviews.decide(
        review, by=key.person, verb=wish.verb, version=wish.version, reason=wish.reason, clause=wish.clause,
        note=wish.note,
    )  # fmt: skip
    review = _case_of(key, review_id)
    frozen = Revision.objects.filter(story=review.story_id, number=review.number)
    told = {**_told(review), "revisions": list(frozen.values_list("document", flat=True))}
    return sent(told, status=201, headers={"Location": f"/api/v1/reviews/{review.pk}"})
