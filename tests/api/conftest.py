"""A channel with a live story, and apps that ask over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from creator.models import Brief, Channel, Publication, Story
from creator.services import keys, publications, reviews
from tests.conftest import Cast
from tests.factories import finished_story

ALL = tuple(scope for scope in keys.SCOPES if scope not in keys.NEEDS_PERSON)


@dataclass
class App:
    """A downstream app with a key."""

    secret: str

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.secret:
            given["Authorization"] = f"Bearer {self.secret}"
        content = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        client = Client(raise_request_exception=False)
        answer: HttpResponse = client.generic(method, f"/api/v1{path}", headers=given, **content)  # type: ignore[assignment]
        return answer

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.ask("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> HttpResponse:
        return self.ask("PATCH", path, body, **headers)


def told(answer: HttpResponse, status: int = 200) -> Any:
    """The JSON of an answer with this status; a problem document is one, whatever was asked."""
    assert answer.status_code == status, (answer.status_code, answer.content)
    if status >= 400:
        assert answer["Content-Type"] == "application/problem+json"
        problem = json.loads(answer.content)
        assert problem["status"] == status
        assert problem["title"]
        return problem
    return json.loads(answer.content)


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return publications.default_channel(cast.workspace)


@pytest.fixture
def story(cast: Cast) -> Story:
    return finished_story(cast.workspace, cast.alice)


@pytest.fixture
def live(story: Story, channel: Channel, cast: Cast) -> Publication:
    review = reviews.submit(story, by=cast.alice)
    reviews.decide(review, by=cast.mo, verb="approve", version=review.version, note="Checked.")
    story.refresh_from_db()
    return publications.publish(story, channel, by=cast.alice)


@pytest.fixture
def reader(channel: Channel) -> App:
    """An app that only reads."""
    return App(keys.make(channel, name="phone", rate=100_000)[1])


@pytest.fixture
def writer(channel: Channel) -> App:
    """An app that may do all but review."""
    return App(keys.make(channel, name="desk", scopes=ALL, rate=100_000)[1])


@pytest.fixture
def more(cast: Cast, channel: Channel, live: Publication) -> Callable[..., list[Publication]]:
    """Further publications with the live one's content."""

    def make(count: int, **fields: Any) -> list[Publication]:
        briefs = Brief.objects.bulk_create(Brief(workspace=cast.workspace, article="A") for _ in range(count))
        stories = Story.objects.bulk_create(Story(workspace=cast.workspace, brief=brief) for brief in briefs)
        made = []
        for each in stories:
            document = {**live.document, "id": str(each.pk), "language": fields.get("language", "en")}
            values = {"published": timezone.now(), "updated": timezone.now(), "original": each.pk, **fields}
            row = Publication(
                id=uuid4(), workspace=cast.workspace, channel=channel, story=each, document=document, **values
            )
            made.append(row)
        return Publication.objects.bulk_create(made)

    return make
