"""The drawer: pictures from words for the library, and what else it offers."""

from __future__ import annotations

import json

from django.test import Client

from creator import jobs
from creator.models import Job, Story
from creator.services import alternatives
from media_processing.models import Asset
from tests.conftest import Cast


def test_it_offers_what_the_engines_of_the_workspace_can_do(author: Client, moderator: Client, cast: Cast) -> None:
    page = author.get("/generate/").content.decode()
    for said in ('role="tablist"', 'name="shape"', 'name="style"', "/settings/voices/heard.wav", "Make story"):
        assert said in page
    assert moderator.get("/generate/").status_code == 404


def test_four_pictures_are_drawn_in_the_shape_that_was_asked_for(author: Client, stranger: Client, cast: Cast) -> None:
    said = {"words": "a red boat on the river", "shape": "16x9", "count": "2", "seed": "3"}
    told = author.post("/generate/pictures/", said).json()
    job = Job.objects.get(pk=told["job"])
    assert author.post("/generate/pictures/", said).json()["job"] == job.pk  # a second click
    assert "drawn-blank" in author.get(told["drawn"]).content.decode()
    with jobs.working_on(job.pk) as work:
        assert work is not None
        alternatives.draw(work)
    made = Asset.objects.filter(workspace=cast.workspace, made_by__engine="illustrator")
    assert sorted((asset.width > asset.height, asset.made_by["seed"]) for asset in made) == [(True, 3), (True, 4)]
    page = author.get(told["drawn"]).content.decode()
    assert all(f'data-pick="{asset.pk}"' in page for asset in made)
    assert stranger.get(told["drawn"]).status_code == 404


def test_what_the_painter_cannot_do_is_told(author: Client, story: Story) -> None:
    wrong = ({"words": " "}, {"count": "99"}, {"seed": "many"}, {"style": "?"})
    for said in ({"words": "x", **each} for each in wrong):
        answer = author.post("/generate/pictures/", said)
        assert answer.status_code == 422
        assert answer.json()["message"]
    job = jobs.submit("draw_pictures", workspace=story.workspace, story=story)
    assert author.get(f"/generate/pictures/{job.pk}/").status_code == 404


def test_a_generated_picture_goes_into_a_scene(author: Client, story: Story, cast: Cast) -> None:
    job = Job.objects.get(pk=author.post("/generate/pictures/", {"words": "a green car", "count": "1"}).json()["job"])
    with jobs.working_on(job.pk) as work:
        assert work is not None
        alternatives.draw(work)
    asset = Asset.objects.get(made_by__engine="illustrator")
    scene = story.scenes.first()
    assert scene is not None
    said = {"do": "choose_picture", "scene": str(scene.pk), "asset": str(asset.pk), "version": story.version}
    answer = author.post(f"/stories/{story.pk}/edit/", json.dumps(said), content_type="application/json")
    assert answer.status_code == 200
    scene.refresh_from_db()
    assert scene.asset == asset
