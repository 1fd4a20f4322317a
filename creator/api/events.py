"""What people did with the stories of a ranked list."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema
from pydantic import BeforeValidator, Field

from creator.api.contract import Moment, Wanted, answers, sent, whole
from creator.api.keys import ChannelKey, key_of
from creator.services import interactions

router = Router(tags=["events"], auth=ChannelKey("events:write"))
Number = Annotated[UUID, Field(strict=False)]


class Happened(Wanted):
    """Something that a person did."""

    id: Number = Field(description="Of your choice: sent again, it counts once.")
    kind: Literal["impression", "click", "completion"]
    list: Number = Field(description="The list that the story stood on.")
    story: Number
    position: Annotated[int, Field(ge=1, le=1000), BeforeValidator(whole)] | None = Field(
        None, description="Where it stood, from 1; it must be true."
    )
    at: Annotated[Moment, Field(strict=False)] | None = Field(None, description="When; now, where nothing is said.")
    format: str = Field("", max_length=20, pattern="^[a-z]*(:[0-9.x]+)?$", description='What was shown: "card:9x16".')
    visitor: str = Field("", max_length=200, description="Your word for the person: hashed with a salt of the day.")


class Events(Wanted):
    """A batch."""

    events: list[Happened] = Field(min_length=1, max_length=interactions.MOST)


class Outcome(Schema):
    """What became of an event."""

    id: UUID
    state: Literal["counted", "duplicate", "discounted", "refused"]
    reason: str = ""


class Outcomes(Schema):
    """What became of a batch, in its order."""

    counted: int
    duplicate: int
    discounted: int
    refused: int
    events: list[Outcome]


@router.post("", response=answers(Outcomes), summary="Tell what was seen and clicked")
def tell_events(request: HttpRequest, batch: Events) -> Any:
    """Up to 500 impressions, clicks and completions of stories of ranked lists. The answer says of each whether it
    counts, and why not: told twice, too often by one visitor, or impossible. No address and no name of a visitor is
    kept. Scope: events:write."""
    now = timezone.now()
    # Whoever sends nothing is told apart by where they come from, for the day and only as a hash.
    origin = f"{request.META.get('REMOTE_ADDR', '')} {request.headers.get('User-Agent', '')[:200]}"
    told = [
        interactions.Told(
            each.id, each.kind, each.list, each.story, each.at or now, each.position, each.format,
            each.visitor or origin,
        )
        for each in batch.events
    ]
    taken = interactions.take(key_of(request).channel, told, now=now)
    states = Counter(each.state for each in taken)
    return sent({
        **{state: states[state] for state in ("counted", "duplicate", "discounted", "refused")},
        "events": [{"id": str(each.id), "state": each.state, "reason": each.reason} for each in taken],
    })  # fmt: skip
