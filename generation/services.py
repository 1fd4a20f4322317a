"""Making words, pictures and voices with the engine of choice: what the application calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from django.conf import settings

from generation import prices
from generation.engines.base import (
    Article,
    Likeness,
    Painter,
    Script,
    Speaker,
    Speech,
    Voice,
    Watch,
    Wish,
    Writer,
)
from generation.engines.metering import Meter
from generation.engines.speaking import cloned_group
from generation.languages import language_name
from generation.prices import Estimate
from generation.speech.keeping import SpokenSentences
from media_processing.engine import EngineError, Progress, engines, no_progress


def write(article: Article, wish: Wish, *, engine: str | None = None, watch: Watch | None = None) -> Script:
    """Turn an article into a script, with the named writer or the default one. Raises EngineError."""
    return writer(engine).write_script(article, wish, watch=watch)


def write_drafts(
    article: Article, wish: Wish, tones: Sequence[str], *, engine: str | None = None, watch: Watch | None = None
) -> tuple[Script, ...]:
    """A script in each of several tones. Raises EngineError."""
    return writer(engine).write_drafts(article, wish, tones, watch=watch)


def writer(engine: str | None = None) -> Writer:
    """The named writer or the default one, for its other verbs."""
    named: Writer = engines["writer", engine] if engine else engines["writer"]
    return named


def estimate(role: str, verb: str, characters: int, *, engine: str | None = None, count: int = 1) -> Estimate:
    """What a call of an engine will cost, for so many characters of source; or `count` of them (variants)."""
    asked = engines[role, engine] if engine else engines[role]
    return prices.estimate(role, asked.provider, asked.model, asked.forecast(verb, characters).times(count))


def painter(engine: str | None = None) -> Painter:
    """The named painter or the default one: what it can, and its verbs (draw, variants, redraw, fill, animate)."""
    named: Painter = engines["painter", engine] if engine else engines["painter"]
    return named


def speak(
    text: str,
    *,
    language: str = "en",
    voice: str = "",
    rate: float = 1.0,
    pronunciations: Mapping[str, str] | None = None,
    engine: str | None = None,
    likeness: Likeness | None = None,
    meter: Meter | None = None,
    progress: Progress = no_progress,
) -> Speech:
    """Speak `text` as a mono 16-bit WAV at one loudness, with the time of each word. Raises EngineError.

    Sentences that were spoken so before are taken from the cache: an edit speaks (and pays) what is new.
    """
    return _voice(engine).speak(
        text, language=language, voice=voice, rate=rate, pronunciations=pronunciations, likeness=likeness,
        kept=spoken_sentences(), meter=meter, progress=progress,
    )  # fmt: skip


def spoken_sentences() -> SpokenSentences:
    """The cache of what was spoken."""
    return SpokenSentences(Path(settings.CACHE_ROOT) / "speech")


def forget_cloned(consent: int) -> None:
    """Remove from the cache what was spoken in a cloned voice."""
    spoken_sentences().forget(cloned_group(consent))


def languages_of(role: str, engine: str | None = None) -> frozenset[str] | None:
    """Language codes that an engine of a role can work in; None where it takes any."""
    found: frozenset[str] | None = (engines[role, engine] if engine else engines[role]).languages
    return found


def voices_of(language: str, *, engine: str | None = None) -> tuple[Speaker, ...]:
    """The voices for a language, the default first."""
    return tuple(_voice(engine).voices(language))


def refusal(wish_language: str, article_language: str, *, engine: str | None = None) -> EngineError | None:
    """Why a script in `wish_language` can't be written from an article in `article_language`; None where it can.

    Asked before any work starts. It names the writers of this site that can do it.
    """
    asked = writer(engine)
    if _can(asked, wish_language, article_language):
        return None
    able = [
        other.title for other in engines.all("writer")
        if other is not asked and _can(other, wish_language, article_language) and not other.problems()
    ]  # fmt: skip
    others = f"Choose {' or '.join(able)}" if able else "Set up a writer that translates (OPENAI_API_KEY)"
    wanted, own = language_name(wish_language), language_name(article_language)
    return EngineError(
        f"{asked.title} can't write in {wanted} from an article in {own}.",
        next_step=f"{others}, or ask for {own}.",
        permanent=True,
    )


def _can(writer: Writer, wish_language: str, article_language: str) -> bool:
    same = wish_language.split("-")[0].lower() == article_language.split("-")[0].lower()
    return writer.speaks(wish_language) and (same or writer.translates)


def _voice(name: str | None) -> Voice:
    engine: Voice = engines["voice", name] if name else engines["voice"]
    return engine
