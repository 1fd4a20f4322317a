"""What a writer promises: scripts, other words for a scene, headlines, captions, alternative texts, translations."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeVar

from generation.addresses import without_addresses
from generation.engines.metering import Meter, Metered
from generation.extraction.shortening import spoken_seconds
from media_processing.engine import Engine, EngineError, Progress, no_progress

T = TypeVar("T")

REWRITES = {"shorter": "Shorter", "simpler": "Simpler", "punchier": "Punchier", "own": "Your words"}
"""Ways to say a scene's line in other words; "own" follows what the editor says."""
VERBS = {
    "script": "write a script", "drafts": "write drafts in several tones", "shorter": "make a line shorter",
    "simpler": "make a line simpler", "punchier": "make a line punchier", "own": "follow an instruction",
    "headlines": "offer headlines", "captions": "offer captions", "alts": "describe pictures",
    "translate": "translate", "hashtags": "choose hashtags", "visuals": "plan what is seen",
}  # fmt: skip
"""What a writer may be able to do, in words."""
MAX_LINE = 2_000
MAX_INSTRUCTION = 500
SLACK = 1.15
"""A translated line may take this much longer than the line that it stands for."""


@dataclass(frozen=True)
class Article:
    """The source of a story: data, never instructions."""

    text: str
    """Plain text, paragraphs divided by an empty line."""
    title: str = ""
    language: str = "en"
    url: str = ""


@dataclass(frozen=True)
class Wish:
    """What the editor asks of the script."""

    seconds: int = 40
    """Length of the spoken script."""
    tone: str = "calm"
    audience: str = ""
    language: str = "en"


@dataclass(frozen=True)
class ScriptScene:
    """One scene of a script."""

    narration: str
    on_screen: str
    """A short line for the picture, 60 characters at most."""
    visual: str
    """What the picture should show, in English words for a search or a painter."""
    alt: str
    sources: tuple[int, ...] = ()
    """Numbers of the article's sentences (from 0) that the narration rests on."""


@dataclass(frozen=True)
class Script:
    """What a writer makes of an article."""

    headline: str
    summary: str
    scenes: tuple[ScriptScene, ...]
    hashtags: tuple[str, ...] = ()
    language: str = "en"
    made_by: Mapping[str, Any] = field(default_factory=dict)
    """Engine and model; a paid engine adds its "calls", "prompt_tokens" and "completion_tokens"."""


@dataclass(frozen=True)
class Line:
    """A scene of a finished story, as a writer is shown it."""

    id: str
    narration: str
    on_screen: str = ""
    visual: str = ""
    alt: str = ""
    seconds: float = 0.0
    """How long it is spoken; 0 where nobody has spoken it."""


@dataclass(frozen=True)
class Options:
    """Texts to choose from, the best first."""

    texts: tuple[str, ...]
    made_by: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Visual:
    """What is seen in a scene: nothing that is read or heard."""

    visual: str
    alt: str


@dataclass(frozen=True)
class Translation:
    """A story in another language, scene by scene."""

    headline: str
    summary: str
    hashtags: tuple[str, ...]
    lines: tuple[Line, ...]
    """In the order and with the ids of the source; `seconds` is how long each takes to say, about."""
    late: tuple[str, ...] = ()
    """Ids of the lines that take longer to say than the line that they stand for, by more than SLACK."""
    made_by: Mapping[str, Any] = field(default_factory=dict)


Tell = Callable[[str], None]


def _no_words(_text: str) -> None:
    """Stands in where nobody reads along."""


@dataclass(frozen=True)
class Watch:
    """Who watches a writer at work."""

    progress: Progress = no_progress
    meter: Meter = field(default_factory=Meter)
    tell: Tell = _no_words
    """Called with all that is written so far, a few times a second at most."""


class Writer(Metered, Engine, ABC):
    """Writes. Each verb checks what it is given, then asks the engine's own method, then checks what came back."""

    role = "writer"
    max_words: ClassVar[int] = 20_000
    translates: ClassVar[bool] = False
    """Whether it writes in another language than the article's."""
    verbs: ClassVar[frozenset[str]] = frozenset({"script"})
    """Which of VERBS it can do."""

    def can(self, verb: str) -> EngineError | None:
        """Why it can't do a verb; None where it can."""
        if verb in self.verbs:
            return None
        return EngineError(
            f"{self.title} can't {VERBS.get(verb, verb)}.",
            next_step="Connect a writer: set OPENAI_API_KEY or OPENAI_BASE_URL, choose it under Settings > Engines.",
            permanent=True,
        )

    def write_script(self, article: Article, wish: Wish, *, watch: Watch | None = None) -> Script:
        """Turn an article or notes into a script of 1 to 12 scenes (4 to 8 where the text is long enough)."""
        self._check("script", article)
        if not self.speaks(wish.language):
            raise EngineError(
                f"{self.title} can't write in {wish.language!r}.",
                next_step="Choose another writer, or the article's own language.",
                permanent=True,
            )
        if not self.translates and wish.language.split("-")[0] != article.language.split("-")[0]:
            raise EngineError(
                f"{self.title} can't translate: the article is in {article.language!r}.",
                next_step="Choose the article's own language, or a writer that translates.",
                permanent=True,
            )
        with self._at_work(watch) as watch:
            script = self._write_script(article, wish, watch)
            cleaner = _Cleaner(article)
            scenes = [
                replace(
                    scene, narration=cleaner(scene.narration), on_screen=cleaner(scene.on_screen),
                    visual=cleaner(scene.visual), alt=cleaner(scene.alt),
                )
                for scene in script.scenes
            ]  # fmt: skip
            made_by = self._made_by(watch, removed=cleaner.removed)
            script = replace(
                script, headline=cleaner(script.headline), summary=cleaner(script.summary), made_by=made_by,
                scenes=tuple(scene for scene in scenes if scene.narration), hashtags=_tags(script.hashtags),
            )  # fmt: skip
            if not script.scenes or not script.headline:
                raise self._nothing_left()
        return script

    def write_drafts(
        self, article: Article, wish: Wish, tones: Sequence[str], *, watch: Watch | None = None
    ) -> tuple[Script, ...]:
        """A script in each of 2 to 4 tones."""
        self._check("drafts", article)
        if not 2 <= len(set(tones)) <= 4:
            raise EngineError("Choose two to four tones.", permanent=True)
        watch = watch or Watch()
        drafts = []
        for number, tone in enumerate(dict.fromkeys(tones)):
            part = replace(watch, progress=lambda share, at=number: watch.progress((at + share) / len(tones)))  # type: ignore[misc]
            drafts.append(self.write_script(article, replace(wish, tone=tone), watch=part))
        return tuple(drafts)

    def rewrite(
        self, line: Line, how: str, *, article: Article, language: str, words: str = "", watch: Watch | None = None
    ) -> Options:
        """One scene's narration in other words: `how` is one of REWRITES, `words` what the editor asks with "own"."""
        if how not in REWRITES:
            raise ValueError(f"{how!r} is no way to rewrite")
        self._check(how, article)
        _text_of(line.narration, "narration", MAX_LINE)
        if how == "own":
            words = _text_of(words, "instruction", MAX_INSTRUCTION)
        with self._at_work(watch) as watch:
            text = self._rewrite(line, how, article, language, words, watch)
            return self._options([text], article, watch, most=1, longest=MAX_LINE)

    def headlines(
        self, article: Article, lines: Sequence[Line], *, language: str, most: int = 5, watch: Watch | None = None
    ) -> Options:
        """Headlines for a story, each of at most 120 characters."""
        self._check("headlines", article)
        with self._at_work(watch) as watch:
            texts = self._headlines(article, lines, language, most, watch)
            return self._options(texts, article, watch, most=most, longest=120)

    def captions(
        self, line: Line, *, article: Article, language: str, most: int = 4, watch: Watch | None = None
    ) -> Options:
        """Short lines for a scene's picture, each of at most 60 characters."""
        self._check("captions", article)
        _text_of(line.narration, "narration", MAX_LINE)
        with self._at_work(watch) as watch:
            texts = self._captions(line, article, language, most, watch)
            return self._options(texts, article, watch, most=most, longest=60)

    def hashtags(self, article: Article, *, language: str, watch: Watch | None = None) -> Options:
        """Three to six hashtags for a story."""
        self._check("hashtags", article)
        with self._at_work(watch) as watch:
            tags = _tags(self._hashtags(article, language, watch))
            if not tags:
                raise self._nothing_left()
            return Options(tags[:6], self._made_by(watch))

    def describe(
        self, lines: Sequence[Line], *, article: Article, language: str, watch: Watch | None = None
    ) -> Mapping[str, str]:
        """Alternative texts for the pictures of scenes, by id. `visual` of a line says what its picture shows."""
        self._check("alts", article)
        with self._at_work(watch) as watch:
            told = self._describe(lines, article, language, watch)
            cleaner = _Cleaner(article)
            return {pk: cleaner(text)[:500] for pk, text in _by_id(lines, told).items()}

    def plan_visuals(
        self, lines: Sequence[Line], *, article: Article, language: str, watch: Watch | None = None
    ) -> Mapping[str, Visual]:
        """What each scene shows, by id. The lines themselves aren't part of the answer, so that they can't drift."""
        self._check("visuals", article)
        with self._at_work(watch) as watch:
            return _by_id(lines, self._plan_visuals(lines, article, language, watch))

    def translate(
        self, story: Script, lines: Sequence[Line], *, article: Article, to: str, watch: Watch | None = None
    ) -> Translation:
        """A finished story in another language, scene by scene; each line has the time of the line it stands for.

        `story` gives headline, summary, hashtags and language, `lines` the scenes with their seconds.
        """
        self._check("translate", article)
        if not self.speaks(to):
            raise EngineError(
                f"{self.title} can't write in {to!r}.", next_step="Choose another writer.", permanent=True
            )
        if not lines:
            raise EngineError("The story has no scenes yet.", next_step="Wait until it is made.", permanent=True)
        timed = [replace(x, seconds=x.seconds or spoken_seconds(x.narration, story.language)) for x in lines]
        with self._at_work(watch) as watch:
            told = self._translate(story, timed, article, to, watch)
            cleaner = _Cleaner(article)
            by_id = _by_id(lines, {line.id: line for line in told.lines})
            done, late = [], []
            for line in timed:
                new = by_id[line.id]
                texts = {part: cleaner(getattr(new, part)) for part in ("narration", "on_screen", "alt")}
                if not texts["narration"]:
                    raise self._nothing_left()
                seconds = spoken_seconds(texts["narration"], to)
                late += [line.id] if seconds > line.seconds * SLACK else []
                done.append(replace(line, **texts, seconds=seconds))
            return Translation(
                cleaner(told.headline), cleaner(told.summary), _tags(told.hashtags), tuple(done), tuple(late),
                self._made_by(watch, removed=cleaner.removed),
            )  # fmt: skip

    # What an engine writes; those that it can't do stay as they are ---------------------------------------------------

    @abstractmethod
    def _write_script(self, article: Article, wish: Wish, watch: Watch) -> Script: ...

    def _rewrite(self, line: Line, how: str, article: Article, language: str, words: str, watch: Watch) -> str:
        raise NotImplementedError

    def _headlines(
        self, article: Article, lines: Sequence[Line], language: str, most: int, watch: Watch
    ) -> Sequence[str]:
        raise NotImplementedError

    def _captions(self, line: Line, article: Article, language: str, most: int, watch: Watch) -> Sequence[str]:
        raise NotImplementedError

    def _hashtags(self, article: Article, language: str, watch: Watch) -> Sequence[str]:
        raise NotImplementedError

    def _describe(
        self, lines: Sequence[Line], article: Article, language: str, watch: Watch
    ) -> Mapping[str, str]:
        raise NotImplementedError

    def _plan_visuals(
        self, lines: Sequence[Line], article: Article, language: str, watch: Watch
    ) -> Mapping[str, Visual]:
        raise NotImplementedError

    def _translate(
        self, story: Script, lines: Sequence[Line], article: Article, to: str, watch: Watch
    ) -> Translation:
        raise NotImplementedError

    # Checks ----------------------------------------------------------------------------------------------------------

    def _check(self, verb: str, article: Article) -> None:
        refusal = self.can(verb)
        if refusal:
            raise refusal
        if not article.text.strip():
            raise EngineError("The article is empty.", next_step="Paste its text, or give a link.", permanent=True)
        if len(article.text.split()) > self.max_words:
            raise EngineError(
                f"The article is longer than {self.max_words:,} words.", next_step="Paste a part of it.", permanent=True
            )

    @contextmanager
    def _at_work(self, watch: Watch | None) -> Iterator[Watch]:
        """Loaded, and its time counted."""
        watch = watch or Watch()
        self.load()
        began = time.perf_counter()
        try:
            yield watch
        finally:
            watch.meter.seconds += time.perf_counter() - began

    def _options(
        self, texts: Sequence[str], article: Article, watch: Watch, *, most: int, longest: int
    ) -> Options:
        cleaner = _Cleaner(article)
        cleaned = [" ".join(cleaner(text).split()) for text in texts]
        kept = tuple(dict.fromkeys(text for text in cleaned if 0 < len(text) <= longest))[:most]
        if not kept:
            raise self._nothing_left()
        return Options(kept, self._made_by(watch, removed=cleaner.removed))

    def _made_by(self, watch: Watch, *, removed: int = 0) -> dict[str, Any]:
        used = watch.meter.usage() if watch.meter.calls else {}
        return self.made_by(**used, **({"addresses_removed": removed} if removed else {}))

    def _nothing_left(self) -> EngineError:
        return EngineError(
            f"{self.title} wrote nothing that can be used.", next_step="Try again, or write it yourself."
        )


class _Cleaner:
    """Takes addresses out of texts, and counts them."""

    def __init__(self, article: Article) -> None:
        self._source = f"{article.title}\n{article.text}"
        self.removed = 0

    def __call__(self, text: str) -> str:
        kept, removed = without_addresses(text.replace("\x00", ""), self._source)
        self.removed += removed
        return kept


def merge_visuals(scenes: Mapping[str, ScriptScene], plan: Mapping[str, Visual]) -> tuple[ScriptScene, ...]:
    """Scenes with a plan's visuals, merged by id: no text of theirs changes. Raises EngineError for an unknown id."""
    _refuse_unknown(scenes, plan)
    return tuple(
        replace(scene, visual=plan[pk].visual, alt=plan[pk].alt) if pk in plan else scene
        for pk, scene in scenes.items()
    )


def _by_id(lines: Sequence[Line], told: Mapping[str, T]) -> dict[str, T]:
    """What was told of each line, in the lines' order. Raises EngineError for ids too many or too few."""
    ids = [line.id for line in lines]
    _refuse_unknown(ids, told)
    missing = [pk for pk in ids if pk not in told]
    if missing:
        raise EngineError(f"The writer left out {len(missing)} of {len(ids)} scenes.", next_step="Try again.")
    return {pk: told[pk] for pk in ids}


def _refuse_unknown(ids: Collection[str], told: Collection[str]) -> None:
    unknown = [pk for pk in told if pk not in ids]
    if unknown:
        raise EngineError("The writer answered about scenes that aren't there.", next_step="Try again.")


def _text_of(text: str, what: str, longest: int) -> str:
    text = text.strip()
    if not text:
        raise EngineError(f"The {what} is empty.", next_step="Write a few words first.", permanent=True)
    if len(text) > longest:
        raise EngineError(f"The {what} is longer than {longest:,} characters.", permanent=True)
    return text


def _tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Hashtags of letters, digits and combining signs only, each once."""
    bare = ("".join(c for c in tag if c.isalnum() or c == "_" or _joins(c))[:50] for tag in tags)
    return tuple(dict.fromkeys("#" + tag for tag in bare if tag))


def _joins(character: str) -> bool:
    """Whether it belongs to a letter: a vowel sign, an accent, a joiner."""
    return "\u0300" <= character <= "\u036f" or "\u0900" <= character <= "\u0dff" or character in "\u200c\u200d"
