"""Sound as mono 16-bit samples: reading and writing WAV, joining, measuring."""

from __future__ import annotations

import io
import itertools
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.int16]


def write_wav(target: Path | str | None, samples: Samples, rate: int) -> bytes:
    """The WAV file of `samples`, also written to `target` where one is given."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.ascontiguousarray(samples, dtype="<i2").tobytes())
    content = buffer.getvalue()
    if target is not None:
        Path(target).write_bytes(content)
    return content


def read_wav(source: Path | str | bytes) -> tuple[Samples, int]:
    """Samples and rate of a 16-bit WAV of our own; several channels become one.

    Raises ValueError for any other file: what comes from outside is read by decoding.read_sound.
    """
    try:
        with wave.open(io.BytesIO(source) if isinstance(source, bytes) else str(source), "rb") as file:
            if file.getsampwidth() != 2:
                raise ValueError(f"A WAV with {8 * file.getsampwidth()} bits a sample instead of 16.")
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.int16)
            channels, rate = file.getnchannels(), file.getframerate()
    except (wave.Error, EOFError) as error:
        raise ValueError(f"Not a WAV of ours: {error}.") from error
    if channels > 1:
        samples = samples.reshape(-1, channels).mean(axis=1).astype(np.int16)
    return samples, rate


def seconds_of(source: Path | str | bytes) -> float:
    """The length of a WAV of ours in seconds."""
    with wave.open(io.BytesIO(source) if isinstance(source, bytes) else str(source), "rb") as file:
        return file.getnframes() / file.getframerate()


def silence(seconds: float, rate: int) -> Samples:
    return np.zeros(max(0, round(seconds * rate)), np.int16)


def concat(parts: Sequence[Samples], *, gap: float = 0.0, rate: int = 16000) -> Samples:
    """One sound after the other, `gap` seconds of silence between two."""
    pause = silence(gap, rate)
    joined: list[Samples] = []
    for part in parts:
        joined += [pause, part] if joined else [part]
    return np.concatenate(joined) if joined else silence(0, rate)


def resample(samples: Samples, rate: int, target: int) -> Samples:
    """Linear resampling: right for speech to be recognised, not for music to be heard."""
    if rate == target or not len(samples):
        return samples
    count = round(len(samples) * target / rate)
    at = np.arange(count) * (rate / target)
    between: Samples = np.interp(at, np.arange(len(samples)), samples).round().astype(np.int16)
    return between


def peaks(samples: Samples, count: int = 200) -> list[float]:
    """The loudest sample of each of `count` equal stretches, 0 to 1: what a waveform is drawn from."""
    if not len(samples):
        return [0.0] * count
    edges = np.linspace(0, len(samples), count + 1).astype(int)
    loud = np.abs(samples.astype(np.int32))
    return [
        round(float(loud[start : max(end, start + 1)].max(initial=0)) / 32768, 3)
        for start, end in itertools.pairwise(edges)
    ]


def loudness_estimate(samples: Samples, rate: int) -> float:
    """Loudness in dB below full scale, silence left out: near LUFS for speech, without its frequency weighting.

    -120 for silence.
    """
    block = max(1, int(rate * 0.4))
    count = len(samples) // block
    if not count:
        powers = np.array([np.mean((samples / 32768.0) ** 2)]) if len(samples) else np.zeros(1)
    else:
        powers = ((samples[: count * block].reshape(count, block) / 32768.0) ** 2).mean(axis=1)
    heard = powers[powers > 1e-7]
    if not len(heard):
        return -120.0
    # Blocks that are 10 dB under the mean are pauses (the second gate of ITU-R BS.1770).
    return round(float(10 * np.log10(heard[heard > heard.mean() / 10].mean())), 2)
