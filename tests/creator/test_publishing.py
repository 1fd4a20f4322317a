"""Review and publication: approvals bind to hashes, nobody approves their own, apps get what was approved."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from creator.models import ApiKey, Channel, Publication, Story
from creator.services import keys, publications, reviews, stories
from media_processing.engine import EngineError
from moderation.models import Review
from tests.conftest import Cast
from tests.factories import finished_story


@pytest.fixture
def story(cast: Cast) -> Story:
    return finished_story(cast.workspace, cast.alice)


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return publications.default_channel(cast.workspace)


def approve(story: Story, cast: Cast) -> Review:
    review = reviews.submit(story, by=cast.alice)
    reviews.decide(review, by=cast.mo, verb="approve", version=review.version, note="Checked.")
    story.refresh_from_db()
    return review


@pytest.fixture
def published(story: Story, channel: Channel, cast: Cast) -> Publication:
    approve(story, cast)
    return publications.publish(story, channel, by=cast.alice)


@pytest.fixture
def key(channel: Channel) -> str:
    return keys.make(channel, name="phone")[1]


def get(path: str, key: str = "", **headers: str) -> object:
    given = {"Authorization": f"Bearer {key}"} if key else {}
    return Client().get(f"/api/v1{path}", headers={**given, **headers})


def test_what_was_not_reviewed_is_not_published(story: Story, channel: Channel, cast: Cast) -> None:
    with pytest.raises(EngineError, match="not reviewed"):
        publications.publish(story, channel, by=cast.alice)


def test_nobody_approves_their_own_story(story: Story, cast: Cast) -> None:
    review = reviews.submit(story, by=cast.alice)
    with pytest.raises(EngineError):
        reviews.decide(review, by=cast.alice, verb="approve", version=review.version)


def test_an_edit_voids_the_approval(story: Story, channel: Channel, cast: Cast) -> None:
    approve(story, cast)
    stories.edit_story(story, by=cast.alice, title="Something else")
    with pytest.raises(EngineError):
        publications.publish(story, channel, by=cast.alice)


def test_a_rejection_needs_a_reason_and_sends_the_story_back(story: Story, cast: Cast) -> None:
    review = reviews.submit(story, by=cast.alice)
    with pytest.raises(EngineError):
        reviews.decide(review, by=cast.mo, verb="reject", version=review.version)
    clause = "misleading"
    from moderation.services import clauses

    clause = clauses(review.policy)[0][0]
    reviews.decide(review, by=cast.mo, verb="reject", version=review.version, reason="quality", clause=clause)
    story.refresh_from_db()
    assert story.state == Story.State.REJECTED


def test_an_app_fetches_what_was_approved(published: Publication, key: str) -> None:
    listed = get("/stories", key)
    assert listed.status_code == 200
    item = json.loads(listed.content)["items"][0]
    assert item["id"] == str(published.story_id)
    detail = json.loads(get(f"/stories/{item['id']}", key).content)
    assert {rendition["format"] for rendition in detail["renditions"]} == {"card:1x1", "card:9x16"}
    assert detail["scenes"][0]["narration"]
    path = detail["renditions"][0]["url"].split("/api/v1")[1]
    whole = get(path, key)
    content = b"".join(whole.streaming_content)
    assert len(content) == detail["renditions"][0]["size"]
    part = get(path, key, Range="bytes=10-19")
    assert part.status_code == 206
    assert b"".join(part.streaming_content) == content[10:20]


def test_a_list_that_did_not_change_is_not_sent_again(published: Publication, key: str) -> None:
    tag = get("/stories", key)["ETag"]
    assert get("/stories", key, **{"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("path", ["/stories", "/stories/7b0e2d0c-4b0d-4d2e-9d0a-111111111111"])
def test_without_a_key_there_is_a_problem_document(db: None, path: str) -> None:
    answer = get(path)
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"


def test_a_revoked_key_ends_at_once(published: Publication, key: str) -> None:
    keys.revoke(ApiKey.objects.get())
    assert get("/stories", key).status_code == 401


def test_a_key_of_another_channel_sees_nothing(published: Publication, cast: Cast) -> None:
    elsewhere = keys.make(publications.default_channel(cast.other), name="theirs")[1]
    assert json.loads(get("/stories", elsewhere).content)["items"] == []
    assert get(f"/stories/{published.story_id}", elsewhere).status_code == 404
    rendition = published.document["renditions"][0]["id"]
    assert get(f"/renditions/{rendition}", elsewhere).status_code == 404


def test_what_is_withdrawn_is_gone(published: Publication, key: str, cast: Cast) -> None:
    publications.withdraw(published, by=cast.alice, reason="A mistake in the second scene.")
    assert get(f"/stories/{published.story_id}", key).status_code == 410
    assert json.loads(get("/stories", key).content)["items"] == []
    assert get(f"/renditions/{published.document['renditions'][0]['id']}", key).status_code == 404


@pytest.mark.parametrize("query", ["limit=0", "limit=1000", "colour=red", "limit=many"])
def test_a_query_that_makes_no_sense_is_refused(published: Publication, key: str, query: str) -> None:
    assert get(f"/stories?{query}", key).status_code == 422


def test_a_forged_cursor_is_refused(published: Publication, key: str) -> None:
    assert get("/stories?cursor=forged", key).status_code == 400


def test_pages_follow_each_other_without_gaps(cast: Cast, channel: Channel, published: Publication, key: str) -> None:
    more = []
    for number in range(4):
        other = Story.objects.create(
            workspace=cast.workspace, brief=_brief(cast, number), title=f"Story {number}", state=Story.State.PUBLISHED
        )
        document = {**published.document, "id": str(other.pk), "title": other.title}
        more.append(
            Publication.objects.create(
                workspace=cast.workspace, channel=channel, story=other, document=document,
                published=published.published, updated=published.updated, original=other.pk,
            )
        )  # fmt: skip
    seen, cursor = [], ""
    for _ in range(10):
        page = json.loads(get(f"/stories?limit=2&cursor={cursor}", key).content)
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"] or ""
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 5


def _brief(cast: Cast, number: int) -> object:
    from creator.models import Brief

    return Brief.objects.create(workspace=cast.workspace, article=f"Article {number}")


def test_a_key_is_stored_as_a_hash_only(channel: Channel, key: str) -> None:
    stored = ApiKey.objects.get()
    assert key not in json.dumps([stored.digest, stored.prefix, stored.name])
    assert stored.prefix == key[:10]
