"""The sound of a video alone: what is heard of it says that it was made with AI, and a job makes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from django.test import Client

from creator import jobs
from creator.models import Channel, Job, Publication, Schedule, Story
from creator.services import channels, feeds, keys, listening, marking, publications, reviews, schedules, variants
from generation.engines.espeak import ESpeakVoice
from media_processing import labels, provenance, sounding, xmp
from media_processing.decoding import inspect, read_sound
from media_processing.models import Rendition
from tests.conftest import Cast
from tests.factories import finished_story, rendition
from tests.media_processing.makers import clip

SECONDS = 1.5


@pytest.fixture
def channel(cast: Cast) -> Channel:
    found = publications.default_channel(cast.workspace)
    channels.adjust(found, sound="before", by=cast.ada)
    return found


@pytest.fixture
def story(cast: Cast, tmp_path: Path) -> Story:
    """A story with a video of a steady tone, approved."""
    story = finished_story(cast.workspace, cast.alice, formats=("video:9x16",))
    variant = story.variants.get()
    film = clip(tmp_path / "film.mp4", seconds=SECONDS).read_bytes()
    variant.rendition = rendition(cast.workspace, variant.format, film, "video/mp4")
    Rendition.objects.filter(pk=variant.rendition.pk).update(seconds=SECONDS)
    variant.made_from = variants.made_from(story, variant)
    variant.save()
    review = reviews.submit(story, by=cast.alice)
    reviews.decide(review, by=cast.mo, verb="approve", version=review.version, note="Seen.")
    story.refresh_from_db()
    return story


def released(story: Story, channel: Channel, cast: Cast) -> Publication:
    job = schedules.release(story, channel, by=cast.alice)
    assert isinstance(job, Job)
    jobs.work_off()
    job.refresh_from_db()
    assert (job.state, job.error) == (Job.State.DONE, "")
    assert Schedule.objects.filter(pk=job.subject["schedule"], state=Schedule.State.DONE).exists()
    return Publication.objects.get(story=story, channel=channel)


def sound_in(publication: Publication) -> tuple[dict[str, Any], Rendition]:
    (entry,) = (each for each in publication.document["renditions"] if each["format"] == "audio")
    return entry, Rendition.objects.get(pk=entry["id"])


def is_tone(path: Path, start: float, end: float) -> bool:
    """Whether a stretch is the tone of the film, 440 Hz, and nothing else."""
    rate = 16_000
    samples = read_sound(path, rate=rate)[int(start * rate) : int(end * rate)].astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    middle = 440 * len(samples) / rate
    around = slice(int(middle * 0.9), int(middle * 1.1) + 1)
    return bool(spectrum[around].sum() > 0.9 * spectrum.sum())


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_voice_says_how_it_was_made(story: Story, channel: Channel, cast: Cast, place: str) -> None:
    channels.adjust(channel, sound=place, by=cast.ada)
    publication = released(story, channel, cast)
    entry, file = sound_in(publication)
    content = file.file.read_bytes()
    marks = entry["marks"]
    assert (entry["content_type"], entry["recipe"], marks["spoken"]) == ("audio/mpeg", "audio", labels.spoken("en"))
    said = inspect(file.file).seconds - SECONDS - sounding.PAUSE
    assert 1.0 < said < 6.0
    assert entry["seconds"] == pytest.approx(inspect(file.file).seconds, abs=0.15)
    first = marks["spoken_first"]
    assert first == pytest.approx(said + sounding.PAUSE if place == "before" else 0.0, abs=0.15)
    assert is_tone(file.file, first + 0.2, first + SECONDS - 0.2)
    spoken = (0.2, said - 0.2) if place == "before" else (SECONDS + sounding.PAUSE + 0.2, SECONDS + said)
    assert not is_tone(file.file, *spoken)
    found = provenance.verify(content, "audio/mpeg", trusted=marking.identity())
    assert (found.verdict, found.source_type) == ("trusted", "compositeWithTrainedAlgorithmicMedia")
    assert found.ingredients == (("The video that it is the sound of", "none"),)
    assert xmp.source_type_of(content) == "compositeWithTrainedAlgorithmicMedia"
    again = publications.publish(story, channel, by=cast.alice)
    assert sound_in(again)[1].pk == file.pk, "made once"


def test_apps_feeds_and_pages_offer_it(story: Story, channel: Channel, cast: Cast) -> None:
    publication = released(story, channel, cast)
    _, file = sound_in(publication)
    client = Client(headers={"Authorization": f"Bearer {keys.make(channel, name='phone')[1]}"})
    (item,) = client.get("/api/v1/stories?kind=audio&fields=renditions").json()["items"]
    (told,) = item["renditions"]
    assert told["marks"]["spoken"] == "This recording was made with AI."
    assert client.get("/api/v1/stories?kind=card").json()["items"] == []
    assert client.get("/api/v1/stories?kind=audio&aspect=9x16").json()["items"] == []
    files = client.get(f"/api/v1/stories/{story.pk}/renditions?aspect=1x1").json()["items"]
    assert [each["format"] for each in files] == ["video:9x16", "audio"]
    address = client.get(f"/api/v1/stories/{story.pk}/renditions/audio")["Location"]
    parts = urlsplit(address)
    part = Client().get(f"{parts.path}?{parts.query}", headers={"Range": "bytes=0-9"})
    assert (part.status_code, part["Content-Type"]) == (206, "audio/mpeg")
    assert client.get("/api/v1/channels").json()["items"][0]["sound"] == "before"
    in_json = json.loads(feeds.written(channel, "json")[0])["items"][0]["attachments"]
    assert [each["mime_type"] for each in in_json] == ["video/mp4", "audio/mpeg"]
    assert 'medium="audio"' in feeds.written(channel, "rss")[0]
    Channel.objects.update(public=True)
    page = Client().get(f"/watch/{publication.pk}/").content.decode()
    assert f"/api/v1/renditions/{file.pk}" in page
    assert "<audio" in page


def test_what_takes_long_is_work_of_a_job(story: Story, channel: Channel, cast: Cast) -> None:
    channels.adjust(channel, labelled=True, sound="", by=cast.ada)
    secret = keys.make(channel, name="desk", scopes=("stories:read", "stories:publish", "jobs:read"))[1]
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    answer = client.post(f"/api/v1/stories/{story.pk}/publication", content_type="application/json")
    assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
    assert answer["Location"] == f"/api/v1/jobs/{answer.json()['id']}"
    assert not Publication.objects.exists()
    twice = client.post(f"/api/v1/stories/{story.pk}/publication", content_type="application/json")
    assert twice.status_code == 409
    browser = Client()
    browser.force_login(cast.alice, backend="django.contrib.auth.backends.ModelBackend")
    said = browser.post(f"/stories/{story.pk}/publish/", {"channel": channel.pk}, follow=True).content.decode()
    assert "It is being published" in said
    jobs.work_off()
    assert client.get(answer["Location"]).json()["state"] == "done"
    told = client.get(f"/api/v1/stories/{story.pk}").json()["renditions"]
    assert [each["marks"]["label"] for each in told if each["format"] == "video:9x16"] == ["Made with AI"]
    said = browser.post(f"/stories/{story.pk}/publish/", {"channel": channel.pk}, follow=True).content.decode()
    assert "On its way to Lock screen" in said


def test_a_job_that_was_lost_after_its_effect_publishes_once(story: Story, channel: Channel, cast: Cast) -> None:
    job = schedules.release(story, channel, by=cast.alice)
    assert isinstance(job, Job)
    jobs.work_off()
    before = Publication.objects.get().updated
    Job.objects.filter(pk=job.pk).update(state=Job.State.WAITING)
    jobs.work_off()
    assert Publication.objects.get().updated == before


def test_it_is_not_published_without_its_words(
    story: Story, channel: Channel, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ESpeakVoice, "speaks", lambda self, language: False)
    job = schedules.release(story, channel, by=cast.alice)
    assert isinstance(job, Job)
    jobs.work_off()
    job.refresh_from_db()
    assert "Not published: the sound alone" in job.error
    assert "another voice" in job.next_step
    assert not Publication.objects.exists()
    inside = Channel.objects.create(
        workspace=cast.workspace, slug="desk", name="Desk", surface=marking.PRIVATE, sound="after"
    )
    publication = released(story, inside, cast)
    assert [each["format"] for each in publication.document["renditions"]] == ["video:9x16"]


@pytest.mark.parametrize(("language", "heard"), [("sw", "en"), ("de", "de"), ("pt-BR", "pt")])
def test_a_language_without_words_hears_them_in_english(story: Story, language: str, heard: str) -> None:
    story.language = language
    with jobs.working_on(jobs.submit("tidy", workspace=story.workspace).pk) as work:
        words, sound = listening._notice(story, work)
        assert listening._notice(story, None) == (words, sound), "spoken once"
    assert words == labels.spoken(heard)
    assert sound.seconds > 1
