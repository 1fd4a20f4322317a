"""The studio's document, its edits and its acts."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from creator.models import Alternative, Job, Story
from creator.services import publications, reviews
from tests.conftest import Cast
from tests.factories import picture


def edit(client: Client, story: Story, **said: Any) -> Any:
    said = {"version": story.version, **said}
    return client.post(f"/stories/{story.pk}/edit/", json.dumps(said, default=str), content_type="application/json")


def document(client: Client, story: Story) -> dict[str, Any]:
    shown: dict[str, Any] = client.get(f"/stories/{story.pk}/document/").json()
    return shown


def test_the_document_holds_what_the_studio_shows(author: Client, story: Story) -> None:
    shown = document(author, story)
    assert [scene["narration"] for scene in shown["scenes"]] == [scene.narration for scene in story.scenes.all()]
    assert shown["next"] == "review"
    assert all(variant["fresh"] and variant["url"] for variant in shown["variants"])
    assert shown["may"] == {"edit": True, "review": False, "publish": True}
    assert {engine["role"] for engine in shown["engines"]} >= {"writer", "voice", "painter"}


def test_colleagues_edit_too(colleague: Client, story: Story) -> None:
    scene = story.scenes.all()[1]
    answer = edit(colleague, story, do="edit_scene", scene=scene.pk, narration="Fishers were glad.")
    assert answer.status_code == 200
    assert answer.json()["version"] == story.version + 1
    assert answer.json()["scenes"][1]["narration"] == "Fishers were glad."


def test_an_edit_makes_its_times_estimates_and_the_render_old(author: Client, story: Story) -> None:
    scene = story.scenes.all()[0]
    shown = edit(author, story, do="edit_scene", scene=scene.pk, narration="A harbour has a light.").json()
    assert not shown["scenes"][0]["exact"]
    assert shown["scenes"][1]["exact"]
    assert shown["next"] == "render"


def test_edits_of_different_scenes_merge_and_those_of_one_are_a_conflict(
    author: Client, colleague: Client, story: Story
) -> None:
    first, second = story.scenes.all()[:2]
    assert edit(author, story, do="edit_scene", scene=first.pk, narration="Mine.").status_code == 200
    merged = edit(colleague, story, do="edit_scene", scene=second.pk, narration="Theirs.")
    assert merged.status_code == 200
    assert [scene["narration"] for scene in merged.json()["scenes"]][:2] == ["Mine.", "Theirs."]
    answer = edit(colleague, story, do="edit_scene", scene=first.pk, narration="Not mine.")
    assert answer.status_code == 409
    assert answer.json()["document"]["scenes"][0]["narration"] == "Mine."
    assert answer.json()["who"] == "alice"


def test_an_operation_that_is_sent_twice_is_done_once(author: Client, story: Story) -> None:
    said = {"do": "add_scene", "position": 1, "narration": "A new line.", "id": uuid4(), "key": uuid4()}
    first = edit(author, story, **said)
    again = edit(author, story, **said)
    assert (first.status_code, again.status_code) == (200, 200)
    assert [scene["narration"] for scene in again.json()["scenes"]].count("A new line.") == 1
    assert again.json()["version"] == first.json()["version"]


def test_undo_and_redo_are_operations_too(author: Client, colleague: Client, story: Story) -> None:
    before = story.title
    shown = edit(author, story, do="edit_story", title="New").json()
    assert shown["history"] == {"undo": "the headline", "redo": ""}
    shown = edit(author, story, do="undo").json()
    assert (shown["title"], shown["history"]) == (before, {"undo": "", "redo": "the headline"})
    shown = edit(author, story, do="redo").json()
    assert shown["title"] == "New"
    edit(colleague, story, do="edit_story", title="Newer", version=shown["version"])
    answer = edit(author, story, do="undo")
    assert answer.status_code == 409
    assert "bob changed the headline since" in answer.json()["message"]
    assert document(author, story)["title"] == "Newer"
    assert edit(author, story, do="undo").status_code == 422


def test_scenes_move_come_and_go(author: Client, story: Story) -> None:
    ids = [str(scene.pk) for scene in story.scenes.all()]
    shown = edit(author, story, do="move_scene", scene=ids[0], position=2).json()
    assert [scene["id"] for scene in shown["scenes"]] == [ids[1], ids[2], ids[0]]
    story.refresh_from_db()
    shown = edit(author, story, do="add_scene", position=1, narration="A new line.").json()
    assert shown["scenes"][1]["narration"] == "A new line."
    story.refresh_from_db()
    shown = edit(author, story, do="remove_scene", scene=ids[0]).json()
    assert ids[0] not in [scene["id"] for scene in shown["scenes"]]


def test_pictures_are_chosen_among_offers_and_from_the_library(author: Client, story: Story, cast: Cast) -> None:
    scene = story.scenes.all()[0]
    offer = Alternative.objects.create(scene=scene, asset=picture(cast.workspace, "red", "Red"), score=0.7)
    shown = edit(author, story, do="choose_picture", scene=scene.pk, alternative=offer.pk).json()
    assert shown["scenes"][0]["picture"]["title"] == "Red"
    assert shown["scenes"][0]["by_hand"]
    story.refresh_from_db()
    own = picture(cast.workspace, "white", "White")
    shown = edit(author, story, do="choose_picture", scene=scene.pk, asset=own.pk).json()
    assert shown["scenes"][0]["picture"]["title"] == "White"


def test_nobody_shows_another_workspaces_picture(author: Client, story: Story, cast: Cast) -> None:
    foreign = picture(cast.other, "red")
    answer = edit(author, story, do="choose_picture", scene=story.scenes.all()[0].pk, asset=foreign.pk)
    assert answer.status_code == 404


def test_looking_for_pictures_and_making_again_are_jobs(author: Client, story: Story) -> None:
    edit(author, story, do="find_pictures", scene=story.scenes.all()[0].pk, words="a lighthouse")
    assert story.jobs.filter(kind="find_pictures").exists()
    author.post(f"/stories/{story.pk}/render/", {"step": "narration"})
    job = story.jobs.get(kind="make_story")
    assert job.subject["step"] == "narration"
    assert document(author, story)["next"] == "wait"


def test_refusals_come_with_a_sentence(author: Client, story: Story) -> None:
    answer = edit(author, story, do="edit_scene", scene=story.scenes.all()[0].pk, narration="   ")
    assert answer.status_code == 422
    assert "empty" in answer.json()["message"]
    assert edit(author, story, do="remove_scene", scene=uuid4()).status_code == 422


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"do": "fly"}', '{"do": "edit_scene"}', '{"do": "edit_scene", "scene": "x"}', "\xff"]
)
def test_nonsense_is_a_400(author: Client, story: Story, body: str) -> None:
    answer = author.post(f"/stories/{story.pk}/edit/", body, content_type="application/json")
    assert answer.status_code == 400


def test_reviewed_and_published_by_forms_alone(author: Client, moderator: Client, story: Story, cast: Cast) -> None:
    channel = publications.default_channel(cast.workspace)
    author.post(f"/stories/{story.pk}/review/")
    review = story.reviews.get()
    assert document(author, story)["next"] == "in_review"
    moderator.post(f"/admin/review/{review.pk}/", {"verb": "approve", "version": review.version, "note": "Fine."})
    assert document(author, story)["next"] == "publish"
    author.post(f"/stories/{story.pk}/publish/", {"channel": channel.pk})
    page = author.get(f"/stories/{story.pk}/").content.decode()
    assert document(author, story)["next"] == "live"
    assert f"/api/v1/stories/{story.pk}" in page
    publication = story.publications.get()
    author.post(f"/stories/{story.pk}/withdraw/", {"publication": publication.pk, "reason": "A name is wrong."})
    publication.refresh_from_db()
    assert publication.withdrawn


def test_publishing_without_approval_says_why(author: Client, story: Story, cast: Cast) -> None:
    channel = publications.default_channel(cast.workspace)
    answer = author.post(f"/stories/{story.pk}/publish/", {"channel": channel.pk}, follow=True)
    assert "was not reviewed" in answer.content.decode()
    assert not story.publications.exists()


def test_a_failed_job_shows_its_error_and_the_way_on(author: Client, story: Story, cast: Cast) -> None:
    Job.objects.create(
        workspace=cast.workspace, kind="make_story", story=story, due=story.created, state="failed",
        error="OpenAI timed out.", next_step="Retry, or use the built-in writer.",
    )  # fmt: skip
    story.scenes.all().delete()
    Story.objects.filter(pk=story.pk).update(state=Story.State.FAILED)
    shown = document(author, story)
    assert shown["next"] == "retry"
    assert shown["failed"]["error"] == "OpenAI timed out."


def test_titles_cannot_break_out_of_the_page(author: Client, story: Story, cast: Cast) -> None:
    Story.objects.filter(pk=story.pk).update(title="</script><script>alert(1)</script>")
    assert "<script>alert" not in author.get(f"/stories/{story.pk}/").content.decode()
    assert "<script>alert" not in author.get("/").content.decode()


def test_reviews_see_the_case_from_the_studio(moderator: Client, story: Story, cast: Cast) -> None:
    review = reviews.submit(story, by=cast.alice)
    assert f"/admin/review/{review.pk}/" in moderator.get(f"/stories/{story.pk}/").content.decode()
