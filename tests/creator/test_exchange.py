"""A story in an editing program, and back."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from creator.models import Story
from creator.services import exchange, stories, variants
from media_processing.engine import EngineError
from media_processing.sound import silence, write_wav
from tests.conftest import Cast
from tests.factories import finished_story, picture, rendition

pytestmark = pytest.mark.slow


@pytest.fixture
def story(cast: Cast) -> Story:
    made = finished_story(cast.workspace, cast.alice, formats=("video:9x16", "card:1x1"))
    for number, scene in enumerate(made.scenes.all()):
        sound = rendition(cast.workspace, f"said {number}", write_wav(None, silence(0.4 + number / 10, 22050), 22050))
        sound.seconds = 0.4 + number / 10
        sound.save()
        scene.sound = sound
        scene.save()
    return made


@pytest.fixture(autouse=True)
def nothing_is_rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []
    monkeypatch.setattr(stories, "remake", lambda story, **_said: asked.append(str(story.pk)))
    return asked


def exported(story: Story, folder: Path) -> zipfile.ZipFile:
    exchange.export(story, exchange_of(story), folder / "story.zip")
    return zipfile.ZipFile(folder / "story.zip")


def exchange_of(story: Story) -> Any:
    return story.variants.get(format="video:9x16")


def edited(story: Story, folder: Path, change: Callable[[Any, Any], None]) -> bytes:
    """The exported timeline after an editing program has changed its tracks of pictures and narration."""
    with exported(story, folder) as archive:
        made = otio.adapters.read_from_string(archive.read("timeline.otio").decode(), "otio_json")
    change(made.video_tracks()[0], made.audio_tracks()[0])
    return str(otio.adapters.write_to_string(made, "otio_json")).encode()


def test_the_zip_holds_what_the_timeline_names(story: Story, tmp_path: Path) -> None:
    with exported(story, tmp_path) as archive:
        names = archive.namelist()
        assert {"timeline.otio", "timeline.edl", "timeline.xml"} <= set(names)
        assert len([name for name in names if name.startswith("media/")]) == 6
        assert any("narration" in name for name in names)


def test_unchanged_it_changes_nothing(story: Story, cast: Cast, tmp_path: Path) -> None:
    before = list(story.scenes.values())
    exchange.bring_back(story, edited(story, tmp_path, lambda *_tracks: None), by=cast.alice)
    assert list(story.scenes.values()) == before


def test_scenes_are_moved_left_out_doubled_and_made_longer(
    story: Story, cast: Cast, tmp_path: Path, nothing_is_rendered: list[str]
) -> None:
    one, _two, three = story.scenes.all()

    def change(pictures: Any, _narration: Any) -> None:
        clips = [item.clone() for item in pictures]
        del pictures[:]
        longer = otio.opentime.RationalTime(90, 30)
        clips[0].source_range = otio.opentime.TimeRange(clips[0].source_range.start_time, longer)
        pictures.extend([clips[2], clips[0], clips[2].clone()])

    assert exchange.bring_back(story, edited(story, tmp_path, change), by=cast.alice) == 3
    now = list(story.scenes.all())
    assert [scene.narration for scene in now] == [three.narration, one.narration, three.narration]
    assert now[0].pk == three.pk and now[2].pk not in (one.pk, three.pk)
    assert now[2].words == three.words and now[2].sound_id == three.sound_id
    assert one.sound is not None
    assert now[1].tail == pytest.approx(3 - 0.15 - one.sound.seconds, abs=0.02) and now[0].tail is None
    line = variants.timeline(story, exchange_of(story))
    assert line.scenes[1].seconds == pytest.approx(3.0, abs=0.02), "the video is as long as the editor made it"
    assert nothing_is_rendered == [str(story.pk)]
    assert story.state == Story.State.DRAFT


def test_another_picture_of_the_library_is_taken(story: Story, cast: Cast, tmp_path: Path) -> None:
    other = picture(cast.workspace, "pink", "A pink picture")

    def change(pictures: Any, _narration: Any) -> None:
        pictures[0].media_reference = otio.schema.ExternalReference(f"media/pink {other.digest[:16]}.png")

    exchange.bring_back(story, edited(story, tmp_path, change), by=cast.alice)
    scene = story.scenes.first()
    assert scene is not None and scene.asset == other and scene.chosen_by_hand


def test_what_belongs_to_another_team_is_not_found(story: Story, cast: Cast, tmp_path: Path) -> None:
    theirs = picture(cast.other, "pink", "Theirs")

    def change(pictures: Any, _narration: Any) -> None:
        pictures[0].media_reference = otio.schema.ExternalReference(f"media/x {theirs.digest[:16]}.png")

    with pytest.raises(EngineError, match="isn't in the library"):
        exchange.bring_back(story, edited(story, tmp_path, change), by=cast.alice)


def _without_narration(_pictures: Any, narration: Any) -> None:
    del narration[:]


def _somebody_elses(pictures: Any, _narration: Any) -> None:
    pictures[0].metadata["storyloom"] = str(pictures[0].metadata["storyloom"]).replace('"id": "', '"id": "0')


@pytest.mark.parametrize(
    ("change", "said"), [(_without_narration, "lost its narration"), (_somebody_elses, "isn't one of this story's")]
)
def test_what_cannot_be_taken_over_leaves_the_story_as_it_was(
    story: Story, cast: Cast, tmp_path: Path, change: Any, said: str
) -> None:
    before = list(story.scenes.values())
    with pytest.raises(EngineError, match=said):
        exchange.bring_back(story, edited(story, tmp_path, change), by=cast.alice)
    story.refresh_from_db()
    assert list(story.scenes.values()) == before and story.version == 1


def test_the_page_takes_a_timeline_back_and_refuses_what_is_none(story: Story, cast: Cast, tmp_path: Path) -> None:
    author = Client()
    author.force_login(cast.alice)
    address = f"/stories/{story.pk}/exchange/"
    assert "Video 9:16" in author.get(address).content.decode()
    answer = author.get(f"{address}{exchange_of(story).pk}.zip")
    assert zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))).testzip() is None  # type: ignore[attr-defined]
    card = story.variants.get(format="card:1x1")
    assert author.get(f"{address}{card.pk}.zip").status_code == 422
    refused = author.post(address, {"timeline": SimpleUploadedFile("a.otio", b"nonsense"), "version": "1"})
    assert refused.status_code == 422 and "no OpenTimelineIO file" in refused.content.decode()
    file = SimpleUploadedFile("a.otio", edited(story, tmp_path, lambda *_tracks: None))
    assert author.post(address, {"timeline": file, "version": "1"}).status_code == 302
    late = SimpleUploadedFile("a.otio", edited(story, tmp_path, lambda *_tracks: None))
    stories.edit_scene(story, story.scenes.all()[0].pk, by=cast.bob, transition="fade")
    assert "in the meantime" in author.post(address, {"timeline": late, "version": "1"}).content.decode()
