"""What people see on what was made with AI: where it stands, that it can be read, and that all else stays."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops

from creator.services.choices import LANGUAGES
from media_processing import cards, labels
from media_processing.decoding import frame_at, inspect
from media_processing.engine import EngineError
from media_processing.ffmpeg import run_ffmpeg
from media_processing.recipes import H264, HLS, pack
from media_processing.stills import contrast
from media_processing.timeline import FORMATS
from tests.media_processing.makers import clip

CARDS = sorted({size for name, size in FORMATS.items() if name.startswith("card")})


def test_every_language_of_stories_has_words_and_letters_for_them() -> None:
    assert all(labels.words(language) != labels.words("xx") for language in LANGUAGES if language != "en")
    assert labels.words("pt-BR") == labels.words("pt")
    for language in LANGUAGES:
        label = labels.drawn(language, (1080, 1080))
        assert np.asarray(label.convert("L")).max() > 240, language


def test_what_a_voice_says_is_there_in_every_language() -> None:
    sentences = {language: labels.spoken(language) for language in LANGUAGES}
    assert all(sentences.values())
    assert len(set(sentences.values())) == len(sentences)
    assert labels.spoken("pt-BR") == labels.spoken("pt")
    assert labels.spoken("xx") == ""


@pytest.mark.parametrize("size", CARDS)
def test_a_card_keeps_all_that_it_says(size: tuple[int, int]) -> None:
    plain = Image.new("RGB", size, "#FFFFFF")
    left, top, _right, _bottom = cards.safe_area(size)
    for language in LANGUAGES:
        changed = ImageChops.difference(plain, labels.on_card(plain, language)).getbbox()
        assert changed is not None
        assert changed[0] >= round(left)
        assert changed[3] <= top, language
        assert changed[2] < 0.6 * size[0], language


def test_it_can_be_read_over_white_and_over_black() -> None:
    for ground in ("#FFFFFF", "#000000"):
        label = labels.drawn("en", (1080, 1080))
        shown = Image.new("RGB", label.size, ground)
        shown.paste(label, (0, 0), label)
        assert contrast(labels.INK, shown.getpixel((label.width // 2, 2))) > cards.CONTRAST  # type: ignore[arg-type]


def test_a_video_wears_it_from_the_first_frame_to_the_last(tmp_path: Path) -> None:
    source = clip(tmp_path / "plain.mp4", seconds=1.0, size="320x180")
    target = tmp_path / "labelled.mp4"
    labels.on_video(source, target, "de", (320, 180), H264)
    plain, worn = inspect(source), inspect(target)
    assert (worn.width, worn.height) == (320, 180)
    assert worn.seconds == pytest.approx(plain.seconds, abs=0.11)
    box = labels.drawn("de", (320, 180)).size
    for second in (0.0, 0.8):
        frames = [np.asarray(frame_at(path, second).convert("L"), np.int16) for path in (source, target)]
        changed = np.abs(frames[0] - frames[1])
        assert changed[8 : 8 + box[1], 8 : 8 + box[0]].mean() > 30
        assert changed[90:].mean() < 6


def test_a_stream_stays_a_stream(tmp_path: Path) -> None:
    folder = tmp_path / "stream"
    folder.mkdir()
    source = clip(tmp_path / "plain.mp4", seconds=1.0, size="320x180")
    run_ffmpeg(["-i", source, "-c", "copy", *HLS.stored(folder), folder / HLS.playlist])
    pack(folder, tmp_path / "plain.zip")
    labels.on_video(tmp_path / "plain.zip", tmp_path / "labelled.zip", "en", (320, 180), HLS)
    with zipfile.ZipFile(tmp_path / "labelled.zip") as stream:
        names = stream.namelist()
        assert {"init.mp4", "part-000.m4s", "playlist.m3u8"} <= set(names)
        joined = tmp_path / "joined.mp4"
        joined.write_bytes(stream.read("init.mp4") + stream.read("part-000.m4s"))
    changed = ImageChops.difference(frame_at(source, 0.0).convert("RGB"), frame_at(joined, 0.0).convert("RGB"))
    assert np.asarray(changed.crop((8, 8, 60, 14))).mean() > 30


def test_what_is_no_stream_is_an_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 no stream")
    with pytest.raises(EngineError, match="damaged"):
        labels.on_video(broken, tmp_path / "target.zip", "en", (320, 180), HLS)
    with pytest.raises(EngineError):
        labels.on_video(tmp_path / "nothing.mp4", tmp_path / "target.mp4", "en", (320, 180), H264)
