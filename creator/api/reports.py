"""What readers object to, sent on by the app that showed it to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from creator.api.contract import Wanted, answers, sent
from creator.api.errors import problem
from creator.api.keys import ChannelKey, key_of
from creator.models import Publication
from creator.services import reports
from moderation.cases import REPORT_REASONS

router = Router(tags=["reports"], auth=ChannelKey("reports:write"))

Reason: TypeAlias = Literal[tuple(REPORT_REASONS)]  # type: ignore[valid-type]


class NewReport(Wanted):
    """An objection to a published story."""

    story: str = Field(description="The id of the story.", pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    reason: Reason = Field(description="Why, as the reader chose it.")
    text: str = Field("", max_length=2000, description="What the reader says of it.")
    reader: str = Field(
        "", max_length=64,
        description="Your own name for the reader, a random id: each is counted once for a reason. Without it, all of "
        "your readers count as one. Send no name and no address.",
    )  # fmt: skip


class Received(Schema):
    """A report that a person will look at."""

    id: int
    story: UUID
    reason: str
    received_at: datetime


@router.post("", response=answers(Received, status=201, also=(410,)), summary="Report a published story")
def make_report(request: HttpRequest, wish: NewReport) -> Any:
    """Bring a reader's objection to the moderators of the channel. The same reader's second report for the same reason
    is answered with the first."""
    key = key_of(request)
    publication = Publication.objects.filter(channel=key.channel_id, story=UUID(wish.story)).first()
    if publication is None:
        return problem(404, "There is no such story in this channel.")
    if publication.withdrawn:
        return problem(410, f"This story was withdrawn: {publication.reason}")
    report = reports.by_app(key, publication, reason=str(wish.reason), text=wish.text, reader=wish.reader)
    received = Received(id=report.pk, story=report.story_id, reason=report.reason, received_at=report.created)
    return sent(received, status=201)
