"""How a story looks and sounds: the style of its drawings, the music under its videos, composed once and told."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from creator.models import Story
from creator.services import music, stories, variants
from media_processing.engine import EngineError
from media_processing.models import Rendition
from tests.conftest import Cast
from tests.factories import finished_story


@pytest.fixture
def story(cast: Cast) -> Story:
    return finished_story(cast.workspace, cast.alice, formats=("video:9x16", "card:1x1"))


def test_choosing_music_makes_the_videos_stale_and_leaves_the_cards(cast: Cast, story: Story) -> None:
    stories.edit_story(story, by=cast.alice, music="calm")
    video, card = story.variants.get(format="video:9x16"), story.variants.get(format="card:1x1")
    assert (variants.is_fresh(story, video), variants.is_fresh(story, card)) == (False, True)
    assert variants.document(story, video)["ai_disclosure"]["music"] == "composer"
    stories.edit_story(story, by=cast.alice, music="")
    assert variants.is_fresh(story, video), "without it, the old video is right again"


def test_a_bed_is_composed_once(cast: Cast, story: Story) -> None:
    assert music.bed(story, 5.0) is None
    stories.edit_story(story, by=cast.alice, music="calm")
    first = music.bed(story, 5.0)
    assert first is not None
    assert music.bed(story, 5.0) == first
    assert Rendition.objects.filter(recipe="music:calm").count() == 1
    assert music.bed(story, 1.0) is not None, "a very short video gets the beginning of a longer bed"


def test_a_mood_that_does_not_exist_is_refused(cast: Cast, story: Story) -> None:
    with pytest.raises(EngineError, match="no mood"):
        stories.edit_story(story, by=cast.alice, music="angry")


def test_a_mood_can_be_heard_before_it_is_chosen(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    answer = client.get(reverse("music-sample", args=["calm"]))
    assert answer["Content-Type"] == "audio/wav"
    assert answer.content[:4] == b"RIFF"
    assert client.get(reverse("music-sample", args=["angry"])).status_code == 404


def test_drawings_come_in_the_style_that_was_chosen(cast: Cast, story: Story) -> None:
    stories.edit_story(story, by=cast.alice, style="print")
    assert story.style == "print"
    with pytest.raises(EngineError, match="no style"):
        stories.edit_story(story, by=cast.alice, style="baroque")
