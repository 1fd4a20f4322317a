"""Cuts are found, long shots split, and the key frame is a sharp one."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from PIL import Image

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


def joined(path: Path, how: str, *, fade: float = 0.8) -> Path:
    """Three pans of three seconds over pictures of noise, joined by cuts, fades through black or dissolves."""
    sources: list[str | Path] = []
    for number in range(3):
        noise = Image.effect_noise((24, 14), 90).resize((480, 280), Image.Resampling.BICUBIC)
        tinted = Image.merge("RGB", [noise.point(lambda value, add=add: value // 2 + add) for add in TINTS[number]])
        tinted.save(path.with_suffix(f".{number}.png"))
        sources += ["-loop", "1", "-framerate", "25", "-t", "3", "-i", path.with_suffix(f".{number}.png")]
    graph = [f"[{n}:v]crop=320:180:'20*t':'10*t',fps=25,format=yuv420p,settb=1/25[v{n}]" for n in range(3)]
    if how == "dissolve":
        graph.append(f"[v0][v1]xfade=duration={fade}:offset={3 - fade},settb=1/25[x]")
        graph.append(f"[x][v2]xfade=duration={fade}:offset={6 - 2 * fade}")
    else:
        dim = f"fade=t=in:d={fade / 2},fade=t=out:st={3 - fade / 2 - 0.04}:d={fade / 2}" if how == "fade" else "null"
        graph += [f"[v{n}]{dim}[w{n}]" for n in range(3)]
        graph.append("[w0][w1][w2]concat=n=3")
    run_ffmpeg([*sources, "-filter_complex", ";".join(graph), "-pix_fmt", "yuv420p", path])
    return path


TINTS = ((10, 60, 100), (110, 40, 20), (30, 110, 50))


@pytest.mark.parametrize(("how", "at"), [("cut", (3, 6)), ("fade", (3, 6)), ("dissolve", (2.6, 4.8))])
def test_cuts_fades_and_dissolves(tmp_path: Path, how: str, at: tuple[float, float]) -> None:
    found = shots(joined(tmp_path / "film.mp4", how))
    assert [shot.start for shot in found] == pytest.approx([0, *at], abs=0.25)


def test_a_pan_and_a_flash_are_one_shot(tmp_path: Path) -> None:
    path = joined(tmp_path / "film.mp4", "cut")
    flash = "drawbox=c=white:t=fill:enable='between(t,1.5,1.62)'"
    run_ffmpeg(["-t", "3", "-i", path, "-vf", flash, "-pix_fmt", "yuv420p", tmp_path / "flash.mp4"])
    assert len(shots(tmp_path / "flash.mp4")) == 1


def test_a_key_frame_is_not_black(tmp_path: Path) -> None:
    path = joined(tmp_path / "film.mp4", "fade", fade=2.0)
    for shot in shots(path):
        assert sharpness(frame_at(path, shot.key_time)) > 0.5 * sharpness(frame_at(path, (shot.start + shot.end) / 2))


def test_it_stops_when_told(tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(_share: float) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        shots(clip(tmp_path / "film.mp4", seconds=3), progress=stop)


def test_a_picture_has_no_shots(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(picture_bytes())
    with pytest.raises(MediaError, match="isn't a video"):
        shots(path)
