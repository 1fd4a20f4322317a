"""What a voice promises. Long text is spoken sentence by sentence; what was spoken before is taken from a cache."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from generation.engines.metering import Meter, Metered
from generation.speech.joining import Joined, Utterance, join
from generation.speech.normalise import used
from generation.speech.pieces import Piece, pieces
from media_processing.engine import Engine, EngineError, Progress, no_progress
from media_processing.engines.base import Word
from media_processing.sound import write_wav


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


@dataclass(frozen=True)
class Speaker:
    """One of a voice's speakers, as people choose it."""

    id: str
    """What `speak` takes as its `voice`."""
    title: str
    language: str
    """Code of the language that it is for ("en-gb"); "" for any that the engine speaks."""


@dataclass(frozen=True)
class Likeness:
    """A person's voice that is imitated, and the consent to it. Only creator.services.voices makes one."""

    sample: Path
    """A recording of the person."""
    digest: str
    """Of the recording."""
    consent: int
    """Number of the stored consent."""
    person: str


@dataclass(frozen=True)
class Saying:
    """How one sentence is to be said."""

    language: str
    voice: str
    """Id of a speaker; "" where the engine has one."""
    rate: float
    pronunciations: Mapping[str, str]
    likeness: Likeness | None = None


class Kept(Protocol):
    """Where spoken sentences are kept, by a key made of all that they depend on."""

    def get(self, key: Sequence[object], group: str) -> Utterance | None: ...

    def put(self, key: Sequence[object], group: str, said: Utterance) -> None: ...


class Voice(Metered, Engine, ABC):
    """Speaks text."""

    role = "voice"
    gives_word_times: ClassVar[bool] = False
    max_characters: ClassVar[int] = 20_000
    longest: ClassVar[int] = 1_000
    """Characters that it says in one go: a longer sentence is divided where it pauses."""
    slowest: ClassVar[float] = 0.25
    fastest: ClassVar[float] = 4.0

    def speak(
        self,
        text: str,
        *,
        language: str = "en",
        voice: str = "",
        rate: float = 1.0,
        pronunciations: Mapping[str, str] | None = None,
        likeness: Likeness | None = None,
        kept: Kept | None = None,
        meter: Meter | None = None,
        progress: Progress = no_progress,
    ) -> Speech:
        """Speak `text`, at one loudness. Raises EngineError.

        `voice` is the id of one of its `voices`, `rate` 1.0 the voice's normal speed; `pronunciations` maps a spelling
        to how it is said. With `kept`, only sentences that weren't said so before are spoken.
        """
        self._check(text, language, rate, likeness)
        chosen = self._speaker(language, voice) if likeness is None else ""
        spoken = []
        parts = pieces(text, language, longest=self.longest)
        for number, piece in enumerate(parts):
            saying = Saying(language, chosen, rate, used(pronunciations or {}, piece.text), likeness)
            spoken.append(self._one(piece, saying, kept, meter or Meter()))
            progress(0.95 * (number + 1) / len(parts))
        joined: Joined = join(parts, spoken, rate=rate)
        progress(1.0)
        details: dict[str, Any] = {"language": language, "voice": chosen, "rate": rate}
        if likeness is not None:
            details |= {"cloned": True, "consent": likeness.consent, "speaker": likeness.person}
        return Speech(
            sound=write_wav(None, joined.samples, joined.hertz),
            seconds=round(len(joined.samples) / joined.hertz, 4),
            words=joined.words,
            sentences=joined.sentences,
            made_by=self.made_by(**details),
        )

    def _check(self, text: str, language: str, rate: float, likeness: Likeness | None) -> None:
        if not text.strip():
            raise EngineError("There is nothing to say.", permanent=True)
        if len(text) > self.max_characters:
            raise EngineError(
                f"{self.title} speaks at most {self.max_characters:,} characters at once.", permanent=True
            )
        if not self.slowest <= rate <= self.fastest:
            raise EngineError(
                f"{self.title} speaks at {self.slowest:g} to {self.fastest:g} times its normal speed.", permanent=True
            )
        for problem in self.problems():
            raise problem
        if not self.speaks(language):
            raise EngineError(
                f"{self.title} has no voice for {language!r}.",
                next_step="Choose another voice on the engines page.",
                permanent=True,
            )
        if likeness is not None and not self.can_clone:
            raise EngineError(
                f"{self.title} can't speak in the voice of {likeness.person}: it imitates nobody.",
                next_step="Choose one of its own voices in the studio, or an engine that clones voices.",
                permanent=True,
            )

    def _one(self, piece: Piece, saying: Saying, kept: Kept | None, meter: Meter) -> Utterance:
        """One sentence, spoken or remembered."""
        likeness = saying.likeness
        key = (
            *self.identity(), saying.language, saying.voice, saying.rate, piece.text,
            sorted(saying.pronunciations.items()), likeness.digest if likeness else "",
        )  # fmt: skip
        group = cloned_group(likeness.consent) if likeness else "own"
        found = kept.get(key, group) if kept else None
        if found is not None:
            return found
        self.load()
        said = self._say(piece.text, saying, meter)
        if not len(said.samples):
            raise EngineError(f"{self.title} said nothing.", next_step="Change the words or choose another voice.")
        if kept:
            kept.put(key, group, said)
        return said

    @abstractmethod
    def _say(self, text: str, saying: Saying, meter: Meter) -> Utterance:
        """Speak one sentence, with little silence around it."""

    def voices(self, language: str) -> Sequence[Speaker]:
        """Its speakers for a language, the default first; none where there is nothing to choose."""
        return ()

    @property
    def can_clone(self) -> bool:
        """Whether it can speak in the voice of a recording."""
        return False

    def identity(self) -> tuple[object, ...]:
        """What tells this engine's sound from another's."""
        return (self.name, self.provider, self.model)

    def _speaker(self, language: str, voice: str) -> str:
        """The id of the speaker that was asked for, or of the default one. Raises EngineError for an unknown one."""
        known = [speaker.id for speaker in self.voices(language)]
        if voice and voice not in known:
            raise EngineError(
                f"{self.title} has no voice {voice!r} for {language!r}.",
                next_step="Choose one of its voices in the studio.",
                permanent=True,
            )
        return voice or (known[0] if known else "")


def cloned_group(consent: int) -> str:
    """Where the cache keeps what was spoken in a cloned voice, so that it goes when the consent is withdrawn."""
    return f"cloned-{consent}"
