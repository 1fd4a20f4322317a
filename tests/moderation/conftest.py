"""Cases to decide on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from creator.models import Brief, Story
from media_processing.engine import EngineError
from moderation import services
from moderation.models import Review
from tests.append_only import decisions_may_go  # noqa: F401
from tests.conftest import Cast

PASS = services.Outcome("pass")
REVIEW = services.Outcome(
    "review",
    [
        {"category": "violence", "score": 0.6, "threshold": 0.5, "outcome": "review", "where": "summary", "text": "x",
         "clause": "violence", "why": "over"},
    ],
)  # fmt: skip
BLOCK = services.Outcome("block", [{**REVIEW.reasons[0], "score": 0.95, "threshold": 0.9, "outcome": "block"}])


@pytest.fixture
def story(cast: Cast) -> Story:
    return make_story(cast)


def make_story(cast: Cast) -> Story:
    brief = Brief.objects.create(workspace=cast.workspace, article="The ferry runs again.")
    return Story.objects.create(workspace=cast.workspace, brief=brief, author=cast.alice, title="The ferry")


def opened(story: Story, cast: Cast, *, number: int = 1, outcome: services.Outcome = REVIEW) -> Review:
    return services.open_case(
        workspace_id=cast.workspace.pk, story_id=story.pk, number=number, digests=[f"digest {number}"], outcome=outcome,
        policy=services.active_policy(cast.workspace.pk), submitted_by_id=cast.bob.pk,
    )  # fmt: skip


@pytest.fixture
def case(story: Story, cast: Cast) -> Review:
    return opened(story, cast)


def at_once(count: int, work: Callable[[int], Any], *, threads: int = 20) -> list[Any]:
    """What each of many calls got, or the EngineError that it met, so many at a time."""

    def one(number: int) -> Any:
        try:
            return work(number)
        except EngineError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(count)))
