"""The same bytes are the same asset, the same recipe the same rendition, and one bad file spoils nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from PIL import Image

from creator.models import Workspace
from media_processing import services, storage
from media_processing.decoding import MediaError
from media_processing.engine import EngineError, Progress
from media_processing.engines.base import Passage, Transcriber, Transcription, Word
from media_processing.models import Asset, Rendition, Transcript
from media_processing.services import rendition_of, store_asset, store_rendition, stretches
from tests.media_processing.makers import clip, colours, picture, picture_bytes, tone

pytestmark = pytest.mark.slow  # `make quick` leaves it out


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def team(db: None, media: Path) -> int:
    return Workspace.objects.create(slug="desk", name="Desk").pk


def files_under(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


class TestStoring:
    def test_a_picture_becomes_an_asset(self, team: int, media: Path) -> None:
        asset, created = store_asset(
            team, picture_bytes(), name="IMG_0042.jpg", tags=["red ", "red", "", "two  words"], licence="CC0"
        )
        assert created
        assert (asset.kind, asset.width, asset.height, asset.title) == ("image", 64, 48, "IMG 0042")
        assert asset.tags == ["red", "two words"]
        assert asset.path == f"originals/{asset.digest[:2]}/{asset.digest}.jpg"
        assert asset.file.read_bytes() == picture_bytes()
        assert asset.colour.startswith("#")
        assert files_under(media) == [asset.file]

    def test_same_bytes_same_asset(self, team: int, media: Path, tmp_path: Path) -> None:
        first, _ = store_asset(team, picture_bytes(), title="Once")
        path = tmp_path / "again.jpg"
        path.write_bytes(picture_bytes())
        second, created = store_asset(team, path)
        assert (second, created, second.title) == (first, False, "Once")
        assert len(files_under(media)) == 1

    def test_teams_have_their_own_rows_and_share_the_file(self, team: int, media: Path) -> None:
        other = Workspace.objects.create(slug="other", name="Other").pk
        first, _ = store_asset(team, picture_bytes())
        second, created = store_asset(other, picture_bytes())
        assert created
        assert first.pk != second.pk
        assert len(files_under(media)) == 1

    def test_names_never_become_paths(self, team: int, media: Path) -> None:
        for name in ("../../etc/passwd", "/etc/passwd", "..", "a\0b.jpg", "x" * 400, "con.jpg/..", "<script>.svg"):
            asset, _ = store_asset(team, picture_bytes(picture(50 + len(name), 40)), name=name)
            assert media in asset.file.resolve().parents
            assert asset.file.name == f"{asset.digest}.jpg"

    def test_the_suffix_comes_from_the_content(self, team: int) -> None:
        asset, _ = store_asset(team, picture_bytes(form="PNG"), name="film.mp4")
        assert (asset.path[-4:], asset.content_type) == (".png", "image/png")

    def test_a_bad_file_leaves_nothing(self, team: int, media: Path) -> None:
        with pytest.raises(MediaError, match=r"page\.jpg is a web page"):
            store_asset(team, b"<html>", name="page.jpg")
        assert not Asset.objects.exists()
        assert not files_under(media)

    def test_a_limit_holds_while_copying(self, team: int, media: Path) -> None:
        with pytest.raises(MediaError, match="larger than"):
            store_asset(team, picture_bytes(), max_bytes=100)
        assert not files_under(media)

    def test_a_full_disk_is_told(self, team: int, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(_handle: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(storage.os, "fsync", full)
        with pytest.raises(EngineError, match="No space left") as caught:
            store_asset(team, picture_bytes())
        assert not caught.value.permanent
        assert not files_under(media)

    def test_a_lost_file_comes_back(self, team: int) -> None:
        asset, _ = store_asset(team, picture_bytes())
        asset.file.unlink()
        again, created = store_asset(team, picture_bytes())
        assert (again, created) == (asset, False)
        assert again.file.exists()

    def test_videos_and_sounds(self, team: int, tmp_path: Path) -> None:
        film, _ = store_asset(team, clip(tmp_path / "film.mp4"))
        assert (film.kind, film.has_sound, film.content_type) == ("video", True, "video/mp4")
        assert film.seconds == pytest.approx(1, abs=0.1)
        sound, _ = store_asset(team, tone(tmp_path / "tone.mp3"))
        assert (sound.kind, sound.colour, sound.path[-4:]) == ("audio", "", ".mp3")


@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_one_asset(media: Path) -> None:
    team = Workspace.objects.create(slug="desk", name="Desk").pk
    content, found, barrier = picture_bytes(), [], threading.Barrier(6)

    def store() -> None:
        barrier.wait()
        try:
            asset, created = store_asset(team, content)
            rendition = rendition_of(asset, "webp-480")
            found.append((asset.pk, created, rendition.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=store) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len({(asset, rendition) for asset, _, rendition in found}) == 1
    assert sum(created for _, created, _ in found) == 1
    assert len(files_under(media)) == 2


class TestRenditions:
    @pytest.mark.parametrize(("recipe", "size"), [("webp-480", (480, 320)), ("webp-960", (960, 640))])
    def test_small_pictures(self, team: int, recipe: str, size: tuple[int, int]) -> None:
        asset, _ = store_asset(team, picture_bytes(picture(1500, 1000)))
        rendition = rendition_of(asset, recipe)
        assert (rendition.width, rendition.height, rendition.content_type) == (*size, "image/webp")
        assert Image.open(rendition.file).size == size
        assert rendition_of(asset, recipe) == rendition
        assert Rendition.objects.count() == 1

    def test_a_polyglot_loses_its_other_half(self, team: int) -> None:
        payload = b"<script>alert('polyglot')</script>"
        asset, _ = store_asset(team, picture_bytes() + payload)
        for recipe in services.recipes_for(asset):
            assert payload not in rendition_of(asset, recipe).file.read_bytes()

    def test_a_sprite_has_ten_frames(self, team: int, tmp_path: Path) -> None:
        asset, _ = store_asset(team, colours(tmp_path / "film.mp4", ("red", 1.0), ("blue", 1.0)))
        sprite = rendition_of(asset, "sprite")
        assert (sprite.width, sprite.height) == (96 * 10, 64)
        image = Image.open(sprite.file).convert("RGB")
        assert image.getpixel((10, 30))[0] > 200
        assert image.getpixel((950, 30))[2] > 200

    def test_a_poster_is_not_the_black_first_frame(self, team: int, tmp_path: Path) -> None:
        asset, _ = store_asset(team, colours(tmp_path / "film.mp4", ("black", 0.2), ("lime", 5.0)))
        assert Image.open(rendition_of(asset, "webp-480").file).convert("RGB").getpixel((40, 30))[1] > 200

    def test_sound_has_no_picture(self, team: int, tmp_path: Path) -> None:
        asset, _ = store_asset(team, tone(tmp_path / "tone.wav"))
        assert services.recipes_for(asset) == ()
        with pytest.raises(MediaError, match="no picture"):
            rendition_of(asset, "webp-480")

    def test_an_unknown_recipe_is_a_mistake_of_ours(self, team: int) -> None:
        asset, _ = store_asset(team, picture_bytes())
        with pytest.raises(ValueError, match="No recipe"):
            rendition_of(asset, "webp-99999")

    def test_the_first_one_stays(self, team: int) -> None:
        values: dict[str, Any] = {"key": "k" * 64, "recipe": "srt", "content_type": "application/x-subrip"}
        first = store_rendition(team, content=b"one", **values)
        assert store_rendition(team, content=b"two", **values) == first
        assert first.path.endswith(".srt")
        first.file.unlink()
        mended = store_rendition(team, content=b"two", **values)
        assert mended.pk == first.pk
        assert mended.file.read_bytes() == b"two"

    def test_finding_needs_the_file(self, team: int) -> None:
        made = store_rendition(team, key="k" * 64, recipe="srt", content=b"one", content_type="text/vtt")
        assert services.find_rendition(team, made.key) == made
        assert services.find_rendition(team + 1, made.key) is None
        made.file.unlink()
        assert services.find_rendition(team, made.key) is None


class FakeTranscriber(Transcriber):
    title = "Fake"
    leaves_the_machine = False

    def _transcribe(
        self, sound: Path, *, language: str, translate: bool, cache: Path | None, progress: Progress
    ) -> Transcription:
        progress(1.0)
        words = (Word("red", 0.2, 0.6), Word("then", 0.7, 1.2), Word("blue", 1.3, 1.8))
        return Transcription(language, (Passage("red then blue", 0.2, 1.8, words),))


@pytest.fixture
def fake_transcriber(settings: Any) -> Iterator[None]:
    settings.ENGINES = settings.ENGINES | {"transcriber": {"fake": {"BACKEND": f"{__name__}.FakeTranscriber"}}}
    yield


@pytest.mark.usefixtures("fake_transcriber")
class TestWords:
    def test_a_transcript_is_kept_and_replaced(self, team: int, tmp_path: Path) -> None:
        asset, _ = store_asset(team, tone(tmp_path / "talk.wav"))
        shares: list[float] = []
        transcript = services.transcribe_asset(asset, progress=shares.append)
        assert (transcript.text, transcript.made_by["engine"]) == ("red then blue", "fake")
        services.transcribe_asset(asset)
        assert Transcript.objects.count() == 1
        assert shares

    def test_without_sound_there_is_nothing_to_transcribe(self, team: int) -> None:
        asset, _ = store_asset(team, picture_bytes())
        with pytest.raises(MediaError, match="no sound"):
            services.transcribe_asset(asset)

    def test_stretches(self, team: int, tmp_path: Path) -> None:
        still, _ = store_asset(team, picture_bytes())
        assert stretches(still) == [services.Stretch(0.0, 0.0, 0.0)]
        talk, _ = store_asset(team, tone(tmp_path / "talk.wav", seconds=2))
        assert stretches(talk) == [services.Stretch(0.0, talk.seconds, 0.0)]
        services.transcribe_asset(talk)
        assert [(found.start, found.text) for found in stretches(talk)] == [(0.2, "red then blue")]
        silent = colours(tmp_path / "silent.mp4", ("red", 1.0), ("blue", 1.0))
        film, _ = store_asset(team, silent)
        Transcript.objects.create(asset=film, passages=Transcript.objects.get(asset=talk).passages)
        assert [found.text for found in stretches(film)] == ["red then", "blue"]
