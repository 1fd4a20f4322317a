"""Music beds of our own: composed from a mood, a length and a seed, so that a video may have music without a licence.

A bed is a chord progression played by a pad, a bass, a plucked figure and, in some moods, soft drums. The tempo gives
way by a few percent so that whole bars fill the length and the last chord rings out at the very end.
Plucked strings: Karplus and Strong, "Digital Synthesis of Plucked-String and Drum Timbres" (1983), in its closed form
(each harmonic fades faster the higher it is). The room is noise that fades, convolved with the mix (Moorer, 1979).
"""

from __future__ import annotations

import io
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from media_processing.engine import EngineError

Samples: TypeAlias = NDArray[np.float32]

HERTZ = 48_000
SHORTEST, LONGEST = 4.0, 900.0
"""Seconds of a bed."""
LOUDNESS = 0.09
"""Root mean square of a bed; the sound mix ducks it under the voice."""
BEATS = 4
MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)


@dataclass(frozen=True)
class Mood:
    """How a bed sounds."""

    title: str
    tempo: float
    """Beats a minute."""
    root: int
    """MIDI number of the key's tone."""
    scale: Sequence[int]
    chords: Sequence[int]
    """Steps of the scale, one a bar; the last bar of all is always the first step."""
    figure: Sequence[int | None]
    """Tones of the chord that are plucked, in eighths of a bar."""
    brightness: float
    """0 to 1: how many harmonics sound."""
    pad: float = 0.5
    pluck: float = 0.35
    drums: float = 0.0


MOODS: Mapping[str, Mood] = {
    "calm": Mood("Calm", 72, 57, MAJOR, (0, 4, 5, 3), (0, None, 2, None, 1, None, 2, None), 0.35, pad=0.6),
    "bright": Mood("Bright", 112, 60, MAJOR, (0, 3, 4, 3), (0, 1, 2, 1, 3, 2, 1, 2), 0.7, pad=0.35, drums=0.35),
    "thoughtful": Mood("Thoughtful", 80, 57, MINOR, (0, 5, 2, 6), (0, 2, 1, None, 2, None, 1, None), 0.4),
    "tense": Mood("Tense", 96, 50, MINOR, (0, 0, 5, 4), (0, 0, None, 0, 0, None, 1, 0), 0.5, pad=0.55, drums=0.25),
    "grand": Mood("Grand", 88, 55, MAJOR, (0, 5, 3, 4), (0, 1, 2, 3, 2, 1, 2, 1), 0.6, pad=0.7, drums=0.3),
}


def compose(mood: str, seconds: float, *, seed: int = 0) -> bytes:
    """A bed of exactly `seconds`, as a 48 kHz 16-bit stereo WAV. The same mood, length and seed give the same bytes.

    Raises EngineError for a mood that doesn't exist and for a length outside 4 seconds to 15 minutes.
    """
    if mood not in MOODS:
        raise EngineError(f"There is no mood {mood!r}.", next_step=f"Use {', '.join(MOODS)}.", permanent=True)
    if not SHORTEST <= seconds <= LONGEST:
        raise EngineError(
            f"Music of {seconds:g} seconds can't be made.", next_step="Ask for 4 seconds to 15 minutes.", permanent=True
        )
    return _wav(_mixed(MOODS[mood], round(seconds * HERTZ), np.random.default_rng([seed, sum(mood.encode())])))


def _mixed(mood: Mood, count: int, rng: np.random.Generator) -> Samples:
    """(count, 2) from -1 to 1."""
    bars = max(1, round(count / HERTZ * mood.tempo / 60 / BEATS))
    bar = count / bars
    voices = {name: np.zeros((count, 2), np.float32) for name in ("pad", "bass", "pluck", "drums")}
    shift = int(rng.integers(-2, 3))
    for number in range(bars):
        last = number == bars - 1 and bars > 1
        step = 0 if last else mood.chords[number % len(mood.chords)]
        chord = [mood.root + shift + _tone(mood.scale, step + third) for third in (0, 2, 4, 7)]
        start = number * bar
        _pad(voices["pad"], chord, start, bar, mood, rng)
        _add(voices["bass"], start, _string(chord[0] - 24, bar / HERTZ, 0.15, fade=1.2), 0.5)
        if last:
            continue
        # A third of the bars vary their figure: a bed that repeats itself exactly is noticed.
        figure = list(mood.figure)
        if rng.random() < 1 / 3:
            figure = figure[4:] + figure[:4]
        for eighth, tone in enumerate(figure):
            if tone is not None:
                early = rng.normal(0, 0.004) * HERTZ
                sound = _string(chord[tone] + 12, 1.4, mood.brightness, fade=3.5) * rng.uniform(0.7, 1.0)
                _add(voices["pluck"], start + eighth * bar / 8 + early, sound, rng.uniform(0.35, 0.65))
        if mood.drums and number:
            _drums(voices["drums"], start, bar, rng)
    levels = {"pad": mood.pad, "bass": 0.5, "pluck": mood.pluck, "drums": mood.drums}
    mix: Samples = np.stack([_levelled(sound) * levels[name] for name, sound in voices.items()]).sum(0)
    mix += 0.25 * _levelled(_room(mix, rng))
    edge = min(count // 4, HERTZ // 2)
    ramp = np.sin(np.linspace(0, np.pi / 2, edge, dtype=np.float32))[:, None] ** 2
    mix[:edge] *= ramp
    mix[-2 * edge :] *= np.cos(np.linspace(0, np.pi / 2, 2 * edge, dtype=np.float32))[:, None] ** 2
    mixed: Samples = np.tanh(_levelled(mix) * LOUDNESS)
    return mixed


def _tone(scale: Sequence[int], step: int) -> int:
    """Half tones above the root of a step of the scale, over octaves."""
    octave, within = divmod(step, len(scale))
    return 12 * octave + scale[within]


def _pitch(tone: float) -> float:
    """Hertz of a MIDI number."""
    return float(440.0 * 2 ** ((tone - 69) / 12))


def _pad(
    into: Samples, chord: Sequence[int], start: float, bar: float, mood: Mood, rng: np.random.Generator
) -> None:
    """A held chord: each tone three times, a little apart in tune and place, rising and falling with its neighbours."""
    length = int(bar * 1.25)
    time = np.arange(length, dtype=np.float32) / HERTZ
    rise = 0.3 * bar / HERTZ
    swell = np.minimum(1, time / rise) * np.minimum(1, (length / HERTZ - time) / rise)
    for tone in chord[:3]:
        for detune in (-0.06, 0.0, 0.06):
            sound = np.zeros(length, np.float32)
            for harmonic in range(1, 2 + round(4 * mood.brightness)):
                angle = 2 * np.pi * _pitch(tone + detune) * harmonic * time + rng.uniform(0, 2 * np.pi)
                sound += np.sin(angle).astype(np.float32) / harmonic**2
            _add(into, start, sound * swell, 0.5 + 4 * detune)


def _string(tone: float, seconds: float, brightness: float, *, fade: float) -> Samples:
    """A plucked string: harmonics that fade the faster the higher they are."""
    time = np.arange(int(seconds * HERTZ), dtype=np.float32) / HERTZ
    pitch = _pitch(tone)
    sound = np.zeros(len(time), np.float32)
    for harmonic in range(1, 2 + round(7 * brightness)):
        if pitch * harmonic < 8000:
            sound += np.sin(2 * np.pi * pitch * harmonic * time) * np.exp(-fade * harmonic**0.7 * time) / harmonic
    attack = min(len(sound), HERTZ // 200)
    sound[:attack] *= np.linspace(0, 1, attack, dtype=np.float32)
    release = min(len(sound), HERTZ // 50)
    sound[-release:] *= np.linspace(1, 0, release, dtype=np.float32)
    return sound


def _drums(into: Samples, start: float, bar: float, rng: np.random.Generator) -> None:
    """A soft kick on the first and third beat, a brush on every off-beat."""
    time = np.arange(HERTZ // 4, dtype=np.float32) / HERTZ
    kick = np.sin(2 * np.pi * (45 * time + 8 * (1 - np.exp(-30 * time)))) * np.exp(-14 * time)
    for beat in (0, 2):
        _add(into, start + beat * bar / BEATS, kick.astype(np.float32), 0.5)
    for eighth in range(1, 8, 2):
        noise = np.diff(rng.normal(0, 0.16, len(time) + 1)).astype(np.float32) * np.exp(-45 * time)
        _add(into, start + eighth * bar / 8, noise, 0.6)


def _room(mix: Samples, rng: np.random.Generator) -> Samples:
    """The mix as a room of 1.6 seconds answers it."""
    length = int(1.6 * HERTZ)
    fading = np.exp(-4.5 * np.arange(length) / HERTZ)[:, None]
    answer = rng.normal(0, 1, (length, 2)) * fading
    size = 1 << (len(mix) + length - 1).bit_length()
    spectrum = np.fft.rfft(mix, size, axis=0) * np.fft.rfft(answer, size, axis=0)
    wet: Samples = np.fft.irfft(spectrum, size, axis=0)[: len(mix)].astype(np.float32)
    return wet


def _add(into: Samples, start: float, sound: Samples, place: float) -> None:
    """Play a sound at a sample; `place` from 0 (left) to 1 (right), at equal power."""
    first = max(0, int(start))
    part = sound[: max(0, len(into) - first)]
    gains = np.array([np.cos(place * np.pi / 2), np.sin(place * np.pi / 2)], np.float32)
    into[first : first + len(part)] += part[:, None] * gains


def _levelled(sound: Samples) -> Samples:
    """With a root mean square of 1; silence stays silence."""
    level = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))
    return sound / np.float32(level) if level > 1e-9 else sound


def _wav(mix: Samples) -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(HERTZ)
        file.writeframes((mix * 32767).astype("<i2").tobytes())
    return target.getvalue()
