"""Whisper (openai-whisper): many languages, near to what a person would write down. Needs the extra local-models."""

from __future__ import annotations

import importlib.util
import pickle
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media_processing.decoding import read_sound
from media_processing.engine import EngineError, Progress
from media_processing.engines.base import Passage, Transcriber, Transcription, Word

_RATE = 16000
_CHUNK = 30 * _RATE
"""Whisper listens to 30 seconds at a time; between two of them a job can be cancelled."""
_SILENT = 0.001
"""Below -60 dB of full scale nobody speaks, but Whisper would make words up."""
_SEARCH = 10 * _RATE
"""A chunk is cut at the quietest moment of its last ten seconds, lest a word be cut in two."""


class WhisperTranscriber(Transcriber):
    """`weights` is the path of a .pt file, or the name of a model that is already in Whisper's own cache ("base").

    Nothing is downloaded: a file of weights comes from a person who chose it.
    """

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
            # Not whisper.load_model: it downloads what it doesn't find.
            checkpoint = torch.load(file, map_location="cpu", weights_only=True)
            model = whisper.model.Whisper(whisper.model.ModelDimensions(**checkpoint["dims"]))
            model.load_state_dict(checkpoint["model_state_dict"])
        except (OSError, RuntimeError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
            raise EngineError(
                f"{file.name} can't be loaded as weights of Whisper.",
                next_step="Use a .pt file as openai-whisper publishes them.",
                permanent=True,
            ) from error
        heads = whisper._ALIGNMENT_HEADS.get(file.stem)
        if heads is not None:
            model.set_alignment_heads(heads)
        self._model = model.to(device).eval()

    def _transcribe(self, sound: Path, *, language: str, progress: Progress) -> Transcription:
        import whisper

        samples = read_sound(sound, rate=_RATE).astype(np.float32) / 32768.0
        code = language.split("-")[0].lower()
        if code not in whisper.tokenizer.LANGUAGES or (code != "en" and not self._model.is_multilingual):
            raise EngineError(
                f"These weights of Whisper can't work in {language!r}.",
                next_step="Choose multilingual weights (a name without .en).",
                permanent=True,
            )
        passages: list[Passage] = []
        said = ""
        for start, stop in _chunks(samples):
            progress(start / len(samples))
            if np.abs(samples[start:stop]).max() < _SILENT:
                continue
            with self._lock:
                answer = self._model.transcribe(
                    samples[start:stop],
                    language=code,
                    task="transcribe",
                    word_timestamps=True,
                    fp16=self._model.device.type == "cuda",
                    initial_prompt=said[-200:] or None,
                    verbose=None,
                )
            passages += _passages(answer["segments"], start / _RATE, stop / _RATE)
            said = " ".join(passage.text for passage in passages[-3:])
        progress(1.0)
        return Transcription(language, tuple(passages))


def _chunks(samples: NDArray[np.float32]) -> Iterator[tuple[int, int]]:
    start = 0
    while len(samples) - start > _CHUNK:
        tail = samples[start + _CHUNK - _SEARCH : start + _CHUNK]
        loud = np.abs(tail).reshape(-1, _RATE // 5).mean(axis=1)
        stop = start + _CHUNK - _SEARCH + int(np.argmin(loud)) * (_RATE // 5) + _RATE // 10
        yield start, stop
        start = stop
    if start < len(samples):
        yield start, len(samples)


def _passages(segments: list[dict[str, Any]], offset: float, end: float) -> list[Passage]:
    """Whisper's segments with times of the whole sound, none of them past its end."""

    def at(seconds: float) -> float:
        return round(min(max(seconds + offset, offset), end), 3)

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
