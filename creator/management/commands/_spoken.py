"""Sentences that eSpeak NG speaks, for training a recogniser and for judging one."""

from __future__ import annotations

import random
import statistics
import tempfile
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from media_processing.engine import engines
from media_processing.engines.base import Transcriber, Word
from media_processing.sound import read_wav, resample
from media_processing.training.errors import word_errors
from media_processing.training.speech import RATE, Spoken, hear

_ACCENTS = ("en-us", "en-gb", "en-gb-x-rp", "en-gb-x-gbclan", "en-us-nyc")
TRAINING_VOICES = tuple(accent + timbre for accent in _ACCENTS for timbre in ("", "+f2", "+m3", "+m7"))
UNSEEN_VOICES = ("en-us+f5", "en-gb+f5", "en-gb-x-gbcwmd", "en-gb-x-gbcwmd+m3")
"""Another timbre, another accent."""


def speak(text: str, voices: Sequence[str], rng: random.Random) -> Spoken:
    """`text` in one of `voices`, faster or slower, higher or lower, as the model hears it."""
    speech = engines["voice", "espeak"].speak(text, voice=rng.choice(voices), rate=rng.uniform(0.75, 1.35))
    samples, rate = read_wav(speech.sound)
    # Played faster a voice is higher, and its words come sooner.
    pitch = rng.uniform(0.9, 1.12)
    words = [Word(word.text, word.start / pitch, word.end / pitch) for word in speech.words]
    return hear(resample(samples, round(rate * pitch), RATE), words)


def judge(engine: Transcriber, sentences: Sequence[str], voices: Sequence[str], seed: int = 7) -> dict[str, Any]:
    """How well an engine hears `sentences`, each a file of its own at the voice's own pitch.

    The word error rate is over all words; of words that were heard right, how far from where they are spoken they were
    put, in milliseconds.
    """
    rng, wrong = random.Random(seed), 0
    away: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for text in sentences:
            speech = engines["voice", "espeak"].speak(text, voice=rng.choice(voices), rate=rng.uniform(0.8, 1.3))
            file = Path(folder) / "sentence.wav"
            file.write_bytes(speech.sound)
            heard = [
                Word(word.text.lower().strip(".,!? "), word.start, word.end)
                for passage in engine.transcribe(file).passages
                for word in passage.words
            ]
            wrong += word_errors(text.split(), [word.text for word in heard])
            pairs = SequenceMatcher(None, text.split(), [word.text for word in heard], autojunk=False)
            for said_at, heard_at, count in pairs.get_matching_blocks():
                for step in range(count):
                    away.append(abs(speech.words[said_at + step].start - heard[heard_at + step].start) * 1000)
    return {
        "sentences": len(sentences),
        "wer": round(wrong / sum(len(text.split()) for text in sentences), 3),
        "start_ms_median": round(statistics.median(away)) if away else None,
        "start_ms_p95": round(sorted(away)[int(0.95 * len(away))]) if away else None,
    }
