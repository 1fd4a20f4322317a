"""From spoken sentences to one reading: without clicks, with natural pauses, at one loudness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generation.speech.pieces import Piece
from media_processing.engines.base import Word
from media_processing.loudness import level
from media_processing.sound import Samples, resample, silence

PAUSE = 0.25
"""Seconds between two sentences, beside the little silence that each has around it."""
BREATH = 0.08
"""Seconds between two parts of a long sentence."""
_FADE = 0.005


@dataclass(frozen=True)
class Utterance:
    """One spoken sentence. `words` have times in its own seconds, in the text's spelling; none where nobody knows."""

    samples: Samples
    hertz: int
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Joined:
    """A whole reading."""

    samples: Samples
    hertz: int
    words: tuple[Word, ...]
    sentences: tuple[tuple[float, float], ...]


def join(pieces: Sequence[Piece], spoken: Sequence[Utterance], *, rate: float = 1.0) -> Joined:
    """What was spoken of each piece, one after the other. Words are timed where every piece's are."""
    hertz = max(said.hertz for said in spoken)
    parts: list[Samples] = []
    words: list[Word] = []
    bounds: list[tuple[float, float]] = []
    at = 0
    for number, (piece, said) in enumerate(zip(pieces, spoken, strict=True)):
        if number:
            same = piece.sentence == pieces[number - 1].sentence
            pause = silence((BREATH if same else PAUSE) / rate, hertz)
            parts.append(pause)
            at += len(pause)
        samples = faded(resample(said.samples, said.hertz, hertz), hertz)
        start, end = at / hertz, (at + len(samples)) / hertz
        moved = [_moved(word, start, end) for word in said.words]
        # A sentence lasts from its first word to its last; where nobody knows them, as long as its sound.
        first, last = (moved[0].start, moved[-1].end) if moved else (round(start, 4), round(end, 4))
        if number and piece.sentence == pieces[number - 1].sentence:
            bounds[-1] = (bounds[-1][0], last)
        else:
            bounds.append((first, last))
        words += moved
        parts.append(samples)
        at += len(samples)
    timed = all(said.words for said in spoken)
    sound = level(np.concatenate(parts), hertz)
    return Joined(sound, hertz, tuple(words) if timed else (), tuple(bounds))


def _moved(word: Word, start: float, end: float) -> Word:
    """A word of a sentence in seconds of the reading, within the sentence."""
    first, last = (min(round(start + at, 3), round(end, 4)) for at in (word.start, word.end))
    return Word(word.text, first, last, word.confidence)


def faded(samples: Samples, hertz: int) -> Samples:
    """The sound, let in and out within five milliseconds: a cut that isn't at zero is heard as a click."""
    length = min(int(_FADE * hertz), len(samples) // 2)
    slope = np.sin(np.linspace(0, np.pi / 2, length, endpoint=False)) ** 2
    made = samples.astype(np.float64)
    made[:length] *= slope
    made[len(made) - length :] *= slope[::-1]
    return np.round(made).astype(np.int16)
