"""A story's text as a whole: drafts in several tones, summary and hashtags."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from creator import jobs
from creator.models import Job, Story
from creator.services import making
from tests.generation.test_openai_writer import answer, script
from tests.openai_double import Double, Reply, form_of

pytestmark = pytest.mark.slow


def in_its_tone(request: dict[str, Any]) -> Any:
    """A script that says which tone it was asked for."""
    if form_of(request) != "Script":
        return answer(request)
    said = " ".join(str(message["content"]) for message in request["messages"])
    tone = next(tone for tone in ("lively", "plain", "warm", "calm") if tone in said)
    return {**script(3), "headline": f"A {tone} headline", "summary": "In other words.", "hashtags": ["#ferry"]}


@pytest.fixture
def double(endpoint: Double, settings: Settings) -> Double:
    endpoint.begin(in_its_tone)
    options = {"base_url": endpoint.address, "model": "tiny", "max_retries": 0}
    writer = {"BACKEND": "generation.engines.openai.OpenAIWriter", "OPTIONS": options}
    settings.ENGINES = {**settings.ENGINES, "writer": {"openai": writer}}
    return endpoint


def post(client: Client, story: Story, **said: Any) -> Any:
    story.refresh_from_db()
    return client.post(f"/stories/{story.pk}/drafts/", {"version": story.version, **said})


def page(client: Client, story: Story) -> str:
    return client.get(f"/stories/{story.pk}/drafts/").content.decode()


def test_the_starter_says_that_it_cannot_and_what_to_do(author: Client, story: Story) -> None:
    assert "Connect a writer" in page(author, story)
    answered = post(author, story, do="drafts", tone=["calm", "warm"])
    assert answered.status_code == 422 and "Connect a writer" in answered.content.decode()


def test_drafts_stand_side_by_side_and_one_is_taken_and_given_back(
    author: Client, story: Story, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [scene.narration for scene in story.scenes.all()]
    pictures = [scene.asset_id for scene in story.scenes.all()]
    assert post(author, story, do="drafts", tone=["lively", "warm"]).status_code == 302
    assert "Writing 2 drafts" in page(author, story)
    jobs.work_off()
    shown = page(author, story)
    assert "A lively headline" in shown and "A warm headline" in shown
    story.refresh_from_db()
    assert [scene.narration for scene in story.scenes.all()] == lines, "nothing changes until one is taken"
    monkeypatch.setattr(making, "make", lambda _work: None)
    assert post(author, story, do="take", tone="warm").status_code == 302
    jobs.work_off()
    Story.objects.update(state=Story.State.DRAFT)
    story.refresh_from_db()
    assert story.title == "A warm headline" and story.scenes.count() == 3
    assert "Go back to this" in page(author, story)
    assert post(author, story, do="take", tone="before").status_code == 302
    jobs.work_off()
    assert [scene.narration for scene in story.scenes.all()] == lines
    assert [scene.asset_id for scene in story.scenes.all()] == pictures


def test_an_older_page_changes_nothing(author: Client, story: Story, double: Double) -> None:
    post(author, story, do="drafts", tone=["lively", "warm"])
    jobs.work_off()
    old = story.version
    post(author, story, do="keep", title="Newer words", summary="", hashtags="")
    answered = author.post(f"/stories/{story.pk}/drafts/", {"version": old, "do": "take", "tone": "warm"})
    assert answered.status_code == 422 and "in the meantime" in answered.content.decode()
    story.refresh_from_db()
    assert story.title == "Newer words"


def test_a_draft_that_fails_keeps_the_finished_ones(author: Client, story: Story, double: Double) -> None:
    double.replies[:] = [Reply(in_its_tone({**_request(), "messages": [{"content": "warm"}]})), Reply(answer(_plan())),
                         Reply(status=401)]  # fmt: skip
    post(author, story, do="drafts", tone=["warm", "lively"])
    jobs.work_off()
    shown = page(author, story)
    assert "A warm headline" in shown and "refused the key" in shown
    job = Job.objects.get(kind="write_drafts")
    assert [draft["tone"] for draft in job.subject["drafts"]] == ["warm"]


def _request() -> dict[str, Any]:
    return {"response_format": {"json_schema": {"name": "Script"}}}


def _plan() -> dict[str, Any]:
    return {"response_format": {"json_schema": {"name": "Plan"}}, "messages": [{}, {"content": "id: 0\nid: 1\nid: 2"}]}


def test_hashtags_are_asked_for_ticked_and_kept(author: Client, story: Story, double: Double) -> None:
    assert post(author, story, do="hashtags").status_code == 302
    jobs.work_off()
    assert 'name="tag" value="' in page(author, story)
    post(author, story, do="keep", title=story.title, summary="Short.", hashtags="#fjord, #ferry", tag="Batteries")
    story.refresh_from_db()
    assert story.hashtags == ["fjord", "ferry", "Batteries"] and story.summary == "Short."


@pytest.mark.parametrize("tones", [[], ["calm"], ["calm", "nonsense"], ["calm", "warm", "lively", "plain", "x"] * 3])
def test_tones_that_make_no_sense_are_refused(author: Client, story: Story, double: Double, tones: list[str]) -> None:
    status = post(author, story, do="drafts", tone=tones).status_code
    assert status == (302 if len(set(tones)) > 3 else 422)
