"""Whisper (openai-whisper): many languages, near to what a person would write down, and when each word of a known text
is said. Needs the extra local-models."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import pickle
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media_processing import stretches
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

_RATE = 16000
_CHUNK = 30 * _RATE
"""Whisper listens to 30 seconds at a time; each is a step that a restart needs not do again."""
_SILENT = 0.001
"""Below -60 dB of full scale nobody speaks, but Whisper would make words up."""
_SEARCH = 10 * _RATE
"""A chunk is cut in the quietest 0.3 seconds of its last ten seconds, lest a word be cut in two."""
_PAUSE = int(0.3 * _RATE)
_QUIET = 0.2
"""A pause is at least so much quieter than speech (-14 dB)."""
_LAP = _RATE // 4
"""Where there was no pause to cut in, the next chunk begins so much before the end of the last whole word."""
_UNSURE = 0.05
"""What the model gives a word of a text that isn't said (below) and of one that is (far above), by the median."""
_LARGEST = {
    "n_mels": 128, "n_audio_ctx": 1500, "n_audio_state": 4096, "n_audio_head": 64, "n_audio_layer": 64,
    "n_vocab": 60_000, "n_text_ctx": 4096, "n_text_state": 4096, "n_text_head": 64, "n_text_layer": 64,
}  # fmt: skip
"""Dimensions beyond which a file isn't Whisper's, but somebody's who wants our memory."""


class _Whisper(Engine):
    """What both roles share. `weights` is the path of a .pt file, or the name of a model that is already in Whisper's
    own cache ("base"); each role loads them for itself.

    Nothing is downloaded: a file of weights comes from a person who chose it.
    """

    _model: Any

    title = "Whisper"
    leaves_the_machine = False

    def __init__(self, name: str = "", *, weights: str = "", device: str = "") -> None:
        super().__init__(name)
        self._weights = weights
        self._device = device

    @property
    def model(self) -> str:
        try:
            return f"openai-whisper {version('openai-whisper')} {Path(self._weights).name}"
        except PackageNotFoundError:
            return Path(self._weights).name

    def problems(self) -> list[EngineError]:
        if importlib.util.find_spec("whisper") is None:
            return [EngineError("The package openai-whisper is missing.", next_step="pip install '.[local-models]'")]
        if not self._file():
            return [
                EngineError(
                    f"No weights of Whisper at {self._weights!r}."
                    if self._weights
                    else "No weights of Whisper are named.",
                    next_step="Set WHISPER_MODEL to a .pt file, or to the name of a model in Whisper's cache.",
                )
            ]
        return []

    def _file(self) -> Path | None:
        candidates = [Path(self._weights), Path.home() / ".cache" / "whisper" / f"{self._weights}.pt"]
        return next((path for path in candidates if self._weights and path.is_file()), None)

    def _load(self) -> None:
        for problem in self.problems():
            raise problem
        import torch
        import whisper

        file = self._file()
        assert file is not None  # noqa: S101 - problems() has looked
        device = self._device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            # Not whisper.load_model: it downloads what it doesn't find, and unpickles whatever it finds.
            with file.open("rb") as opened:
                self._digest = hashlib.file_digest(opened, "sha256").hexdigest()
            checkpoint = torch.load(file, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
            raise _unusable(file, "it is damaged, half copied, or holds more than numbers") from error
        dims = _dimensions(file, checkpoint)
        model = whisper.model.Whisper(whisper.model.ModelDimensions(**dims))
        try:
            model.load_state_dict(checkpoint["model_state_dict"])
        except (RuntimeError, TypeError, AttributeError) as error:
            raise _unusable(file, "its weights don't fit its own dimensions") from error
        if not all(bool(torch.isfinite(weight).all()) for weight in model.state_dict().values()):
            raise _unusable(file, "some of its weights are no numbers")
        heads = whisper._ALIGNMENT_HEADS.get(file.stem)
        if heads is not None:
            with suppress(RuntimeError):  # another model by that name: half of its heads are as good a guess
                model.set_alignment_heads(heads)
        self._model = model.to(device).eval()

    def _code(self, language: str) -> str:
        import whisper

        code = language.split("-")[0].lower()
        if code not in whisper.tokenizer.LANGUAGES or (code != "en" and not self._model.is_multilingual):
            raise EngineError(
                f"These weights of Whisper can't work in {language!r}.",
                next_step="Choose multilingual weights (a name without .en).",
                permanent=True,
            )
        return code


class WhisperTranscriber(_Whisper, Transcriber):
    """Writes down what is said, 30 seconds at a time."""

    finds_language = True
    translates = True

    def _transcribe(
        self, sound: Path, *, language: str, translate: bool, cache: Path | None, progress: Progress
    ) -> Transcription:
        samples = read_sound(sound, rate=_RATE).astype(np.float32) / 32768.0
        code = self._code(language) if language else self._spoken_in(samples, progress)
        asked = {"language": code, "task": "translate" if translate else "transcribe"}
        passages: list[Passage] = []
        start = keep_from = 0
        while start < len(samples):
            progress(start / len(samples))
            said = " ".join(passage.text for passage in passages[-3:])[-200:]
            stop, pause = _cut(samples, start)
            chunk = samples[start:stop]
            heard = self._heard(chunk, {**asked, "initial_prompt": said or None}, cache, progress, start / len(samples))
            found = _passages(heard, start / _RATE, stop / _RATE)
            if not pause and (word := _last_whole_word(found, stop / _RATE)) is not None:
                found = _between(found, keep_from / _RATE, word.end)
                keep_from = int(word.end * _RATE)
                start = max(start + _RATE, keep_from - _LAP)
            else:
                found = _between(found, keep_from / _RATE, stop / _RATE) if keep_from > start else found
                start = keep_from = stop
            passages += found
        progress(1.0)
        return Transcription("en" if translate else language or code, tuple(passages))

    def _spoken_in(self, samples: NDArray[np.float32], progress: Progress) -> str:
        """The language that its first three chunks with sound are most likely in, all taken together."""
        import whisper

        if not self._model.is_multilingual:
            return "en"
        chunks = [samples[at : at + _CHUNK] for at in range(0, len(samples), _CHUNK)]
        likely: dict[str, float] = {}
        for chunk in [chunk for chunk in chunks if np.abs(chunk).max() >= _SILENT][:3]:
            progress(0.0)
            mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(chunk), self._model.dims.n_mels)
            with self._lock:
                _token, shares = self._model.detect_language(mel.to(self._model.device))
            for code, share in shares.items():
                likely[code] = likely.get(code, 0.0) + share
        return max(likely, key=lambda code: likely[code]) if likely else "en"

    def _heard(
        self, chunk: NDArray[np.float32], asked: Mapping[str, Any], cache: Path | None, progress: Progress, share: float
    ) -> list[dict[str, Any]]:
        """Whisper's segments of a chunk: out of `cache` where it was heard before."""
        if np.abs(chunk).max() < _SILENT:
            return []
        said = json.dumps([version("openai-whisper"), self._digest, sorted(asked.items())])
        place = cache / f"{hashlib.sha256(said.encode() + chunk.tobytes()).hexdigest()}.json" if cache else None
        if place and place.is_file():
            kept: list[dict[str, Any]] = json.loads(place.read_text())
            return kept
        with self._lock, self._stoppable(progress, share):
            answer = self._model.transcribe(
                chunk, **asked, word_timestamps=asked["task"] == "transcribe",
                fp16=self._model.device.type == "cuda", verbose=None,
            )  # fmt: skip
        segments = [
            {name: segment[name] for name in ("text", "start", "end", "words") if name in segment}
            for segment in answer["segments"]
        ]
        if place:
            _keep(place, json.dumps(segments, default=float))
        return segments

    @contextmanager
    def _stoppable(self, progress: Progress, share: float) -> Iterator[None]:
        """Ask before every word that is decoded whether to go on: a chunk of a large model takes a minute on a CPU."""
        decoder = self._model.decoder
        asking = decoder.register_forward_pre_hook(lambda *_args: progress(share))
        try:
            yield
        finally:
            asking.remove()
            for block in decoder.blocks:  # what openai-whisper leaves behind where it is interrupted
                block.cross_attn._forward_hooks.clear()


class WhisperAligner(_Whisper, Aligner):
    """Finds the words of a known text by where the model looks while it is told them: in every language it was taught.

    Attention over time, then dynamic time warping, as openai-whisper does it for its own words (whisper/timing.py).
    """

    def _align(self, sound: Path, words: list[str], *, language: str) -> tuple[Word, ...]:
        import whisper

        code = self._code(language)
        if not any(map(_is_said, words)):
            return tuple(Word(word, 0.0, 0.0) for word in words)
        recorded = read_sound(sound, rate=_RATE)
        there = stretches.heard(recorded, _RATE)
        if not there:
            raise EngineError("Nothing is said in this sound.", next_step=BY_SENTENCE)
        tokenizer = whisper.tokenizer.get_tokenizer(
            self._model.is_multilingual, num_languages=self._model.num_languages, language=code, task="transcribe"
        )
        tokens = tokenizer.encode(" " + " ".join(words))
        room = self._model.dims.n_text_ctx - len(tokenizer.sot_sequence) - 2
        if len(recorded) > _CHUNK or len(tokens) > room:
            raise EngineError("Whisper finds the words of at most 30 seconds.", next_step=BY_SENTENCE)
        samples = recorded.astype(np.float32) / 32768.0
        mel = whisper.log_mel_spectrogram(samples, self._model.dims.n_mels, padding=_CHUNK)
        mel = whisper.pad_or_trim(mel, whisper.audio.N_FRAMES).to(self._model.device)
        frames = len(recorded) // whisper.audio.HOP_LENGTH
        with self._lock:
            found = whisper.timing.find_alignment(self._model, tokenizer, tokens, mel, frames)
        aligned = _shared_out(words, [(part.word, part.start, part.end, part.probability) for part in found])
        said = [word for word in aligned if _is_said(word.text)]
        check_plausible(said, len(recorded) / _RATE)
        if median(word.confidence for word in said) < _UNSURE:
            raise EngineError("The sound doesn't say these words.", next_step=BY_SENTENCE)
        # What it looks at first is the silence before the first word.
        first, onset = aligned.index(said[0]), there[0][0]
        aligned[first] = replace(said[0], start=_rounded(min(max(said[0].start, onset), said[0].end)))
        return tuple(aligned)


def _is_said(word: str) -> bool:
    return any(letter.isalnum() for letter in word)


def _shared_out(words: Sequence[str], parts: Sequence[tuple[str, float, float, float]]) -> list[Word]:
    """The script's words with the times of the model's parts (text, start, end, how sure) that they are made of.

    Both are the same text. Marks have no sound: a word ends with its last letter, and what is only marks stands where
    the word before it ended. Raises EngineError where the texts differ.
    """
    letters = [(letter, number) for number, part in enumerate(parts) for letter in part[0] if not letter.isspace()]
    if [letter for letter, _number in letters] != [letter for word in words for letter in word]:
        raise EngineError("Whisper spells these words otherwise.", next_step=BY_SENTENCE)
    aligned: list[Word] = []
    at = 0
    for word in words:
        own = [parts[number] for letter, number in letters[at : at + len(word)] if letter.isalnum()]
        at += len(word)
        if own:
            start, end, sure = own[0][1], own[-1][2], min(part[3] for part in own)
            aligned.append(Word(word, _rounded(start), _rounded(end), min(1.0, max(0.0, float(sure)))))
        else:
            last = aligned[-1].end if aligned else 0.0
            aligned.append(Word(word, last, last))
    return aligned


def _rounded(seconds: float) -> float:
    return round(float(seconds), 3)


def _unusable(file: Path, why: str) -> EngineError:
    return EngineError(
        f"{file.name} can't be loaded as weights of Whisper: {why}.",
        next_step="Copy the .pt file again, as openai-whisper publishes it, and compare its size.",
        permanent=True,
    )


def _dimensions(file: Path, checkpoint: Any) -> dict[str, int]:
    """The dimensions that a checkpoint names, each known, whole, and of a size that Whisper has."""
    dims = checkpoint.get("dims") if isinstance(checkpoint, dict) else None
    if not isinstance(dims, dict) or "model_state_dict" not in checkpoint:
        raise _unusable(file, "it isn't built like one of Whisper's files (dims and model_state_dict)")
    if unknown := sorted(map(str, dims.keys() ^ _LARGEST.keys())):
        raise _unusable(file, f"it names other dimensions than this version knows ({', '.join(unknown[:4])})")
    for name, value in dims.items():
        if type(value) is not int or not 1 <= value <= _LARGEST[name]:
            raise _unusable(file, f"its {name} is {value!r:.40}")
    if dims["n_audio_ctx"] != _LARGEST["n_audio_ctx"] or dims["n_mels"] not in (80, 128):
        raise _unusable(file, "it listens to other stretches of sound than Whisper does")
    if dims["n_vocab"] < 51_864 or dims["n_audio_state"] != dims["n_text_state"]:
        raise _unusable(file, "its parts don't fit together")
    if any(dims[f"n_{part}_state"] % dims[f"n_{part}_head"] for part in ("audio", "text")):
        raise _unusable(file, "its heads don't divide its width")
    return dims


def _keep(place: Path, text: str) -> None:
    """Write a file that is there whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=place.parent, prefix=".making-", delete=False) as part:
        part.write(text)
    Path(part.name).replace(place)


def _cut(samples: NDArray[np.float32], start: int) -> tuple[int, bool]:
    """Where the chunk that begins at `start` ends, and whether that is in a pause or at the sound's end."""
    if len(samples) - start <= _CHUNK:
        return len(samples), True
    chunk = np.abs(samples[start : start + _CHUNK])
    step = _RATE // 50
    levels = chunk.reshape(-1, step).mean(axis=1)
    around = np.convolve(levels, np.full(_PAUSE // step, step / _PAUSE), mode="valid")
    first = (_CHUNK - _SEARCH) // step
    at = first + int(np.argmin(around[first:]))
    spoken = float(np.percentile(levels, 75))
    if around[at] > max(_SILENT, _QUIET * spoken):
        return start + _CHUNK, False
    return start + at * step + _PAUSE // 2, True


def _last_whole_word(passages: list[Passage], stop: float) -> Word | None:
    """The last word that surely ends before the chunk does; None where nobody speaks near its end."""
    words = [word for passage in passages for word in passage.words if stop - 10 < word.end < stop - 1]
    return words[-1] if words else None


def _between(passages: list[Passage], start: float, end: float) -> list[Passage]:
    """What is said from `start` to `end`: the words whose middle lies between, in passages of what is left."""
    found = []
    for passage in passages:
        words = tuple(word for word in passage.words if start <= (word.start + word.end) / 2 <= end)
        if len(words) == len(passage.words):
            found.append(passage)
        elif words:
            found.append(Passage(" ".join(word.text for word in words), words[0].start, words[-1].end, words))
    return found


def _passages(segments: list[dict[str, Any]], offset: float, end: float) -> list[Passage]:
    """Whisper's segments with times of the whole sound, none of them past its end."""

    def at(seconds: float) -> float:
        return round(float(min(max(seconds + offset, offset), end)), 3)

    found: list[Passage] = []
    for segment in segments:
        words = tuple(
            Word(
                word["word"].strip(), at(word["start"]), at(word["end"]), min(1.0, max(0.0, float(word["probability"])))
            )
            for word in segment.get("words", ())
            if word["word"].strip()
        )
        text = segment["text"].strip()
        if text:
            found.append(Passage(text, at(segment["start"]), at(segment["end"]), words))
    return found
