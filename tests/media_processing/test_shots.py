"""Cuts are found, long shots split, and the key frame is a sharp one."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from media_processing.decoding import MediaError, frame_at
from media_processing.ffmpeg import run_ffmpeg
from media_processing.pictures import sharpness
from media_processing.shots import shots
from tests.media_processing.makers import clip, colours, picture_bytes

pytestmark = pytest.mark.slow  # `make quick` leaves it out


def test_cuts_are_found_to_the_frame(tmp_path: Path) -> None:
    path = colours(tmp_path / "film.mp4", ("red", 2.0), ("lime", 3.0), ("navy", 1.5))
    found = shots(path)
    assert [shot.start for shot in found] == pytest.approx([0, 2, 5], abs=0.11)
    assert found[-1].end == pytest.approx(6.5, abs=0.11)
    assert all(first.end == second.start for first, second in itertools.pairwise(found))
    assert all(shot.start <= shot.key_time < shot.end for shot in found)


def test_a_long_take_is_split(tmp_path: Path) -> None:
    found = shots(colours(tmp_path / "long.mp4", ("red", 30.0), rate=4))
    assert len(found) == 4
    assert all(6 < shot.end - shot.start < 9 for shot in found)


def test_a_single_frame_is_a_shot(tmp_path: Path) -> None:
    (shot,) = shots(clip(tmp_path / "one.mp4", seconds=0.1, sound=False))
    assert shot.start == 0
    assert 0 < shot.end < 0.3


def test_flashes_are_no_shots(tmp_path: Path) -> None:
    path = colours(tmp_path / "flash.mp4", ("black", 2.0), ("white", 0.1), ("black", 2.0))
    assert len(shots(path)) <= 2


def test_the_key_frame_is_a_sharp_one(tmp_path: Path) -> None:
    path = tmp_path / "blur.mp4"
    run_ffmpeg(
        ["-f", "lavfi", "-i", "mandelbrot=size=160x120:rate=10", "-t", "4",
         "-vf", "gblur=sigma=12:enable='lt(t,2.5)'", path]
    )  # fmt: skip
    first = shots(path)[0]
    assert sharpness(frame_at(path, first.key_time)) >= sharpness(frame_at(path, first.start))


def test_odd_folder_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "it's: a [test], really; \\ 100%"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    assert len(shots(colours(folder / "film.mp4", ("red", 1.0), ("blue", 1.0)))) == 2


def test_a_picture_has_no_shots(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(picture_bytes())
    with pytest.raises(MediaError, match="isn't a video"):
        shots(path)
