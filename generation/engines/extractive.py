"""The starter writer: makes a script out of the article's own sentences. No model, no key, no network."""

from __future__ import annotations

from collections.abc import Sequence

from generation.engines.writing import Article, Line, Script, ScriptScene, Watch, Wish, Writer
from generation.extraction.captions import ON_SCREEN, fit, hashtags, headline, on_screen, short_lines
from generation.extraction.names import full_names, introduce
from generation.extraction.ranking import Floats
from generation.extraction.selection import FEWEST_SCENES, Unit, group, select, split_long, units_of
from generation.extraction.shortening import compress, spoken_seconds
from generation.extraction.visuals import background_words, visual_words
from media_processing.engine import EngineError

_SUMMARY_SECONDS = 18.0  # about 45 words
_NAMED_WITHIN = 300  # sentences: people who matter are named early
_SPLIT_FROM = 5.5  # seconds: a sentence shorter than this stays in one piece


class ExtractiveWriter(Writer):
    """Chooses, shortens and orders sentences; every scene names the sentences it rests on.

    It writes in the article's own language only, and never says what the article doesn't. So it can leave words out of
    a line and offer headlines, captions and hashtags of the article's own words, and leaves to a language model what
    takes new ones.
    """

    title = "Extractive writer"
    leaves_the_machine = False
    starter = True
    verbs = frozenset({"script", "shorter", "headlines", "captions", "hashtags"})

    @property
    def model(self) -> str:
        return "textrank-mmr-1"

    def _write_script(self, article: Article, wish: Wish, watch: Watch) -> Script:
        language = article.language
        units = units_of(article.text, language)
        chosen, points = select(units, title=article.title, language=language, seconds=float(wish.seconds))
        watch.progress(0.5)
        scenes = self._scenes(chosen, units, language)
        said = [unit for unit in units if not unit.heading] or units
        head = headline(article.title, _headline_source(said, points), language)
        watch.progress(1.0)
        return Script(
            headline=head,
            summary=_summary(said, points, language),
            scenes=scenes,
            hashtags=hashtags([unit.text for unit in said], article.title, language),
            language=article.language,
        )

    def _rewrite(self, line: Line, how: str, article: Article, language: str, words: str, watch: Watch) -> str:
        shorter = compress(line.narration, language)
        if not shorter:
            raise EngineError(
                f"{self.title} finds nothing in this line that can go without changing what it says.",
                next_step="Cut it yourself, or connect a writer: set OPENAI_API_KEY or OPENAI_BASE_URL.",
                permanent=True,
            )
        return _closed(shorter, language)

    def _headlines(
        self, article: Article, lines: Sequence[Line], language: str, most: int, watch: Watch
    ) -> Sequence[str]:
        """The article's title, then what its most telling sentences come to in a headline's length."""
        units = units_of(article.text, article.language)
        _chosen, points = select(units, title=article.title, language=article.language, seconds=40.0)
        said = [unit for unit in units if not unit.heading and not unit.leans and unit.number < len(points)] or units
        telling = sorted(said, key=lambda unit: -points[unit.number])[: 2 * most]
        heads = [headline("", unit.spoken, article.language) for unit in telling]
        lines_ = [line for unit in telling[:3] for line in short_lines(unit.spoken, article.language, 90)]
        whole = [text for text in (*heads, *lines_) if len(text) >= 20 and not text.endswith("…")]
        return [headline(article.title, "", article.language), *whole] if article.title else whole or heads

    def _captions(self, line: Line, article: Article, language: str, most: int, watch: Watch) -> Sequence[str]:
        return short_lines(line.narration, language, ON_SCREEN) or [fit(line.narration, ON_SCREEN, language)]

    def _hashtags(self, article: Article, language: str, watch: Watch) -> Sequence[str]:
        units = [unit.text for unit in units_of(article.text, article.language) if not unit.heading]
        return hashtags(units or [article.text], article.title, article.language)

    def _scenes(self, chosen: Sequence[Unit], units: Sequence[Unit], language: str) -> tuple[ScriptScene, ...]:
        parts = _paced(
            [(" ".join(u.spoken for u in scene), [u.number for u in scene]) for scene in group(chosen, language)],
            language,
        )
        names = (
            full_names([unit.text for unit in units[:_NAMED_WITHIN]])
            if language.startswith(("en", "es", "fr", "it", "pt"))
            else {}
        )
        told = introduce([narration for narration, _sources in parts], names)
        background = background_words([unit.text for unit in units], language)
        scenes: list[ScriptScene] = []
        for (narration, more), (_short, sources) in zip(told, parts, strict=True):
            line = on_screen(narration, language, [scene.on_screen for scene in scenes]) or narration[:ON_SCREEN]
            visual = visual_words(narration, language=language, background=background) or line
            scenes.append(
                ScriptScene(
                    narration=_closed(narration, language),
                    on_screen=line,
                    visual=visual,
                    alt=_alt(visual, language),
                    sources=tuple(sorted({*sources, *more})),
                )
            )
        return tuple(scenes)


def _paced(parts: list[tuple[str, list[int]]], language: str) -> list[tuple[str, list[int]]]:
    """Split the longest sentences in two while there are fewer scenes than a video wants."""
    parts = list(parts)
    for at in sorted(range(len(parts)), key=lambda i: -spoken_seconds(parts[i][0], language)):
        if len(parts) >= FEWEST_SCENES:
            break
        narration, sources = parts[at]
        pieces = split_long(narration, language) if spoken_seconds(narration, language) >= _SPLIT_FROM else [narration]
        if len(pieces) > 1:
            parts = parts[:at] + [(piece, sources) for piece in pieces] + parts[at + 1 :]
            return _paced(parts, language)
    return parts


def _headline_source(said: Sequence[Unit], points: Floats) -> str:
    """The best sentence to head the story with: early, and short enough to need little cutting."""
    early = [unit for unit in said[:4] if unit.number < len(points)]
    return max(early, key=lambda unit: points[unit.number] - unit.seconds / 20 - 0.2 * early.index(unit)).spoken


def _summary(said: Sequence[Unit], points: Floats, language: str) -> str:
    """One or two sentences: the opening and the most telling other one that stands alone."""
    first = said[0]
    others = [
        u for u in said[1:] if u.number < len(points) and not u.leans and first.seconds + u.seconds <= _SUMMARY_SECONDS
    ]
    second = max(others, key=lambda unit: points[unit.number], default=None)
    joined = " ".join(_closed(unit.spoken, language) for unit in (first, second) if unit)
    return joined if len(joined) <= 400 else fit(joined, 400, language)


def _closed(narration: str, language: str) -> str:
    """With a full stop, so that a voice lets its tone fall."""
    if narration.rstrip("\"'”’»」)")[-1:] in ".!?…。！？।॥؟۔":
        return narration
    stop = {"zh": "。", "ja": "。", "hi": "।"}.get(language.split("-")[0], ".")
    return narration.rstrip(" ,;:–—") + stop


def _alt(visual: str, language: str) -> str:
    """A description of what the picture is meant to show, until the chosen picture brings its own."""
    if language.startswith("en"):
        return f"Picture of {visual}"[:120]
    return visual[:120]
