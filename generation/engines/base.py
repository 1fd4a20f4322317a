"""What a writer (in writing.py), a painter (in painting.py) and a voice promise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from generation.engines.metering import Metered
from generation.engines.painting import Painter, Picture, Sampling, Wanted
from generation.engines.writing import (
    Article,
    Line,
    Options,
    Script,
    ScriptScene,
    Translation,
    Visual,
    Watch,
    Wish,
    Writer,
)
from media_processing.engine import Engine, EngineError, Progress, no_progress
from media_processing.engines.base import Word


@dataclass(frozen=True)
class Speech:
    """Spoken text: a mono 16-bit WAV file with the time of each word."""

    sound: bytes
    seconds: float
    words: tuple[Word, ...]
    """In the text's own spelling; empty where the engine gives no times (an aligner finds them)."""
    sentences: tuple[tuple[float, float], ...] = ()
    """Exact bounds of each spoken sentence."""
    made_by: Mapping[str, Any] = field(default_factory=dict)


class Voice(Metered, Engine, ABC):
    """Speaks text."""

    role = "voice"
    gives_word_times: ClassVar[bool] = False
    max_characters: ClassVar[int] = 20_000

    def speak(
        self,
        text: str,
        *,
        language: str = "en",
        voice: str = "",
        rate: float = 1.0,
        pronunciations: Mapping[str, str] | None = None,
        progress: Progress = no_progress,
    ) -> Speech:
        """Speak `text`. `rate` 1.0 is the voice's normal speed; `pronunciations` maps a spelling to how it is said."""
        if not text.strip():
            raise EngineError("There is nothing to say.", permanent=True)
        if len(text) > self.max_characters:
            raise EngineError(
                f"{self.title} speaks at most {self.max_characters:,} characters at once.", permanent=True
            )
        if not self.speaks(language):
            raise EngineError(
                f"{self.title} has no voice for {language!r}.",
                next_step="Choose another voice on the engines page.",
                permanent=True,
            )
        self.load()
        return self._speak(
            text,
            language=language,
            voice=voice,
            rate=rate,
            pronunciations=dict(pronunciations or {}),
            progress=progress,
        )

    @abstractmethod
    def _speak(
        self, text: str, *, language: str, voice: str, rate: float, pronunciations: dict[str, str], progress: Progress
    ) -> Speech: ...

    def voices(self, language: str) -> Sequence[str]:
        """Names of its voices for a language."""
        return ()


__all__ = [
    "Article",
    "Line",
    "Options",
    "Painter",
    "Picture",
    "Sampling",
    "Script",
    "ScriptScene",
    "Speech",
    "Translation",
    "Visual",
    "Voice",
    "Wanted",
    "Watch",
    "Wish",
    "Word",
    "Writer",
]
