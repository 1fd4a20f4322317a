"""What happens in a workspace, as it happens: server-sent events with replay, and polling where those fail."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.db import close_old_connections
from django.db.models import Q
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from creator.access import story_for, workspace_for
from creator.models import Event
from creator.services.notices import TOLD
from creator.views.people import person_of

LOOK_EVERY = 0.4
HEARTBEAT = 15.0
LIFETIME = 300.0
"""Seconds until a stream ends; the browser opens the next one where it stopped."""
BATCH = 200


@login_required
@require_safe
async def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Events after `Last-Event-ID` (or `?after=`), then whatever comes."""
    workspace, story, after = await sync_to_async(_asked)(request)
    person = person_of(request).pk
    response = StreamingHttpResponse(_lines(workspace, story, after, person), content_type="text/event-stream")
    response["Cache-Control"] = "no-cache, no-transform"
    response["X-Accel-Buffering"] = "no"
    return response


@login_required
@require_safe
def poll(request: HttpRequest) -> JsonResponse:
    """The same events as one answer."""
    workspace, story, after = _asked(request)
    found = newer(workspace, story, after, person_of(request).pk)
    return JsonResponse({"events": found, "after": found[-1]["id"] if found else after})


def _asked(request: HttpRequest) -> tuple[int, UUID | None, int]:
    """The workspace, the story or none, and the number to go on after: by default the newest."""
    user = person_of(request)
    workspace = workspace_for(user).pk
    story = story_for(user, _uuid(request.GET["story"])).pk if request.GET.get("story") else None
    said = request.headers.get("Last-Event-ID") or request.GET.get("after") or ""
    if said.isdecimal() and len(said) < 19:
        return workspace, story, int(said)
    newest = Event.objects.filter(workspace_id=workspace).order_by("-id").values_list("id", flat=True).first()
    return workspace, story, newest or 0


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return str(UUID(int=0))


def newer(workspace: int, story: UUID | None, after: int, person: int | None = None) -> list[dict[str, Any]]:
    """The events after a number, oldest first; of the notices only those of `person`."""
    others = Q(kind=TOLD) & ~Q(person_id=person)
    found = Event.objects.filter(workspace_id=workspace, id__gt=after).exclude(others)
    if story:
        found = found.filter(story_id=story)
    return [
        {
            "id": event.pk,
            "kind": event.kind,
            "story": str(event.story_id) if event.story_id else None,
            "job": event.job_id,
            "person": event.person_id,
            "data": event.data,
        }
        for event in found.order_by("id")[:BATCH]
    ]


def _looked_up(workspace: int, story: UUID | None, after: int, person: int) -> list[dict[str, Any]]:
    """`newer` for a stream, which outlives the connection that its request began with."""
    close_old_connections()
    return newer(workspace, story, after, person)


async def _lines(workspace: int, story: UUID | None, after: int, person: int) -> AsyncIterator[str]:
    began = said = time.monotonic()
    yield "retry: 2000\n\n"
    while time.monotonic() - began < LIFETIME:
        events = await sync_to_async(_looked_up)(workspace, story, after, person)
        for event in events:
            after = event["id"]
            yield f"id: {after}\ndata: {json.dumps(event)}\n\n"
        if events:
            said = time.monotonic()
        elif time.monotonic() - said > HEARTBEAT:
            said = time.monotonic()
            yield ": still here\n\n"
        if len(events) < BATCH:
            await asyncio.sleep(LOOK_EVERY)
