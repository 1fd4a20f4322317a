"""What a video shows of its pictures: found once, kept, and overruled by an editor's point."""

from __future__ import annotations

import io

import numpy as np
import pytest
from django.test import Client
from PIL import Image, ImageDraw
from pytest_django import Settings

from creator.models import Scene, Story
from creator.services import framing, variants
from media_processing import services as media
from media_processing.ffmpeg import encode_frames
from tests.conftest import Cast
from tests.factories import finished_story
from tests.views.test_studio import document, edit


def wide(x: float) -> Image.Image:
    picture = Image.new("RGB", (640, 360), "#808478")
    ImageDraw.Draw(picture).ellipse((x * 640 - 40, 140, x * 640 + 40, 220), fill="#f2c230", outline="black", width=6)
    return picture


@pytest.fixture
def story(cast: Cast) -> Story:
    return finished_story(cast.workspace, cast.alice, formats=("video:9x16", "video:16x9"))


@pytest.fixture
def scene(story: Story) -> Scene:
    found = story.scenes.first()
    assert found is not None
    target = io.BytesIO()
    wide(0.85).save(target, "PNG")
    found.asset = media.store_asset(story.workspace_id, target.getvalue(), title="a", licence="CC0")[0]
    found.save()
    return found


def middle(story: Story, form: str = "video:9x16", **said: bool) -> float:
    line = variants.timeline(story, story.variants.get(format=form), **said)
    return framing.middles(line)[str(story.scenes.all()[0].pk)][0]


def test_a_crop_is_found_by_a_render_and_known_to_the_pages_then(story: Story, scene: Scene) -> None:
    assert middle(story) == 0.5, "a page doesn't wait for it"
    assert middle(story, find_crops=True) > 0.65
    assert middle(story) > 0.65
    assert middle(story, "video:16x9", find_crops=True) == pytest.approx(0.5, abs=0.01)


def test_an_editors_point_stands_above_it_until_it_is_taken_back(story: Story, scene: Scene, cast: Cast) -> None:
    author = Client()
    author.force_login(cast.alice)
    before = variants.made_from(story, story.variants.get(format="video:9x16"))
    edit(author, story, do="edit_scene", scene=scene.pk, focus=[0.2, 0.5])
    story.refresh_from_db()
    assert middle(story, find_crops=True) == 0.2
    assert variants.made_from(story, story.variants.get(format="video:9x16")) != before
    shown = document(author, story)["variants"][0]
    assert shown["framed"][str(scene.pk)] == [0.2, 0.5] and "nothing here looks for faces" in shown["framing"]
    edit(author, story, do="edit_scene", scene=scene.pk, focus=[])
    story.refresh_from_db()
    assert middle(story, find_crops=True) > 0.65


def test_a_damaged_note_is_found_anew(story: Story, scene: Scene, settings: Settings) -> None:
    middle(story, find_crops=True)
    for path in (settings.CACHE_ROOT / "framing").glob("*/*.json"):
        path.write_text("[[1, 2")
    assert middle(story) == 0.5
    assert middle(story, find_crops=True) > 0.65


@pytest.mark.slow
def test_a_clip_is_followed(story: Story, scene: Scene) -> None:
    film = encode_frames(
        (np.asarray(wide(0.15 + 0.7 * number / 59)) for number in range(60)), width=640, height=360, fps=15
    )
    scene.asset = media.store_asset(story.workspace_id, film, title="b", licence="CC0")[0]
    assert scene.asset.kind == "video" and scene.sound is not None
    scene.sound.seconds = 3.4
    scene.sound.save()
    scene.save()
    line = variants.timeline(story, story.variants.get(format="video:9x16"), find_crops=True)
    crops = line.scenes[0].visual.crops
    assert len(crops) > 3 and crops[0].x < 0.2 and crops[-1].x > 0.45
