"""What the engines of the floor promise: of sounds, of pictures, of videos."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
from PIL import Image

from media_processing.engine import Engine, EngineError, Progress, no_progress
from media_processing.recipes import H264, Recipe

if TYPE_CHECKING:
    from media_processing.timeline import Timeline

BY_SENTENCE = "Captions go by sentence instead."


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
            raise EngineError(f"{self.title} lost words while aligning.", next_step=BY_SENTENCE)
        return aligned

    @abstractmethod
    def _align(self, sound: Path, words: list[str], *, language: str) -> tuple[Word, ...]: ...


def check_plausible(said: Sequence[Word], seconds: float) -> None:
    """Raise EngineError where words can't have been said like that in so many seconds.

    Forced alignment finds any text in any sound, at the price of words squeezed to nothing.
    """
    squeezed = sum(word.end - word.start < 0.031 for word in said)
    stretched = sum(word.end - word.start > 2.5 for word in said)
    if squeezed + stretched > max(1, 0.2 * len(said)) or (said and seconds / len(said) < 0.08):
        raise EngineError("The sound doesn't say these words.", next_step=BY_SENTENCE)


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


Strokes: TypeAlias = Sequence[Mapping[str, Any]]
"""[{"keep": whether what it touches is in front, "size": pixels, "points": [[x, y], ...]}]."""


class Segmenter(Engine, ABC):
    """Tells what is in front in a picture from what is behind it."""

    role = "segmenter"
    finds_alone: ClassVar[bool] = False
    """Whether it knows what is in front without a box or a stroke."""

    def foreground(
        self, picture: Image.Image, *, box: tuple[float, float, float, float] | None = None, strokes: Strokes = (),
        progress: Progress = no_progress,
    ) -> Image.Image:  # fmt: skip
        """How much each pixel of `picture` belongs to what is in front: mode L, 255 for wholly.

        What is outside of `box` (left, top, right and bottom in pixels) is behind. Raises EngineError where it can't
        know what is in front, or finds nothing there.
        """
        if not (self.finds_alone or box or any(stroke["keep"] for stroke in strokes)):
            raise nothing_said()
        self.load()
        alpha = self._foreground(picture.convert("RGB"), box, strokes, progress)
        if int(np.asarray(alpha).max()) < 128:
            raise EngineError(
                f"{self.title} finds nothing in front.", next_step="Draw a box around it, or brush over it.",
                permanent=True,
            )  # fmt: skip
        progress(1.0)
        return alpha

    @abstractmethod
    def _foreground(
        self, picture: Image.Image, box: tuple[float, float, float, float] | None, strokes: Strokes, progress: Progress
    ) -> Image.Image:
        """The same for an RGB picture."""


def nothing_said() -> EngineError:
    """What a segmenter that needs to be told says when nobody does."""
    return EngineError(
        "Nothing says what is in front.", next_step="Draw a box around it, or brush over a part of it.", permanent=True
    )


class Upscaler(Engine, ABC):
    """Gives a picture more pixels."""

    role = "upscaler"
    invents: ClassVar[bool] = True
    """Whether it draws detail that the picture doesn't have. Forgetting to set it is safe."""

    def upscale(self, picture: Image.Image, factor: float, *, progress: Progress = no_progress) -> Image.Image:
        """An RGB or RGBA picture `factor` times as wide and high, to the pixel; what is transparent stays so."""
        self.load()
        size = round(picture.width * factor), round(picture.height * factor)
        made = self._upscale(picture, size, progress)
        progress(1.0)
        return made

    @abstractmethod
    def _upscale(self, picture: Image.Image, size: tuple[int, int], progress: Progress) -> Image.Image: ...


class Denoiser(Engine, ABC):
    """Takes the grain out of a picture."""

    role = "denoiser"

    def denoise(self, picture: Image.Image, strength: float, *, progress: Progress = no_progress) -> Image.Image:
        """An RGB or RGBA picture with less grain; `strength` goes from 1 to 15, 4 is usual. Transparency stays."""
        self.load()
        made = self._denoise(picture.convert("RGB"), strength, progress)
        if picture.mode == "RGBA":
            made.putalpha(picture.getchannel("A"))
        progress(1.0)
        return made

    @abstractmethod
    def _denoise(self, picture: Image.Image, strength: float, progress: Progress) -> Image.Image:
        """The same for an RGB picture."""


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
    def _render(self, timeline: Timeline, target: Path, *, cache: Path, progress: Progress, recipe: Recipe) -> Path: ...


def _require_language(engine: Engine, language: str) -> None:
    if not engine.speaks(language):
        raise EngineError(
            f"{engine.title} can't work in {language!r}.",
            next_step=f"Choose another {engine.role} for this language on the engines page.",
            permanent=True,
        )
