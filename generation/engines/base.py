"""What a writer (in writing.py), a painter and a voice promise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from generation.engines.metering import Metered
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
class Picture:
    """A drawn picture or moving clip, as a file's bytes."""

    content: bytes
    kind: str
    """"image" or "video"."""
    suffix: str
    """".png" or ".mp4"."""
    width: int
    height: int
    alt: str
    tags: tuple[str, ...] = ()
    made_by: Mapping[str, Any] = field(default_factory=dict)
    """Includes the seed; the illustrator adds its scene description ("scene") and "knew": the words it could show."""


class Painter(Metered, Engine, ABC):
    """Makes pictures from words."""

    role = "painter"
    min_side: ClassVar[int] = 64
    max_side: ClassVar[int] = 4096
    can_move: ClassVar[bool] = False
    """Whether `animate` makes clips."""
    styles: ClassVar[Mapping[str, str]] = {}
    """What `style` may be, with how people call it; empty where it has one style."""

    def draw(
        self, words: str, *, width: int, height: int, seed: int = 0, style: str = "", progress: Progress = no_progress
    ) -> Picture:
        """Draw what `words` say, `width` x `height` pixels. The same seed gives the same picture."""
        self._check(words, width, height)
        self.load()
        return self._draw(words, width=width, height=height, seed=seed, style=style, progress=progress)

    def animate(
        self,
        words: str,
        *,
        width: int,
        height: int,
        seconds: float,
        seed: int = 0,
        style: str = "",
        progress: Progress = no_progress,
    ) -> Picture:
        """Draw a moving scene as a short silent clip. Raises EngineError where the engine only draws stills."""
        if not self.can_move:
            raise EngineError(f"{self.title} draws stills only.", permanent=True)
        self._check(words, width, height)
        self.load()
        return self._animate(
            words, width=width, height=height, seconds=seconds, seed=seed, style=style, progress=progress
        )

    def _check(self, words: str, width: int, height: int) -> None:
        if not words.strip():
            raise EngineError("Say what the picture should show.", permanent=True)
        if not (self.min_side <= width <= self.max_side and self.min_side <= height <= self.max_side):
            raise EngineError(
                f"{self.title} draws between {self.min_side} and {self.max_side} pixels a side.", permanent=True
            )

    @abstractmethod
    def _draw(self, words: str, *, width: int, height: int, seed: int, style: str, progress: Progress) -> Picture: ...

    def _animate(
        self, words: str, *, width: int, height: int, seconds: float, seed: int, style: str, progress: Progress
    ) -> Picture:
        raise NotImplementedError


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
    "Script",
    "ScriptScene",
    "Speech",
    "Translation",
    "Visual",
    "Voice",
    "Watch",
    "Wish",
    "Word",
    "Writer",
]
