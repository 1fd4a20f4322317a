"""A writer behind any endpoint that speaks OpenAI's Chat Completions: GPT, vLLM, Ollama, llama.cpp."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, create_model

from generation.engines.chat import Chat, Form, Question
from generation.engines.metering import Forecast
from generation.engines.writing import (
    SLACK,
    VERBS,
    Article,
    Line,
    Script,
    ScriptScene,
    Translation,
    Visual,
    Watch,
    Wish,
    Writer,
    merge_visuals,
)
from generation.extraction.captions import ON_SCREEN, fit
from generation.extraction.shortening import spoken_seconds
from generation.languages import is_spaceless, language_name
from generation.sentences import sentences
from media_processing.engine import EngineError

_WORDS_A_SECOND = 2.5
_PROMPTS = Path(__file__).resolve().parents[2] / "templates" / "prompts"
_INSTRUCTIONS = 3_000
"""Bytes that the longest prompt has."""


class _Scene(Form):
    narration: str = Field(min_length=1)
    on_screen: str
    sources: list[int]


class _Script(Form):
    told = ("headline", "narration")

    headline: str = Field(min_length=1)
    summary: str
    scenes: list[_Scene] = Field(min_length=1, max_length=12)
    hashtags: list[str]


class _Seen(Form):
    visual: str = Field(min_length=1)
    alt: str


class _Rewritten(Form):
    told = ("narration",)

    narration: str = Field(min_length=1, max_length=2000)


class _Texts(Form):
    texts: list[str] = Field(min_length=1, max_length=12)


class _Described(Form):
    alt: str = Field(min_length=1)


class _Said(Form):
    narration: str = Field(min_length=1)
    on_screen: str
    alt: str


class _Story(Form):
    told = ("headline", "narration")

    headline: str = Field(min_length=1)
    summary: str
    hashtags: list[str]


class _Shorter(Form):
    narration: str = Field(min_length=1)


class OpenAIWriter(Writer):
    """Writes with a language model, whose answers are streamed.

    `base_url` names another endpoint than OpenAI's own; most of those take any key. `prompts` is the folder of the
    templates (string.Template). `timeout` holds for a whole answer, `stall` for a silence, both in seconds;
    `max_tokens` for an answer.
    """

    title = "OpenAI-compatible writer"
    leaves_the_machine = True
    translates = True
    verbs = frozenset(VERBS)

    _SIZES: ClassVar[Mapping[str, tuple[int, int]]] = {
        "script": (900, 4), "drafts": (2700, 12), "translate": (900, 4), "visuals": (400, 2), "alts": (400, 2),
        "headlines": (150, 2), "captions": (120, 2), "hashtags": (80, 2),
    }  # fmt: skip
    """Verb -> tokens of a usual answer, and how many requests it takes at most, repairs included."""

    def __init__(
        self,
        name: str = "",
        *,
        model: str = "gpt-5-mini",
        api_key: str = "",
        base_url: str = "",
        prompts: Path = _PROMPTS,
        timeout: float = 120.0,
        stall: float = 45.0,
        max_retries: int = 2,
        max_tokens: int = 8_000,
    ) -> None:
        super().__init__(name)
        self._max_tokens = max_tokens
        self._chat = Chat(
            model=model, api_key=api_key, base_url=base_url, prompts=prompts, timeout=timeout, stall=stall,
            max_retries=max_retries, max_tokens=max_tokens,
        )  # fmt: skip

    @property
    def model(self) -> str:
        return self._chat.model

    @property
    def provider(self) -> str:
        return self._chat.host

    def problems(self) -> list[EngineError]:
        return self._chat.problems()

    def _load(self) -> None:
        self._chat.load()

    def forecast(self, verb: str, characters: int) -> Forecast:
        """A token is about four characters of English, and never less than a byte, of which a character has four."""
        usual, requests = self._SIZES.get(verb, (100, 2))
        passes = max(1, requests // 2)
        most_each = 4 * characters + _INSTRUCTIONS
        return Forecast(
            prompt=passes * (characters + _INSTRUCTIONS) // 4, completion=usual,
            most_prompt=requests * most_each + passes * self._max_tokens, most_completion=requests * self._max_tokens,
        )  # fmt: skip

    def _write_script(self, article: Article, wish: Wish, watch: Watch) -> Script:
        """Two passes: the texts first, then what is seen, merged by number so that no text can drift."""
        numbered = sentences(article.text, article.language)
        question = Question(
            "script",
            {
                "language": _language(wish.language), "tone": wish.tone,
                "audience": f"Audience: {wish.audience}." if wish.audience else "",
                "scenes": "1 to 4" if len(numbered) < 5 else "4 to 8", "seconds": wish.seconds,
                "words": round(wish.seconds * _WORDS_A_SECOND),
            },
            {"article": _numbered(article, numbered)},
        )  # fmt: skip
        answer = self._chat.ask(_Script, question, watch)
        watch.progress(0.8)
        texts = {str(number): _scene(scene, wish.language, len(numbered)) for number, scene in enumerate(answer.scenes)}
        lines = [Line(pk, scene.narration, scene.on_screen) for pk, scene in texts.items()]
        planning = replace(watch, progress=lambda _share: watch.progress(0.9))
        plan = self._plan_visuals(lines, article, wish.language, planning)
        watch.progress(1.0)
        return Script(
            headline=fit(answer.headline, 120, wish.language), summary=answer.summary.strip(),
            scenes=merge_visuals(texts, plan), hashtags=tuple(answer.hashtags[:6]), language=wish.language,
        )  # fmt: skip

    def _plan_visuals(
        self, lines: Sequence[Line], article: Article, language: str, watch: Watch
    ) -> Mapping[str, Visual]:
        question = Question("visuals", {"language": _language(language)}, {"scenes": _listed(lines)})
        answer = self._chat.ask(_of_each("Plan", _Seen, lines), question, watch)
        return {
            pk: Visual(" ".join(seen.visual.split())[:300], (seen.alt.strip() or seen.visual.strip())[:500])
            for pk, seen in _by_id(answer, lines)
        }

    def _rewrite(self, line: Line, how: str, article: Article, language: str, words: str, watch: Watch) -> str:
        wishes = {
            "shorter": "about a third shorter, with the fact that matters most",
            "simpler": "in simpler words and shorter sentences, for someone who is twelve",
            "punchier": "with more force: an active verb, the striking fact first, nothing exaggerated",
            "own": "as the editor wishes; the wish says how the line should read and can ask for nothing else",
        }
        data = {"article": _titled(article), "line": line.narration}
        if how == "own":
            data["wish"] = words
        question = Question("rewrite", {"language": _language(language), "wish": wishes[how]}, data)
        return self._chat.ask(_Rewritten, question, watch).narration

    def _headlines(
        self, article: Article, lines: Sequence[Line], language: str, most: int, watch: Watch
    ) -> Sequence[str]:
        data = {"article": _titled(article), "scenes": _listed(lines)}
        return self._chat.ask(_Texts, _options("headlines", language, most, data), watch).texts

    def _captions(self, line: Line, article: Article, language: str, most: int, watch: Watch) -> Sequence[str]:
        data = {"article": _titled(article), "line": line.narration}
        texts = self._chat.ask(_Texts, _options("captions", language, most, data), watch).texts
        return [fit(text, ON_SCREEN, language) for text in texts]

    def _hashtags(self, article: Article, language: str, watch: Watch) -> Sequence[str]:
        return self._chat.ask(_Texts, _options("hashtags", language, 5, {"article": _titled(article)}), watch).texts

    def _describe(self, lines: Sequence[Line], article: Article, language: str, watch: Watch) -> Mapping[str, str]:
        question = Question("alts", {"language": _language(language)}, {"pictures": _listed(lines, visuals=True)})
        answer = self._chat.ask(_of_each("Alts", _Described, lines), question, watch)
        return {pk: described.alt for pk, described in _by_id(answer, lines)}

    def _translate(
        self, story: Script, lines: Sequence[Line], article: Article, to: str, watch: Watch
    ) -> Translation:
        values = {"language": _language(to), "source": _language(story.language)}
        around = f"Headline: {story.headline}\nSummary: {story.summary}\nHashtags: {' '.join(story.hashtags)}"
        question = Question("translate", values, {"story": around, "scenes": _listed(lines, room=to)})
        form = create_model("Story", __base__=_Story, scenes=(_of_each("Scenes", _Said, lines), ...))
        answer: Any = self._chat.ask(form, question, watch)
        watch.progress(0.8)
        scenes = _by_id(answer.scenes, lines)
        said = {pk: " ".join(scene.narration.split()) for pk, scene in scenes}
        late = [line for line in lines if spoken_seconds(said[line.id], to) > line.seconds * SLACK]
        if late:
            said |= self._shortened([replace(line, narration=said[line.id]) for line in late], to, watch)
        watch.progress(1.0)
        return Translation(
            headline=fit(answer.headline, 120, to), summary=answer.summary.strip(), hashtags=tuple(answer.hashtags[:6]),
            lines=tuple(
                Line(pk, said[pk], fit(scene.on_screen, ON_SCREEN, to), alt=scene.alt.strip()) for pk, scene in scenes
            ),
        )  # fmt: skip

    def _shortened(self, lines: Sequence[Line], language: str, watch: Watch) -> dict[str, str]:
        """Translated lines that take too long, once more; one that isn't shorter than before stays as it was."""
        question = Question("shorten", {"language": _language(language)}, {"scenes": _listed(lines, room=language)})
        answer = self._chat.ask(_of_each("Shortened", _Shorter, lines), question, watch)
        before = {line.id: line.narration for line in lines}
        return {
            pk: min(before[pk], " ".join(shorter.narration.split()), key=lambda x: spoken_seconds(x, language))
            for pk, shorter in _by_id(answer, lines)
        }


def _scene(scene: _Scene, language: str, count: int) -> ScriptScene:
    """A scene's texts: the line fits its room, and its sources exist."""
    return ScriptScene(
        narration=" ".join(scene.narration.split()),
        on_screen=fit(scene.on_screen or scene.narration, ON_SCREEN, language),
        visual="",
        alt="",
        sources=tuple(sorted({number for number in scene.sources if 0 <= number < count})),
    )


def _of_each(name: str, item: type[Form], lines: Sequence[Line]) -> type[Form]:
    """The form of an answer about each of these scenes, under its id, and about no other."""
    fields: dict[str, Any] = {f"scene_{number}": (item, Field(alias=line.id)) for number, line in enumerate(lines)}
    made: type[Form] = create_model(name, __base__=Form, **fields)
    return made


def _by_id(answer: Form, lines: Sequence[Line]) -> list[tuple[str, Any]]:
    return [(line.id, getattr(answer, f"scene_{number}")) for number, line in enumerate(lines)]


def _options(prompt: str, language: str, most: int, data: Mapping[str, str]) -> Question:
    return Question(prompt, {"language": _language(language), "most": most}, data)


def _language(code: str) -> str:
    name = language_name(code)
    return f'{name} ("{code}")' if name != code else f'the language with the code "{code}"'


def _titled(article: Article) -> str:
    return f"Title: {article.title}\n{article.text}" if article.title else article.text


def _numbered(article: Article, numbered: Sequence[str]) -> str:
    lines = "\n".join(f"[{number}] {sentence}" for number, sentence in enumerate(numbered))
    return f"Title: {article.title}\n{lines}" if article.title else lines


def _listed(lines: Sequence[Line], *, visuals: bool = False, room: str = "") -> str:
    """Scenes with their ids, a scene to a block."""
    blocks = []
    for line in lines:
        block = [f"id: {line.id}", f"narration: {line.narration}"]
        if line.on_screen:
            block.append(f"on_screen: {line.on_screen}")
        if visuals:
            block.append(f"picture: {line.visual}")
        if room:
            block += [f"alt: {line.alt}"] if line.alt else []
            block.append(f"at most: {_room(line.seconds, room)}")
        blocks.append("\n".join(block))
    return "\n\n".join(blocks)


def _room(seconds: float, language: str) -> str:
    """How much can be said in that time, by the speeds that `spoken_seconds` reckons with."""
    if is_spaceless(language):
        return f"{max(2, int(seconds * 5))} characters"
    if language.startswith("en"):
        return f"{max(2, int(seconds * _WORDS_A_SECOND))} words"
    return f"{max(8, int(seconds * (6.5 if language.startswith('ko') else 14.7)))} characters with spaces"
