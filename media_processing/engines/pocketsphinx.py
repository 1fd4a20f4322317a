"""PocketSphinx: its wheel carries a model of American English. Rough at transcribing, exact at aligning known text."""

from __future__ import annotations

import importlib.util
import re
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media_processing.decoding import read_sound
from media_processing.engine import Engine, EngineError, Progress
from media_processing.engines.base import (
    BY_SENTENCE,
    Aligner,
    Passage,
    Transcriber,
    Transcription,
    Word,
    check_plausible,
)
from media_processing.pronouncing import phones, spoken_tokens
from media_processing.sound import read_wav, resample

RATE = 16000
BEFORE, AFTER = 0.25, 0.5
"""Seconds of silence around every utterance: without it alignment fails at the last word."""
_ATTEMPTS = 3
"""Looks at a sound with other dither and padding: the right words are missed now and then, at 1 % of real time each."""
_FRAMES = 100.0
"""Frames a second of the decoder."""
_SILENCE = 0.3
"""How likely a pause between two words is. With the model's own 0.005 a word takes the silence before it, 0.13 s."""
_UNCLAIMED = 0.5
"""Of speech that says the words 0.02 at most lies outside of them, of other speech that passed 0.16 to 0.81."""
_HOP = RATE // 50
_LONGEST = 15.0
_PAUSE = 0.35
"""Seconds: a passage ends at a pause of so many, or where it gets longest at the quietest place."""


class _PocketSphinx(Engine):
    """What both roles share: the model, the language, the padding."""

    _decoder: Any

    languages = frozenset({"en"})
    leaves_the_machine = False
    starter = True

    def problems(self) -> list[EngineError]:
        if importlib.util.find_spec("pocketsphinx") is None:
            return [EngineError("The package pocketsphinx is missing.", next_step="Run: pip install pocketsphinx")]
        return []

    @property
    def model(self) -> str:
        try:
            return f"pocketsphinx {version('pocketsphinx')} en-us"
        except PackageNotFoundError:
            return ""

    def _heard(self, samples: NDArray[np.int16], attempt: int = 0) -> list[Word]:
        """The words of one utterance, in seconds of `samples`. Not safe with threads: hold the lock."""
        quiet = np.random.default_rng(attempt)
        padded = np.concatenate(
            [
                np.zeros(int(BEFORE * RATE), np.int32),
                samples.astype(np.int32),
                np.zeros(int((AFTER + 0.35 * attempt) * RATE), np.int32),
            ]
        )
        dithered = (padded + quiet.integers(-4, 5, len(padded))).clip(-32768, 32767).astype("<i2")
        self._decoder.reinit_feat()  # else it levels by what came before, and no result comes twice
        self._decoder.start_utt()
        try:
            self._decoder.process_raw(dithered.tobytes(), full_utt=True)
        finally:
            self._decoder.end_utt()
        if self._decoder.hyp() is None:
            return []
        end = len(samples) / RATE
        heard = []
        for part in self._decoder.seg():
            word = re.sub(r"\(\d+\)$", "", part.word)
            if word[0] in "<[+":  # silence and noises
                continue
            start, stop = part.start_frame / _FRAMES - BEFORE, (part.end_frame + 1) / _FRAMES - BEFORE
            sure = min(1.0, max(0.0, float(self._decoder.logmath.exp(part.prob))))
            heard.append(Word(word, _within(start, end), _within(stop, end), sure))
        return heard


class PocketSphinxAligner(_PocketSphinx, Aligner):
    """Forced alignment: the words are known, only their times are looked for."""

    title = "PocketSphinx"
    _strict: Any
    """The model as it is."""
    _exact: Any
    """The same with likely pauses."""

    def _load(self) -> None:
        import pocketsphinx

        common: dict[str, Any] = {"samprate": RATE, "loglevel": "FATAL", "cmn": "batch", "lm": None}
        self._strict = pocketsphinx.Decoder(**common)
        self._exact = pocketsphinx.Decoder(**common, silprob=_SILENCE)

    def _align(self, sound: Path, words: list[str], *, language: str) -> tuple[Word, ...]:
        said = spoken_tokens(words)
        flat = list(chain.from_iterable(said))
        samples = _samples(sound)
        heard: list[Word] = []
        with self._lock:
            # With likely pauses most words are found in most speech: whether they are said, the strict one tells.
            for decoder in (self._strict, self._exact) if flat else ():
                self._decoder = decoder
                heard = self._forced(samples, flat)
                check_plausible(heard, len(samples) / RATE)
        if heard and _unclaimed(samples, heard) > _UNCLAIMED:
            raise EngineError("The sound doesn't say these words.", next_step=BY_SENTENCE)
        aligned: list[Word] = []
        at = 0
        for word, parts in zip(words, said, strict=True):
            if parts:
                start, end = heard[at].start, heard[at + len(parts) - 1].end
            else:  # a dash has no sound: it sits where the word before it ended
                start = end = aligned[-1].end if aligned else 0.0
            aligned.append(Word(word, start, end))
            at += len(parts)
        return tuple(aligned)

    def _teach(self, words: Sequence[str]) -> None:
        """Add what the dictionary lacks."""
        unknown = [word for word in dict.fromkeys(words) if self._decoder.lookup_word(word) is None]
        for number, (word, said) in enumerate(phones(unknown).items(), start=1):
            self._decoder.add_word(word, said, number == len(unknown))

    def _forced(self, samples: NDArray[np.int16], words: list[str]) -> list[Word]:
        try:
            self._teach(words)
            heard: list[Word] = []
            for attempt in range(_ATTEMPTS):
                self._decoder.set_align_text(" ".join(words))
                heard = self._heard(samples, attempt)
                if [word.text for word in heard] == words:
                    return heard
        except (RuntimeError, ValueError) as error:
            raise EngineError(f"The words could not be found in the sound ({error}).", next_step=BY_SENTENCE) from error
        if len(heard) > 1 and [word.text for word in heard] == words[:-1]:
            last = _last_word(words[-1], heard[-1].end, samples)
            if last is not None:
                return [*heard, last]
        raise EngineError("The words could not be found in the sound.", next_step=BY_SENTENCE)


class PocketSphinxTranscriber(_PocketSphinx, Transcriber):
    """Free transcription: a rough draft (about every second or third word is right), better with a `hint`.

    `hint` is text that the speech is likely to follow: with a language model made of it nearly every word is right.
    """

    title = "PocketSphinx (rough draft)"
    rough = True

    def __init__(self, name: str = "", *, hint: str = "") -> None:
        super().__init__(name)
        self._hint = hint

    def _load(self) -> None:
        import pocketsphinx

        if not self._hint:
            self._decoder = pocketsphinx.Decoder(samprate=RATE, loglevel="FATAL", cmn="batch")
            return
        from pocketsphinx.lm import ArpaBoLM

        lines = [list(chain.from_iterable(spoken_tokens(line.split()))) for line in _sentences(self._hint)]
        model = ArpaBoLM(text="\n".join(" ".join(line) for line in lines if line), add_start=True)
        model.compute()
        with tempfile.TemporaryDirectory() as folder:
            words, grams = Path(folder) / "words.dict", Path(folder) / "hint.lm"
            # With the whole dictionary beside a model of few words, loading takes half a minute.
            words.write_text(_dictionary_of(set(chain.from_iterable(lines))), encoding="utf-8")
            model.write_file(str(grams))
            self._decoder = pocketsphinx.Decoder(
                samprate=RATE, loglevel="FATAL", cmn="batch", lm=str(grams), dict=str(words)
            )

    def _transcribe(
        self, sound: Path, *, language: str, translate: bool, cache: Path | None, progress: Progress
    ) -> Transcription:
        samples = _samples(sound)
        passages: list[Passage] = []
        for start, end in _utterances(samples):
            progress(start / max(1, len(samples)))
            with self._lock:
                heard = self._heard(samples[start:end])
            offset = start / RATE
            words = tuple(
                Word(
                    "I" if word.text == "i" else word.text,
                    _at(word.start + offset),
                    _at(word.end + offset),
                    word.confidence,
                )
                for word in heard
            )
            if words:
                passages.append(Passage(" ".join(w.text for w in words), words[0].start, words[-1].end, words))
        progress(1.0)
        return Transcription(language, tuple(passages))


def _last_word(text: str, start: float, samples: NDArray[np.int16]) -> Word | None:
    """A last word that faded out before the decoder was sure of it: what is heard after the one before it."""
    loud = np.flatnonzero(_loud(_levels(samples)))
    end = (int(loud[-1]) + 1) / 50 if len(loud) else 0.0
    return Word(text, start, _at(end), 0.5) if 0.06 <= end - start <= 1.5 else None


def _samples(sound: Path) -> NDArray[np.int16]:
    if sound.suffix.lower() == ".wav":
        try:
            samples, rate = read_wav(sound)
        except (ValueError, OSError):
            pass
        else:
            if rate <= 24000:  # above, plain resampling would fold high tones into speech
                return resample(samples, rate, RATE)
    return read_sound(sound, rate=RATE)


def _dictionary_of(words: set[str]) -> str:
    """The lines of the model's dictionary for `words`, other pronunciations ("read(2)") included, and ours."""
    import pocketsphinx

    lines, known = [], set()
    with Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")).open(encoding="utf-8") as dictionary:
        for line in dictionary:
            word = line.split(" ", 1)[0].split("(", 1)[0]
            if word in words:
                lines.append(line)
                known.add(word)
    return "".join([*lines, *(f"{word} {said}\n" for word, said in phones(sorted(words - known)).items())])


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?])\s+|\n+", text)


def _at(seconds: float) -> float:
    return round(seconds, 3)


def _within(seconds: float, end: float) -> float:
    return _at(min(max(seconds, 0.0), end))


def _levels(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """How loud each fiftieth of a second is."""
    count = len(samples) // _HOP
    levels: NDArray[np.float64] = np.sqrt(
        (samples[: count * _HOP].reshape(count, _HOP).astype(np.float64) ** 2).mean(axis=1)
    )
    return levels


def _loud(levels: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where somebody speaks: above a share of the loud parts, and above a steady noise."""
    loud: NDArray[np.bool_] = levels > max(
        60.0, 0.08 * float(np.quantile(levels, 0.95)), 1.5 * float(np.quantile(levels, 0.05))
    )
    return loud


def _unclaimed(samples: NDArray[np.int16], words: Sequence[Word]) -> float:
    """The share of what is loud that lies in no word: of other speech, most passes for pauses between the words."""
    loud = _loud(_levels(samples))
    within = np.zeros(len(loud), bool)
    for word in words:
        within[int(word.start * RATE) // _HOP : -(-int(word.end * RATE) // _HOP)] = True
    return float((loud & ~within).sum() / max(1, loud.sum()))


def _utterances(samples: NDArray[np.int16]) -> Iterator[tuple[int, int]]:
    """Spoken stretches, in samples: cut at pauses, and none longer than _LONGEST seconds."""
    hop, levels = _HOP, _levels(samples)
    if not len(levels):
        return
    loud = _loud(levels)
    start, last = -1, -1
    for at in [*np.flatnonzero(loud).tolist(), -1]:
        if start >= 0 and (at < 0 or (at - last) * hop > _PAUSE * RATE):
            yield from _halved(start, last + 1, levels, hop)
            start = -1
        if start < 0:
            start = at
        last = at


def _halved(start: int, end: int, levels: NDArray[np.float64], hop: int) -> Iterator[tuple[int, int]]:
    length = (end - start) * hop / RATE
    if length <= _LONGEST:
        yield max(0, start - 5) * hop, (end + 5) * hop
        return
    third = (end - start) // 3
    middle = start + third + int(np.argmin(levels[start + third : end - third]))
    yield from _halved(start, middle, levels, hop)
    yield from _halved(middle, end, levels, hop)
