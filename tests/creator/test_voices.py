"""Whose voice speaks, and who agreed that theirs is imitated."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from creator import jobs
from creator.jobs import Work
from creator.models import Event, Job, Story, VoiceConsent
from creator.services import making, stories, voices
from generation import services as generation
from generation.engines.base import Saying, Speaker, Voice
from generation.engines.metering import Meter
from generation.models import Charge
from generation.speech.joining import Utterance
from media_processing.engine import EngineError, engines
from media_processing.sound import read_wav, write_wav
from tests.conftest import Cast
from tests.factories import finished_story
from tests.generation.test_openai_speech import tone
from tests.openai_double import openai_double

pytestmark = pytest.mark.slow

RECORDING = write_wav(None, (8_000 * np.sin(np.arange(5 * 16_000) / 9)).astype(np.int16), 16_000)
SAID = {"name": "Ada", "speaker": "Ada Lovelace", "statement": "You may imitate my voice.", "given": "2026-01-05"}


class Imitator(Voice):
    """Says everything as a tone, and remembers whose voice it was to imitate."""

    title = "Imitator"
    leaves_the_machine = False
    languages = frozenset({"en"})

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self.heard: list[tuple[str, str, float]] = []

    @property
    def can_clone(self) -> bool:
        return True

    def voices(self, language: str) -> tuple[Speaker, ...]:
        return (Speaker("low", "Low", "en"), Speaker("high", "High", "en"))

    def _say(self, text: str, saying: Saying, meter: Meter) -> Utterance:
        seconds = 0.0
        if saying.likeness:
            samples, rate = read_wav(saying.likeness.sample)
            seconds = len(samples) / rate
        self.heard.append((text, saying.likeness.person if saying.likeness else saying.voice, seconds))
        time = np.arange(12_000) / 16_000
        return Utterance((8_000 * np.sin(2 * np.pi * 200 * time)).astype(np.int16), 16_000)


@pytest.fixture
def imitator(settings: Settings, tmp_path: Any) -> Iterator[Imitator]:
    settings.ENGINES = {**settings.ENGINES, "voice": {"imitator": {"BACKEND": f"{__name__}.Imitator"}}}
    settings.CACHE_ROOT = tmp_path / "cache"
    yield engines["voice"]
    engines.forget()


def consent_of(cast: Cast, name: str = "Ada") -> VoiceConsent:
    return voices.record(
        cast.workspace, by=cast.ada, name=name, speaker="Ada Lovelace", statement="You may.",
        given=datetime.date(2026, 1, 5), sample=SimpleUploadedFile("ada.wav", RECORDING),
    )  # fmt: skip


def test_a_storys_voice_is_one_of_those_that_are_offered(cast: Cast) -> None:
    story = finished_story(cast.workspace, cast.alice, formats=("card:1x1",))
    keys = [voices.spoken_key(story, scene) for scene in story.scenes.all()]
    stories.edit_story(story, by=cast.alice, voice="en-gb+f2")
    assert story.voice == "en-gb+f2"
    assert not set(keys) & {voices.spoken_key(story, scene) for scene in story.scenes.all()}
    with pytest.raises(EngineError, match="no voice 'nobody'") as refused:
        stories.edit_story(story, by=cast.alice, voice="nobody")
    assert refused.value.next_step
    stories.edit_story(story, by=cast.alice, voice="")
    assert keys == [voices.spoken_key(story, scene) for scene in story.scenes.all()]


def test_the_studio_offers_voices_and_takes_one(cast: Cast, client: Client) -> None:
    story = finished_story(cast.workspace, cast.alice, formats=("card:1x1",))
    client.force_login(cast.alice)
    page = client.get(reverse("story", args=[story.pk])).content.decode()
    assert '<option value="en-gb">English (Great Britain)</option>' in page
    said = {"do": "edit_story", "version": story.version, "voice": "en-gb"}
    document = client.post(reverse("story-edit", args=[story.pk]), said, content_type="application/json").json()
    assert document["voice"] == "en-gb"
    Story.objects.filter(pk=story.pk).update(voice="of another engine")
    assert "of another engine (not offered now)" in client.get(reverse("story", args=[story.pk])).content.decode()


class TestCloning:
    def test_a_consent_offers_its_voice_and_marks_what_it_speaks(self, cast: Cast, imitator: Imitator) -> None:
        consent = consent_of(cast)
        chosen = f"cloned:{consent.pk}"
        assert [(each.id, each.title) for each in voices.offered(cast.workspace, "en")][-1] == (chosen, "Ada (cloned)")
        speech = voices.speak(cast.workspace, "Good morning.", language="en", voice=chosen)
        marked = {"cloned": True, "consent": consent.pk, "speaker": "Ada Lovelace", "engine": "imitator"}
        assert marked.items() <= dict(speech.made_by).items()
        ((text, person, seconds),) = imitator.heard
        assert (text, person) == ("Good morning.", "Ada Lovelace") and seconds == pytest.approx(5.0, abs=0.01)

    def test_without_one_no_voice_is_cloned(self, cast: Cast, imitator: Imitator) -> None:
        consent = consent_of(cast)
        for workspace, voice in ((cast.other, f"cloned:{consent.pk}"), (cast.workspace, "cloned:999999"),
                                 (cast.workspace, "cloned:"), (cast.workspace, "cloned:١")):  # fmt: skip
            with pytest.raises(EngineError, match="agreed"):
                voices.speak(workspace, "Good morning.", language="en", voice=voice)
        with pytest.raises(EngineError, match="no voice 'cloned"):
            generation.speak("Good morning.", voice=f"cloned:{consent.pk}", engine="imitator")
        assert imitator.heard == []

    def test_after_it_is_withdrawn_nothing_is_spoken_not_even_from_the_cache(
        self, cast: Cast, imitator: Imitator
    ) -> None:
        consent = consent_of(cast)
        chosen = f"cloned:{consent.pk}"
        story = finished_story(cast.workspace, cast.alice, formats=("card:1x1",))
        stories.edit_story(story, by=cast.alice, voice=chosen)
        key = voices.spoken_key(story, story.scenes.all()[0])
        voices.speak(cast.workspace, "Good morning.", language="en", voice=chosen)
        assert voices.withdraw(consent, by=cast.ada) == [story]
        with pytest.raises(EngineError, match="Ada Lovelace withdrew") as refused:
            voices.speak(cast.workspace, "Good morning.", language="en", voice=chosen)
        assert "another voice" in refused.value.next_step
        with pytest.raises(EngineError, match="withdrew"):
            stories.edit_story(story, by=cast.alice, voice=chosen)
        assert chosen not in [each.id for each in voices.offered(cast.workspace, "en")]
        # What the story has stays as it is, until somebody chooses another voice.
        assert voices.spoken_key(story, story.scenes.all()[0]) == key
        assert not list(generation.spoken_sentences()._folder.glob("cloned-*"))
        assert [event.kind for event in Event.objects.filter(kind__startswith="voice.")] == [
            "voice.consent_recorded", "voice.consent_withdrawn"
        ]  # fmt: skip

    def test_a_sample_that_is_gone(self, cast: Cast, imitator: Imitator) -> None:
        consent = consent_of(cast)
        VoiceConsent.objects.update(sample=None)
        with pytest.raises(EngineError, match="recording of Ada Lovelace is gone"):
            voices.speak(cast.workspace, "Hello.", language="en", voice=f"cloned:{consent.pk}")

    def test_an_engine_that_clones_nobody_says_so(self, cast: Cast) -> None:
        consent = consent_of(cast)
        assert f"cloned:{consent.pk}" not in [each.id for each in voices.offered(cast.workspace, "en")]
        with pytest.raises(EngineError, match="eSpeak NG can't speak in the voice of Ada Lovelace"):
            voices.speak(cast.workspace, "Hello.", language="en", voice=f"cloned:{consent.pk}")

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"name": "Taken"}, "voice “Taken” already"),
            ({"given": datetime.date(2999, 1, 1)}, "future"),
            ({"sample": SimpleUploadedFile("a.wav", write_wav(None, np.full(8_000, 900, np.int16), 16_000))}, "0.5 s"),
            ({"sample": SimpleUploadedFile("a.wav", b"no sound")}, "a.wav"),
        ],
    )  # fmt: skip
    def test_what_is_no_consent(self, cast: Cast, changes: dict[str, Any], message: str) -> None:
        consent_of(cast, "Taken")
        said = {"name": "Ada", "given": datetime.date(2026, 1, 5),
                "sample": SimpleUploadedFile("ada.wav", RECORDING)}  # fmt: skip
        with pytest.raises(EngineError, match=message):
            voices.record(
                cast.workspace, by=cast.ada, speaker="Ada Lovelace", statement="You may.", **{**said, **changes}
            )


class TestPage:
    def test_it_lists_voices_and_plays_them(self, cast: Cast, client: Client) -> None:
        client.force_login(cast.alice)
        page = client.get(reverse("voices"), {"language": "de"}).content.decode()
        assert "German, female" in page and "Write a consent down" not in page
        heard = client.get(reverse("voice-heard"), {"language": "de", "voice": "de+f2"})
        assert heard["Content-Type"] == "audio/wav" and heard.content[:4] == b"RIFF"
        for asked in ({"language": "de", "voice": "nobody"}, {"language": "xx"}, {"language": "de", "said": "a" * 201}):
            assert client.get(reverse("voice-heard"), asked).status_code == 404

    def test_an_engine_that_cannot_work_says_why(self, cast: Cast, client: Client, settings: Settings) -> None:
        coqui = settings.ENGINES["voice"]["coqui"]
        settings.ENGINES = {**settings.ENGINES, "voice": {"coqui": {**coqui, "OPTIONS": {}}}}
        client.force_login(cast.alice)
        assert "Set VOICE_MODEL" in client.get(reverse("voices")).content.decode()

    def test_an_admin_writes_a_consent_down_and_withdraws_it(self, cast: Cast, client: Client) -> None:
        client.force_login(cast.ada)
        sample = SimpleUploadedFile("ada.wav", RECORDING)
        assert client.post(reverse("voices"), {**SAID, "file": sample}).status_code == 302
        consent = VoiceConsent.objects.get()
        assert consent.sample is not None
        assert (consent.recorded_by, consent.sample.title) == (cast.ada, "Voice sample of Ada Lovelace")
        story = finished_story(cast.workspace, cast.alice, formats=("card:1x1",))
        Story.objects.filter(pk=story.pk).update(voice=f"cloned:{consent.pk}", title="Morning news")
        page = client.post(reverse("voice-withdraw", args=[consent.pk]), follow=True).content.decode()
        assert "Choose another voice for “Morning news”" in page and "withdrawn" in page

    def test_what_was_typed_stays(self, cast: Cast, client: Client) -> None:
        client.force_login(cast.ada)
        refused = client.post(reverse("voices"), {**SAID, "given": ""})
        assert refused.status_code == 422
        page = refused.content.decode()
        assert "You may imitate my voice." in page and "Attach a recording" not in page
        again = client.post(reverse("voices"), SAID)
        assert "Attach a recording" in again.content.decode()


def test_a_paid_voice_is_charged_by_the_character_and_a_change_costs_one_sentence(
    cast: Cast, settings: Settings, tmp_path: Path
) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(
        'date = 2026-11-01\ncurrency = "USD"\n'
        '[[model]]\nprovider = "127.0.0.1"\nname = "tiny"\ncharacters = "100.00"\n'
    )
    settings.PRICES, settings.CACHE_ROOT = str(prices), tmp_path / "cache"
    with openai_double() as double:
        double.usual = tone
        options = {"base_url": double.address, "api_key": "k", "model": "tiny"}
        backend = "generation.engines.openai_speech.OpenAIVoice"
        settings.ENGINES = {**settings.ENGINES, "voice": {"openai": {"BACKEND": backend, "OPTIONS": options}}}
        story = finished_story(cast.workspace, cast.alice, formats=("card:1x1",))
        stories.edit_story(story, by=cast.alice, voice="nova")
        first, *_rest = story.scenes.all()
        lengths = sum(len(scene.narration) for scene in story.scenes.all())

        def narrate() -> Decimal:
            job = jobs.claim(stories.remake(story, by=cast.alice).pk)
            assert job is not None
            work = Work(job)
            making.narrate(work, story, lambda _share: None)
            with work.effect():
                Job.objects.filter(pk=job.pk).update(state=Job.State.DONE)
            Story.objects.filter(pk=story.pk).update(state=Story.State.DRAFT)
            story.refresh_from_db()
            charges = Charge.objects.filter(job=job)
            assert {charge.state for charge in charges} <= {"settled", "released"}
            assert sum(charge.prompt_tokens for charge in charges) * 100 == sum(c.amount for c in charges) * 1_000_000
            return sum((charge.amount for charge in charges), Decimal())

        assert narrate() == Decimal(lengths * 100) / 1_000_000
        assert {request["voice"] for request in double.requests} == {"nova"}
        added = "One more."
        stories.edit_scene(story, first.pk, by=cast.alice, narration=f"{first.narration} {added}")
        assert narrate() == Decimal(len(added) * 100) / 1_000_000
        assert double.requests[-1]["input"] == added
        scene = story.scenes.get(pk=first.pk)
        assert scene.timing == "sentence" or [word["text"] for word in scene.words] == scene.narration.split()
