"""Plans of a story for the key's channel: when it appears there, and when it goes again."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Path, Router, Schema
from pydantic import Field

from creator.api.contract import Moment, Wanted, answers, sent
from creator.api.drafts import PUBLISH, story_of
from creator.api.keys import key_of
from creator.models import Schedule
from creator.services import schedules

router = Router(tags=["schedules"], auth=PUBLISH)

if TYPE_CHECKING:
    State = str
else:
    State = Literal[tuple(Schedule.State.values)]
Number = Path[Annotated[int, Field(ge=1, le=2**63 - 1)]]


class ScheduleWish(Wanted):
    """When a story shall appear, and when it shall be gone again."""

    at: Annotated[Moment, Field(strict=False)] = Field(description="When it is published.")
    expires_at: Annotated[Moment, Field(strict=False)] | None = Field(None, description="When it is gone: 410.")
    note: str = Field("", max_length=500, description="What was corrected, for readers, where it is published already.")


class Planned(Schema):
    """A plan of a story for the key's channel."""

    id: int
    story: UUID
    at: datetime
    expires_at: datetime | None
    note: str
    state: State
    error: str = Field(description="Why it could not be published then.")


class PlannedList(Schema):
    """Plans, the soonest first."""

    items: list[Planned]


class EmbargoWish(Wanted):
    """Until when a story may appear nowhere."""

    until: Annotated[Moment, Field(strict=False)] | None = Field(description="A time with its zone; null lifts it.")


class Embargo(Schema):
    """Until when a story may appear nowhere; null where it may."""

    until: datetime | None


def _told(row: Schedule) -> Planned:
    return Planned(
        id=row.pk, story=row.story_id, at=row.at, expires_at=row.expires, note=row.note, state=row.state,
        error=row.error,
    )  # fmt: skip


@router.get("/{uuid:story_id}/schedules", response=answers(PlannedList), summary="Plans of a story")
def list_schedules(request: HttpRequest, story_id: UUID) -> HttpResponse:
    """When a story is to appear on the key's channel, or was. Scope: stories:publish."""
    key = key_of(request)
    rows = Schedule.objects.filter(story=story_of(key, story_id), channel=key.channel_id)
    return sent(PlannedList(items=[_told(row) for row in rows]))


@router.post("/{uuid:story_id}/schedules", response=answers(Planned, status=201), summary="Plan a publication")
def plan(request: HttpRequest, story_id: UUID, wish: ScheduleWish) -> HttpResponse:
    """Have a story published to the key's channel at a time; an earlier plan for it there is replaced. What counts is
    whether it is approved then. Scope: stories:publish."""
    key = key_of(request)
    row = schedules.plan(
        story_of(key, story_id), key.channel, at=wish.at, expires=wish.expires_at, note=wish.note, by=key.person
    )
    return sent(_told(row), status=201, headers={"Location": f"/api/v1/stories/{story_id}/schedules"})


@router.delete(
    "/{uuid:story_id}/schedules/{schedule_id}", response=answers(Planned, also=(409,)), summary="Leave a plan"
)
def leave(request: HttpRequest, story_id: UUID, schedule_id: Number) -> HttpResponse:
    """Leave a plan that still waits. Scope: stories:publish."""
    key = key_of(request)
    row = Schedule.objects.filter(story=story_of(key, story_id), channel=key.channel_id, pk=schedule_id).first()
    if row is None:
        raise Http404
    schedules.cancel(row, by=key.person)
    row.refresh_from_db()
    return sent(_told(row))


@router.put("/{uuid:story_id}/embargo", response=answers(Embargo, also=(409,)), summary="Put under embargo")
def embargo(request: HttpRequest, story_id: UUID, wish: EmbargoWish) -> HttpResponse:
    """Let a story appear on no channel before a time; 409 where it is published already. Scope: stories:publish."""
    key = key_of(request)
    story = story_of(key, story_id)
    schedules.put_under_embargo(story, wish.until, by=key.person)
    return sent(Embargo(until=story.embargo))
