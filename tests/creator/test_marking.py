"""What is published is marked, or it isn't published; and what a file says can be looked up."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image, ImageChops

from creator.models import Channel, Publication, Story
from creator.services import channels, keys, marking, publications, reviews
from media_processing import labels, provenance, watermark, xmp
from media_processing.engine import EngineError, engines
from media_processing.models import Rendition
from tests.conftest import Cast
from tests.factories import finished_story, rendition
from tests.media_processing.makers import clip, picture, picture_bytes


@pytest.fixture(scope="module")
def drawing() -> Image.Image:
    content = engines["painter", "illustrator"].draw("a boat on the sea", width=256, height=320, seed=3).content
    return Image.open(io.BytesIO(content)).convert("RGB")


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return publications.default_channel(cast.workspace)


def approved(cast: Cast, card: bytes, content_type: str = "image/png") -> Story:
    """A story of one card, approved."""
    story = finished_story(cast.workspace, cast.alice, formats=("card:1x1",))
    variant = story.variants.get()
    variant.rendition = rendition(cast.workspace, "card:1x1", card, content_type)
    variant.save()
    review = reviews.submit(story, by=cast.alice)
    reviews.decide(review, by=cast.mo, verb="approve", version=review.version, note="Seen.")
    story.refresh_from_db()
    return story


def published_file(publication: Publication) -> Rendition:
    return Rendition.objects.get(pk=publication.document["renditions"][0]["id"])


def test_what_an_app_gets_is_signed_and_watermarked(cast: Cast, channel: Channel, drawing: Image.Image) -> None:
    story = approved(cast, picture_bytes(drawing, "PNG"))
    publication = publications.publish(story, channel, by=cast.alice)
    entry = publication.document["renditions"][0]
    key = keys.make(channel, name="phone")[1]
    answer = Client().get(f"/api/v1/renditions/{entry['id']}", headers={"Authorization": f"Bearer {key}"})
    content = b"".join(answer.streaming_content)
    assert len(content) == entry["size"]
    found = provenance.verify(content, "image/png", trusted=marking.identity())
    assert found.verdict == "trusted"
    assert found.source_type == publication.document["ai_disclosure"]["digital_source_type"]
    assert "c2pa.watermarked.unbound" in found.actions
    assert found.ingredients == (("The harbour got a new lighthouse on Friday.", "none"),)
    assert found.engines["text"] == "extractive"
    assert watermark.is_marked(watermark.worn_down(Image.open(io.BytesIO(content))))
    assert entry["marks"]["watermark"] and entry["marks"]["self_made_certificate"]
    approved_file = story.variants.get().rendition
    assert approved_file is not None
    assert entry["marks"]["approved"] == approved_file.digest
    assert provenance.verify(approved_file.file.read_bytes(), "image/png").verdict == "none", "it stays as it was"


def test_it_is_marked_once(cast: Cast, channel: Channel, drawing: Image.Image) -> None:
    story = approved(cast, picture_bytes(drawing, "PNG"))
    first = published_file(publications.publish(story, channel, by=cast.alice))
    again = published_file(publications.publish(story, channel, by=cast.alice))
    assert first.pk == again.pk


@pytest.mark.parametrize(
    ("card", "content_type"), [(b"no picture at all", "image/png"), (b"PK\x03\x04 a stream", "application/zip")]
)
def test_what_can_not_be_marked_is_not_published(cast: Cast, channel: Channel, card: bytes, content_type: str) -> None:
    story = approved(cast, card, content_type)
    before = Story.objects.filter(pk=story.pk).values().get()
    with pytest.raises(EngineError, match="Not published") as caught:
        publications.publish(story, channel, by=cast.alice)
    assert caught.value.next_step
    assert Story.objects.filter(pk=story.pk).values().get() == before
    assert not Publication.objects.exists()
    inside = Channel.objects.create(workspace=cast.workspace, slug="desk", name="Desk", surface=marking.PRIVATE)
    publication = publications.publish(story, inside, by=cast.alice)
    assert publication.document["renditions"][0]["marks"] == {"content_credentials": False, "watermark": False}


def test_a_channel_that_may_hold_unmarked_files_stays_closed(cast: Cast, channel: Channel) -> None:
    inside = Channel.objects.create(workspace=cast.workspace, slug="desk", name="Desk", surface=marking.PRIVATE)
    with pytest.raises(EngineError, match="internal"):
        channels.open_to_all(inside, True, by=cast.ada)
    browser = Client()
    browser.force_login(cast.ada, backend="django.contrib.auth.backends.ModelBackend")
    for asked, public in ((inside, False), (channel, True)):
        browser.post(f"/settings/channels/{asked.pk}/public/", {"public": "on"})
        asked.refresh_from_db()
        assert asked.public is public
    Channel.objects.filter(pk=inside.pk).update(public=True)  # as an earlier version allowed it
    inside.refresh_from_db()
    with pytest.raises(EngineError, match="Not published"):
        publications.publish(approved(cast, b"no picture at all"), inside, by=cast.alice)


def test_a_stream_says_its_source_type_in_its_head(cast: Cast, channel: Channel, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as stream:
        stream.writestr("init.mp4", clip(tmp_path / "clip.mp4", seconds=0.4).read_bytes())
        stream.writestr("part-000.m4s", b"a piece")
        stream.writestr("playlist.m3u8", b"#EXTM3U")
    story = approved(cast, buffer.getvalue(), "application/zip")
    publication = publications.publish(story, channel, by=cast.alice)
    marks = publication.document["renditions"][0]["marks"]
    assert (marks["content_credentials"], marks["source_type"]) == (False, True)
    with zipfile.ZipFile(published_file(publication).file) as stream:
        assert stream.namelist() == ["init.mp4", "part-000.m4s", "playlist.m3u8"]
        assert xmp.source_type_of(stream.read("init.mp4")) == "compositeWithTrainedAlgorithmicMedia"
        assert stream.read("part-000.m4s") == b"a piece"


def test_a_channel_may_want_people_to_see_it(cast: Cast, channel: Channel, drawing: Image.Image) -> None:
    story = approved(cast, picture_bytes(drawing, "PNG"))
    plain = publications.publish(story, channel, by=cast.alice)
    unmarked = Image.open(published_file(plain).file).convert("RGB")
    assert "label" not in plain.document["renditions"][0]["marks"]
    channels.adjust(channel, labelled=True, by=cast.ada)
    labelled = publications.publish(story, channel, by=cast.alice)
    marks = labelled.document["renditions"][0]["marks"]
    assert (marks["label"], marks["watermark"]) == ("Made with AI", True)
    shown = Image.open(published_file(labelled).file).convert("RGB")
    label = labels.drawn("en", shown.size)
    changed = ImageChops.difference(unmarked, shown).crop((0, 0, 2 * label.width, 2 * label.height))
    assert max(high for _, high in changed.getextrema()) > 100  # type: ignore[misc]
    told = marking.examine(published_file(labelled).file.read_bytes())
    assert (told["finding"].verdict, told["watermark"]) == ("trusted", True)
    again = publications.publish(story, channel, by=cast.alice)
    assert published_file(again) == published_file(labelled), "made once"


def test_what_people_made_wears_no_label(cast: Cast, channel: Channel, drawing: Image.Image) -> None:
    channels.adjust(channel, labelled=True, by=cast.ada)
    story = approved(cast, picture_bytes(drawing, "PNG"))
    revision = story.revisions.latest("number")
    file = story.variants.get().rendition
    assert file is not None
    assert marking._label(revision, file) == {"label": "Made with AI"}
    revision.document["ai_disclosure"]["digital_source_type"] = "digitalCreation"
    assert marking._label(revision, file) == {}


def test_without_a_key_nothing_is_published(
    cast: Cast, channel: Channel, drawing: Image.Image, settings: LazySettings
) -> None:
    settings.PROVENANCE_CERTIFICATE = settings.PROVENANCE_KEY = "/nowhere.pem"
    story = approved(cast, picture_bytes(drawing, "PNG"))
    with pytest.raises(EngineError, match="certificate") as caught:
        publications.publish(story, channel, by=cast.alice)
    assert "PROVENANCE_KEY" in caught.value.next_step
    assert not Publication.objects.exists()


def test_a_picture_that_can_not_hide_a_mark_is_not_published(
    cast: Cast, channel: Channel, drawing: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watermark, "LOUDEST", 0.0)
    monkeypatch.setattr(watermark, "WANTED", 60.0)
    story = approved(cast, picture_bytes(drawing, "PNG"))
    with pytest.raises(EngineError, match="invisible"):
        publications.publish(story, channel, by=cast.alice)


def test_changed_bytes_are_not_marked(cast: Cast, channel: Channel, drawing: Image.Image) -> None:
    story = approved(cast, picture_bytes(drawing, "PNG"))
    file = story.variants.get().rendition
    assert file is not None
    file.file.write_bytes(picture_bytes(picture(200, 200, noisy=True), "PNG"))
    with pytest.raises(EngineError, match="isn't the one that was approved"):
        publications.publish(story, channel, by=cast.alice)


def test_the_key_lies_beside_the_database_and_nowhere_else(
    cast: Cast, settings: LazySettings, drawing: Image.Image, channel: Channel
) -> None:
    publications.publish(approved(cast, picture_bytes(drawing, "PNG")), channel, by=cast.alice)
    path = Path(settings.DATA) / "provenance" / "key.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.is_relative_to(settings.MEDIA_ROOT)
    secret = path.read_bytes().splitlines()[1]
    for file in Path(settings.DATA).rglob("*"):
        if file.is_file() and file != path:
            assert secret not in file.read_bytes(), file
    assert secret.decode() not in json.dumps(list(Rendition.objects.values("made_by", "recipe")))


class TestExamining:
    def test_what_is_published_here_is_known(self, cast: Cast, channel: Channel, drawing: Image.Image) -> None:
        publication = publications.publish(approved(cast, picture_bytes(drawing, "PNG")), channel, by=cast.alice)
        told = marking.examine(published_file(publication).file.read_bytes())
        assert (told["finding"].verdict, told["watermark"]) == ("trusted", True)

    def test_what_was_stripped_still_has_its_watermark(self, drawing: Image.Image) -> None:
        worn = watermark.worn_down(watermark.mark(drawing))
        told = marking.examine(picture_bytes(worn, "JPEG"))
        assert (told["finding"].verdict, told["watermark"]) == ("none", True)

    def test_what_says_nothing(self, drawing: Image.Image) -> None:
        told = marking.examine(picture_bytes(drawing, "PNG"))
        assert (told["finding"].verdict, told["watermark"]) == ("none", False)

    @pytest.mark.parametrize("content", [b"", b"hello", b"<svg/>", b"%PDF-1.4", b"PK\x03\x04"])
    def test_what_can_not_be_looked_at(self, content: bytes) -> None:
        with pytest.raises(EngineError):
            marking.examine(content)

    def test_the_page_says_it_in_words(self, cast: Cast, channel: Channel, drawing: Image.Image) -> None:
        publication = publications.publish(approved(cast, picture_bytes(drawing, "PNG")), channel, by=cast.alice)
        signed = published_file(publication).file.read_bytes()
        browser = Client()
        browser.force_login(cast.mo, backend="django.contrib.auth.backends.ModelBackend")
        assert "made for itself" in browser.get("/settings/verify/").content.decode()
        for content, said in ((signed, "valid, ours"), (signed.replace(b"A lighthouse", b"B lighthouse"), "invalid"),
                              (picture_bytes(drawing, "PNG"), "says nothing")):  # fmt: skip
            answer = browser.post("/settings/verify/", {"file": SimpleUploadedFile("card.png", content)})
            assert answer.status_code == 200
            assert said in answer.content.decode()
        wrong = browser.post("/settings/verify/", {"file": SimpleUploadedFile("a.png", b"<svg onload=alert(1)>")})
        assert wrong.status_code == 422

    def test_the_api_says_it_too(self, cast: Cast, channel: Channel, drawing: Image.Image) -> None:
        publication = publications.publish(approved(cast, picture_bytes(drawing, "PNG")), channel, by=cast.alice)
        client = Client(headers={"Authorization": f"Bearer {keys.make(channel, name='phone')[1]}"})
        file = SimpleUploadedFile("card.png", published_file(publication).file.read_bytes())
        told = client.post("/api/v1/verify", {"file": file}).json()
        assert (told["verdict"], told["watermark"], told["content_type"]) == ("trusted", True, "image/png")
        assert told["digital_source_type"] == "compositeWithTrainedAlgorithmicMedia"
        wrong = client.post("/api/v1/verify", {"file": SimpleUploadedFile("a.txt", b"hello")})
        assert wrong.status_code == 422
        assert wrong["Content-Type"] == "application/problem+json"
