"""The queue and the case."""

from __future__ import annotations

import pytest
from django.test import Client

from creator.models import Story
from creator.services import reviews
from creator.views.review import marked
from moderation.models import Review
from moderation.services import clauses
from tests.conftest import Cast
from tests.views.conftest import browser_of

FOR_IT = {"reason": "within_policy", "clause": "violence"}


@pytest.fixture
def review(story: Story, cast: Cast) -> Review:
    return reviews.submit(story, by=cast.alice)


def test_editors_have_no_queue(author: Client, review: Review) -> None:
    assert author.get("/admin/review/").status_code == 404
    assert author.get(f"/admin/review/{review.pk}/").status_code == 404


def test_the_queue_blurs_and_claims(moderator: Client, review: Review, story: Story, cast: Cast) -> None:
    page = moderator.get("/admin/review/").content.decode()
    assert story.title in page
    assert "/blurred/" in page
    assert "/thumbnail/" not in page
    answer = moderator.post(f"/admin/review/{review.pk}/claim/")
    assert answer["Location"] == f"/admin/review/{review.pk}/"
    review.refresh_from_db()
    assert review.claimed_by == cast.mo


def test_a_case_shows_all_that_a_decision_needs(moderator: Client, review: Review, story: Story) -> None:
    page = moderator.get(f"/admin/review/{review.pk}/").content.decode()
    for scene in story.scenes.all():
        assert scene.narration in page
    for said in ("Made by machines", "Read the article", "Policy clause", "Send back", "Approve", "CC0"):
        assert said in page


def test_approving_leads_to_the_next_case(moderator: Client, review: Review, story: Story) -> None:
    said = {"verb": "approve", "version": review.version, "note": "Fine.", **FOR_IT}
    assert moderator.post(f"/admin/review/{review.pk}/", said)["Location"] == "/admin/review/"
    story.refresh_from_db()
    assert story.state == Story.State.APPROVED


def test_sending_back_needs_reason_and_clause(moderator: Client, review: Review, story: Story) -> None:
    said = {"verb": "reject", "version": review.version, "note": "My words"}
    answer = moderator.post(f"/admin/review/{review.pk}/", said)
    assert answer.status_code == 400
    assert "My words" in answer.content.decode()
    clause = clauses(review.policy)[0][0]  # type: ignore[arg-type]
    moderator.post(f"/admin/review/{review.pk}/", {**said, "reason": "quality", "clause": clause})
    story.refresh_from_db()
    assert story.state == Story.State.REJECTED


def test_the_second_of_two_gets_a_conflict_that_keeps_the_note(
    moderator: Client, admin: Client, review: Review, story: Story
) -> None:
    said = {"verb": "approve", "version": review.version, "note": "First.", **FOR_IT}
    moderator.post(f"/admin/review/{review.pk}/", said)
    answer = admin.post(f"/admin/review/{review.pk}/", {**said, "note": "Second thoughts"})
    assert answer.status_code == 409
    assert "Somebody was faster" in answer.content.decode()
    assert "Second thoughts" in answer.content.decode()
    assert review.decisions.count() == 1


def test_nobody_decides_on_their_own_content(story: Story, cast: Cast) -> None:
    Story.objects.filter(pk=story.pk).update(author=cast.ada)
    story.refresh_from_db()
    review = reviews.submit(story, by=cast.ada)
    ada = browser_of(cast.ada)
    page = ada.get(f"/admin/review/{review.pk}/").content.decode()
    assert "This is your own content" in page
    assert 'value="approve"' not in page
    said = {"verb": "approve", "version": review.version, "note": "Mine.", **FOR_IT}
    assert ada.post(f"/admin/review/{review.pk}/", said).status_code == 403
    assert not review.decisions.exists()


def test_marked_words_are_marked_and_escaped() -> None:
    reasons = [{"where": "scene 1: narration", "text": "<b>shot</b>"}, {"where": "scene 2: narration", "text": "was"}]
    text = "It was <b>shot</b> at dawn."
    assert marked(text, reasons, "scene 1: narration") == (
        "It was <mark>&lt;b&gt;shot&lt;/b&gt;</mark> at dawn."
    )
    assert marked(text, reasons, "headline") == "It was &lt;b&gt;shot&lt;/b&gt; at dawn."
