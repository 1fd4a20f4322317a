"""A person's own narration: taken, timed, held to the line, spoken in place of the voice, and gone back from."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from creator import jobs
from creator.models import Job, Scene, Story
from creator.services import recording, stories, variants, voices
from generation import services as generation
from generation.engines.base import Speech
from media_processing.decoding import read_sound
from media_processing.engine import EngineError
from media_processing.engines.base import Passage, Transcriber, Transcription
from media_processing.ffmpeg import run_ffmpeg
from media_processing.models import Asset, Transcript
from media_processing.sound import read_wav, write_wav
from tests.conftest import Cast
from tests.factories import finished_story
from tests.views.test_studio import document, edit

pytestmark = pytest.mark.slow  # each decodes, listens and aligns
OTHER = "A walrus stole my bicycle and sold it in Paris."


class Listener(Transcriber):
    """A transcriber that hears what it is told."""

    title = "Listener"
    languages: ClassVar[frozenset[str]] = frozenset({"en"})
    leaves_the_machine = False

    def __init__(self, name: str = "", *, hears: str = "") -> None:
        super().__init__(name)
        self._hears = hears

    def _transcribe(self, sound: Path, **_said: Any) -> Transcription:
        passages = (Passage(self._hears, 0.1, 1.5),) if self._hears else ()
        return Transcription("en", passages)


@pytest.fixture
def story(cast: Cast) -> Story:
    return finished_story(cast.workspace, cast.alice)


@pytest.fixture
def scene(story: Story) -> Scene:
    return story.scenes.all()[0]


def hearing(settings: Settings, text: str) -> None:
    given = {"BACKEND": "tests.creator.test_recording.Listener", "OPTIONS": {"hears": text}}
    settings.ENGINES = {**settings.ENGINES, "transcriber": {"pocketsphinx": given}}


def said(text: str) -> Speech:
    return generation.speak(text, language="en", engine="espeak")


def recorded(text: str, folder: Path, *, form: str = "webm", before: float = 1.0) -> bytes:
    """Speech as a browser would send it: quieter, in a room that isn't silent, with a pause at both ends."""
    samples, rate = read_wav(said(text).sound)
    room = np.random.default_rng(1).normal(0, 8, int((before + 1.5) * rate) + len(samples))
    first = int(before * rate)
    room[first : first + len(samples)] += samples * 0.3
    source, target = folder / "said.wav", folder / f"said.{form}"
    write_wav(source, room.round().astype(np.int16), rate)
    if form != "wav":
        run_ffmpeg(["-i", source, *(["-c:a", "libopus"] if form in ("webm", "ogg") else []), target])
    return target.read_bytes()


def send(client: Client, story: Story, scene: Scene, content: bytes, name: str = "said.webm") -> Any:
    file = SimpleUploadedFile(name, content)
    return client.post(f"/stories/{story.pk}/recording/", {"scene": str(scene.pk), "sound": file})


def taken(client: Client, story: Story, scene: Scene, content: bytes) -> dict[str, Any]:
    """What the studio says of a recording that was listened to."""
    answer = send(client, story, scene, content)
    assert answer.status_code == 202, answer.content
    jobs.work_off()
    job = Job.objects.get(pk=answer.json()["job"])
    assert job.state == Job.State.DONE, job.error
    story.refresh_from_db()
    scene.refresh_from_db()
    found: dict[str, Any] = document(client, story)["scenes"][0]
    return found


class TestTaken:
    @pytest.mark.parametrize("form", ["webm", "ogg", "mp3", "wav"])
    def test_it_is_spoken_in_place_of_the_voice_with_words_in_time(
        self, author: Client, story: Story, scene: Scene, tmp_path: Path, form: str
    ) -> None:
        doc = taken(author, story, scene, recorded(scene.narration, tmp_path, form=form))
        assert doc["recording"]["state"] == "used" and doc["timing"] == "word"
        assert doc["voice"] == "Recorded by alice"
        assert "too roughly" in doc["recording"]["note"]
        assert [word["text"] for word in scene.words] == scene.narration.split()
        asset = scene.recorded
        assert asset is not None and scene.sound is not None
        _samples, offset = recording._cleaned(read_sound(asset.file, rate=recording.RATE))
        truth = [1.0 - offset + word.start for word in said(scene.narration).words]
        off = [abs(word["start"] - start) for word, start in zip(scene.words, truth, strict=True)]
        assert max(off) < 0.08, off
        assert voices.is_spoken(story, scene)
        assert scene.sound.seconds < said(scene.narration).seconds + 0.3, "the silence around it is cut off"

    def test_the_library_keeps_it_as_it_was_sent(
        self, author: Client, story: Story, scene: Scene, tmp_path: Path, cast: Cast
    ) -> None:
        content = recorded(scene.narration, tmp_path)
        taken(author, story, scene, content)
        asset = Asset.objects.get(pk=scene.recorded_id)
        assert asset.file.read_bytes() == content
        assert (asset.kind, asset.licence, asset.made_by, asset.credit) == ("audio", "Own work", {}, "alice")
        assert scene.narration in asset.title and asset.added_by == cast.alice
        assert asset.moments.exists()
        first = Transcript.objects.get(asset=asset).passages[0]
        assert 0.8 < first["start"] < 1.4, "in seconds of the file, not of what was cut out of it"

    def test_it_is_as_loud_as_the_voice(self, author: Client, story: Story, scene: Scene, tmp_path: Path) -> None:
        from media_processing import loudness

        taken(author, story, scene, recorded(scene.narration, tmp_path))
        assert scene.sound is not None
        assert loudness.measure(*read_wav(scene.sound.file))[0] == pytest.approx(loudness.SPEECH, abs=0.7)

    def test_captions_go_by_sentence_where_no_aligner_knows_the_language(
        self, author: Client, story: Story, scene: Scene, tmp_path: Path
    ) -> None:
        Story.objects.filter(pk=story.pk).update(language="de")
        text = "Der Hafen hat einen neuen Turm. Die Fischer wollten ihn seit vielen Jahren. Man sieht ihn weit."
        Scene.objects.filter(pk=scene.pk).update(narration=text)
        speech = generation.speak(text, language="de", engine="espeak")
        doc = taken(author, story, scene, speech.sound)
        assert (doc["timing"], doc["recording"]["by_sentence"], scene.words) == ("sentence", True, [])
        assert "doesn't know this language" in doc["recording"]["note"]
        assert not Transcript.objects.filter(asset=scene.recorded_id).exists()
        off = np.abs(np.array(scene.sentences) - np.array(speech.sentences))
        assert off.max() < 0.15, (scene.sentences, speech.sentences)

    def test_a_second_click_asks_once(self, author: Client, story: Story, scene: Scene, tmp_path: Path) -> None:
        content = recorded(scene.narration, tmp_path)
        assert send(author, story, scene, content).json() == send(author, story, scene, content).json()
        assert document(author, story)["recordings"]["asking"] == [str(scene.pk)]

    def test_a_render_does_not_speak_it_again(self, author: Client, story: Story, scene: Scene, tmp_path: Path) -> None:
        taken(author, story, scene, recorded(scene.narration, tmp_path))
        sound = scene.sound_id
        stories.remake(story, by=None, step="narration")
        jobs.work_off()
        scene.refresh_from_db()
        assert scene.sound_id == sound
        story.refresh_from_db()
        voiced = variants.document(story, story.variants.all()[0])["ai_disclosure"]["voice"]
        assert voiced == "espeak, recorded"

    def test_what_machines_did_is_told_truly(self, story: Story, scene: Scene, tmp_path: Path, author: Client) -> None:
        variant = story.variants.all()[0]
        assert variants.document(story, variant)["ai_disclosure"]["voice"] == "espeak"
        story.scenes.exclude(pk=scene.pk).delete()
        taken(author, story, scene, recorded(scene.narration, tmp_path))
        assert variants.document(story, variant)["ai_disclosure"]["voice"] == "recorded"


class TestOtherWords:
    def test_an_editor_is_asked_and_takes_what_was_said(
        self, author: Client, story: Story, scene: Scene, tmp_path: Path, settings: Settings
    ) -> None:
        hearing(settings, OTHER)
        before = (scene.narration, scene.sound_id)
        doc = taken(author, story, scene, recorded(OTHER, tmp_path))
        assert (doc["recording"]["state"], doc["recording"]["heard"]) == ("differs", OTHER)
        assert (scene.narration, scene.sound_id) == before, "nothing changes by itself"
        edit(author, story, do="use_recorded_words", scene=scene.pk, reading=doc["recording"]["reading"])
        story.refresh_from_db()
        scene.refresh_from_db()
        assert scene.narration == OTHER and scene.is_recorded and voices.is_spoken(story, scene)
        assert document(author, story)["scenes"][0]["recording"]["state"] == "used"

    def test_or_keeps_the_line(
        self, author: Client, story: Story, scene: Scene, tmp_path: Path, settings: Settings
    ) -> None:
        hearing(settings, OTHER)
        doc = taken(author, story, scene, recorded(OTHER, tmp_path))
        line = scene.narration
        edit(author, story, do="use_reading", scene=scene.pk, reading=doc["recording"]["reading"])
        scene.refresh_from_db()
        assert scene.narration == line and scene.is_recorded
        story.refresh_from_db()
        doc = document(author, story)["scenes"][0]
        assert doc["recording"]["state"] == "used" and doc["recording"]["by_sentence"]

    def test_or_puts_it_aside(
        self, author: Client, story: Story, scene: Scene, tmp_path: Path, settings: Settings
    ) -> None:
        hearing(settings, OTHER)
        taken(author, story, scene, recorded(OTHER, tmp_path))
        sound = scene.sound_id
        doc = edit(author, story, do="back_to_voice", scene=scene.pk).json()["scenes"][0]
        scene.refresh_from_db()
        assert doc["recording"]["state"] == "" and scene.sound_id == sound

    def test_a_rough_transcriber_tells_other_speech_but_no_words(
        self, author: Client, story: Story, scene: Scene, tmp_path: Path
    ) -> None:
        doc = taken(author, story, scene, recorded(OTHER, tmp_path))
        assert (doc["recording"]["state"], doc["recording"]["heard"]) == ("differs", "")

    def test_music_says_nothing(self, author: Client, story: Story, scene: Scene, settings: Settings) -> None:
        hearing(settings, "")
        at = np.arange(4 * 22050) / 22050
        notes = sum(np.sin(2 * np.pi * hertz * at) * 4000 for hertz in (220, 277, 330))
        doc = taken(author, story, scene, write_wav(None, np.asarray(notes).astype(np.int16), 22050))
        assert (doc["recording"]["state"], doc["recording"]["heard"]) == ("differs", "")
        assert not scene.is_recorded

    @pytest.mark.parametrize(
        ("line", "heard", "far"),
        [
            ("It cost 5 euros.", "it cost five euros", 0.0),
            ("The fishers' harbour", "the fishers harbor", 1 / 3),
            ("One two three four.", "nothing like that", 1.0),
        ],
    )
    def test_how_far_apart(self, line: str, heard: str, far: float) -> None:
        assert recording.differing(line, heard, "en") == pytest.approx(far, abs=0.01)


class TestLater:
    def test_an_edit_of_the_line_asks_and_a_render_waits_for_the_answer(
        self, author: Client, story: Story, scene: Scene, tmp_path: Path
    ) -> None:
        taken(author, story, scene, recorded(scene.narration, tmp_path))
        edit(author, story, do="edit_scene", scene=scene.pk, narration="The harbour has a new lighthouse.")
        story.refresh_from_db()
        assert document(author, story)["scenes"][0]["recording"]["state"] == "stale"
        job = stories.remake(story, by=None)
        jobs.work_off()
        job.refresh_from_db()
        assert job.state == Job.State.FAILED and "scene 1 says something else" in job.error
        story.refresh_from_db()
        edit(author, story, do="back_to_voice", scene=scene.pk)
        stories.remake(story, by=None)
        jobs.work_off()
        scene.refresh_from_db()
        story.refresh_from_db()
        assert voices.is_spoken(story, scene) and not scene.is_recorded and scene.recorded is None

    def test_back_to_the_voice_and_back_again(self, author: Client, story: Story, scene: Scene, tmp_path: Path) -> None:
        voice = scene.sound_id
        doc = taken(author, story, scene, recorded(scene.narration, tmp_path))
        mine = scene.sound_id
        doc = edit(author, story, do="back_to_voice", scene=scene.pk).json()["scenes"][0]
        scene.refresh_from_db()
        assert (scene.sound_id, scene.recorded, doc["recording"]["state"]) == (voice, None, "")
        story.refresh_from_db()
        edit(author, story, do="use_reading", scene=scene.pk, reading=doc["reading_back"])
        scene.refresh_from_db()
        assert scene.sound_id == mine and scene.recorded is not None


class TestRefused:
    @pytest.mark.parametrize(
        ("content", "why"),
        [(b"", "empty"), (b"<html>no sound</html>", "web page"), (b"\x1aE\xdf\xa3webm" + b"\0" * 200, "damaged")],
    )
    def test_what_is_no_sound(self, author: Client, story: Story, scene: Scene, content: bytes, why: str) -> None:
        answer = send(author, story, scene, content)
        assert answer.status_code == 422 and why in answer.json()["message"] and answer.json()["next_step"]
        assert not Asset.objects.filter(kind="audio").exists()

    def test_a_truncated_file(self, author: Client, story: Story, scene: Scene, tmp_path: Path) -> None:
        whole = recorded(scene.narration, tmp_path, form="m4a")
        answer = send(author, story, scene, whole[: len(whole) // 2], "said.m4a")
        assert answer.status_code == 422 and answer.json()["next_step"].startswith("Export or upload it again")
        assert not Asset.objects.filter(kind="audio").exists()

    def test_two_hours(self, author: Client, story: Story, scene: Scene, tmp_path: Path) -> None:
        with wave.open(str(tmp_path / "long.wav"), "wb") as long:
            long.setparams((1, 1, 4000, 0, "NONE", ""))
            long.writeframes(bytes(7200 * 4000))
        answer = send(author, story, scene, (tmp_path / "long.wav").read_bytes())
        assert answer.status_code == 422 and "120 minutes" in answer.json()["message"]

    def test_silence(self, author: Client, story: Story, scene: Scene) -> None:
        send(author, story, scene, write_wav(None, np.zeros(22050, np.int16), 22050))
        jobs.work_off()
        job = Job.objects.get(kind="take_narration")
        assert job.state == Job.State.FAILED and "Nothing is heard" in job.error and "microphone" in job.next_step

    def test_one_that_is_too_large(
        self, story: Story, scene: Scene, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(recording, "MOST_BYTES", 1000)
        with pytest.raises(EngineError, match="larger"):
            recording.record(story, scene.pk, SimpleUploadedFile("a.wav", b"\0" * 1001), by=cast.alice)

    def test_a_video(self, author: Client, story: Story, scene: Scene, tmp_path: Path) -> None:
        from tests.media_processing.makers import clip

        answer = send(author, story, scene, clip(tmp_path / "clip.mp4", seconds=0.5).read_bytes(), "clip.mp4")
        assert answer.status_code == 422 and "no sound" in answer.json()["message"]

    def test_nothing_a_foreign_scene_and_no_id(self, author: Client, story: Story, cast: Cast) -> None:
        other = finished_story(cast.other, cast.charlie)
        assert author.post(f"/stories/{story.pk}/recording/", {"scene": str(story.pk)}).status_code == 422
        for scene_id in (str(other.scenes.all()[0].pk), "x"):
            file = io.BytesIO(b"RIFF")
            file.name = "a.wav"
            answer = author.post(f"/stories/{story.pk}/recording/", {"scene": scene_id, "sound": file})
            assert answer.status_code == 422 and "gone" in answer.json()["message"]
        assert not Job.objects.filter(kind="take_narration").exists()
