"""The library over the content API: who may search it, what comes back, what is refused."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from creator.api.search import Found
from creator.models import Channel, Workspace
from creator.services import keys, library, publications
from media_processing.models import Asset
from tests.conftest import Cast

pytestmark = pytest.mark.django_db(transaction=True)  # what is made searchable is indexed at the commit


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return publications.default_channel(cast.workspace)


@pytest.fixture
def key(channel: Channel) -> str:
    return keys.make(channel, name="desk", scopes=("search:read",))[1]


def put(workspace: Workspace, title: str, colour: str = "red") -> Asset:
    content = BytesIO()
    Image.new("RGB", (320, 180), colour).save(content, "PNG")
    return library.keep(workspace, content.getvalue(), title=title, alt=f"A {title}", tags=["test"], made_by={})


def ask(query: str, key: str, path: str = "/search", **headers: str) -> HttpResponse:
    given = {"Authorization": f"Bearer {key}"} if key else {}
    return Client().get(f"/api/v1{path}{query}", headers={**given, **headers})  # type: ignore[return-value]


def found(query: str, key: str) -> list[dict[str, Any]]:
    answer = ask(query, key)
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = json.loads(answer.content)
    assert Found.model_validate(body).model_dump(mode="json") == body  # what the documentation says
    items: list[dict[str, Any]] = body["items"]
    return items


def test_an_app_finds_moments_and_fetches_their_pictures(cast: Cast, key: str) -> None:
    asset = put(cast.workspace, "harvest festival")
    item = found("?q=festival", key)[0]
    assert (item["asset"], item["title"], item["kind"], item["start"]) == (str(asset.pk), asset.title, "image", 0.0)
    assert sum(reason["contribution"] for reason in item["explain"]) == pytest.approx(item["score"])
    small = next(each for each in item["renditions"] if each["recipe"] == "webp-480")
    picture = ask("", key, small["url"].split("/api/v1")[1])
    assert Image.open(BytesIO(b"".join(picture.streaming_content))).format == "WEBP"  # type: ignore[attr-defined]


def test_a_key_without_the_scope_may_not_search(cast: Cast, channel: Channel, key: str) -> None:
    asset = put(cast.workspace, "harvest festival")
    reader = keys.make(channel, name="phone")[1]
    answer = ask("?q=festival", reader)
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
    rendition = asset.renditions.get(recipe="webp-480")
    assert ask("", reader, f"/renditions/{rendition.pk}").status_code == 404
    assert ask("?q=festival", "").status_code == 401


def test_a_key_sees_only_its_own_workspace(cast: Cast, key: str) -> None:
    theirs = put(cast.other, "harvest festival")
    assert found("?q=festival", key) == []
    rendition = theirs.renditions.get(recipe="webp-480")
    assert ask("", key, f"/renditions/{rendition.pk}").status_code == 404


def test_what_was_archived_is_not_served(cast: Cast, key: str) -> None:
    asset = put(cast.workspace, "harvest festival")
    rendition = asset.renditions.get(recipe="webp-480")
    Asset.objects.filter(pk=asset.pk).update(archived=timezone.now())
    assert found("?q=festival", key) == []
    assert ask("", key, f"/renditions/{rendition.pk}").status_code == 404


def test_pages_follow_each_other_and_kinds_narrow(cast: Cast, key: str) -> None:
    colours = ("#c02020", "#20a040", "#2040c0", "#e0e0e0", "#e0c020")  # unlike enough to be shown apart
    titles = {put(cast.workspace, f"festival {number}", colour).title for number, colour in enumerate(colours)}
    first = json.loads(ask("?q=festival&limit=3", key).content)
    rest = found(f"?q=festival&limit=3&offset={first['next']}", key)
    assert {item["title"] for item in first["items"] + rest} == titles
    assert found("?q=festival&kind=video", key) == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?q=festival&limit=0", 422), ("?q=festival&limit=many", 422), ("?q=festival&kind=smell", 422),
        ("?q=festival&colour=red", 422), ("?q=festival&offset=-1", 422), (f"?q={'x' * 50_000}", 400),
        ("?q=%00%ff%22%22-", 200), ("?q=%22unclosed", 200), ("?q=orientation:sideways", 400),
    ],
)  # fmt: skip
def test_every_query_gets_a_clear_answer(cast: Cast, key: str, query: str, status: int) -> None:
    answer = ask(query, key)
    assert answer.status_code == status, answer.content
    if status != 200:
        assert answer["Content-Type"] == "application/problem+json"
        assert json.loads(answer.content)["detail"]


def test_more_results_ask_the_database_no_more_often(cast: Cast, key: str) -> None:
    put(cast.workspace, "festival one")
    found("?q=festival", key)
    with CaptureQueriesContext(connection) as few:
        found("?q=festival", key)
    for number, colour in enumerate(("#c02020", "#20a020", "#2020c0", "#d0c020")):
        put(cast.workspace, f"festival {number}", colour)
    found("?q=festival", key)
    with CaptureQueriesContext(connection) as many:
        assert len(found("?q=festival", key)) == 5
    assert len(many) <= len(few) + 1
