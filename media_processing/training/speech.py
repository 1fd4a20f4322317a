"""Speech as Whisper hears it: windows of mel spectra with the words, put together anew for every batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media_processing.engines.base import Word

RATE = 16000
FRAMES = 100
"""Mel frames a second. The encoder's positions are half as many."""
POSITIONS = 1500
"""Of a whole window of 30 seconds."""


@dataclass(frozen=True)
class Spoken:
    """A spoken sentence: mel powers (80, frames), not yet in logarithms so that sounds can be added, and its words."""

    powers: NDArray[np.float32]
    words: tuple[Word, ...]

    @property
    def seconds(self) -> float:
        return float(self.powers.shape[1] / FRAMES)


def hear(samples: NDArray[np.int16], words: Sequence[Word]) -> Spoken:
    """Speech of 16 kHz with the times of its words, as mel powers."""
    import torch
    from whisper.audio import HOP_LENGTH, N_FFT, mel_filters

    torch.set_num_threads(1)
    sound = torch.from_numpy(samples.astype(np.float32) / 32768)
    spectrum = torch.stft(sound, N_FFT, HOP_LENGTH, window=torch.hann_window(N_FFT), return_complex=True)
    powers: NDArray[np.float32] = (mel_filters(sound.device, 80) @ spectrum[..., :-1].abs() ** 2).numpy()
    return Spoken(powers, tuple(words))


def vary(spoken: Spoken, rng: np.random.Generator) -> Spoken:
    """The same sentence a little faster or slower, in a throat a little longer or shorter (Jaitly & Hinton, "Vocal
    Tract Length Perturbation", 2013)."""
    frames = spoken.powers.shape[1]
    pace, throat = rng.uniform(0.88, 1.14), rng.uniform(0.94, 1.06)
    at = np.minimum(np.arange(int(frames / pace)) * pace, frames - 1).astype(np.float32)
    before = at.astype(np.int64)
    after, part = np.minimum(before + 1, frames - 1), (at - before).astype(np.float32)
    bands = np.minimum(np.rint(np.arange(80) * throat), 79).astype(np.int64)
    rows = spoken.powers[bands]
    powers = rows[:, before] * (1 - part) + rows[:, after] * part
    return Spoken(powers, tuple(Word(word.text, word.start / pace, word.end / pace) for word in spoken.words))


@dataclass(frozen=True)
class Window:
    """What the model hears at once, and what is said in it."""

    mel: NDArray[np.float32]
    """(80, frames), as `whisper.audio.log_mel_spectrogram` scales it."""
    sentences: tuple[tuple[Word, ...], ...]
    """With times from the window's start."""


def window(sentences: Sequence[Spoken], seconds: float, rng: np.random.Generator) -> Window:
    """Sentences one after the other with pauses, as many as fit into `seconds`, over some noise; none: only noise.

    What follows the end of a sound is 0 in Whisper's spectra, not silence: `batched` adds that.
    """
    at = rng.choice([0.0, rng.uniform(0, 0.9)])
    placed: list[tuple[int, Spoken]] = []
    for sentence in sentences:
        if at + sentence.seconds > seconds:
            break
        placed.append((round(at * FRAMES), sentence))
        at += sentence.seconds + (rng.uniform(0.05, 0.4) if rng.random() < 0.7 else rng.uniform(0.4, 2.0))
    tail = rng.choice([0.0, rng.uniform(0, 1.0)])
    end = min(seconds, placed[-1][0] / FRAMES + placed[-1][1].seconds + tail) if placed else rng.uniform(0.5, seconds)
    powers = np.zeros((80, round(end * FRAMES)), np.float32)
    for frame, sentence in placed:
        gain = np.float32(10 ** rng.uniform(-0.4, 0.4))
        part = powers[:, frame : frame + sentence.powers.shape[1]]
        part += gain * sentence.powers[:, : part.shape[1]]
    powers = powers * np.float32(10 ** rng.uniform(-2, 0.5)) + _noise(powers, rng)
    logs = np.log10(np.maximum(powers, 1e-10))
    mel = (np.maximum(logs, logs.max() - 8) + 4) / 4
    moved = tuple(
        tuple(Word(word.text, word.start + frame / FRAMES, word.end + frame / FRAMES) for word in sentence.words)
        for frame, sentence in placed
    )
    return Window(mel.astype(np.float32), moved)


def _noise(powers: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Steady noise of some colour at 10 to 50 dB under the speech, or none: half of all sounds are clean."""
    if powers.any() and rng.random() < 0.5:
        return np.zeros_like(powers)
    level = powers.mean() if powers.any() else 10 ** rng.uniform(-4, 1)
    tilt = np.exp(np.cumsum(rng.normal(rng.normal(0, 0.03), 0.1, 80)))
    grains = rng.standard_exponential(powers.shape, dtype=np.float32)  # the power of Gaussian noise in a bin
    return np.asarray(level * 10 ** -rng.uniform(1, 5) * (tilt / tilt.mean())[:, None] * grains, np.float32)


def batched(windows: Sequence[Window], positions: int) -> Any:
    """Windows as a tensor (n, 80, 2 x positions), filled up with zeros as Whisper does."""
    import torch

    mels = np.zeros((len(windows), 80, 2 * positions), np.float32)
    for row, one in zip(mels, windows, strict=True):
        row[:, : one.mel.shape[1]] = one.mel[:, : 2 * positions]
    return torch.from_numpy(mels)
