"""The stream of events: replay, what is whose, heartbeat, an end; and the same by polling."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient, Client

from creator.models import Event, Story
from creator.views import events
from tests.conftest import Cast

pytestmark = pytest.mark.django_db(transaction=True)


def note(cast: Cast, kind: str, **more: Any) -> Event:
    return Event.objects.create(workspace=more.pop("workspace", cast.workspace), kind=kind, **more)


async def told(lines: AsyncIterator[bytes], count: int) -> list[dict[str, Any]]:
    """The next events of a stream."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(5):
        async for chunk in lines:
            found += [json.loads(line[6:]) for line in chunk.decode().splitlines() if line.startswith("data: ")]
            if len(found) >= count:
                break
    return found


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LOOK_EVERY", 0.02)


async def open_stream(cast: Cast, address: str = "/events/", **headers: str) -> Any:
    client = AsyncClient()
    await sync_to_async(client.force_login)(cast.alice)
    return await client.get(address, headers=headers)


def test_a_stream_begins_where_the_last_one_ended(cast: Cast, quick: None) -> None:
    first, second = note(cast, "one"), note(cast, "two")
    note(cast, "not ours", workspace=cast.other)

    async def look() -> None:
        answer = await open_stream(cast, **{"last-event-id": str(first.pk)})
        assert answer["Content-Type"] == "text/event-stream"
        assert answer["X-Accel-Buffering"] == "no"
        lines = aiter(answer.streaming_content)
        assert [event["id"] for event in await told(lines, 1)] == [second.pk]
        third = await sync_to_async(note)(cast, "three")
        assert [event["id"] for event in await told(lines, 1)] == [third.pk]

    asyncio.run(look())


def test_a_stream_of_one_story_is_silent_about_others(cast: Cast, story: Story, quick: None) -> None:
    note(cast, "another")
    ours = note(cast, "ours", story=story)

    async def look() -> None:
        answer = await open_stream(cast, f"/events/?story={story.pk}&after=0")
        found = await told(aiter(answer.streaming_content), 1)
        assert ours.pk in [event["id"] for event in found]
        assert {event["story"] for event in found} == {str(story.pk)}

    asyncio.run(look())


def test_a_stream_says_that_it_lives_and_ends(cast: Cast, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT", 0.05)
    monkeypatch.setattr(events, "LIFETIME", 0.4)

    async def look() -> str:
        answer = await open_stream(cast)
        async with asyncio.timeout(5):
            return "".join([chunk.decode() async for chunk in answer.streaming_content])

    said = asyncio.run(look())
    assert said.startswith("retry: ")
    assert ": still here" in said


def test_polling_tells_the_same(cast: Cast, author: Client, stranger: Client) -> None:
    first, second = note(cast, "one"), note(cast, "two")
    answer = author.get(f"/events/poll/?after={first.pk}").json()
    assert [event["id"] for event in answer["events"]] == [second.pk]
    assert answer["after"] == second.pk
    assert author.get("/events/poll/").json() == {"events": [], "after": second.pk}
    assert stranger.get("/events/poll/?after=0").json()["events"] == []


@pytest.mark.parametrize("after", ["x", "-1", "9" * 40, "٣"])
def test_nonsense_numbers_are_ignored(cast: Cast, author: Client, after: str) -> None:
    assert author.get("/events/poll/", {"after": after}).status_code == 200
