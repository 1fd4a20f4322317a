"""Voices of coqui-tts (VITS, XTTS and their like), from a local folder."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from generation.engines.base import Speech, Voice
from generation.sentences import sentences
from generation.speech.normalise import spoken_tokens
from generation.speech.sounds import trim, wav
from media_processing.compat import mend_torch
from media_processing.engine import EngineError, Progress

_PAUSE = 0.25  # seconds between sentences
_CONFIG = "config.json"


class CoquiVoice(Voice):
    """Speaks sentence by sentence, so that the bounds of each are exact; it gives no times of words.

    `folder` holds config.json and the weights (*.pth), opened without running code that a pickle may carry.
    """

    title = "Coqui"
    leaves_the_machine = False

    def __init__(self, name: str = "", *, folder: str | Path = "", device: str = "") -> None:
        super().__init__(name)
        self._folder = Path(folder) if folder else None
        self._device = device
        self._speaking = threading.Lock()
        self._tts: Any = None

    @property
    def model(self) -> str:
        return self._folder.name if self._folder else ""

    def problems(self) -> list[EngineError]:
        step = "Set VOICE_MODEL to a folder with a Coqui voice, or choose eSpeak NG."
        if self._folder is None:
            return [EngineError("The voice has no model.", next_step=step, permanent=True)]
        if not (self._folder / _CONFIG).is_file():
            return [EngineError(f"{self._folder} has no {_CONFIG}.", next_step=step, permanent=True)]
        if self._weights is None:
            return [EngineError(f"{self._folder} has no weights (*.pth).", next_step=step, permanent=True)]
        return []

    @property
    def _weights(self) -> Path | None:
        files = sorted(self._folder.glob("*.pth")) if self._folder else []
        # XTTS brings more files than its model.pth.
        return next(
            (path for path in files if path.name in {"model.pth", "model_file.pth", "best_model.pth"}), None
        ) or (files[0] if files else None)

    @cached_property
    def _spoken(self) -> frozenset[str] | None:
        """The languages of the model, from its own configuration; None where it doesn't say."""
        path = self._folder / _CONFIG if self._folder else None
        if path is None or not path.is_file():
            return None
        return _languages(json.loads(path.read_text(encoding="utf-8")))

    def speaks(self, language: str) -> bool:
        return self._spoken is None or language.split("-")[0].lower() in self._spoken

    def _load(self) -> None:
        for problem in self.problems():
            raise problem
        mend_torch()
        import torch
        from TTS.api import TTS

        self._device = self._device or ("cuda" if torch.cuda.is_available() else "cpu")
        weights, folder = self._weights, self._folder
        try:
            # XTTS wants its folder, all others the file.
            model_path = folder if folder and (folder / "vocab.json").exists() else weights
            tts = TTS(
                model_path=str(model_path), config_path=str(folder / _CONFIG) if folder else None, progress_bar=False
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise EngineError(
                f"The voice's model can't be opened: {error}", next_step="Check VOICE_MODEL.", permanent=True
            ) from error
        self._tts = tts.to(self._device)

    def voices(self, language: str) -> Sequence[str]:
        if not self.speaks(language):
            return ()
        self.load()
        return tuple(str(speaker).strip() for speaker in self._tts.speakers or ())

    def _speak(
        self, text: str, *, language: str, voice: str, rate: float, pronunciations: dict[str, str], progress: Progress
    ) -> Speech:
        known = self.voices(language)
        if voice and voice not in known:
            raise EngineError(
                f"{self.title} has no voice {voice!r}.", next_step="Choose one of its voices.", permanent=True
            )
        details: dict[str, Any] = {"speaker": voice or known[0]} if known else {}
        if self._tts.is_multi_lingual:
            details["language"] = language
        said = [
            " ".join(part for part in spoken_tokens(sentence.split(), language, pronunciations) if part)
            for sentence in sentences(text, language)
        ]
        hertz = int(self._tts.synthesizer.output_sample_rate)
        parts: list[Any] = []
        bounds: list[tuple[float, float]] = []
        at = 0
        # The model keeps its speed as state: one text at a time.
        with self._speaking:
            self._set_rate(rate, details)
            for number, sentence in enumerate(said):
                samples = self._samples(sentence, details, hertz)
                bounds.append((at / hertz, (at + len(samples)) / hertz))
                pause = np.zeros(int(_PAUSE * hertz) if number + 1 < len(said) else 0, dtype=np.int16)
                parts += [samples, pause]
                at += len(samples) + len(pause)
                progress((number + 1) / len(said))
        return Speech(
            sound=wav(np.concatenate(parts), hertz),
            seconds=at / hertz,
            words=(),
            sentences=tuple(bounds),
            made_by=self.made_by(rate=rate, language=language, voice=details.get("speaker", "")),
        )

    def _set_rate(self, rate: float, details: dict[str, Any]) -> None:
        model = self._tts.synthesizer.tts_model
        if hasattr(model, "length_scale"):
            model.length_scale = 1.0 / rate
        elif rate != 1.0:
            details["speed"] = rate

    def _samples(self, sentence: str, details: Mapping[str, Any], hertz: int) -> Any:
        """One sentence as 16-bit samples, at most at full level."""
        sound = np.asarray(self._tts.tts(text=sentence, split_sentences=False, **details), dtype=np.float32)
        if not len(sound):
            raise EngineError(f"{self.title} said nothing.", next_step="Change the words or choose another voice.")
        peak = float(np.abs(sound).max())
        if not np.isfinite(peak):
            raise EngineError(f"{self.title} gave a broken sound.", next_step="Choose another voice.")
        return trim((sound / max(1.0, peak) * 32767).astype(np.int16), hertz)[0]


def _languages(config: Mapping[str, Any]) -> frozenset[str] | None:
    found = list(config.get("languages") or ())
    found += [dataset.get("language", "") for dataset in config.get("datasets") or () if isinstance(dataset, dict)]
    found.append(str(config.get("phoneme_language") or ""))
    codes = frozenset(str(code).split("-")[0].lower() for code in found if code)
    return codes or None
