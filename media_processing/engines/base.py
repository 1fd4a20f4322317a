"""What a transcriber, an aligner, a reader and a renderer promise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PIL import Image

from media_processing.engine import Engine, EngineError, Progress, no_progress
from media_processing.recipes import H264, Recipe

if TYPE_CHECKING:
    from media_processing.timeline import Timeline


@dataclass(frozen=True)
class Word:
    """A spoken word with its start and end in seconds of the sound, and how sure the engine is (0 to 1)."""

    text: str
    start: float
    end: float
    confidence: float = 1.0


@dataclass(frozen=True)
class Passage:
    """A stretch of speech (a sentence or a breath) with its words."""

    text: str
    start: float
    end: float
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Transcription:
    """What was said in a sound, in order."""

    language: str
    passages: tuple[Passage, ...]

    @property
    def text(self) -> str:
        return " ".join(passage.text for passage in self.passages)


class Transcriber(Engine, ABC):
    """Turns speech into text with times."""

    role = "transcriber"
    finds_language: ClassVar[bool] = False
    """Whether it can tell which language is spoken."""
    translates: ClassVar[bool] = False
    """Whether it can write down in English what is said in another language."""
    rough: ClassVar[bool] = False
    """Whether so many words are wrong that a text can't be held to what it hears."""

    def transcribe(
        self,
        sound: Path,
        *,
        language: str = "en",
        translate: bool = False,
        cache: Path | None = None,
        progress: Progress = no_progress,
    ) -> Transcription:
        """Transcribe a sound file of any accepted format.

        `language` "" lets the engine find out, where it can; the answer says what it found. With `translate` the text
        is English. In the directory `cache` an engine that works in parts keeps each that is done, by the digest of all
        that it came from: the same call goes on at the first one missing.

        Raises EngineError for a language that it lacks, or for what it can't do.
        """
        if language or not self.finds_language:
            language = language or "en"
            _require_language(self, language)
        if translate and not self.translates:
            raise EngineError(
                f"{self.title} can't translate.",
                next_step="Choose another transcriber on the engines page.",
                permanent=True,
            )
        self.load()
        return self._transcribe(sound, language=language, translate=translate, cache=cache, progress=progress)

    @abstractmethod
    def _transcribe(
        self, sound: Path, *, language: str, translate: bool, cache: Path | None, progress: Progress
    ) -> Transcription: ...


class Aligner(Engine, ABC):
    """Finds when each word of a known text is spoken."""

    role = "aligner"

    def align(self, sound: Path, words: Sequence[str], *, language: str = "en") -> tuple[Word, ...]:
        """Times of `words` in a sound file: one Word for each, in order, in the script's own spelling.

        Raises EngineError where it can't; the caller then captions by sentence.
        """
        _require_language(self, language)
        if not words:
            return ()
        self.load()
        aligned = self._align(sound, list(words), language=language)
        if [word.text for word in aligned] != list(words):
            raise EngineError(f"{self.title} lost words while aligning.", next_step="Captions go by sentence instead.")
        return aligned

    @abstractmethod
    def _align(self, sound: Path, words: list[str], *, language: str) -> tuple[Word, ...]: ...


class Reader(Engine, ABC):
    """Reads the text that stands in pictures."""

    role = "reader"
    side: ClassVar[int] = 1600
    """Pixels of the longer side that it wants at most; larger pictures are scaled down."""

    def read(self, picture: Image.Image) -> str:
        """The text in a picture, line by line from the top; "" where it sees none that it is sure of."""
        self.load()
        flat = Image.new("RGB", picture.size, "white")
        flat.paste(picture, mask=picture.getchannel("A") if picture.mode == "RGBA" else None)
        flat.thumbnail((self.side, self.side), Image.Resampling.LANCZOS)
        return self._read(flat)

    @abstractmethod
    def _read(self, picture: Image.Image) -> str:
        """The same for an RGB picture of a size that it wants."""


class Renderer(Engine, ABC):
    """Turns a timeline into a video file."""

    role = "renderer"
    leaves_the_machine = False

    def render(
        self,
        timeline: Timeline,
        target: Path,
        *,
        cache: Path,
        progress: Progress = no_progress,
        recipe: Recipe = H264,
    ) -> Path:
        """Write `timeline` as the recipe says to `target`, which appears whole or not at all, and return it.

        `cache` is a directory where rendered pieces are kept by the digest of all that they consume.
        """
        if not timeline.scenes:
            raise EngineError("There is nothing to render: the timeline has no scenes.", permanent=True)
        self.load()
        return self._render(timeline, target, cache=cache, progress=progress, recipe=recipe)

    @abstractmethod
    def _render(
        self, timeline: Timeline, target: Path, *, cache: Path, progress: Progress, recipe: Recipe
    ) -> Path: ...


def _require_language(engine: Engine, language: str) -> None:
    if not engine.speaks(language):
        raise EngineError(
            f"{engine.title} can't work in {language!r}.",
            next_step=f"Choose another {engine.role} for this language on the engines page.",
            permanent=True,
        )
