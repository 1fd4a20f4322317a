"""A writer behind any endpoint that speaks OpenAI's Chat Completions: GPT, vLLM, Ollama, llama.cpp."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from generation.engines.base import Article, Script, ScriptScene, Wish, Writer
from generation.extraction.captions import ON_SCREEN, fit
from generation.sentences import sentences
from media_processing.engine import EngineError, Progress

if TYPE_CHECKING:
    from openai import OpenAI, OpenAIError
    from openai.types.chat import ChatCompletion

_WORDS_A_SECOND = 2.5
_PROMPTS = Path(__file__).resolve().parents[2] / "templates" / "prompts"


class _SceneAnswer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    narration: str = Field(min_length=1)
    on_screen: str
    visual: str = Field(min_length=1)
    alt: str
    sources: list[int]


class _ScriptAnswer(BaseModel):
    """What the model must answer; its JSON schema goes with the request."""

    model_config = ConfigDict(extra="forbid")

    headline: str = Field(min_length=1)
    summary: str
    scenes: list[_SceneAnswer] = Field(min_length=1, max_length=12)
    hashtags: list[str]


class OpenAIWriter(Writer):
    """Writes and translates scripts with a language model.

    `base_url` names another endpoint than OpenAI's own; most of those take any key. `prompts` is the folder with
    script.txt and repair.txt (string.Template).
    """

    title = "OpenAI-compatible writer"
    leaves_the_machine = True
    translates = True

    def __init__(
        self,
        name: str = "",
        *,
        model: str = "gpt-5-mini",
        api_key: str = "",
        base_url: str = "",
        prompts: Path = _PROMPTS,
        timeout: float = 120.0,
        max_retries: int = 2,
        max_tokens: int = 8_000,
    ) -> None:
        super().__init__(name)
        self._model, self._api_key, self._base_url = model, api_key, base_url
        self._prompts, self._timeout, self._max_retries = Path(prompts), timeout, max_retries
        self._max_tokens = max_tokens
        self._client: OpenAI | None = None

    @property
    def model(self) -> str:
        return self._model

    def problems(self) -> list[EngineError]:
        found = []
        if not self._api_key and not self._base_url:
            found.append(
                EngineError(
                    "The writer has no key for OpenAI.",
                    next_step="Set OPENAI_API_KEY (or OPENAI_BASE_URL for your own server), or choose another writer.",
                    permanent=True,
                )
            )
        if not self._model:
            found.append(EngineError("The writer has no model.", next_step="Set WRITER_MODEL.", permanent=True))
        return found

    def _load(self) -> None:
        for problem in self.problems():
            raise problem
        from openai import OpenAI

        self._client = OpenAI(
            api_key=self._api_key or "none",
            base_url=self._base_url or None,
            timeout=self._timeout,
            max_retries=self._max_retries,
        )

    def _write_script(self, article: Article, wish: Wish, *, progress: Progress) -> Script:
        numbered = sentences(article.text, article.language)
        messages = self._messages(article, numbered, wish)
        usage = {"calls": 0, "prompt_tokens": 0, "completion_tokens": 0}
        answer = self._ask(messages, usage)
        progress(0.8)
        try:
            parsed = _ScriptAnswer.model_validate_json(answer)
        except ValidationError as error:
            messages.append({"role": "assistant", "content": answer})
            messages.append({"role": "user", "content": self._prompt("repair", problems=_problems(error))})
            parsed = self._second_try(messages, usage)
        progress(1.0)
        return _script(parsed, wish.language, len(numbered), self.made_by(**usage))

    def _second_try(self, messages: list[dict[str, str]], usage: dict[str, int]) -> _ScriptAnswer:
        try:
            return _ScriptAnswer.model_validate_json(self._ask(messages, usage))
        except ValidationError as error:
            raise EngineError(
                f"{self._model} answered twice in a form that can't be used ({_problems(error)}).",
                next_step="Try again, or choose another model or writer.",
            ) from error

    def _messages(self, article: Article, numbered: list[str], wish: Wish) -> list[dict[str, str]]:
        # A fence that the article can't know, so that no text in it can close it.
        fence = secrets.token_hex(8)
        lines = "\n".join(f"[{number}] {sentence}" for number, sentence in enumerate(numbered))
        title = f"Title: {article.title}\n" if article.title else ""
        system = self._prompt(
            "script",
            language=wish.language,
            tone=wish.tone,
            audience=f"Audience: {wish.audience}." if wish.audience else "",
            scenes="1 to 4" if len(numbered) < 5 else "4 to 8",
            seconds=wish.seconds,
            words=round(wish.seconds * _WORDS_A_SECOND),
            fence=fence,
        )
        return [
            {"role": "system", "content": system},
            {"role": "user", "content": f"<article-{fence}>\n{title}{lines}\n</article-{fence}>"},
        ]

    def _prompt(self, name: str, **values: Any) -> str:
        try:
            template = (self._prompts / f"{name}.txt").read_text(encoding="utf-8")
        except FileNotFoundError:
            raise EngineError(
                f"The prompt {name}.txt is missing.", next_step=f"Restore it in {self._prompts}.", permanent=True
            ) from None
        return Template(template).substitute(values)

    def _ask(self, messages: list[dict[str, str]], usage: dict[str, int]) -> str:
        """The text of one answer; what it used is added to `usage`. Raises EngineError."""
        from openai import OpenAIError

        if self._client is None:
            raise RuntimeError("OpenAIWriter is asked before it is loaded.")
        schema = {"name": "script", "strict": True, "schema": _strict(_ScriptAnswer.model_json_schema())}
        request: dict[str, Any] = {
            "model": self._model,
            "messages": messages,
            "response_format": {"type": "json_schema", "json_schema": schema},
            "max_completion_tokens": self._max_tokens,
        }
        try:
            completion: ChatCompletion = self._client.chat.completions.create(**request)
        except OpenAIError as error:
            raise self._explained(error) from error
        usage["calls"] += 1
        if completion.usage is not None:
            usage["prompt_tokens"] += completion.usage.prompt_tokens
            usage["completion_tokens"] += completion.usage.completion_tokens
        if not completion.choices:
            raise EngineError(f"{self._model} gave no answer.", next_step="Try again.")
        choice = completion.choices[0]
        if choice.message.refusal:
            raise EngineError(
                f"{self._model} refused to write this.", next_step="Choose another writer.", permanent=True
            )
        if choice.finish_reason == "length":
            raise EngineError(f"{self._model} broke off in the middle.", next_step="Ask for a shorter script.")
        return choice.message.content or ""

    def _explained(self, error: OpenAIError) -> EngineError:
        """What went wrong, in words for the person who asked."""
        import openai

        where = self._base_url or "OpenAI"
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            return EngineError(f"{where} refused the key.", next_step="Check OPENAI_API_KEY.", permanent=True)
        if isinstance(error, openai.NotFoundError):
            return EngineError(
                f"{where} has no model {self._model!r}.", next_step="Check WRITER_MODEL.", permanent=True
            )
        if isinstance(error, openai.RateLimitError):
            return EngineError(f"{where} takes no more requests just now.", next_step="Try again in a minute.")
        if isinstance(error, openai.APITimeoutError):
            return EngineError(f"{where} took longer than {self._timeout:.0f} seconds.", next_step="Try again.")
        if isinstance(error, openai.APIConnectionError):
            return EngineError(f"{where} can't be reached.", next_step="Check the network and OPENAI_BASE_URL.")
        if isinstance(error, openai.APIStatusError) and error.status_code < 500:
            return EngineError(
                f"{where} didn't accept the request ({error.status_code}).",
                next_step="Check WRITER_MODEL.",
                permanent=True,
            )
        return EngineError(f"{where} failed.", next_step="Try again, or choose another writer.")


def _script(answer: _ScriptAnswer, language: str, count: int, made_by: Mapping[str, Any]) -> Script:
    """The answer as a script: lines fit their room, and sources exist."""
    scenes = tuple(
        ScriptScene(
            narration=" ".join(scene.narration.split()),
            on_screen=fit(scene.on_screen or scene.narration, ON_SCREEN, language),
            visual=" ".join(scene.visual.split()),
            alt=scene.alt.strip() or scene.visual.strip(),
            sources=tuple(sorted({number for number in scene.sources if 0 <= number < count})),
        )
        for scene in answer.scenes
    )
    tags = tuple("#" + tag.strip().lstrip("#").replace(" ", "") for tag in answer.hashtags if tag.strip("# "))
    return Script(
        headline=fit(answer.headline, 120, language),
        summary=answer.summary.strip(),
        scenes=scenes,
        hashtags=tags[:6],
        language=language,
        made_by=made_by,
    )


def _problems(error: ValidationError) -> str:
    """The first few faults, without the model's own text in them."""
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'answer'}: {fault['msg']}"
        for fault in error.errors(include_input=False)[:5]
    )


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without limits of length, which strict endpoints reject; pydantic checks them afterwards."""
    limits = {"minLength", "maxLength", "minItems", "maxItems", "title"}

    def clean(node: Any, *, names: bool = False) -> Any:
        if isinstance(node, dict):
            return {
                key: clean(value, names=key in {"properties", "$defs"})
                for key, value in node.items()
                if names or key not in limits
            }
        return [clean(item) for item in node] if isinstance(node, list) else node

    cleaned: dict[str, Any] = clean(schema)
    return cleaned
