"""Music beds: the length that was asked for, another tune for another seed, nothing that clips."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest
from numpy.typing import NDArray

from generation.music import HERTZ, MOODS, compose
from media_processing.engine import EngineError

pytestmark = pytest.mark.slow


def samples(content: bytes) -> NDArray[np.float64]:
    """(n, 2) from -1 to 1."""
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (HERTZ, 2, 2)
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return data.reshape(-1, 2) / 32768


@pytest.mark.parametrize("mood", MOODS)
def test_a_bed_lasts_as_long_as_asked_and_neither_clips_nor_clicks(mood: str) -> None:
    sound = samples(compose(mood, 7.3))
    assert len(sound) == round(7.3 * HERTZ)
    assert np.abs(sound).max() < 0.9
    assert np.abs(sound[[0, -1]]).max() < 0.001, "it begins and ends in silence"
    assert np.sqrt(np.mean(sound**2)) == pytest.approx(0.09, abs=0.02)
    seconds = np.sqrt(np.mean(sound[: 7 * HERTZ].reshape(7, -1) ** 2, axis=1))
    assert seconds[1:6].min() > 0.02, "no second of it is empty"


def test_the_same_seed_gives_the_same_music_and_another_seed_other_music() -> None:
    assert compose("calm", 5, seed=3) == compose("calm", 5, seed=3)
    assert compose("calm", 5, seed=3) != compose("calm", 5, seed=4)


def test_major_and_minor_moods_sound_their_own_key() -> None:
    """The loudest tone class of the bass lies in the mood's scale."""
    for mood in ("calm", "tense"):
        sound = samples(compose(mood, 8.0, seed=1)).mean(axis=1)
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
        hertz = np.fft.rfftfreq(len(sound), 1 / HERTZ)
        keep = (hertz > 60) & (hertz < 500)
        loudest = hertz[keep][np.argsort(spectrum[keep])[-20:]]
        tones = {round(69 + 12 * np.log2(pitch / 440)) for pitch in loudest}
        roots = [MOODS[mood].root + shift for shift in range(-2, 3)]
        in_key = [all((tone - root) % 12 in MOODS[mood].scale for tone in tones) for root in roots]
        assert any(in_key), f"{mood}: {tones}"


@pytest.mark.parametrize(("mood", "seconds"), [("angry", 10.0), ("calm", 1.0), ("calm", 1e6), ("calm", float("nan"))])
def test_what_cannot_be_composed_is_refused_with_a_next_step(mood: str, seconds: float) -> None:
    with pytest.raises(EngineError) as refused:
        compose(mood, seconds)
    assert refused.value.next_step
