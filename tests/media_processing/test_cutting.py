"""Cutting by sentences: which stretches go, where the words that stay are then, and cuts exact to the frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from media_processing import cutting
from media_processing.decoding import Probe, frame_at, inspect, read_sound
from media_processing.engine import EngineError
from media_processing.ffmpeg import run_ffmpeg
from media_processing.sound import write_wav


def said(*times: tuple[float, float]) -> list[dict[str, Any]]:
    """Passages of one word each."""
    return [
        {
            "text": f"w{number}",
            "start": start,
            "end": end,
            "words": [{"text": f"w{number}", "start": start, "end": end}],
        }
        for number, (start, end) in enumerate(times)
    ]


SPOKEN = said((0.5, 1.5), (2.0, 3.0), (3.2, 4.0), (5.0, 5.8))
SOUND = Probe("audio", "audio/wav", ".wav", seconds=6.0, has_sound=True)


class TestWhatStays:
    def test_a_sentence_goes_with_half_of_the_pauses_around_it(self) -> None:
        assert cutting.kept(SPOKEN, {1}, SOUND) == [(0.0, 1.75), (pytest.approx(3.1), 6.0)]

    def test_neighbours_go_with_all_between_them(self) -> None:
        assert cutting.kept(SPOKEN, {1, 2}, SOUND) == [(0.0, 1.75), (4.25, 6.0)]

    def test_the_first_and_the_last(self) -> None:
        assert cutting.kept(SPOKEN, {0, 3}, SOUND) == [(0.0, 0.25), (1.75, 4.75), (pytest.approx(5.9), 6.0)]

    def test_cuts_of_a_video_are_on_its_frames(self) -> None:
        film = Probe("video", "video/mp4", ".mp4", seconds=6.0, fps=25.0)
        assert all(
            (at * 25) == pytest.approx(round(at * 25)) for span in cutting.kept(SPOKEN, {1}, film) for at in span
        )

    def test_nothing_and_all_are_refused(self) -> None:
        with pytest.raises(EngineError, match="Nothing is chosen"):
            cutting.kept(SPOKEN, set(), SOUND)
        with pytest.raises(EngineError, match="Nothing would stay"):
            cutting.kept(said((0.0, 6.0)), {0}, SOUND)

    def test_words_that_stay_move_up(self) -> None:
        first, second, third = cutting.shifted(SPOKEN, {1}, [(0.0, 1.75), (3.1, 6.0)])
        assert (first["start"], first["end"]) == (0.5, 1.5)
        assert (second["text"], second["start"], second["words"][0]["end"]) == ("w2", 1.85, 2.65)
        assert third["end"] == pytest.approx(4.45)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Six seconds, each in a grey of its own and with a tone of its own, 25 frames a second."""
    greys, tones = "+".join(f"{40 * n}*eq(floor(T)\\,{n})" for n in range(6)), np.arange(6 * 16000) // 16000
    wave = 9000 * np.sin(2 * np.pi * (400 + 200 * tones) * np.arange(6 * 16000) / 16000)
    write_wav(tmp_path / "tones.wav", wave.astype(np.int16), 16000)
    run_ffmpeg(
        ["-f", "lavfi", "-i", f"color=s=64x48:r=25:d=6,format=yuv420p,geq=lum='16+{greys}':cb=128:cr=128",
         "-i", tmp_path / "tones.wav", "-c:v", "libx264", "-crf", "10", "-g", "250", tmp_path / "film.mp4"]
    )  # fmt: skip
    return tmp_path / "film.mp4"


def test_a_film_is_cut_to_the_frame_and_sound_stays_with_its_pictures(film: Path, tmp_path: Path) -> None:
    probe, shares = inspect(film), []
    spans = [(0.0, 1.0), (3.0, 4.0), (5.0, 6.0)]
    cutting.cut(film, tmp_path / "cut.mp4", spans, probe, progress=shares.append)
    made = inspect(tmp_path / "cut.mp4")
    assert (made.kind, made.has_sound, made.seconds) == ("video", True, pytest.approx(3.0, abs=0.07))
    greys = [np.asarray(frame_at(tmp_path / "cut.mp4", at)).mean() for at in (0.5, 0.94, 1.02, 1.94, 2.02, 2.9)]
    assert greys == [pytest.approx(wanted, abs=8) for wanted in (0, 0, 140, 140, 233, 233)]
    heard = read_sound(tmp_path / "cut.mp4").astype(float)
    tones = [np.abs(np.fft.rfft(heard[int(at * 16000) :][:8000])).argmax() * 2 for at in (0.25, 1.25, 2.25)]
    assert tones == [pytest.approx(wanted, abs=8) for wanted in (400, 1000, 1400)]
    assert shares[-1] == 1.0


def test_sound_fades_at_a_cut(film: Path, tmp_path: Path) -> None:
    probe = inspect(film)
    cutting.cut(film, tmp_path / "cut.mp4", [(0.0, 1.0), (3.0, 6.0)], probe)
    heard = np.abs(read_sound(tmp_path / "cut.mp4").astype(float))
    middle = heard[int(0.998 * 16000) : int(1.002 * 16000)].max()
    assert middle < 0.35 * heard[:12000].max()


@pytest.mark.parametrize("suffix", [".wav", ".m4a"])
def test_a_sound_is_cut_exactly(tmp_path: Path, suffix: str) -> None:
    write_wav(tmp_path / "long.wav", (np.arange(5 * 16000) % 3000).astype(np.int16), 16000)
    cutting.cut(
        tmp_path / "long.wav", tmp_path / f"cut{suffix}", [(0.5, 1.25), (2.0, 4.0)], inspect(tmp_path / "long.wav")
    )
    made = inspect(tmp_path / f"cut{suffix}")
    assert (made.kind, made.seconds) == ("audio", pytest.approx(2.75, abs=0.05))
